/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record by which a new monitor finds a session: exactly what was written, or refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "session/record.h"

#define GOOD "id=0123456789abcdef0123\nslot=7\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n"

static int set_up(void **state)
{
	char path[] = "/tmp/lazaret-test-record-XXXXXX";
	int dir;

	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	/* Held by the descriptor; nothing is left of the name. */
	*state = strdup(path);
	assert_int_equal(fcntl(dir, F_DUPFD_CLOEXEC, 100), 100);
	close(dir);
	return 0;
}

static int tear_down(void **state)
{
	unlinkat(100, RECORD_FILE, 0);
	assert_int_equal(rmdir(*state), 0);
	close(100);
	free(*state);
	return 0;
}

static void test_round(void **state)
{
	struct session_record written = {
		.slot = UINT32_MAX, .uid = UINT32_MAX - 1, .pid = INT32_MAX, .start = INT64_MAX};
	struct session_record read;
	struct stat st;

	(void)state;
	memset(written.id, 'a', RECORD_ID_MAX);
	memset(written.name, 'n', RECORD_NAME_MAX);
	assert_int_equal(record_read(100, &read), -ENOENT);
	assert_int_equal(record_write(100, &written), 0);
	assert_int_equal(record_read(100, &read), 0);
	assert_string_equal(read.id, written.id);
	assert_string_equal(read.name, written.name);
	assert_true(read.slot == written.slot && read.uid == written.uid);
	assert_true(read.pid == written.pid && read.start == written.start);
	assert_int_equal(fstatat(100, RECORD_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* A parked cell's has no name. */
	written.name[0] = '\0';
	written.uid = 0;
	assert_int_equal(record_write(100, &written), 0);
	assert_int_equal(record_read(100, &read), 0);
	assert_string_equal(read.name, "");
	assert_int_equal(read.uid, 0);
}

/* A name cannot bring lines of its own. */
static void test_name_with_lines(void **state)
{
	struct session_record record = {.id = "a", .name = "x\nuid=0", .pid = 1};

	(void)state;
	assert_int_equal(record_write(100, &record), -EINVAL);
	assert_int_equal(faccessat(100, RECORD_FILE, F_OK, 0), -1);
}

static void test_parse(void **state)
{
	static const char *const refused[] = {
		"",
		"id=a",
		"slot=7\nid=a\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=7\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2",
		"id=a\nslot=7\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\nmore=1\n",
		"id=a\nslot=7\nuid=1000\npid=4242\nstart=99\n",
		"id=a\nslot=-1\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=7x\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=4294967296\nuid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=7\nuid=4294967295\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=7\nuid=1000\npid=0\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=7\nuid=1000\npid=2147483648\nstart=99\nname=alice\nversion=1.2\n",
		"id=a\nslot=7\nuid=1000\npid=4242\nstart=9223372036854775808\nname=alice\nversion=1.2\n",
		"id=a\nslot=00000000000000000000000000000000007\nuid=1000\npid=4242\nstart=99\n"
		"name=alice\nversion=1.2\n",
		"id=0123456789012345678901234567890123456789012345678901234567890123\nslot=7\n"
		"uid=1000\npid=4242\nstart=99\nname=alice\nversion=1.2\n",
	};
	struct session_record record;

	(void)state;
	assert_int_equal(record_parse(GOOD, &record), 0);
	assert_string_equal(record.id, "0123456789abcdef0123");
	assert_int_equal(record.slot, 7);
	assert_int_equal(record.uid, 1000);
	assert_int_equal(record.pid, 4242);
	assert_int_equal(record.start, 99);
	assert_string_equal(record.name, "alice");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		print_message("%s\n", refused[i]);
		assert_int_equal(record_parse(refused[i], &record), -EINVAL);
	}
	/* Cut anywhere it is no record. */
	for (size_t len = 0; len + 1 < sizeof(GOOD); len++) {
		char cut[sizeof(GOOD)] = GOOD;

		cut[len] = '\0';
		assert_int_equal(record_parse(cut, &record), -EINVAL);
	}
}

static void test_read_refuses(void **state)
{
	static const char with_nul[] = GOOD "\0uid=0\n";
	struct session_record record;
	char big[RECORD_MAX + 1];

	(void)state;
	assert_int_equal(
		fd_write_file_atomic(100, RECORD_FILE, 0600, with_nul, sizeof(with_nul) - 1), 0);
	assert_int_equal(record_read(100, &record), -EINVAL);
	memset(big, 'a', sizeof(big));
	assert_int_equal(fd_write_file_atomic(100, RECORD_FILE, 0600, big, sizeof(big)), 0);
	assert_int_equal(record_read(100, &record), -EFBIG);
}

/* A process may call itself what it likes: its start is still read from the right field. */
static void test_process_start(void **state)
{
	uint64_t ours = 0, childs = 0;
	int go[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(record_process_start(getpid(), &ours), 0);
	assert_true(ours > 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, ") R 1 1 1 (");
		if (write(go[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(go[0], &byte, 1), 1);
	assert_int_equal(record_process_start(pid, &childs), 0);
	/* Younger than us, by less than a minute of clock ticks. */
	assert_in_range(childs, ours, ours + 60 * (uint64_t)sysconf(_SC_CLK_TCK));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(record_process_start(pid, &childs), -ESRCH);
	close(go[0]);
	close(go[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_name_with_lines, set_up, tear_down),
		cmocka_unit_test(test_parse),
		cmocka_unit_test_setup_teardown(test_read_refuses, set_up, tear_down),
		cmocka_unit_test(test_process_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
