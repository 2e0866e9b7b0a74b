/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-checkd keeps and reads: findings, answers of clamd, cache, counters, hashes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "lock/check_cache.h"
#include "lock/check_counters.h"
#include "lock/check_digest.h"
#include "lock/clamd_reply.h"
#include "lock/lockcheck.h"

/* --- findings --------------------------------------------------------------------------------- */

static void test_types(void **state)
{
	static const char *const good[] = {"image/png",     "application/vnd.ms-excel",
					   "unknown",       "encrypted-archive",
					   "inode/x-empty", "a/b"};
	static const char *const bad[] = {
		"",       "/",     "image/", "/png",           "image/p ng",
		"Macros", "a/b/c", "x\n",    "image/\xc3\xa4", "a1"};
	char longest[CHECK_TYPE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(check_type_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(check_type_valid(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[1] = '/';
	longest[CHECK_TYPE_MAX] = '\0';
	assert_true(check_type_valid(longest));
	longest[CHECK_TYPE_MAX] = 'a';
	longest[CHECK_TYPE_MAX + 1] = '\0';
	assert_false(check_type_valid(longest));
}

static struct check_facts facts, again;

static void test_facts(void **state)
{
	struct cursor c;
	struct buf out;

	(void)state;
	memset(&facts, 0, sizeof(facts));
	check_facts_add(&facts, "application/zip", NULL, NULL);
	check_facts_add(&facts, "text/plain", "a\x1b\n.txt", NULL);
	check_facts_add(&facts, "text/plain", "b.txt", NULL);
	check_facts_add(&facts, CHECK_TYPE_TOO_LARGE, NULL, "lock-archive-depth");
	assert_int_equal(facts.n, 3);
	buf_init(&out, CHECK_FACTS_MAX);
	check_facts_put(&facts, &out);
	for (size_t len = 0; len <= buf_len(&out); len++) {
		c = cursor_over(buf_data(&out), len);
		assert_int_equal(check_facts_get(&c, &again), len == buf_len(&out) ? 0 : -EPROTO);
	}
	assert_int_equal(again.n, 3);
	assert_string_equal(check_facts_type(&again), "application/zip");
	assert_string_equal(again.facts[1].member, "a  .txt");
	assert_string_equal(again.facts[2].why, "lock-archive-depth");
	buf_finish(&out);
}

static void test_too_many_types(void **state)
{
	struct cursor c;
	struct buf out;

	(void)state;
	memset(&facts, 0, sizeof(facts));
	for (int i = 0; i < CHECK_TYPES_MAX; i++) {
		char type[32];

		snprintf(type, sizeof(type), "text/x-%d", i);
		check_facts_add(&facts, type, NULL, NULL);
	}
	assert_false(check_facts_has(&facts, CHECK_TYPE_TOO_LARGE));
	check_facts_add(&facts, "text/one-more", NULL, NULL);
	assert_int_equal(facts.n, CHECK_TYPES_MAX);
	assert_true(check_facts_has(&facts, CHECK_TYPE_TOO_LARGE));
	assert_string_equal(check_facts_type(&facts), "text/x-0");
	buf_init(&out, CHECK_FACTS_MAX);
	check_facts_put(&facts, &out);
	assert_int_equal(buf_error(&out), 0);
	c = cursor_over(buf_data(&out), buf_len(&out));
	assert_int_equal(check_facts_get(&c, &again), 0);
	buf_finish(&out);
}

/* As long as they can be, they fit into what a child may say. */
static void test_longest_facts(void **state)
{
	char type[CHECK_TYPE_MAX + 1], member[2 * CHECK_MEMBER_MAX], why[CHECK_WHY_MAX + 1];
	struct buf out;

	(void)state;
	memset(&facts, 0, sizeof(facts));
	memset(member, 'm', sizeof(member) - 1);
	member[sizeof(member) - 1] = '\0';
	memset(why, 'w', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	for (int i = 0; i < CHECK_TYPES_MAX; i++) {
		snprintf(type, sizeof(type), "a/%0*d", CHECK_TYPE_MAX - 2, i);
		check_facts_add(&facts, type, member, why);
	}
	buf_init(&out, CHECK_FACTS_MAX);
	check_facts_put(&facts, &out);
	assert_int_equal(buf_error(&out), 0);
	buf_finish(&out);
}

/* From a process that was taken over. */
static void test_wrong_facts(void **state)
{
	static const char *const types[] = {"image/p\nng", "", "x y"};
	struct cursor c;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		buf_init(&out, CHECK_FACTS_MAX);
		buf_put_u16(&out, 1);
		buf_put_str(&out, types[i]);
		buf_put_str(&out, "");
		buf_put_str(&out, "");
		c = cursor_over(buf_data(&out), buf_len(&out));
		assert_int_equal(check_facts_get(&c, &again), -EPROTO);
		buf_finish(&out);
	}
	c = cursor_over("\0\0", 2);
	assert_int_equal(check_facts_get(&c, &again), -EPROTO);
	c = cursor_over("\xff\xff", 2);
	assert_int_equal(check_facts_get(&c, &again), -EPROTO);
}

static void test_lockcheck_config(void **state)
{
	const struct lockcheck_config config = {
		.uid = 1,
		.gid = 2,
		.size = 3,
		.memory = 4,
		.seconds = 5,
		.limits = {.depth = 6, .members = 7, .unpacked = 8, .ratio = 9, .memory = 10}};
	struct lockcheck_config read = {0};
	struct cursor c;
	struct buf out;

	(void)state;
	buf_init(&out, LOCKCHECK_CONFIG_MAX);
	lockcheck_put(&config, &out);
	c = cursor_over(buf_data(&out), buf_len(&out) - 1);
	assert_int_equal(lockcheck_get(&c, &read), -EPROTO);
	c = cursor_over(buf_data(&out), buf_len(&out));
	assert_int_equal(lockcheck_get(&c, &read), 0);
	assert_int_equal(read.limits.memory, 10);
	assert_int_equal(read.size, 3);
	buf_finish(&out);
}

/* --- clamd ------------------------------------------------------------------------------------ */

static void test_scan_replies(void **state)
{
	static const struct {
		const char *text;
		int error;
		enum check_scan_state state;
		const char *said;
	} rows[] = {
		{"fd[9]: OK", 0, CHECK_SCAN_CLEAN, ""},
		{"fd[9]: Eicar-Test.UNOFFICIAL FOUND", 0, CHECK_SCAN_FOUND,
		 "Eicar-Test.UNOFFICIAL"},
		{"fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND", 0, CHECK_SCAN_TOO_LARGE,
		 "Heuristics.Limits.Exceeded.MaxFileSize"},
		{"fd[9]: Can't allocate memory ERROR", 0, CHECK_SCAN_FAILED,
		 "Can't allocate memory"},
		{"fd[9]: a\x1b[2J FOUND", 0, CHECK_SCAN_FOUND, "a [2J"},
		{"fd[9]:  FOUND", -EPROTO, 0, ""},
		{"fd[9]: FOUND", -EPROTO, 0, ""},
		{"fd[9]: OKAY", -EPROTO, 0, ""},
		{"fd[9]: NOT OK", -EPROTO, 0, ""},
		{"fd[9]:OK", -EPROTO, 0, ""},
		{"OK", -EPROTO, 0, ""},
		{"", -EPROTO, 0, ""},
		{"COMMAND READ TIMED OUT", -EPROTO, 0, ""},
		/* A name that ends as a clean answer does. */
		{"fd[9]: x: OK FOUND", 0, CHECK_SCAN_FOUND, "x: OK"},
		{"fd[9]: x FOUND: OK", -EPROTO, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct check_scan scan = {0};
		int r = clamd_reply_scan(rows[i].text, strlen(rows[i].text), &scan);

		if (r != rows[i].error || scan.state != rows[i].state ||
		    !str_eq(scan.text, rows[i].said))
			fail_msg("%s: %d, state %d, \"%s\"", rows[i].text, r, scan.state,
				 scan.text);
	}
	assert_int_equal(clamd_reply_scan("fd: OK\0", 7, &facts.scans[0]), -EPROTO);
}

static void test_version_replies(void **state)
{
	struct clamd_version version;
	static const char whole[] = "ClamAV 1.4.6/27820/Tue Nov 24 09:27:11 2026";

	(void)state;
	assert_int_equal(clamd_reply_version(whole, strlen(whole), &version), 0);
	assert_string_equal(version.text, whole);
	assert_int_equal(version.signed_at / USEC_PER_SEC, 1795512431);
	assert_int_equal(clamd_reply_version("ClamAV 1.4.6", 12, &version), 0);
	assert_int_equal(version.signed_at, 0);
	assert_int_equal(clamd_reply_version("ClamAV 1.4.6/1/never", 20, &version), 0);
	assert_int_equal(version.signed_at, 0);
	assert_int_equal(clamd_reply_version("Clam", 4, &version), -EPROTO);
	assert_int_equal(clamd_reply_version("PONG", 4, &version), -EPROTO);
}

/* --- cache ------------------------------------------------------------------------------------ */

static void digest_of(uint32_t number, uint8_t digest[CHECK_DIGEST_LEN])
{
	memset(digest, 0, CHECK_DIGEST_LEN);
	memcpy(digest + 4, &number, sizeof(number));
}

static void test_cache(void **state)
{
	struct check_cache *cache = check_cache_create();
	uint8_t digest[CHECK_DIGEST_LEN];

	(void)state;
	assert_non_null(cache);
	memset(&facts, 0, sizeof(facts));
	check_facts_add(&facts, "text/plain", NULL, NULL);
	facts.scans[CHECK_SCANNER_CLAMD].state = CHECK_SCAN_FOUND;
	digest_of(0, digest);
	/* Not before it may hold anything. */
	check_cache_put(cache, digest, &facts);
	assert_int_equal(check_cache_get(cache, digest, &again), -ENOENT);
	check_cache_resize(cache, 3);
	for (uint32_t i = 0; i < 4; i++) {
		digest_of(i, digest);
		check_cache_put(cache, digest, &facts);
		/* The first one is asked for all the time, so it is not the one that goes. */
		digest_of(0, digest);
		assert_int_equal(check_cache_get(cache, digest, &again), 0);
	}
	assert_int_equal(check_cache_count(cache), 3);
	digest_of(1, digest);
	assert_int_equal(check_cache_get(cache, digest, &again), -ENOENT);
	digest_of(3, digest);
	assert_int_equal(check_cache_get(cache, digest, &again), 0);
	assert_int_equal(again.scans[CHECK_SCANNER_CLAMD].state, CHECK_SCAN_FOUND);
	assert_string_equal(check_facts_type(&again), "text/plain");
	/* The same content again takes the place of what was known. */
	facts.scans[CHECK_SCANNER_CLAMD].state = CHECK_SCAN_CLEAN;
	check_cache_put(cache, digest, &facts);
	assert_int_equal(check_cache_count(cache), 3);
	assert_int_equal(check_cache_get(cache, digest, &again), 0);
	assert_int_equal(again.scans[CHECK_SCANNER_CLAMD].state, CHECK_SCAN_CLEAN);
	check_cache_clear(cache);
	assert_int_equal(check_cache_count(cache), 0);
	check_cache_put(cache, digest, &facts);
	assert_int_equal(check_cache_count(cache), 1);
	check_cache_destroy(cache);
}

/* --- counters --------------------------------------------------------------------------------- */

#define DAY (UINT64_C(86400) * USEC_PER_SEC)

static int make_folder(char path[32])
{
	int fd;

	snprintf(path, 32, "/tmp/lazaret-test-XXXXXX");
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void test_counters(void **state)
{
	struct check_counters *counters;
	uint64_t now = 20000 * DAY + 5;
	char path[32];
	int dir = make_folder(path), fd;

	(void)state;
	assert_int_equal(check_counters_open(dir, now, &counters), 0);
	for (uid_t uid = 1010; uid >= 1000; uid--)
		assert_int_equal(check_counters_add(counters, uid, CHECK_UP, uid, now), 0);
	assert_int_equal(check_counters_add(counters, 1005, CHECK_DOWN, 7, now), 0);
	assert_int_equal(check_counters_add(counters, 1005, CHECK_UP, 1, now), 0);
	assert_int_equal(check_counters_used(counters, 1005, CHECK_UP, now).bytes, 1006);
	assert_int_equal(check_counters_used(counters, 1005, CHECK_UP, now).files, 2);
	assert_int_equal(check_counters_used(counters, 1005, CHECK_DOWN, now).bytes, 7);
	assert_int_equal(check_counters_used(counters, 999, CHECK_UP, now).files, 0);
	/* As after a kill, with a line that a full disk has cut, and one of somebody's. */
	fd = openat(dir, "transferred-20241004", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, "nonsense\n1005 up 10", 19), 0);
	fd_close(fd);
	check_counters_close(counters);
	assert_int_equal(check_counters_open(dir, now, &counters), 0);
	assert_int_equal(check_counters_used(counters, 1005, CHECK_UP, now).bytes, 1006);
	assert_int_equal(check_counters_used(counters, 1000, CHECK_UP, now).bytes, 1000);
	/* What comes behind the line that was cut is whole. */
	assert_int_equal(check_counters_add(counters, 1000, CHECK_UP, 5, now), 0);
	check_counters_close(counters);
	assert_int_equal(check_counters_open(dir, now, &counters), 0);
	assert_int_equal(check_counters_used(counters, 1000, CHECK_UP, now).bytes, 1005);
	/* A day is over: nothing was transferred yet, and the old file goes. */
	assert_int_equal(check_counters_used(counters, 1005, CHECK_UP, now + DAY).bytes, 0);
	assert_int_equal(check_counters_add(counters, 1005, CHECK_UP, 3, now + DAY), 0);
	assert_int_equal(check_counters_used(counters, 1005, CHECK_UP, now + DAY).bytes, 3);
	assert_int_equal(faccessat(dir, "transferred-20241004", F_OK, 0), -1);
	check_counters_close(counters);
	assert_int_equal(unlinkat(dir, "transferred-20241005", 0), 0);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

static void test_counter_lines(void **state)
{
	static const char *const wrong[] = {
		"",        "1",       "1 up",     "1 up x",          "1 side 5", "-1 up 5",
		"1 up -5", "1  up 5", "1 up 5 6", "4294967296 up 5", " 1 up 5"};
	enum check_direction direction;
	uint64_t bytes;
	uid_t uid;

	(void)state;
	assert_int_equal(check_counters_parse("1005 down 77", &uid, &direction, &bytes), 0);
	assert_int_equal(uid, 1005);
	assert_int_equal(direction, CHECK_DOWN);
	assert_int_equal(bytes, 77);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(check_counters_parse(wrong[i], &uid, &direction, &bytes), -EINVAL);
}

/* --- hashes ----------------------------------------------------------------------------------- */

static void test_digest(void **state)
{
	uint8_t digest[CHECK_DIGEST_LEN], read[CHECK_DIGEST_LEN];
	char text[CHECK_DIGEST_TEXT];
	int fd = fd_memfd("x", "abc", 3);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(check_digest_fd(fd, 3, digest), 0);
	assert_string_equal(check_digest_format(digest, text),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(check_digest_parse(text, read), 0);
	assert_memory_equal(digest, read, sizeof(read));
	assert_int_equal(check_digest_fd(fd, 4, digest), -EIO);
	assert_int_equal(check_digest_fd(fd, 0, digest), 0);
	assert_string_equal(check_digest_format(digest, text),
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	text[0] = 'E';
	assert_int_equal(check_digest_parse(text, read), -EINVAL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),          cmocka_unit_test(test_facts),
		cmocka_unit_test(test_too_many_types), cmocka_unit_test(test_longest_facts),
		cmocka_unit_test(test_wrong_facts),    cmocka_unit_test(test_lockcheck_config),
		cmocka_unit_test(test_scan_replies),   cmocka_unit_test(test_version_replies),
		cmocka_unit_test(test_cache),          cmocka_unit_test(test_counters),
		cmocka_unit_test(test_counter_lines),  cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
