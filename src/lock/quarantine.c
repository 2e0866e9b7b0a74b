/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/quarantine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define RECORD ".item"
#define CONTENT ".file"
#define FORMAT 1
#define RECORD_MAX 4096
#define FILE_NAME_SIZE 32
/* Copied in one turn of the loop; bytes. */
#define TURN (4u << 20)

struct quarantine {
	struct wl_event_loop *loop;
	int dir; /* borrowed */
	struct wl_list items;
	size_t n;
	uint64_t bytes; /* of all items, copies that are being made included */
	uint64_t bytes_max, seconds_max;
};

struct quarantine_copy {
	struct quarantine *q;
	struct quarantine_item *item; /* not in the list yet */
	int from, to;
	uint64_t at;
	struct wl_event_source *timer;
	quarantine_done done;
	void *data;
};

/* --- records ---------------------------------------------------------------------------------- */

void quarantine_put(const struct quarantine_item *item, struct buf *out)
{
	buf_put_u8(out, FORMAT);
	buf_put_u8(out, (uint8_t)item->state);
	buf_put_u64(out, item->since);
	buf_put_u64(out, item->size);
	buf_put_u32(out, (uint32_t)item->uid);
	buf_put_u8(out, (uint8_t)item->direction);
	buf_put(out, item->digest, sizeof(item->digest));
	buf_put_str(out, item->user);
	buf_put_str(out, item->name);
	buf_put_str(out, item->address);
	buf_put_str(out, item->type);
	buf_put_str(out, item->rule);
	buf_put_str(out, item->by);
}

static void get_text(struct cursor *c, char *out, size_t size)
{
	_cleanup_free_ char *text = cursor_str(c, size - 1);

	str_copy(out, size, text ? text : "");
}

int quarantine_get(struct cursor *c, struct quarantine_item *ret_item)
{
	struct quarantine_item item = {0};
	uint8_t format = cursor_u8(c), state = cursor_u8(c), direction;
	const uint8_t *digest;

	item.since = cursor_u64(c);
	item.size = cursor_u64(c);
	item.uid = cursor_u32(c);
	direction = cursor_u8(c);
	digest = cursor_bytes(c, CHECK_DIGEST_LEN);
	get_text(c, item.user, sizeof(item.user));
	get_text(c, item.name, sizeof(item.name));
	get_text(c, item.address, sizeof(item.address));
	get_text(c, item.type, sizeof(item.type));
	get_text(c, item.rule, sizeof(item.rule));
	get_text(c, item.by, sizeof(item.by));
	if (!cursor_done(c) || format != FORMAT || state > QUARANTINE_RELEASED ||
	    direction > CHECK_DOWN)
		return -EPROTO;
	item.state = (enum quarantine_state)state;
	item.direction = (enum check_direction)direction;
	memcpy(item.digest, digest, sizeof(item.digest));
	*ret_item = item;
	return 0;
}

static void file_name(const char *id, const char *end, char out[FILE_NAME_SIZE])
{
	snprintf(out, FILE_NAME_SIZE, "%s%s", id, end);
}

