/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/public_key.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "wire/cursor.h"

#define BLOB_MAX 6144

/* What follows the name of the kind in the data. */
enum shape { SHAPE_RSA, SHAPE_POINT, SHAPE_ED25519, SHAPE_SK_POINT, SHAPE_SK_ED25519 };

static const struct kind {
	const char *name, *curve;
	enum shape shape;
	size_t bits;
} kinds[] = {
	{"ssh-ed25519", NULL, SHAPE_ED25519, 256},
	{"sk-ssh-ed25519@openssh.com", NULL, SHAPE_SK_ED25519, 256},
	{"ecdsa-sha2-nistp256", "nistp256", SHAPE_POINT, 256},
	{"ecdsa-sha2-nistp384", "nistp384", SHAPE_POINT, 384},
	{"ecdsa-sha2-nistp521", "nistp521", SHAPE_POINT, 521},
	{"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", SHAPE_SK_POINT, 256},
	{"ssh-rsa", NULL, SHAPE_RSA, 0},
};

static const struct kind *find_kind(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strlen(kinds[i].name) == len && strncmp(kinds[i].name, word, len) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* --- base64 ----------------------------------------------------------------------------------- */

static int digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648, section 4, with its padding and no bits that mean nothing. -EINVAL. */
static int decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *ret_len)
{
	size_t n = 0, pad = 0;

	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	if (len == 0 || len % 4 != 0 || len / 4 * 3 > size)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		size_t here = i + 4 == len ? 4 - pad : 4;
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			int value = k < here ? digit(text[i + k]) : 0;

			if (value < 0)
				return -EINVAL;
			bits = bits << 6 | (uint32_t)value;
		}
		for (size_t k = 0; k < here - 1; k++)
			out[n++] = (uint8_t)(bits >> (16 - 8 * k));
		if (here < 4 && (bits & (here == 3 ? 0xffu : 0xffffu)))
			return -EINVAL;
	}
	*ret_len = n;
	return 0;
}

/* --- the data --------------------------------------------------------------------------------- */

static const uint8_t *field(struct cursor *c, size_t *ret_len)
{
	size_t len = cursor_u32(c);
	const uint8_t *data = cursor_bytes(c, len);

	*ret_len = data ? len : 0;
	return data;
}

static bool field_is(struct cursor *c, const char *text)
{
	size_t len;
	const uint8_t *data = field(c, &len);

	return data && len == strlen(text) && memcmp(data, text, len) == 0;
}

/* A positive number; its bits, or 0. */
static size_t number_bits(struct cursor *c)
{
	size_t len, bits;
	const uint8_t *data = field(c, &len);

	while (data && len > 0 && *data == 0) {
		data++;
		len--;
	}
	if (!data || len == 0)
		return 0;
	bits = len * 8;
	for (uint8_t top = 0x80; !(*data & top); top >>= 1)
		bits--;
	return bits;
}

static bool is_point(struct cursor *c, const struct kind *kind)
{
	size_t len;
	const uint8_t *data;

	if (!field_is(c, kind->curve))
		return false;
	data = field(c, &len);
	return data && len == 1 + 2 * ((kind->bits + 7) / 8) && data[0] == 4;
}

static bool is_ed25519(struct cursor *c)
{
	size_t len;

	return field(c, &len) && len == 32;
}

static bool is_application(struct cursor *c)
{
	size_t len;

	return field(c, &len) && len > 0;
}

static size_t read_bits(struct cursor *c, const struct kind *kind)
{
	switch (kind->shape) {
	case SHAPE_RSA:
		return number_bits(c) > 0 ? number_bits(c) : 0;
	case SHAPE_POINT:
		return is_point(c, kind) ? kind->bits : 0;
	case SHAPE_ED25519:
		return is_ed25519(c) ? kind->bits : 0;
	case SHAPE_SK_POINT:
		return is_point(c, kind) && is_application(c) ? kind->bits : 0;
	default:
		return is_ed25519(c) && is_application(c) ? kind->bits : 0;
	}
}

static const char *read_blob(const char *text, size_t len, const struct kind *kind,
			     struct public_key *key)
{
	uint8_t blob[BLOB_MAX];
	struct cursor c;
	size_t n;

	if (decode(text, len, blob, sizeof(blob), &n) < 0)
		return "the data of the key is not in base64, or was cut";
	c = cursor_over(blob, n);
	if (!field_is(&c, kind->name))
		return "the data is that of another kind of key than the line says";
	key->bits = read_bits(&c, kind);
	if (key->bits == 0 || !cursor_done(&c))
		return "the data is no key of the kind that the line says";
	if (kind->shape == SHAPE_RSA && key->bits < PUBLIC_KEY_RSA_BITS_MIN)
		return "an RSA key needs 3072 bits; ssh-keygen -t ed25519 makes a better one";
	memcpy(key->data, text, len);
	key->data[len] = '\0';
	key->type = kind->name;
	return NULL;
}

/* --- the line --------------------------------------------------------------------------------- */

static const char *unknown_kind(const char *word, size_t len)
{
	if (memmem(word, len, "-cert-v01", 9))
		return "certificates are not taken: hand in the public key itself";
	if (len == 7 && strncmp(word, "ssh-dss", len) == 0)
		return "DSA keys are too weak; ssh-keygen -t ed25519 makes a good one";
	if (memmem(word, len, "PRIVATE", 7) || (len >= 5 && strncmp(word, "-----", 5) == 0))
		return "this is not a public key: hand in the one line of the file that ends in "
		       ".pub, and make a new key if this was a private one";
	return "the line does not begin with a kind of key that is taken (ssh-ed25519, "
	       "ecdsa-sha2-nistp256, ssh-rsa and so on); options before it are not allowed";
}

static size_t span(const char *text, size_t len, bool blank)
{
	size_t n = 0;

	while (n < len && text[n] != '\n' && (text[n] == ' ' || text[n] == '\t') == blank)
		n++;
	return n;
}

static const char *parse(const char *text, size_t len, struct public_key *key)
{
	size_t n = span(text, len, false);
	const struct kind *kind = find_kind(text, n);
	const char *why;

	if (!kind)
		return unknown_kind(text, n);
	text += n, len -= n;
	n = span(text, len, true);
	text += n, len -= n;
	n = span(text, len, false);
	why = read_blob(text, n, kind, key);
	if (why)
		return why;
	text += n, len -= n;
	n = span(text, len, true);
	text += n, len -= n;
	if (memchr(text, '\n', len))
		return "there is more than one line: hand in one key at a time";
	str_sanitize(key->comment, sizeof(key->comment), text, len);
	return NULL;
}

int public_key_parse(const char *text, size_t len, struct public_key *ret_key, const char **ret_why)
{
	*ret_why = NULL;
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	while (len > 0 && strchr(" \t\r\n", *text))
		text++, len--;
	if (len == 0)
		*ret_why = "there is no key: hand in the one line of a file that ends in .pub";
	else if (len >= PUBLIC_KEY_LINE_MAX)
		*ret_why = "the line is longer than any key";
	else if (memchr(text, '\0', len))
		*ret_why = "the line has a byte that is no text";
	else
		*ret_why = parse(text, len, ret_key);
	return *ret_why ? -EINVAL : 0;
}
