/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions: who is there; to one of them a person can do something. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "menu/clean.h"
#include "menu/menu.h"
#include "menu/screen.h"
#include "menu/text.h"

struct sessions {
	json_object *list; /* an array */
	char **items;
	size_t n;
};

static const char *text_of_field(json_object *session, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(session, key, &value) ? json_object_get_string(value) : "";
}

static void sessions_finish(struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->n; i++)
		free(sessions->items[i]);
	free(sessions->items);
	json_object_put(sessions->list);
	*sessions = (struct sessions){0};
}

/* JSON can write as \\u001b what no text may have: cleaned is what comes out of it. */
static char *line_of(json_object *session)
{
	char *text = NULL;

	if (asprintf(&text, "%-16s %-10s %-22s %.16s", text_of_field(session, "user"),
		     text_of_field(session, "state"), text_of_field(session, "viewer"),
		     text_of_field(session, "started")) < 0)
		return NULL;
	return clean_steal(text);
}

/* False with the sentence shown; *ret_there: the terminal is. */
static bool ask(struct sessions *sessions, bool *ret_there)
{
	const struct run run = {.words = {"sessions", "--json"}, .n = 2};
	struct run_result result;

	*sessions = (struct sessions){0};
	*ret_there = true;
	if (run_do(&run, &result) < 0)
		return false;
	if (result.status == 0)
		sessions->list = json_tokener_parse(result.out);
	if (!sessions->list || !json_object_is_type(sessions->list, json_type_array)) {
		*ret_there = result_show(_("Sessions"), &result);
		run_result_finish(&result);
		json_object_put(sessions->list);
		return false;
	}
	run_result_finish(&result);
	sessions->n = json_object_array_length(sessions->list);
	sessions->items = calloc(sessions->n + 1, sizeof(*sessions->items));
	for (size_t i = 0; sessions->items && i < sessions->n; i++)
		sessions->items[i] = line_of(json_object_array_get_idx(sessions->list, i));
	return sessions->items != NULL;
}

/* --- one of them ------------------------------------------------------------------------------ */

static char *describe(json_object *session)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	json_object_object_foreach(session, key, value)
	{
		fprintf(out, "%-12s %s\n", key, json_object_get_string(value));
	}
	fclose(out);
	return clean_steal(text);
}

/* By its id, which nobody else can come to have meanwhile. */
static bool do_to(json_object *session, const char *verb, const char *reason)
{
	struct run run = {.words = {verb, text_of_field(session, "id")}, .n = 2};

	if (reason)
		(void)!run_add(&run, reason);
	return run_and_show(verb, &run, NULL);
}

static bool session_page(const struct person *person, json_object *session)
{
	struct screen_field reason = {.label = _("Reason, for the person")};
	const char *const buttons[] = {_("Close the viewer"), _("End the session"), _("Back")};
	bool may = person_may(person, command_row(COMMAND_KICK));
	_cleanup_free_ char *text = describe(session);
	_cleanup_free_ char *user = clean_steal(strdup(text_of_field(session, "user")));
	const struct screen_form form = {
		.title = user,
		.text = text,
		.fields = &reason,
		.n_fields = may ? 1 : 0,
		.buttons = may ? buttons : &buttons[2],
		.n_buttons = may ? 3 : 1,
	};
	int chosen = screen_fill(&form);
	bool there = chosen != SCREEN_GONE;

	if (may && chosen == 0)
		there = do_to(session, "kick", reason.value);
	else if (may && chosen == 1 &&
		 screen_ask(_("End the session"),
			    _("The browser is closed; what is not saved is lost."),
			    _("End the session")))
		there = do_to(session, "end", reason.value);
	free(reason.value);
	return there;
}

bool sessions_page(const struct person *person)
{
	int chosen = 0;
	bool there = true;

	while (there) {
		struct sessions sessions;
		struct screen_list list = {.title = _("Sessions"), .refresh = true};

		if (!ask(&sessions, &there))
			return there;
		list.text = sessions.n > 0 ? _("Enter: look at one.   F5: look again.")
					   : _("There are no sessions.   F5: look again.");
		list.items = (const char *const *)sessions.items;
		list.n = sessions.n;
		chosen = screen_choose(&list, (size_t)MAX(chosen, 0));
		there = chosen != SCREEN_GONE;
		if (chosen >= 0)
			there = session_page(
				person, json_object_array_get_idx(sessions.list, (size_t)chosen));
		sessions_finish(&sessions);
		if (chosen == SCREEN_BACK)
			return true;
	}
	return there;
}