static int write_record(const struct quarantine *q, const struct quarantine_item *item)
{
	char name[FILE_NAME_SIZE];
	struct buf out;
	int r;

	file_name(item->id, RECORD, name);
	buf_init(&out, RECORD_MAX);
	quarantine_put(item, &out);
	r = buf_error(&out);
	if (r == 0)
		r = fd_write_file_atomic(q->dir, name, 0600, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return r;
}

static void remove_files(const struct quarantine *q, const char *id)
{
	char name[FILE_NAME_SIZE];

	file_name(id, RECORD, name);
	(void)unlinkat(q->dir, name, 0);
	file_name(id, CONTENT, name);
	(void)unlinkat(q->dir, name, 0);
}

/* --- the items -------------------------------------------------------------------------------- */

static bool is_id(const char *id)
{
	return strlen(id) == QUARANTINE_ID_LEN &&
	       strspn(id, "0123456789abcdef") == QUARANTINE_ID_LEN;
}

static int read_item(struct quarantine *q, const char *id)
{
	struct quarantine_item *item = calloc(1, sizeof(*item));
	_cleanup_free_ char *data = NULL;
	char name[FILE_NAME_SIZE];
	struct cursor c;
	size_t len;
	int r;

	if (!item)
		return -ENOMEM;
	file_name(id, RECORD, name);
	r = fd_read_file(q->dir, name, RECORD_MAX, &data, &len);
	if (r == 0) {
		c = cursor_over(data, len);
		r = quarantine_get(&c, item);
	}
	file_name(id, CONTENT, name);
	if (r == 0 && faccessat(q->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r < 0) {
		free(item);
		return r;
	}
	str_copy(item->id, sizeof(item->id), id);
	wl_list_insert(&q->items, &item->link);
	q->n++;
	q->bytes += item->size;
	return 0;
}

/* The content is written first: without a record it is what a kill has left. */
static int read_all(struct quarantine *q)
{
	int fd = openat(q->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while (r != -ENOMEM && (entry = readdir(dir))) {
		char id[QUARANTINE_ID_LEN + 1];

		if (strlen(entry->d_name) <= QUARANTINE_ID_LEN)
			continue;
		str_copy(id, sizeof(id), entry->d_name);
		if (!is_id(id) || !str_eq(entry->d_name + QUARANTINE_ID_LEN, CONTENT))
			continue;
		r = read_item(q, id);
		if (r < 0 && r != -ENOMEM) {
			log_event(LOG_WARN, "quarantine.not-whole", LOG_STR("id", id), LOG_ERR(r));
			remove_files(q, id);
		}
	}
	closedir(dir);
	return r == -ENOMEM ? r : 0;
}

static void forget(struct quarantine *q, struct quarantine_item *item)
{
	wl_list_remove(&item->link);
	q->n--;
	q->bytes -= item->size;
	free(item);
}

int quarantine_open(struct wl_event_loop *loop, int dir, struct quarantine **ret_q)
{
	struct quarantine *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->loop = loop;
	q->dir = dir;
	wl_list_init(&q->items);
	r = read_all(q);
	if (r < 0) {
		quarantine_close(q);
		return r;
	}
	*ret_q = q;
	return 0;
}

void quarantine_close(struct quarantine *q)
{
	struct quarantine_item *item, *next;

	if (!q)
		return;
	wl_list_for_each_safe (item, next, &q->items, link)
		forget(q, item);
	free(q);
}

void quarantine_configure(struct quarantine *q, uint64_t bytes, uint64_t seconds)
{
	q->bytes_max = bytes;
	q->seconds_max = seconds;
}

const struct wl_list *quarantine_items(const struct quarantine *q)
{
	return &q->items;
}

uint64_t quarantine_bytes(const struct quarantine *q)
{
	return q->bytes;
}

static struct quarantine_item *find(const struct quarantine *q, const char *id)
{
	struct quarantine_item *item;

	wl_list_for_each (item, &q->items, link) {
		if (str_eq(item->id, id))
			return item;
	}
	return NULL;
}

const struct quarantine_item *quarantine_find(const struct quarantine *q, const char *id)
{
	return find(q, id);
}

const struct quarantine_item *quarantine_known(const struct quarantine *q, uid_t uid,
					       enum check_direction direction,
					       const uint8_t digest[CHECK_DIGEST_LEN])
{
	struct quarantine_item *item;

	wl_list_for_each (item, &q->items, link) {
		if (item->uid == uid && item->direction == direction &&
		    memcmp(item->digest, digest, CHECK_DIGEST_LEN) == 0)
			return item;
	}
	return NULL;
}

int quarantine_release(struct quarantine *q, const char *id, const char *by)
{
	struct quarantine_item *item = find(q, id);
	struct quarantine_item changed;
	int r;

	if (!item)
		return -ENOENT;
	changed = *item;
	changed.state = QUARANTINE_RELEASED;
	str_copy(changed.by, sizeof(changed.by), by);
	r = write_record(q, &changed);
	if (r < 0)
		return r;
	item->state = changed.state;
	str_copy(item->by, sizeof(item->by), by);
	return 0;
}

int quarantine_drop(struct quarantine *q, const char *id)
{
	struct quarantine_item *item = find(q, id);

	if (!item)
		return -ENOENT;
	remove_files(q, id);
	forget(q, item);
	return 0;
}

void quarantine_expire(struct quarantine *q, uint64_t now,
		       void (*told)(void *data, const struct quarantine_item *item), void *data)
{
	struct quarantine_item *item, *next;

	wl_list_for_each_safe (item, next, &q->items, link) {
		if (now < item->since || (now - item->since) / USEC_PER_SEC < q->seconds_max)
			continue;
		told(data, item);
		remove_files(q, item->id);
		forget(q, item);
	}
}

/* --- a copy ----------------------------------------------------------------------------------- */

static void copy_free(struct quarantine_copy *copy)
{
	wl_event_source_remove(copy->timer);
	fd_close(copy->to);
	free(copy->item);
	free(copy);
}

void quarantine_cancel(struct quarantine_copy *copy)
{
	if (!copy)
		return;
	remove_files(copy->q, copy->item->id);
	copy->q->bytes -= copy->item->size;
	copy->q->n--;
	copy_free(copy);
}

static void finish(struct quarantine_copy *copy, int error)
{
	quarantine_done done = copy->done;
	void *data = copy->data;
	struct quarantine_item *item = copy->item;

	if (error == 0 && fsync(copy->to) < 0)
		error = -errno;
	if (error == 0)
		error = write_record(copy->q, item);
	if (error < 0) {
		quarantine_cancel(copy);
		done(data, error, NULL);
		return;
	}
	wl_list_insert(&copy->q->items, &item->link);
	copy->item = NULL;
	copy_free(copy);
	done(data, 0, item);
}

/* Between file systems of different kinds the kernel may leave it to us. */
static ssize_t copy_some(struct quarantine_copy *copy, size_t len)
{
	static uint8_t block[1u << 20];
	off_t from = (off_t)copy->at, to = (off_t)copy->at;
	ssize_t n = copy_file_range(copy->from, &from, copy->to, &to, len, 0);

	if (n >= 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
		return n;
	n = pread(copy->from, block, MIN(len, sizeof(block)), (off_t)copy->at);
	return n > 0 ? pwrite(copy->to, block, (size_t)n, (off_t)copy->at) : n;
}

/* A turn: the kernel shares the blocks if it can, otherwise it copies. */
static int handle_turn(void *data)
{
	struct quarantine_copy *copy = data;
	uint64_t left = copy->item->size - copy->at;
	ssize_t n;

	if (copy->at == 0 && left > 0 && ioctl(copy->to, FICLONE, copy->from) == 0)
		left = 0;
	if (left == 0) {
		finish(copy, 0);
		return 0;
	}
	n = copy_some(copy, MIN(left, (uint64_t)TURN));
	if (n <= 0) {
		finish(copy, n < 0 ? -errno : -EIO);
		return 0;
	}
	copy->at += (uint64_t)n;
	wl_event_source_timer_update(copy->timer, 1);
	return 0;
}

static int make_id(char *out)
{
	uint8_t bytes[QUARANTINE_ID_LEN / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int begin(struct quarantine_copy *copy)
{
	char name[FILE_NAME_SIZE];
	int r = make_id(copy->item->id);

	if (r < 0)
		return r;
	file_name(copy->item->id, CONTENT, name);
	copy->to = openat(copy->q->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			  0600);
	if (copy->to < 0)
		return -errno;
	copy->timer = wl_event_loop_add_timer(copy->q->loop, handle_turn, copy);
	if (!copy->timer) {
		remove_files(copy->q, copy->item->id);
		return -ENOMEM;
	}
	wl_event_source_timer_update(copy->timer, 1);
	return 0;
}

int quarantine_keep(struct quarantine *q, const struct quarantine_item *item, int fd,
		    quarantine_done done, void *data, struct quarantine_copy **ret_copy)
{
	struct quarantine_copy *copy;
	int r;

	if (q->n >= CHECK_QUARANTINE_MAX || item->size > q->bytes_max ||
	    q->bytes > q->bytes_max - item->size)
		return -ENOSPC;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	copy->item = malloc(sizeof(*item));
	copy->q = q;
	copy->from = fd;
	copy->to = -1;
	copy->done = done;
	copy->data = data;
	if (copy->item)
		*copy->item = *item;
	r = copy->item ? begin(copy) : -ENOMEM;
	if (r < 0) {
		fd_close(copy->to);
		free(copy->item);
		free(copy);
		return r;
	}
	q->n++;
	q->bytes += item->size;
	*ret_copy = copy;
	return 0;
}
