/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may have a session, and with which rights, as NSS and the configuration say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cell/cell.h"
#include "etc.h"
#include "session/account.h"
#include "session/limits.h"

static const char passwd[] = "root:x:0:0::/root:/bin/sh\n"
			     "toor:x:0:0::/root:/bin/sh\n"
			     "daemon:x:999:999::/:/bin/sh\n"
			     "first:x:1000:1000::/:/bin/sh\n"
			     "primary:x:1001:500::/:/bin/sh\n"
			     "outsider:x:1002:1002::/:/bin/sh\n"
			     "open::1003:500::/:/bin/sh\n"
			     "hollow:x:1004:500::/:/bin/sh\n"
			     "locked:x:1005:500::/:/bin/sh\n"
			     "foreign:x:1006:500::/:/bin/sh\n"
			     "boss:x:1007:600::/:/bin/sh\n"
			     "deputy:x:1008:500::/:/bin/sh\n"
			     "busy:x:1009:500::/:/bin/sh\n";
static const char group[] = "root:x:0:\n"
			    "people:x:500:root,toor,daemon,first,boss\n"
			    "chiefs:x:600:deputy\n"
			    "readers:x:700:first,deputy\n"
			    "writers:x:701:deputy,busy\n"
			    "silent:x:702:busy\n"
			    "mute:x:703:primary\n";
static const char shadow[] = "root:*:1::::::\nfirst:$6$x$y:1::::::\nprimary:$6$x$y:1::::::\n"
			     "outsider:$6$x$y:1::::::\nhollow::1::::::\nlocked:!:1::::::\n"
			     "boss:$6$x$y:1::::::\ndeputy:$6$x$y:1::::::\nbusy:$6$x$y:1::::::\n";

static struct conf *configure(const char *text)
{
	struct conf *conf = conf_create();

	assert_non_null(conf);
	assert_int_equal(conf_read_text(conf, "test", text, stderr), 0);
	return conf;
}

static struct account look_up(const char *name)
{
	struct account account;

	assert_int_equal(account_lookup(name, &account), 0);
	assert_string_equal(account.name, name);
	return account;
}

static int set_up(void **state)
{
	(void)state;
	etc_write("passwd", passwd);
	etc_write("group", group);
	etc_write("shadow", shadow);
	return 0;
}

static void assert_objection(const char *name, const struct conf *conf, const char *expected)
{
	struct account account = look_up(name);
	bool broken = true;
	const char *objection = account_objection(&account, conf, &broken);

	print_message("%s: %s\n", name, objection ? objection : "welcome");
	assert_false(broken);
	if (!expected)
		assert_null(objection);
	else
		assert_string_equal(objection, expected);
	account_finish(&account);
}

static void test_lookup(void **state)
{
	struct account account;

	(void)state;
	assert_int_equal(account_lookup("nobody-here", &account), -ENOENT);
	assert_int_equal(account_lookup("", &account), -ENOENT);
	account = look_up("deputy");
	assert_int_equal(account.uid, 1008);
	assert_int_equal(account.gid, 500);
	/* 500 and the three that name it */
	assert_int_equal(account.n_groups, 4);
	account_finish(&account);
	assert_null(account.name);
}

static void test_too_many_groups(void **state)
{
	size_t size = 64 * (ACCOUNT_GROUPS_MAX + 1);
	_cleanup_free_ char *text = malloc(size);
	struct account account;
	size_t at = 0;

	(void)state;
	for (int i = 0; i < ACCOUNT_GROUPS_MAX; i++)
		at += (size_t)snprintf(text + at, size - at, "g%d:x:%d:first\n", i, 10000 + i);
	etc_write("group", text);
	/* With its own group that is one too many. */
	assert_int_equal(account_lookup("first", &account), -E2BIG);
	text[strlen(text) - strlen("g4095:x:14095:first\n")] = '\0';
	etc_write("group", text);
	assert_int_equal(account_lookup("first", &account), 0);
	assert_int_equal(account.n_groups, ACCOUNT_GROUPS_MAX);
	account_finish(&account);
}

