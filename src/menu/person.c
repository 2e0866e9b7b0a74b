/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/person.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"
#include "menu/run.h"
#include "menu/text.h"

static void copy(json_object *object, const char *key, char *out, size_t size)
{
	json_object *value;

	out[0] = '\0';
	if (json_object_object_get_ex(object, key, &value) &&
	    json_object_is_type(value, json_type_string))
		str_sanitize(out, size, json_object_get_string(value),
			     strlen(json_object_get_string(value)));
}

/* "config, maint" */
static unsigned int parse_roles(const char *text)
{
	unsigned int set = 0;

	while (*text) {
		size_t len = strcspn(text, ", ");

		for (int i = 0; i < ROLE_COUNT; i++) {
			const char *name = role_name((enum role_index)i);

			if (strlen(name) == len && strncmp(name, text, len) == 0)
				set |= 1u << i;
		}
		text += len;
		text += strspn(text, ", ");
	}
	return set;
}

static bool parse(const char *text, struct person *person)
{
	json_object *object = json_tokener_parse(text);

	if (!object)
		return false;
	copy(object, "user", person->name, sizeof(person->name));
	copy(object, "roles", person->roles, sizeof(person->roles));
	copy(object, "from", person->from, sizeof(person->from));
	person->set = parse_roles(person->roles);
	json_object_put(object);
	return true;
}

bool person_ask(struct person *ret_person, char **ret_sentence)
{
	struct run run = {.words = {"roles", "show", "--json"}, .n = 3};
	struct person person = {.root = geteuid() == 0};
	struct run_result result = {0};
	int r = run_do(&run, &result);
	bool ok = r == 0 && result.status == 0 && parse(result.out, &person);

	if (!ok)
		*ret_sentence = strdup(r < 0 ? strerror(-r) : result.err);
	if (r == 0)
		run_result_finish(&result);
	*ret_person = person;
	return ok;
}

bool person_may(const struct person *person, const struct command *command)
{
	return person->root || (command->roles & person->set) != 0;
}
