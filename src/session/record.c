/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

int record_process_start(pid_t pid, uint64_t *ret_start)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	const char *p;
	uint64_t start;
	size_t len;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = fd_read_file(AT_FDCWD, path, 4096, &text, &len);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	/* Field 22, proc(5); the name in brackets may contain anything. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %" SCNu64, &start) != 1)
		return -EIO;
	*ret_start = start;
	return 0;
}

int record_write(int dir, const struct session_record *record)
{
	char text[RECORD_MAX];
	int n = snprintf(text, sizeof(text),
			 "id=%s\nslot=%" PRIu32 "\nuid=%" PRIu32 "\npid=%d\nstart=%" PRIu64
			 "\nname=%s\nversion=%s\n",
			 record->id, record->slot, (uint32_t)record->uid, (int)record->pid,
			 record->start, record->name, record->version);

	if (n < 0 || (size_t)n >= sizeof(text) || strchr(record->name, '\n'))
		return -EINVAL;
	return fd_write_file_atomic(dir, RECORD_FILE, 0600, text, (size_t)n);
}

/* Takes "key=value\n" off the front of *text; false if it does not begin so. */
static bool take(const char **text, const char *key, char *value, size_t size)
{
	size_t len = strlen(key);
	const char *end = strchr(*text, '\n');
	const char *from = *text + len + 1;

	if (strncmp(*text, key, len) != 0 || (*text)[len] != '=' || !end ||
	    (size_t)(end - from) >= size)
		return false;
	memcpy(value, from, (size_t)(end - from));
	value[end - from] = '\0';
	*text = end + 1;
	return true;
}

static bool take_number(const char **text, const char *key, int64_t max, int64_t *value)
{
	char digits[32];

	return take(text, key, digits, sizeof(digits)) && str_to_int(digits, 0, max, value) == 0;
}

int record_parse(const char *text, struct session_record *ret_record)
{
	struct session_record record = {0};
	int64_t slot, uid, pid, start;

	if (!take(&text, "id", record.id, sizeof(record.id)) ||
	    !take_number(&text, "slot", UINT32_MAX, &slot) ||
	    !take_number(&text, "uid", UINT32_MAX - 1, &uid) ||
	    !take_number(&text, "pid", INT32_MAX, &pid) ||
	    !take_number(&text, "start", INT64_MAX, &start) ||
	    !take(&text, "name", record.name, sizeof(record.name)) ||
	    !take(&text, "version", record.version, sizeof(record.version)) || *text != '\0' ||
	    pid == 0)
		return -EINVAL;
	record.slot = (uint32_t)slot;
	record.uid = (uid_t)uid;
	record.pid = (pid_t)pid;
	record.start = (uint64_t)start;
	*ret_record = record;
	return 0;
}

int record_read(int dir, struct session_record *ret_record)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fd_read_file(dir, RECORD_FILE, RECORD_MAX, &text, &len);

	if (r < 0)
		return r;
	return strlen(text) == len ? record_parse(text, ret_record) : -EINVAL;
}
