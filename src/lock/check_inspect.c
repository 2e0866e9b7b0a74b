/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "lock/archive_look.h"
#include "lock/check_ole.h"

#define CHUNK (256u << 10)

/* As libmagic has it, in our words. */
static void name_type(const char *found, char *out, size_t size)
{
	if (!found || str_eq(found, "application/octet-stream") || !strchr(found, '/') ||
	    !check_type_valid(found))
		found = CHECK_TYPE_UNKNOWN;
	str_copy(out, size, found);
}

/* One character, of which libmagic says nothing. */
static bool is_short_text(uint8_t byte)
{
	return (byte >= 0x20 && byte < 0x7f) || byte == 0x0a;
}

static void note_ole(struct check_inspect *inspect, const struct check_ole *ole, const char *member)
{
	if (ole->macros)
		check_facts_add(inspect->facts, CHECK_TYPE_MACROS, member, NULL);
	if (ole->encrypted)
		check_facts_add(inspect->facts, CHECK_TYPE_ENCRYPTED, member, NULL);
}

static int look_for_ole(struct check_inspect *inspect, int fd)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	struct check_ole ole = {0};
	uint64_t at = 0;

	if (!chunk)
		return -ENOMEM;
	while (at < inspect->size) {
		ssize_t n = pread(fd, chunk, CHUNK, (off_t)at);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		check_ole_feed(&ole, chunk, (size_t)n);
		at += (uint64_t)n;
		if (!ole.is_ole && at >= CHECK_OLE_ENTRY)
			break;
	}
	note_ole(inspect, &ole, NULL);
	return 0;
}

int check_inspect_file(struct check_inspect *inspect, int fd)
{
	char type[CHECK_TYPE_MAX + 1];
	uint8_t first = 0;
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	name_type(inspect->size > 0 ? magic_descriptor(inspect->magic, fd) : CHECK_TYPE_EMPTY, type,
		  sizeof(type));
	if (inspect->size == 1 && pread(fd, &first, 1, 0) == 1 && is_short_text(first))
		str_copy(type, sizeof(type), "text/plain");
	check_facts_add(inspect->facts, type, NULL, NULL);
	r = look_for_ole(inspect, fd);
	if (r == 0 && inspect->size > 0)
		archive_look_fd(inspect, fd, type);
	return r;
}

void check_inspect_bytes(struct check_inspect *inspect, const void *data, size_t len,
			 const char *member, uint32_t depth)
{
	char type[CHECK_TYPE_MAX + 1];
	struct check_ole ole = {0};

	name_type(len > 0 ? magic_buffer(inspect->magic, data, len) : CHECK_TYPE_EMPTY, type,
		  sizeof(type));
	check_facts_add(inspect->facts, type, member, NULL);
	check_ole_feed(&ole, data, len);
	note_ole(inspect, &ole, member);
	if (archive_is_one(type))
		archive_look_bytes(inspect, data, len, type, member, depth);
}
