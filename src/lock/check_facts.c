/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_facts.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

bool check_type_valid(const char *type)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_";
	size_t len = strlen(type), first = strspn(type, plain);

	if (len == 0 || len > CHECK_TYPE_MAX || first == 0)
		return false;
	if (first == len)
		return strspn(type, "abcdefghijklmnopqrstuvwxyz-") == len;
	return type[first] == '/' && strspn(type + first + 1, plain) == len - first - 1 &&
	       len - first > 1;
}

bool check_facts_has(const struct check_facts *facts, const char *type)
{
	for (size_t i = 0; i < facts->n; i++) {
		if (str_eq(facts->facts[i].type, type))
			return true;
	}
	return false;
}

const char *check_facts_type(const struct check_facts *facts)
{
	return facts->n > 0 ? facts->facts[0].type : "";
}

static void set(struct check_fact *fact, const char *type, const char *member, const char *why)
{
	*fact = (struct check_fact){0};
	str_copy(fact->type, sizeof(fact->type), type);
	if (member)
		str_sanitize(fact->member, sizeof(fact->member), member, strlen(member));
	if (why)
		str_copy(fact->why, sizeof(fact->why), why);
}

void check_facts_add(struct check_facts *facts, const char *type, const char *member,
		     const char *why)
{
	if (check_facts_has(facts, type))
		return;
	if (facts->n < CHECK_TYPES_MAX)
		set(&facts->facts[facts->n++], type, member, why);
	else
		set(&facts->facts[CHECK_TYPES_MAX - 1], CHECK_TYPE_TOO_LARGE, member, "types");
}

void check_facts_put(const struct check_facts *facts, struct buf *out)
{
	buf_put_u16(out, (uint16_t)facts->n);
	for (size_t i = 0; i < facts->n; i++) {
		buf_put_str(out, facts->facts[i].type);
		buf_put_str(out, facts->facts[i].member);
		buf_put_str(out, facts->facts[i].why);
	}
}

static int get_one(struct cursor *c, struct check_facts *facts)
{
	_cleanup_free_ char *type = cursor_str(c, CHECK_TYPE_MAX);
	_cleanup_free_ char *member = cursor_str(c, CHECK_MEMBER_MAX);
	_cleanup_free_ char *why = cursor_str(c, CHECK_WHY_MAX);

	if (!why || cursor_failed(c) || !check_type_valid(type) ||
	    strspn(why, "abcdefghijklmnopqrstuvwxyz-") != strlen(why))
		return -EPROTO;
	check_facts_add(facts, type, member, why);
	return 0;
}

int check_facts_get(struct cursor *c, struct check_facts *ret_facts)
{
	struct check_facts facts = {0};
	uint16_t n = cursor_u16(c);
	int r = n >= 1 && n <= CHECK_TYPES_MAX ? 0 : -EPROTO;

	for (uint16_t i = 0; r == 0 && i < n; i++)
		r = get_one(c, &facts);
	if (r == 0 && !cursor_done(c))
		r = -EPROTO;
	if (r == 0)
		*ret_facts = facts;
	return r;
}
