/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking into files that are made here, and the confinement of who does. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "lock/archive_look.h"
#include "lock/check_inspect.h"
#include "lock/check_ole.h"
#include "lock/lockcheck.h"

#define ROOM (8u << 20)

static magic_t magic;
static struct check_facts facts;
static const struct check_inspect_limits usual = {
	.depth = 4, .members = 100, .unpacked = 512 << 20, .ratio = 50, .memory = 64 << 20};

struct made {
	char *data;
	size_t len;
};

/* One file in an archive; the caller frees it. */
static struct made pack(int (*format)(struct archive *), int (*filter)(struct archive *),
			const char *name, const void *data, size_t len, const char *passphrase)
{
	struct archive_entry *entry = archive_entry_new();
	struct archive *archive = archive_write_new();
	struct made made = {.data = malloc(ROOM)};

	assert_non_null(made.data);
	assert_int_equal(format(archive), ARCHIVE_OK);
	if (filter)
		assert_int_equal(filter(archive), ARCHIVE_OK);
	if (passphrase) {
		assert_int_equal(archive_write_set_options(archive, "zip:encryption=aes256"),
				 ARCHIVE_OK);
		archive_write_set_passphrase(archive, passphrase);
	}
	archive_write_set_bytes_in_last_block(archive, 1);
	assert_int_equal(archive_write_open_memory(archive, made.data, ROOM, &made.len),
			 ARCHIVE_OK);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)len);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, data, len), len);
	archive_entry_free(entry);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_write_free(archive);
	return made;
}

static struct made zip(const char *name, const void *data, size_t len)
{
	return pack(archive_write_set_format_zip, NULL, name, data, len, NULL);
}

/* As the process does it: from a descriptor. */
static bool look(const struct made *made, const struct check_inspect_limits *limits)
{
	struct check_inspect inspect = {
		.magic = magic, .limits = *limits, .facts = &facts, .size = made->len};
	FILE *file = tmpfile();

	memset(&facts, 0, sizeof(facts));
	assert_int_equal(fwrite(made->data, 1, made->len, file), made->len);
	fflush(file);
	assert_int_equal(check_inspect_file(&inspect, fileno(file)), 0);
	fclose(file);
	return inspect.stopped;
}

static const char *why(void)
{
	for (size_t i = 0; i < facts.n; i++) {
		if (str_eq(facts.facts[i].type, CHECK_TYPE_TOO_LARGE))
			return facts.facts[i].why;
	}
	return "";
}

