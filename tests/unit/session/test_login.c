/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logins by PAM's own modules: who passes, and what the log and the person are told of the others. */
#include <crypt.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "etc.h"
#include "session/limits.h"
#include "session/login.h"

#define PASSWORD "correct horse"

static struct conf *conf;

static void write_accounts(void)
{
	const char *hash = crypt(PASSWORD, "$6$testtest$");
	long today = time(NULL) / 86400;
	char text[2048];

	assert_non_null(hash);
	etc_write("passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:500::/:/bin/sh\n"
			    "gone:x:1001:500::/:/bin/sh\nstale:x:1002:500::/:/bin/sh\n"
			    "outsider:x:1003:1003::/:/bin/sh\nempty:x:1004:500::/:/bin/sh\n"
			    "locked:x:1005:500::/:/bin/sh\n");
	etc_write("group", "root:x:0:\npeople:x:500:root\n");
	/* gone: the account has expired; stale: the password has */
	snprintf(text, sizeof(text),
		 "root:%s:%ld::::::\nalice:%s:%ld::::::\ngone:%s:%ld:::::%ld:\n"
		 "stale:%s:%ld::10::::\noutsider:%s:%ld::::::\nempty::%ld::::::\n"
		 "locked:!%s:%ld::::::\n",
		 hash, today, hash, today, hash, today, today - 1, hash, today - 100, hash, today,
		 today, hash, today);
	etc_write("shadow", text);
}

static int set_up(void **state)
{
	(void)state;
	write_accounts();
	etc_write("pam.d/test", "auth required pam_unix.so\n"
				"account [acct_expired=die authtok_expired=die "
				"new_authtok_reqd=die default=ignore] pam_unix.so\n"
				"account required pam_unix.so\n"
				"session required pam_permit.so\n");
	etc_write("pam.d/closed", "auth required pam_permit.so\naccount required pam_permit.so\n"
				  "session required pam_deny.so\n");
	etc_write("pam.d/broken", "auth required pam_nonexistent.so\n");
	/* Lets everybody in, as whom they ask for, and asks for nothing. */
	etc_write("pam.d/loose", "auth required pam_permit.so\naccount required pam_permit.so\n");
	etc_write("pam.d/nullok", "auth required pam_unix.so nullok\n"
				  "account required pam_unix.so\n");
	conf = conf_create();
	assert_non_null(conf);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	conf_destroy(conf);
	return 0;
}

static void use_service(const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "users-group = \"people\"\npam-service = \"%s\"\n", name);
	assert_int_equal(conf_read_text(conf, "test", text, stderr), 0);
}

static int check(const char *user, const char *password, struct login **ret_login,
		 enum session_refusal *ret_why, const char **ret_reason)
{
	return login_check(
		conf,
		&(struct login_request){.user = user, .password = password, .address = "192.0.2.1"},
		ret_login, ret_why, ret_reason);
}

static void assert_refused(const char *user, const char *password, enum session_refusal expected)
{
	struct login *login = NULL;
	enum session_refusal why = (enum session_refusal)99;
	const char *reason = NULL;

	assert_int_equal(check(user, password, &login, &why, &reason), -EACCES);
	print_message("%s: %s\n", user, reason);
	assert_null(login);
	assert_int_equal(why, expected);
	assert_non_null(reason);
}

static void test_passes(void **state)
{
	enum session_refusal why;
	struct login *login;
	const char *reason;

	(void)state;
	use_service("test");
	assert_int_equal(check("alice", PASSWORD, &login, &why, &reason), 0);
	assert_int_equal(login_account(login)->uid, 1000);
	assert_string_equal(login_account(login)->name, "alice");
	assert_int_equal(login_open(login, &reason), 0);
	login_close(login);
	login_close(NULL);
}

