/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The negotiation before TLS, and the credentials inside it. */
#include <stdlib.h>
#include <string.h>

#include "rfb/vencrypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void negotiate(const uint8_t *data, size_t size)
{
	enum vencrypt_result result = VENCRYPT_MORE;
	struct vencrypt vencrypt;
	_cleanup_buf_ struct buf in, out;

	buf_init(&in, VENCRYPT_BUFFER_MAX);
	buf_init(&out, 4096);
	vencrypt_start(&vencrypt, &out);
	/* Length-prefixed pieces, as they may come from a socket. */
	while (size > 0 && result == VENCRYPT_MORE) {
		size_t n = MIN(MIN((size_t)data[0] + 1, size - 1),
			       (size_t)VENCRYPT_BUFFER_MAX - buf_len(&in));

		buf_put(&in, data + 1, n);
		data += n + 1;
		size -= n + 1;
		result = vencrypt_feed(&vencrypt, &in, &out);
		if (result == VENCRYPT_TLS && buf_len(&in) != 0)
			abort();
		if (result == VENCRYPT_REFUSED && !vencrypt.reason)
			abort();
	}
	if (buf_error(&out))
		abort();
}

static void credentials(const uint8_t *data, size_t size)
{
	struct vencrypt_credentials found;
	const char *reason = NULL;
	_cleanup_buf_ struct buf in;
	int r;

	buf_init_secret(&in, VENCRYPT_BUFFER_MAX);
	buf_put(&in, data, MIN(size, (size_t)VENCRYPT_BUFFER_MAX));
	r = vencrypt_read_plain(&in, &found, &reason);
	if (r == 1) {
		if (strlen(found.user) == 0 || strlen(found.user) > VENCRYPT_USER_MAX ||
		    strlen(found.password) > VENCRYPT_PASSWORD_MAX || buf_len(&in) != 0)
			abort();
		vencrypt_credentials_finish(&found);
	} else if (r < 0 && !reason) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	negotiate(data, size);
	credentials(data, size);
	return 0;
}
