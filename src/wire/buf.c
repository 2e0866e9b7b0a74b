/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define BUF_FIRST_SIZE 256

void buf_init(struct buf *buf, size_t cap)
{
	*buf = (struct buf){.cap = cap};
}

void buf_init_secret(struct buf *buf, size_t cap)
{
	*buf = (struct buf){.cap = cap, .secret = true};
}

static void give_back(struct buf *buf, uint8_t *data, size_t size)
{
	if (buf->secret)
		mem_wipe(data, size);
	free(data);
}

void buf_finish(struct buf *buf)
{
	give_back(buf, buf->data, buf->size);
	*buf = (struct buf){.cap = buf->cap, .secret = buf->secret};
}

void buf_clear(struct buf *buf)
{
	if (buf->secret)
		mem_wipe(buf->data, buf->size);
	buf->start = 0;
	buf->len = 0;
	buf->error = 0;
}

static bool grow(struct buf *buf, size_t needed)
{
	size_t size = buf->size ? buf->size : BUF_FIRST_SIZE;
	uint8_t *data;

	while (size < needed)
		size *= 2;
	size = MAX(MIN(size, buf->cap), needed);
	/* A fresh block instead of realloc(), which could leave a secret behind. */
	data = malloc(size);
	if (!data) {
		buf->error = -ENOMEM;
		return false;
	}
	if (buf->len > 0)
		memcpy(data, buf->data + buf->start, buf->len);
	give_back(buf, buf->data, buf->size);
	buf->data = data;
	buf->size = size;
	buf->start = 0;
	return true;
}

uint8_t *buf_reserve(struct buf *buf, size_t len)
{
	if (buf->error)
		return NULL;
	if (len > buf->cap - buf->len) {
		buf->error = -ENOBUFS;
		return NULL;
	}
	if (buf->size - buf->start - buf->len < len || !buf->data) {
		if (buf->data && buf->size - buf->len >= len && buf->start >= buf->size / 2) {
			memmove(buf->data, buf->data + buf->start, buf->len);
			buf->start = 0;
		} else if (!grow(buf, buf->len + len)) {
			return NULL;
		}
	}
	return buf->data + buf->start + buf->len;
}

void buf_added(struct buf *buf, size_t len)
{
	assert(len <= buf->size - buf->start - buf->len);
	buf->len += len;
}

void buf_put(struct buf *buf, const void *data, size_t len)
{
	uint8_t *p = buf_reserve(buf, len);

	if (!p || len == 0)
		return;
	memcpy(p, data, len);
	buf->len += len;
}

void buf_put_u8(struct buf *buf, uint8_t v)
{
	buf_put(buf, &v, 1);
}

void buf_put_u16(struct buf *buf, uint16_t v)
{
	uint8_t bytes[] = {(uint8_t)(v >> 8), (uint8_t)v};

	buf_put(buf, bytes, sizeof(bytes));
}

static void store_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void buf_put_u32(struct buf *buf, uint32_t v)
{
	uint8_t bytes[4];

	store_u32(bytes, v);
	buf_put(buf, bytes, sizeof(bytes));
}

void buf_put_u64(struct buf *buf, uint64_t v)
{
	buf_put_u32(buf, (uint32_t)(v >> 32));
	buf_put_u32(buf, (uint32_t)v);
}

void buf_put_zero(struct buf *buf, size_t len)
{
	uint8_t *p = buf_reserve(buf, len);

	if (!p || len == 0)
		return;
	memset(p, 0, len);
	buf->len += len;
}

void buf_put_str(struct buf *buf, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	buf_put_u32(buf, (uint32_t)len);
	buf_put(buf, s, len);
}

void buf_patch_u16(struct buf *buf, size_t offset, uint16_t v)
{
	if (buf->error)
		return;
	assert(offset + 2 <= buf->len);
	buf->data[buf->start + offset] = (uint8_t)(v >> 8);
	buf->data[buf->start + offset + 1] = (uint8_t)v;
}

void buf_patch_u32(struct buf *buf, size_t offset, uint32_t v)
{
	if (buf->error)
		return;
	assert(offset + 4 <= buf->len);
	store_u32(buf->data + buf->start + offset, v);
}

void buf_consume(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (buf->secret)
		mem_wipe(buf->data + buf->start, len);
	buf->start += len;
	buf->len -= len;
	if (buf->len == 0)
		buf->start = 0;
}

void buf_truncate(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len = len;
}

ssize_t buf_read_fd(struct buf *buf, int fd, size_t max)
{
	size_t room = MIN(max, buf->cap - buf->len);
	uint8_t *p;
	ssize_t n;

	if (room == 0)
		return -ENOBUFS;
	p = buf_reserve(buf, room);
	if (!p)
		return buf->error;
	do
		n = read(fd, p, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf->len += (size_t)n;
	return n;
}

ssize_t buf_write_fd(struct buf *buf, int fd)
{
	ssize_t n;

	if (buf->error)
		return buf->error;
	if (buf->len == 0)
		return 0;
	do {
		n = send(fd, buf_data(buf), buf->len, MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, buf_data(buf), buf->len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf_consume(buf, (size_t)n);
	return n;
}
