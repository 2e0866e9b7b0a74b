/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_counters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "lock/check_limits.h"

#define PREFIX "transferred-"
#define NAME_SIZE 32

struct person {
	uid_t uid;
	struct check_used used[2];
};

struct check_counters {
	int dir; /* borrowed */
	int file; /* of the day */
	uint64_t day; /* since 1970 */
	struct person *persons; /* by uid */
	size_t n;
};

static uint64_t day_of(uint64_t now)
{
	return now / USEC_PER_SEC / 86400;
}

static void name_of(uint64_t day, char out[NAME_SIZE])
{
	time_t t = (time_t)(day * 86400);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, NAME_SIZE, PREFIX "%Y%m%d", &tm);
}

/* The place where the uid is, or belongs. */
static size_t place_of(const struct check_counters *counters, uid_t uid)
{
	size_t low = 0, high = counters->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (counters->persons[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct person *get(struct check_counters *counters, uid_t uid)
{
	size_t at = place_of(counters, uid);
	struct person *grown;

	if (at < counters->n && counters->persons[at].uid == uid)
		return &counters->persons[at];
	if (counters->n == CHECK_COUNTERS_MAX)
		return NULL;
	grown = reallocarray(counters->persons, counters->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	counters->persons = grown;
	memmove(grown + at + 1, grown + at, (counters->n - at) * sizeof(*grown));
	grown[at] = (struct person){.uid = uid};
	counters->n++;
	return &grown[at];
}

int check_counters_parse(const char *line, uid_t *ret_uid, enum check_direction *ret_direction,
			 uint64_t *ret_bytes)
{
	char copy[64], *rest = copy;
	const char *words[3];
	int64_t uid, bytes;

	if (!str_copy(copy, sizeof(copy), line))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		words[i] = strsep(&rest, " ");
		if (!words[i])
			return -EINVAL;
	}
	if (rest || str_to_int(words[0], 0, UINT32_MAX, &uid) < 0 ||
	    (!str_eq(words[1], "up") && !str_eq(words[1], "down")) ||
	    str_to_int(words[2], 0, INT64_MAX, &bytes) < 0)
		return -EINVAL;
	*ret_uid = (uid_t)uid;
	*ret_direction = str_eq(words[1], "up") ? CHECK_UP : CHECK_DOWN;
	*ret_bytes = (uint64_t)bytes;
	return 0;
}

static int note(struct check_counters *counters, uid_t uid, enum check_direction direction,
		uint64_t bytes)
{
	struct person *person = get(counters, uid);

	if (!person)
		return -ENOMEM;
	person->used[direction].bytes += MIN(bytes, UINT64_MAX - person->used[direction].bytes);
	person->used[direction].files++;
	return 0;
}

/* A last line that was cut by a full disk is of a file that did not pass. */
static int read_day(struct check_counters *counters)
{
	FILE *in = fdopen(dup(counters->file), "r");
	char line[128];
	bool cut = false;
	int r = 0;

	if (!in)
		return -errno;
	rewind(in);
	while (r == 0 && fgets(line, sizeof(line), in)) {
		enum check_direction direction;
		size_t len = strlen(line);
		uint64_t bytes;
		uid_t uid;

		cut = len == 0 || line[len - 1] != '\n';
		if (cut)
			continue;
		line[len - 1] = '\0';
		if (check_counters_parse(line, &uid, &direction, &bytes) == 0)
			r = note(counters, uid, direction, bytes);
	}
	fclose(in);
	/* So that the next one is a line of its own. */
	if (r == 0 && cut)
		r = fd_write_all(counters->file, "\n", 1);
	return r;
}

static void delete_others(const struct check_counters *counters, const char *name)
{
	int fd = openat(counters->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)) && !str_eq(entry->d_name, name))
			(void)unlinkat(counters->dir, entry->d_name, 0);
	}
	closedir(dir);
}

static int begin_day(struct check_counters *counters, uint64_t day)
{
	char name[NAME_SIZE];

	name_of(day, name);
	counters->file = fd_close(counters->file);
	counters->day = day;
	counters->n = 0;
	counters->file = openat(counters->dir, name,
				O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (counters->file < 0)
		return -errno;
	delete_others(counters, name);
	return read_day(counters);
}

int check_counters_open(int dir, uint64_t now, struct check_counters **ret_counters)
{
	struct check_counters *counters = calloc(1, sizeof(*counters));
	int r;

	if (!counters)
		return -ENOMEM;
	counters->dir = dir;
	counters->file = -1;
	r = begin_day(counters, day_of(now));
	if (r < 0) {
		check_counters_close(counters);
		return r;
	}
	*ret_counters = counters;
	return 0;
}

void check_counters_close(struct check_counters *counters)
{
	if (!counters)
		return;
	fd_close(counters->file);
	free(counters->persons);
	free(counters);
}

struct check_used check_counters_used(struct check_counters *counters, uid_t uid,
				      enum check_direction direction, uint64_t now)
{
	size_t at = place_of(counters, uid);

	if (day_of(now) != counters->day || at == counters->n || counters->persons[at].uid != uid)
		return (struct check_used){0};
	return counters->persons[at].used[direction];
}

int check_counters_add(struct check_counters *counters, uid_t uid, enum check_direction direction,
		       uint64_t bytes, uint64_t now)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%u %s %llu\n", (unsigned int)uid,
			   direction == CHECK_UP ? "up" : "down", (unsigned long long)bytes);
	off_t end;
	int r = 0;

	if (day_of(now) != counters->day || counters->file < 0)
		r = begin_day(counters, day_of(now));
	if (r < 0)
		return r;
	end = lseek(counters->file, 0, SEEK_END);
	if (end < 0)
		return -errno;
	r = fd_write_all(counters->file, line, (size_t)len);
	if (r < 0) {
		/* Half a line would spoil the next one. */
		(void)!ftruncate(counters->file, end);
		return r;
	}
	return note(counters, uid, direction, bytes);
}