static void test_plain(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *type;
	} rows[] = {
		{"hello\n", 6, "text/plain"},
		{"", 0, CHECK_TYPE_EMPTY},
		{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", 29, "image/png"},
		{"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 15, "application/pdf"},
		{"\1\2\3\4\5\6\7\x80\x81", 9, CHECK_TYPE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		look(&(const struct made){(char *)(uintptr_t)rows[i].bytes, rows[i].len}, &usual);
		assert_int_equal(facts.n, 1);
		assert_string_equal(check_facts_type(&facts), rows[i].type);
	}
}

static void test_archives(void **state)
{
	static const struct {
		int (*format)(struct archive *);
		int (*filter)(struct archive *);
		const char *type;
	} rows[] = {
		{archive_write_set_format_zip, NULL, "application/zip"},
		{archive_write_set_format_7zip, NULL, "application/x-7z-compressed"},
		{archive_write_set_format_ustar, NULL, "application/x-tar"},
		{archive_write_set_format_ustar, archive_write_add_filter_gzip, "application/gzip"},
		{archive_write_set_format_ustar, archive_write_add_filter_bzip2,
		 "application/x-bzip2"},
		{archive_write_set_format_ustar, archive_write_add_filter_xz, "application/x-xz"},
		{archive_write_set_format_cpio_newc, NULL, "application/x-cpio"},
		{archive_write_set_format_iso9660, NULL, "application/x-iso9660-image"},
		/* One compressed file, which is no archive. */
		{archive_write_set_format_raw, archive_write_add_filter_gzip, "application/gzip"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const char png[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2";
		struct made made = pack(rows[i].format, rows[i].filter, "a.png", png, sizeof(png),
					NULL);

		look(&made, &usual);
		assert_string_equal(check_facts_type(&facts), rows[i].type);
		if (!check_facts_has(&facts, "image/png"))
			fail_msg("%s: what is in it was not found", rows[i].type);
		assert_string_equal(why(), "");
		/* Cut short, it cannot be looked into whole. */
		made.len -= made.len * 2 / 3;
		look(&made, &usual);
		if (!why()[0] && rows[i].format != archive_write_set_format_iso9660)
			fail_msg("%s: half of it is taken for all", rows[i].type);
		free(made.data);
	}
}

static void test_foreign(void **state)
{
	static const char text[] = "some text that is compressed";
	struct made made = pack(archive_write_set_format_raw, archive_write_add_filter_zstd, "a",
				text, sizeof(text), NULL);

	(void)state;
	look(&made, &usual);
	assert_string_equal(why(), "format");
	free(made.data);
}

static struct made nest(unsigned int depth)
{
	struct made made = zip("a.txt", "text\n", 5);

	while (--depth > 0) {
		struct made outer = zip("inner.zip", made.data, made.len);

		free(made.data);
		made = outer;
	}
	return made;
}

static void test_depth(void **state)
{
	(void)state;
	for (unsigned int depth = 1; depth < 8; depth++) {
		struct made made = nest(depth);
		bool stopped = look(&made, &usual);

		assert_int_equal(stopped, depth > usual.depth);
		assert_string_equal(why(), depth > usual.depth ? "lock-archive-depth" : "");
		assert_int_equal(check_facts_has(&facts, "text/plain"), depth <= usual.depth);
		free(made.data);
	}
}

/* A hundred deep, one in the other: ends at the limit, not at the end. */
static void test_hundred(void **state)
{
	struct made made = nest(100);

	(void)state;
	assert_true(look(&made, &usual));
	assert_string_equal(why(), "lock-archive-depth");
	free(made.data);
}

static void test_bomb(void **state)
{
	struct check_inspect_limits limits = usual;
	size_t len = 80u << 20;
	char *zeros = calloc(1, len);
	struct made made = zip("zeros", zeros, len);

	(void)state;
	/* 80 MiB of nothing: a thousand times its size. */
	assert_true(look(&made, &limits));
	assert_string_equal(why(), "lock-archive-ratio");
	limits.ratio = 100000;
	assert_false(look(&made, &limits));
	assert_string_equal(why(), "");
	limits.unpacked = len;
	assert_false(look(&made, &limits));
	limits.unpacked = len - 1;
	assert_true(look(&made, &limits));
	assert_string_equal(why(), "lock-archive-size");
	free(made.data);
	/* Below 64 MiB any ratio will do. */
	made = zip("zeros", zeros, 60u << 20);
	limits = usual;
	limits.ratio = 2;
	assert_false(look(&made, &limits));
	free(made.data);
	free(zeros);
}

/* What is held of archives within archives is bounded. */
static void test_memory(void **state)
{
	struct check_inspect_limits limits = usual;
	size_t len = 4u << 20;
	char *noise = malloc(len);
	struct made inner, made;

	(void)state;
	srand(1);
	for (size_t i = 0; i < len; i++)
		noise[i] = (char)rand();
	inner = zip("noise", noise, len);
	made = zip("inner.zip", inner.data, inner.len);
	assert_false(look(&made, &limits));
	limits.memory = 2u << 20;
	assert_true(look(&made, &limits));
	assert_string_equal(why(), "lock-check-memory");
	free(noise);
	free(inner.data);
	free(made.data);
}

static void test_members(void **state)
{
	struct check_inspect_limits limits = usual;
	struct made made = nest(3);

	(void)state;
	limits.members = 3;
	assert_false(look(&made, &limits));
	limits.members = 2;
	assert_true(look(&made, &limits));
	assert_string_equal(why(), "lock-archive-members");
	free(made.data);
}

static void test_encrypted(void **state)
{
	struct made made = pack(archive_write_set_format_zip, NULL, "secret.txt", "text\n", 5, "x");
	struct made outer = zip("inner.zip", made.data, made.len);

	(void)state;
	look(&made, &usual);
	assert_true(check_facts_has(&facts, CHECK_TYPE_ENCRYPTED));
	look(&outer, &usual);
	assert_true(check_facts_has(&facts, CHECK_TYPE_ENCRYPTED));
	free(made.data);
	free(outer.data);
}

/* An archive behind something else is looked into as well. */
static void test_appended(void **state)
{
	static const char head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0";
	struct made inner = zip("a.txt", "text\n", 5), made = {malloc(ROOM), 0};

	(void)state;
	memcpy(made.data, head, sizeof(head));
	memcpy(made.data + sizeof(head), inner.data, inner.len);
	made.len = sizeof(head) + inner.len;
	look(&made, &usual);
	assert_string_equal(check_facts_type(&facts), "image/png");
	assert_true(check_facts_has(&facts, "text/plain"));
	free(inner.data);
	free(made.data);
}

/* --- OLE -------------------------------------------------------------------------------------- */

static void put_entry(uint8_t *at, const char *name, uint8_t type)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		at[2 * i] = (uint8_t)name[i];
	at[64] = (uint8_t)(2 * (len + 1));
	at[66] = type;
}

static struct check_ole feed(const uint8_t *data, size_t len, size_t step)
{
	struct check_ole ole = {0};

	for (size_t at = 0; at < len; at += step)
		check_ole_feed(&ole, data + at, MIN(step, len - at));
	return ole;
}

static void test_ole(void **state)
{
	uint8_t file[4096] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
	static const size_t steps[] = {1, 7, 127, 128, 129, 4096};

	(void)state;
	put_entry(file + 1024, "WordDocument", 2);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		assert_false(feed(file, sizeof(file), steps[i]).macros);
	put_entry(file + 3968, "_VBA_PROJECT", 1);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		assert_true(feed(file, sizeof(file), steps[i]).macros);
	/* Nothing that is no storage or stream, and nothing in a file that is no such file. */
	file[3968 + 66] = 0;
	assert_false(feed(file, sizeof(file), 4096).macros);
	put_entry(file + 2048, "EncryptedPackage", 2);
	assert_true(feed(file, sizeof(file), 4096).encrypted);
	file[0] = 0;
	assert_false(feed(file, sizeof(file), 4096).encrypted);
}

static void test_ole_member(void **state)
{
	uint8_t file[4096] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
	struct made made;

	(void)state;
	put_entry(file + 1024, "VBA", 1);
	made = zip("x/report.doc", file, sizeof(file));
	look(&made, &usual);
	assert_true(check_facts_has(&facts, CHECK_TYPE_MACROS));
	free(made.data);
	look(&(const struct made){(char *)file, sizeof(file)}, &usual);
	assert_true(check_facts_has(&facts, CHECK_TYPE_MACROS));
}

/* --- the filter ------------------------------------------------------------------------------- */

enum attempt { TRY_READ, TRY_OPEN, TRY_SOCKET, TRY_FORK, TRY_EXEC, TRY_MAP_EXEC, TRY_KILL, TRY_N };

static void __attribute__((noreturn)) attempt(enum attempt what)
{
	char byte;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	bool good = false;

	if (lockcheck_filter() < 0)
		_exit(2);
	if (what == TRY_READ)
		good = read(fd, &byte, 1) == 1;
	else if (what == TRY_OPEN)
		good = open("/etc/passwd", O_RDONLY) >= 0;
	else if (what == TRY_SOCKET)
		good = socket(AF_INET, SOCK_STREAM, 0) >= 0;
	else if (what == TRY_FORK)
		good = fork() >= 0;
	else if (what == TRY_EXEC)
		good = execl("/bin/true", "true", (char *)NULL) == 0;
	else if (what == TRY_MAP_EXEC)
		good = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) != MAP_FAILED;
	else
		good = kill(getppid(), 0) == 0;
	_exit(good ? 0 : 1);
}

/* What must fail, fails: softly where libraries try, by death elsewhere. */
static void test_filter(void **state)
{
	(void)state;
	for (enum attempt what = TRY_READ; what < TRY_N; what++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			attempt(what);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (what == TRY_READ)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		else if (what == TRY_OPEN)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("attempt %d was let through (%d)", (int)what, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),     cmocka_unit_test(test_archives),
		cmocka_unit_test(test_foreign),   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_hundred),   cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_memory),    cmocka_unit_test(test_members),
		cmocka_unit_test(test_encrypted), cmocka_unit_test(test_appended),
		cmocka_unit_test(test_ole),       cmocka_unit_test(test_ole_member),
		cmocka_unit_test(test_filter),
	};
	int r;

	magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
	if (!magic || magic_load(magic, NULL) < 0) {
		fputs("the database of libmagic is missing\n", stderr);
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	magic_close(magic);
	return r;
}