static void test_objections(void **state)
{
	_cleanup_conf_ struct conf *conf = configure(
		"users-group = \"people\"\nadmin-groups = {\"ghosts\", \"chiefs\"}\n");

	(void)state;
	assert_objection("root", conf, "root");
	/* It is the number that counts. */
	assert_objection("toor", conf, "root");
	assert_objection("daemon", conf, "system account");
	assert_objection("first", conf, NULL);
	assert_objection("primary", conf, NULL);
	assert_objection("outsider", conf, "not in the users-group");
	assert_objection("open", conf, "empty password");
	assert_objection("hollow", conf, "empty password");
	/* Not empty: PAM says what of it. */
	assert_objection("locked", conf, NULL);
	assert_objection("foreign", conf, NULL);
	assert_objection("boss", conf, "in one of the admin-groups");
	assert_objection("deputy", conf, "in one of the admin-groups");
}

/* By the group of any role, also where no list of groups says so. */
static void test_roles(void **state)
{
	static const char *const names[] = {"config", "maint", "update",
					    "backup", "audit", "security"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "users-group = \"people\"\nadmin-groups = {}\nrole-%s = \"chiefs\"\n",
			 names[i]);
		{
			_cleanup_conf_ struct conf *conf = configure(text);

			assert_objection("first", conf, NULL);
			assert_objection("boss", conf, "holds an administrative role");
			assert_objection("deputy", conf, "holds an administrative role");
		}
	}
}

static void test_no_users_group(void **state)
{
	_cleanup_conf_ struct conf *conf = configure("users-group = \"ghosts\"\n");
	struct account account = look_up("first");
	bool broken = false;

	(void)state;
	assert_string_equal(account_objection(&account, conf, &broken),
			    "the users-group does not exist");
	assert_true(broken);
	account_finish(&account);
}

static void assert_clipboard(const char *name, const struct conf *conf,
			     enum conf_clipboard expected)
{
	struct account account = look_up(name);

	assert_int_equal(account_clipboard(&account, conf), expected);
	account_finish(&account);
}

static void test_clipboard(void **state)
{
	_cleanup_conf_ struct conf *conf = configure("clipboard = in\n"
						     "group \"readers\" { clipboard = in }\n"
						     "group \"writers\" { clipboard = out }\n"
						     "group \"silent\" { clipboard = off }\n"
						     "group \"people\" { }\n"
						     "group \"ghosts\" { clipboard = both }\n");

	(void)state;
	/* No group speaks of it: the general right. */
	assert_clipboard("outsider", conf, CONF_CLIPBOARD_IN);
	/* Its groups together */
	assert_clipboard("first", conf, CONF_CLIPBOARD_IN);
	assert_clipboard("deputy", conf, CONF_CLIPBOARD_BOTH);
	assert_clipboard("busy", conf, CONF_CLIPBOARD_OUT);
}

/* A group that says "off" takes away what is generally allowed. */
static void test_clipboard_off(void **state)
{
	_cleanup_conf_ struct conf *conf = configure(
		"clipboard = both\ngroup \"mute\" { clipboard = off }\n");

	(void)state;
	assert_clipboard("primary", conf, CONF_CLIPBOARD_OFF);
	assert_clipboard("first", conf, CONF_CLIPBOARD_BOTH);
}

static void test_cell_name(void **state)
{
	static const struct {
		const char *name, *in_cell;
	} cases[] = {
		{"alice", "alice"},
		{"a.b_c-9", "a.b_c-9"},
		{"12345678901234567890123456789012", "12345678901234567890123456789012"},
		{"123456789012345678901234567890123", "u4321"},
		{"-rf", "u4321"},
		{"Alice", "u4321"},
		{"alice@EXAMPLE.ORG", "u4321"},
		{"al/ice", "u4321"},
		{"jürgen", "u4321"},
		{"", "u4321"},
	};
	char out[CELL_USER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *name = strdup(cases[i].name);
		const struct account account = {.uid = 4321, .name = name};

		account_cell_name(&account, out, sizeof(out));
		assert_string_equal(out, cases[i].in_cell);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lookup, set_up),
		cmocka_unit_test_setup(test_too_many_groups, set_up),
		cmocka_unit_test_setup(test_objections, set_up),
		cmocka_unit_test_setup(test_roles, set_up),
		cmocka_unit_test_setup(test_no_users_group, set_up),
		cmocka_unit_test_setup(test_clipboard, set_up),
		cmocka_unit_test_setup(test_clipboard_off, set_up),
		cmocka_unit_test(test_cell_name),
	};

	etc_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
