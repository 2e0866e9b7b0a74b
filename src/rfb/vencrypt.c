/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/vencrypt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rfb/protocol.h"
#include "wire/cursor.h"

#define VENCRYPT_MAJOR 0
#define VENCRYPT_MINOR 2

/* Acknowledgements; the meaning of 0 and 1 differs between the two (rfbproto "VeNCrypt"). */
#define VERSION_ACCEPTED 0
#define VERSION_REFUSED 255
#define SUBTYPE_REFUSED 0
#define SUBTYPE_ACCEPTED 1

void vencrypt_start(struct vencrypt *vencrypt, struct buf *out)
{
	*vencrypt = (struct vencrypt){.state = VENCRYPT_VERSION};
	buf_put(out, RFB_VERSION, RFB_VERSION_LEN);
}

static enum vencrypt_result refuse(struct vencrypt *vencrypt, const char *reason)
{
	vencrypt->state = VENCRYPT_DONE;
	vencrypt->reason = reason;
	return VENCRYPT_REFUSED;
}

static void put_reason(struct buf *out, const char *reason)
{
	size_t len = MIN(strlen(reason), (size_t)VENCRYPT_REASON_MAX);

	/* Not in the middle of a character. */
	while (len > 0 && reason[len] != '\0' && ((uint8_t)reason[len] & 0xc0) == 0x80)
		len--;
	buf_put_u32(out, (uint32_t)len);
	buf_put(out, reason, len);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether the bytes that are there can be a version; garbage is known by its first byte. */
static bool version_plausible(const char *s, size_t len)
{
	static const char form[RFB_VERSION_LEN + 1] = "RFB ddd.ddd\n";

	for (size_t i = 0; i < MIN(len, (size_t)RFB_VERSION_LEN); i++) {
		if (form[i] == 'd' ? !is_digit(s[i]) : form[i] != s[i])
			return false;
	}
	return true;
}

/* An old client gets the reason in the form that its version has (RFC 6143 7.1.2, appendix A). */
static enum vencrypt_result refuse_version(struct vencrypt *vencrypt, bool is_37, struct buf *out)
{
	static const char reason[] = "This server speaks RFB 3.8 with VeNCrypt and X509Plain only. "
				     "Please use a viewer that supports it.";

	if (is_37)
		buf_put_u8(out, 0);
	else
		buf_put_u32(out, 0);
	put_reason(out, reason);
	return refuse(vencrypt, "the client's RFB version is not 3.8");
}

static enum vencrypt_result take_version(struct vencrypt *vencrypt, const uint8_t *data,
					 struct buf *out)
{
	static const uint8_t types[] = {1, RFB_SECURITY_VENCRYPT};
	const char *version = (const char *)data;

	if (memcmp(version, RFB_VERSION, RFB_VERSION_LEN) == 0) {
		buf_put(out, types, sizeof(types));
		vencrypt->state = VENCRYPT_SECURITY_TYPE;
		return VENCRYPT_MORE;
	}
	/* From 3.7 on a list of types is awaited; every other version counts as 3.3. */
	return refuse_version(vencrypt, memcmp(version, "RFB 003.007\n", RFB_VERSION_LEN) >= 0,
			      out);
}

static enum vencrypt_result take_type(struct vencrypt *vencrypt, const uint8_t *data,
				      struct buf *out)
{
	static const uint8_t version[] = {VENCRYPT_MAJOR, VENCRYPT_MINOR};

	if (data[0] != RFB_SECURITY_VENCRYPT) {
		vencrypt_put_result(out, "This security type was not offered.");
		return refuse(vencrypt, "the client chose a security type that was not offered");
	}
	buf_put(out, version, sizeof(version));
	vencrypt->state = VENCRYPT_INNER_VERSION;
	return VENCRYPT_MORE;
}

static enum vencrypt_result take_inner_version(struct vencrypt *vencrypt, const uint8_t *data,
					       struct buf *out)
{
	if (data[0] != VENCRYPT_MAJOR || data[1] != VENCRYPT_MINOR) {
		buf_put_u8(out, VERSION_REFUSED);
		return refuse(vencrypt, "the client's VeNCrypt version is not 0.2");
	}
	buf_put_u8(out, VERSION_ACCEPTED);
	buf_put_u8(out, 1);
	buf_put_u32(out, RFB_VENCRYPT_X509PLAIN);
	vencrypt->state = VENCRYPT_SUBTYPE;
	return VENCRYPT_MORE;
}

static enum vencrypt_result take_subtype(struct vencrypt *vencrypt, const uint8_t *data,
					 struct buf *out)
{
	struct cursor c = cursor_over(data, 4);

	if (cursor_u32(&c) != RFB_VENCRYPT_X509PLAIN) {
		buf_put_u8(out, SUBTYPE_REFUSED);
		return refuse(vencrypt, "the client chose a VeNCrypt subtype that was not offered");
	}
	buf_put_u8(out, SUBTYPE_ACCEPTED);
	vencrypt->state = VENCRYPT_DONE;
	return VENCRYPT_TLS;
}

static const struct {
	size_t need;
	enum vencrypt_result (*take)(struct vencrypt *vencrypt, const uint8_t *data,
				     struct buf *out);
} steps[] = {
	[VENCRYPT_VERSION] = {RFB_VERSION_LEN, take_version},
	[VENCRYPT_SECURITY_TYPE] = {1, take_type},
	[VENCRYPT_INNER_VERSION] = {2, take_inner_version},
	[VENCRYPT_SUBTYPE] = {4, take_subtype},
};

enum vencrypt_result vencrypt_feed(struct vencrypt *vencrypt, struct buf *in, struct buf *out)
{
	const uint8_t *data = buf_data(in);
	enum vencrypt_result result;
	size_t need;

	if (vencrypt->state == VENCRYPT_DONE)
		return refuse(vencrypt, "bytes after the end of the negotiation");
	if (vencrypt->state == VENCRYPT_VERSION &&
	    !version_plausible((const char *)data, buf_len(in)))
		return refuse(vencrypt, "the client does not speak RFB");
	need = steps[vencrypt->state].need;
	if (buf_len(in) > need)
		return refuse(vencrypt, "the client spoke before it was asked");
	if (buf_len(in) < need)
		return VENCRYPT_MORE;
	result = steps[vencrypt->state].take(vencrypt, data, out);
	buf_consume(in, need);
	return result;
}

static char *copy_secret(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);

	if (!s)
		return NULL;
	if (len > 0)
		memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

static bool has_control(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] == 0x7f)
			return true;
	}
	return false;
}

