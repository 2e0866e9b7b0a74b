/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gateway/signer.h"

#include <string.h>

#include "base/log.h"
#include "gateway/limits.h"
#include "ipc/message.h"

static int ask(const struct signer *signer, uint32_t algorithm, const gnutls_datum_t *data)
{
	_cleanup_buf_ struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, algorithm);
	buf_put_u32(&body, data->size);
	buf_put(&body, data->data, data->size);
	return ipc_send(signer->keyd, IPC_KEYD_SIGN, &body, NULL, 0);
}

static int take_signature(struct ipc_message *message, gnutls_datum_t *signature)
{
	uint8_t ok = cursor_u8(&message->body);
	uint32_t len = cursor_u32(&message->body);
	const uint8_t *bytes = cursor_bytes(&message->body, len);

	if (message->type != IPC_KEYD_SIGNATURE || !cursor_done(&message->body) || !ok || len == 0)
		return GNUTLS_E_PK_SIGN_FAILED;
	signature->data = gnutls_malloc(len);
	if (!signature->data)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(signature->data, bytes, len);
	signature->size = len;
	return 0;
}

/*
 * Waits: this process has nothing else to do before its handshake is over, and keyd answers within
 * a few milliseconds or is broken.
 */
static int sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *userdata,
		unsigned int flags, const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	const struct signer *signer = userdata;
	struct ipc_message message;
	int r;

	(void)key;
	(void)flags;
	r = ask(signer, (uint32_t)algorithm, data);
	if (r == 0)
		r = ipc_recv_wait(signer->keyd, GATEWAY_SIGN_TIMEOUT_MS, storage, &message);
	if (r < 0) {
		log_event(LOG_ERROR, "gateway.signature-failed", LOG_ERR(r));
		return GNUTLS_E_PK_SIGN_FAILED;
	}
	r = take_signature(&message, signature);
	if (r < 0)
		log_event(LOG_ERROR, "gateway.signature-refused", LOG_INT("algorithm", algorithm),
			  LOG_INT("length", data->size));
	ipc_message_finish(&message);
	return r;
}

static int describe(gnutls_privkey_t key, unsigned int flags, void *userdata)
{
	const struct signer *signer = userdata;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return (int)signer->algorithm;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)signer->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return (int)gnutls_sign_supports_pk_algorithm(GNUTLS_FLAGS_TO_SIGN_ALGO(flags),
							      signer->algorithm);
	return 0;
}

int signer_make_key(struct signer *signer, gnutls_privkey_t *ret_key)
{
	gnutls_privkey_t key;
	int r = gnutls_privkey_init(&key);

	if (r < 0)
		return r;
	/* EdDSA signs the message itself, all others its digest. */
	r = gnutls_privkey_import_ext4(key, signer, sign, sign, NULL, NULL, describe, 0);
	if (r < 0) {
		gnutls_privkey_deinit(key);
		return r;
	}
	*ret_key = key;
	return 0;
}