static void test_credentials(void **state)
{
	(void)state;
	use_service("test");
	assert_refused("alice", "wrong", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("alice", PASSWORD "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("nobody-here", PASSWORD, SESSION_REFUSAL_CREDENTIALS);
	assert_refused("locked", PASSWORD, SESSION_REFUSAL_CREDENTIALS);
	/* An account without a password cannot be entered with any. */
	assert_refused("empty", "", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("empty", "x", SESSION_REFUSAL_CREDENTIALS);
}

static void test_accounts(void **state)
{
	(void)state;
	use_service("test");
	assert_refused("gone", PASSWORD, SESSION_REFUSAL_ACCOUNT);
	assert_refused("stale", PASSWORD, SESSION_REFUSAL_ACCOUNT);
	assert_refused("outsider", PASSWORD, SESSION_REFUSAL_NOT_ALLOWED);
	assert_refused("root", PASSWORD, SESSION_REFUSAL_NOT_ALLOWED);
	/* Nothing of it is told to somebody with the wrong password. */
	assert_refused("gone", "wrong", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("outsider", "wrong", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("root", "wrong", SESSION_REFUSAL_CREDENTIALS);
}

/* However loose the site's modules are: never root, never without a password. */
static void test_loose_modules(void **state)
{
	(void)state;
	use_service("loose");
	assert_refused("root", "x", SESSION_REFUSAL_NOT_ALLOWED);
	assert_refused("outsider", "x", SESSION_REFUSAL_NOT_ALLOWED);
	assert_refused("empty", "x", SESSION_REFUSAL_NOT_ALLOWED);
	assert_refused("nobody-here", "x", SESSION_REFUSAL_ERROR);
	use_service("nullok");
	assert_refused("empty", "", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("empty", "x", SESSION_REFUSAL_CREDENTIALS);
}

/* What no module is shown at all. */
static void test_malformed(void **state)
{
	char name[NAME_TYPED_MAX + 2];

	(void)state;
	use_service("loose");
	memset(name, 'a', sizeof(name));
	name[NAME_TYPED_MAX + 1] = '\0';
	assert_refused("", "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused(name, "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("alice", "", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("al ice", "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("al\nice", "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("../alice", "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("alice:x", "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("alice\x7f", "x", SESSION_REFUSAL_CREDENTIALS);
	assert_refused("al\xffice", "x", SESSION_REFUSAL_CREDENTIALS);
	/* Of the longest that is shown, NSS knows nothing. */
	name[NAME_TYPED_MAX] = '\0';
	assert_refused(name, "x", SESSION_REFUSAL_ERROR);
}

/* What is the system's fault is not blamed on the password. */
static void test_broken(void **state)
{
	enum session_refusal why;
	struct login *login;
	const char *reason;

	(void)state;
	use_service("broken");
	assert_refused("alice", PASSWORD, SESSION_REFUSAL_ERROR);
	use_service("closed");
	assert_int_equal(check("alice", PASSWORD, &login, &why, &reason), 0);
	reason = NULL;
	assert_int_equal(login_open(login, &reason), -EACCES);
	assert_non_null(reason);
	login_close(login);
}

/* A parked cell's process: the password was checked elsewhere, the account is checked again. */
static void test_assume(void **state)
{
	const char *reason = NULL;
	struct login *login;

	(void)state;
	use_service("test");
	assert_int_equal(login_assume(conf, "alice", 1000, &login, &reason), 0);
	assert_int_equal(login_open(login, &reason), 0);
	login_close(login);
	assert_int_equal(login_assume(conf, "alice", 1001, &login, &reason), -EACCES);
	assert_string_equal(reason, "the account has another uid than before");
	assert_int_equal(login_assume(conf, "gone", 1001, &login, &reason), -EACCES);
	assert_int_equal(login_assume(conf, "outsider", 1003, &login, &reason), -EACCES);
	assert_int_equal(login_assume(conf, "root", 0, &login, &reason), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),    cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_accounts),  cmocka_unit_test(test_loose_modules),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_assume),
	};

	etc_begin();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