static const char *plain_objection(const uint8_t *user, size_t user_len, const uint8_t *password,
				   size_t password_len)
{
	if (user_len == 0)
		return "Please give a user name.";
	if (has_control(user, user_len) || !str_utf8_valid((const char *)user, user_len))
		return "The user name has characters that cannot be in one.";
	if (password_len > 0 && memchr(password, 0, password_len))
		return "The password has characters that cannot be in one.";
	return NULL;
}

int vencrypt_read_plain(struct buf *in, struct vencrypt_credentials *ret_credentials,
			const char **ret_reason)
{
	struct cursor c = cursor_over(buf_data(in), buf_len(in));
	struct vencrypt_credentials credentials = {0};
	uint32_t user_len = cursor_u32(&c);
	uint32_t password_len = cursor_u32(&c);
	const uint8_t *user, *password;

	if (user_len > VENCRYPT_USER_MAX || password_len > VENCRYPT_PASSWORD_MAX) {
		*ret_reason = "The user name or the password is too long.";
		return -EPROTO;
	}
	user = cursor_bytes(&c, user_len);
	password = cursor_bytes(&c, password_len);
	if (cursor_failed(&c))
		return 0;
	*ret_reason = plain_objection(user, user_len, password, password_len);
	if (!*ret_reason && cursor_left(&c) > 0)
		*ret_reason = "The viewer sent more than name and password.";
	if (*ret_reason)
		return -EPROTO;
	credentials.user = copy_secret(user, user_len);
	credentials.password = copy_secret(password, password_len);
	buf_consume(in, c.pos);
	if (!credentials.user || !credentials.password) {
		vencrypt_credentials_finish(&credentials);
		return -ENOMEM;
	}
	*ret_credentials = credentials;
	return 1;
}

void vencrypt_credentials_finish(struct vencrypt_credentials *credentials)
{
	mem_wipe_strp(&credentials->user);
	mem_wipe_strp(&credentials->password);
}

void vencrypt_put_result(struct buf *out, const char *reason)
{
	buf_put_u32(out, reason ? RFB_SECURITY_FAILED : RFB_SECURITY_OK);
	if (reason)
		put_reason(out, reason);
}
