/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret_value)
{
	const char *digits = s[0] == '-' ? s + 1 : s;
	char *end;
	long long value;

	if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
		return -EINVAL;
	errno = 0;
	value = strtoll(s, &end, 10);
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

bool str_copy(char *out, size_t size, const char *s)
{
	size_t len = strnlen(s, size);
	bool fits = len < size;

	if (!fits)
		len = size - 1;
	memcpy(out, s, len);
	out[len] = '\0';
	return fits;
}

size_t str_utf8_decode(const char *s, size_t len, uint32_t *ret_scalar)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	uint32_t scalar;
	size_t need;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*ret_scalar = p[0];
		return 1;
	}
	if ((p[0] & 0xe0) == 0xc0)
		need = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		need = 3;
	else if ((p[0] & 0xf8) == 0xf0)
		need = 4;
	else
		return 0;
	if (len < need)
		return 0;
	scalar = p[0] & (0x7f >> need);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		scalar = scalar << 6 | (p[i] & 0x3f);
	}
	if (scalar < smallest[need] || scalar > 0x10ffff || (scalar >= 0xd800 && scalar <= 0xdfff))
		return 0;
	*ret_scalar = scalar;
	return need;
}

size_t str_utf8_encode(uint32_t scalar, char out[4])
{
	if (scalar < 0x80) {
		out[0] = (char)scalar;
		return 1;
	}
	if (scalar < 0x800) {
		out[0] = (char)(0xc0 | scalar >> 6);
		out[1] = (char)(0x80 | (scalar & 0x3f));
		return 2;
	}
	if (scalar >= 0xd800 && scalar <= 0xdfff)
		return 0;
	if (scalar < 0x10000) {
		out[0] = (char)(0xe0 | scalar >> 12);
		out[1] = (char)(0x80 | (scalar >> 6 & 0x3f));
		out[2] = (char)(0x80 | (scalar & 0x3f));
		return 3;
	}
	if (scalar > 0x10ffff)
		return 0;
	out[0] = (char)(0xf0 | scalar >> 18);
	out[1] = (char)(0x80 | (scalar >> 12 & 0x3f));
	out[2] = (char)(0x80 | (scalar >> 6 & 0x3f));
	out[3] = (char)(0x80 | (scalar & 0x3f));
	return 4;
}

bool str_utf8_valid(const char *s, size_t len)
{
	uint32_t scalar;

	while (len > 0) {
		size_t n = str_utf8_decode(s, len, &scalar);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static bool is_unshowable(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t str_sanitize(char *out, size_t size, const char *s, size_t len)
{
	size_t used = 0;

	while (len > 0) {
		uint32_t scalar;
		char bytes[4];
		size_t taken = str_utf8_decode(s, len, &scalar);
		size_t n;

		if (taken == 0) {
			scalar = 0xfffd;
			taken = 1;
		}
		n = str_utf8_encode(is_unshowable(scalar) ? ' ' : scalar, bytes);
		if (used + n >= size)
			break;
		memcpy(out + used, bytes, n);
		used += n;
		s += taken;
		len -= taken;
	}
	out[used] = '\0';
	return used;
}
