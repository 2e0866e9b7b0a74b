/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "lock/quarantine.h"

struct world {
	char path[32];
	int dir;
	struct wl_event_loop *loop;
	struct quarantine *q;
	int error; /* of the last copy; 1: none yet */
	char id[QUARANTINE_ID_LEN + 1];
};

static void begin(struct world *world)
{
	memset(world, 0, sizeof(*world));
	snprintf(world->path, sizeof(world->path), "/tmp/lazaret-test-XXXXXX");
	assert_non_null(mkdtemp(world->path));
	world->dir = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world->loop = wl_event_loop_create();
	assert_int_equal(quarantine_open(world->loop, world->dir, &world->q), 0);
	quarantine_configure(world->q, 1000, 100);
}

static void end(struct world *world)
{
	const struct quarantine_item *item, *next;

	wl_list_for_each_safe (item, next, quarantine_items(world->q), link)
		assert_int_equal(quarantine_drop(world->q, item->id), 0);
	quarantine_close(world->q);
	wl_event_loop_destroy(world->loop);
	close(world->dir);
	/* Nothing is left of anything. */
	assert_int_equal(rmdir(world->path), 0);
}

static void handle_done(void *data, int error, const struct quarantine_item *item)
{
	struct world *world = data;

	world->error = error;
	if (item)
		str_copy(world->id, sizeof(world->id), item->id);
}

static int keep(struct world *world, const char *content, uint8_t mark)
{
	struct quarantine_item item = {.since = 5 * USEC_PER_SEC,
				       .size = strlen(content),
				       .uid = 1500,
				       .direction = CHECK_DOWN,
				       .digest = {mark},
				       .user = "alice",
				       .name = "a.png",
				       .type = "image/png",
				       .rule = "review"};
	struct quarantine_copy *copy;
	int fd = fd_memfd("x", content, strlen(content));
	int r = quarantine_keep(world->q, &item, fd, handle_done, world, &copy);

	world->error = 1;
	while (r == 0 && world->error == 1)
		wl_event_loop_dispatch(world->loop, -1);
	close(fd);
	return r < 0 ? r : world->error;
}

static const struct quarantine_item *known(struct world *world, uint8_t mark)
{
	uint8_t digest[CHECK_DIGEST_LEN] = {mark};

	return quarantine_known(world->q, 1500, CHECK_DOWN, digest);
}

static void test_keep(void **state)
{
	char name[32], content[16] = "";
	struct world world;
	struct stat status;
	int fd;

	(void)state;
	begin(&world);
	assert_int_equal(keep(&world, "content", 1), 0);
	assert_int_equal(quarantine_bytes(world.q), 7);
	assert_non_null(known(&world, 1));
	assert_null(known(&world, 2));
	assert_int_equal(known(&world, 1)->state, QUARANTINE_WAITING);
	snprintf(name, sizeof(name), "%s.file", world.id);
	assert_int_equal(fstatat(world.dir, name, &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	fd = openat(world.dir, name, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, content, sizeof(content)), 7);
	assert_string_equal(content, "content");
	close(fd);
	/* Of nobody else, and in no other direction. */
	assert_null(quarantine_known(world.q, 1501, CHECK_DOWN, known(&world, 1)->digest));
	assert_null(quarantine_known(world.q, 1500, CHECK_UP, known(&world, 1)->digest));
	assert_int_equal(quarantine_release(world.q, world.id, "bob"), 0);
	/* It survives a restart, and so does who released it. */
	quarantine_close(world.q);
	assert_int_equal(quarantine_open(world.loop, world.dir, &world.q), 0);
	quarantine_configure(world.q, 1000, 100);
	assert_int_equal(known(&world, 1)->state, QUARANTINE_RELEASED);
	assert_string_equal(known(&world, 1)->by, "bob");
	assert_string_equal(known(&world, 1)->name, "a.png");
	assert_int_equal(quarantine_bytes(world.q), 7);
	assert_int_equal(quarantine_release(world.q, "000000000000", "bob"), -ENOENT);
	assert_int_equal(quarantine_drop(world.q, "../../../etc"), -ENOENT);
	end(&world);
}

static void test_limits(void **state)
{
	char big[1001];
	struct world world;

	(void)state;
	memset(big, 'x', 1000);
	big[1000] = '\0';
	begin(&world);
	assert_int_equal(keep(&world, "x", 1), 0);
	assert_int_equal(keep(&world, big, 2), -ENOSPC);
	assert_int_equal(keep(&world, big + 1, 3), 0);
	assert_int_equal(keep(&world, "x", 4), -ENOSPC);
	assert_int_equal(quarantine_drop(world.q, world.id), 0);
	assert_int_equal(keep(&world, "x", 4), 0);
	assert_int_equal(quarantine_bytes(world.q), 2);
	end(&world);
}

static void count(void *data, const struct quarantine_item *item)
{
	(void)item;
	++*(int *)data;
}

static void test_expiry(void **state)
{
	struct world world;
	int told = 0;

	(void)state;
	begin(&world);
	assert_int_equal(keep(&world, "x", 1), 0);
	quarantine_expire(world.q, 104 * USEC_PER_SEC, count, &told);
	assert_int_equal(told, 0);
	quarantine_expire(world.q, 105 * USEC_PER_SEC, count, &told);
	assert_int_equal(told, 1);
	assert_null(known(&world, 1));
	assert_int_equal(quarantine_bytes(world.q), 0);
	end(&world);
}

/* What a kill, or a full disk, leaves. */
static void test_not_whole(void **state)
{
	struct world world;
	char name[32];
	int fd;

	(void)state;
	begin(&world);
	assert_int_equal(keep(&world, "x", 1), 0);
	quarantine_close(world.q);
	fd = openat(world.dir, "0123456789ab.file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	snprintf(name, sizeof(name), "%s.item", world.id);
	assert_int_equal(fd_write_file_atomic(world.dir, name, 0600, "half", 4), 0);
	assert_int_equal(quarantine_open(world.loop, world.dir, &world.q), 0);
	assert_true(wl_list_empty(quarantine_items(world.q)));
	end(&world);
}

/* Ended in the middle: nothing is there, and its place is free. */
static void test_cancel(void **state)
{
	struct quarantine_item item = {.size = 900};
	struct quarantine_copy *copy;
	struct world world;
	int fd;

	(void)state;
	begin(&world);
	fd = fd_memfd("x", "x", 1);
	assert_int_equal(quarantine_keep(world.q, &item, fd, handle_done, &world, &copy), 0);
	assert_int_equal(quarantine_bytes(world.q), 900);
	quarantine_cancel(copy);
	assert_int_equal(quarantine_bytes(world.q), 0);
	/* Shorter than it was said to be. */
	world.error = 1;
	assert_int_equal(quarantine_keep(world.q, &item, fd, handle_done, &world, &copy), 0);
	while (world.error == 1)
		wl_event_loop_dispatch(world.loop, -1);
	assert_int_equal(world.error, -EIO);
	assert_int_equal(quarantine_bytes(world.q), 0);
	close(fd);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_expiry), cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
