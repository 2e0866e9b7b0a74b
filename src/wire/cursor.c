/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/cursor.h"

#include <stdlib.h>
#include <string.h>

const uint8_t *cursor_bytes(struct cursor *c, size_t len)
{
	const uint8_t *p;

	if (c->failed || len > c->len - c->pos) {
		c->failed = true;
		return NULL;
	}
	p = c->data + c->pos;
	c->pos += len;
	return p;
}

void cursor_skip(struct cursor *c, size_t len)
{
	(void)cursor_bytes(c, len);
}

uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 1);

	return p ? p[0] : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
	uint64_t high = cursor_u32(c);

	return high << 32 | cursor_u32(c);
}

char *cursor_str(struct cursor *c, size_t max)
{
	uint32_t len = cursor_u32(c);
	const uint8_t *p;
	char *s;

	if (len > max)
		c->failed = true;
	p = cursor_bytes(c, len);
	if (!p || memchr(p, 0, len)) {
		c->failed = true;
		return NULL;
	}
	s = malloc((size_t)len + 1);
	if (!s) {
		c->failed = true;
		return NULL;
	}
	memcpy(s, p, len);
	s[len] = '\0';
	return s;
}
