/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/gateway.h"

/* --- in the clear ----------------------------------------------------------------------------- */

/*
 * Whatever lies in the socket before our acknowledgement was sent ahead of TLS, by whomever; the
 * viewer's own hello can only follow it.
 */
static bool something_came_early(struct gateway *gateway)
{
	uint8_t byte;

	return recv(gateway->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void begin_tls(struct gateway *gateway)
{
	if (something_came_early(gateway)) {
		gateway_end(gateway, LOG_WARN, "gateway.malformed", "bytes ahead of TLS");
		return;
	}
	gateway_flush(gateway);
	if (gateway->phase == GATEWAY_OVER)
		return;
	if (gateway_backlog(gateway) > 0) {
		gateway_end(gateway, LOG_WARN, "gateway.lost", "the viewer takes no byte");
		return;
	}
	gateway->encrypted = true;
	gateway_set_phase(gateway, GATEWAY_HANDSHAKE);
}

static void negotiate(struct gateway *gateway)
{
	ssize_t n = buf_read_fd(&gateway->in, gateway->socket, VENCRYPT_BUFFER_MAX);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		gateway_end(gateway, LOG_INFO, "gateway.lost", "the viewer left");
		return;
	}
	switch (vencrypt_feed(&gateway->vencrypt, &gateway->in, &gateway->plain)) {
	case VENCRYPT_MORE:
		gateway_flush(gateway);
		break;
	case VENCRYPT_TLS:
		begin_tls(gateway);
		break;
	case VENCRYPT_REFUSED:
		gateway_close(gateway, "gateway.malformed", gateway->vencrypt.reason);
		break;
	}
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void handshake(struct gateway *gateway)
{
	int r = tls_handshake(gateway->tls);

	if (r < 0) {
		/* With the alert that tells the viewer why. */
		gateway->said_bye = true;
		gateway_close(gateway, "gateway.tls-failed", tls_reason(gateway->tls));
		return;
	}
	gateway_flush(gateway);
	if (r == 0 || gateway->phase != GATEWAY_HANDSHAKE)
		return;
	log_event(LOG_DEBUG, "gateway.secured", LOG_STR("address", gateway->address),
		  LOG_STR("version", tls_version(gateway->tls)),
		  LOG_STR("cipher", tls_cipher(gateway->tls)));
	gateway_set_phase(gateway, GATEWAY_CREDENTIALS);
	gateway_set_deadline(gateway, gateway->login_timeout);
	if (!gateway->monitor ||
	    ipc_channel_send(gateway->monitor, IPC_GATEWAY_SECURED, NULL, NULL, 0) < 0)
		gateway_end(gateway, LOG_ERROR, "gateway.failed", "the monitor is gone");
}

/* --- credentials ------------------------------------------------------------------------------ */

void login_refuse(struct gateway *gateway, const char *sentence)
{
	vencrypt_put_result(&gateway->plain, sentence);
	gateway_close(gateway, "gateway.refused", sentence);
}

static int ask_monitor(struct gateway *gateway, const struct vencrypt_credentials *credentials)
{
	_cleanup_buf_ struct buf body;

	buf_init_secret(&body, IPC_BODY_MAX);
	buf_put_str(&body, credentials->user);
	buf_put_str(&body, credentials->password);
	return gateway->monitor
		       ? ipc_channel_send(gateway->monitor, IPC_GATEWAY_LOGIN, &body, NULL, 0)
		       : -EPIPE;
}

static void take_credentials(struct gateway *gateway)
{
	struct vencrypt_credentials credentials;
	const char *objection = NULL;
	int r = vencrypt_read_plain(&gateway->in, &credentials, &objection);

	if (r == 0)
		return;
	if (r < 0) {
		login_refuse(gateway, objection ? objection : "The server is out of memory.");
		return;
	}
	gateway_set_phase(gateway, GATEWAY_DECISION);
	gateway_set_deadline(gateway, GATEWAY_DECISION_SECONDS);
	r = ask_monitor(gateway, &credentials);
	vencrypt_credentials_finish(&credentials);
	if (r < 0)
		login_refuse(gateway,
			     "The server cannot check logins now. Please try again later.");
	gateway_flush(gateway);
}

static void take_init(struct gateway *gateway)
{
	int r;

	/* The shared flag (RFC 6143 7.3.1) has no say: a new viewer always takes over. */
	buf_consume(&gateway->in, 1);
	gateway_set_deadline(gateway, 0);
	gateway_set_phase(gateway, GATEWAY_RELAY);
	r = relay_start(gateway);
	if (r < 0) {
		gateway_end(gateway, LOG_ERROR, "gateway.failed", "out of memory");
		return;
	}
	/* TLS may hold more that the socket will not tell of again. */
	relay_viewer_readable(gateway);
}

/* False when there is nothing to be done until more comes. */
static bool read_secured(struct gateway *gateway)
{
	ssize_t n = tls_read(gateway->tls, &gateway->in, VENCRYPT_BUFFER_MAX);

	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		gateway_end(gateway, LOG_INFO, n == -EPROTO ? "gateway.tls-failed" : "gateway.lost",
			    n == -EPROTO ? tls_reason(gateway->tls) : "the viewer left");
		return false;
	}
	gateway->bytes_from_viewer += (uint64_t)n;
	return true;
}

void login_readable(struct gateway *gateway)
{
	enum gateway_phase phase;

	do {
		phase = gateway->phase;
		switch (phase) {
		case GATEWAY_NEGOTIATE:
			negotiate(gateway);
			return;
		case GATEWAY_HANDSHAKE:
			handshake(gateway);
			break;
		case GATEWAY_CREDENTIALS:
			if (!read_secured(gateway))
				return;
			take_credentials(gateway);
			break;
		case GATEWAY_INIT:
			if (!read_secured(gateway))
				return;
			take_init(gateway);
			break;
		default:
			return;
		}
		/* A phase that ended may have left bytes for the next inside TLS. */
	} while (gateway->phase != phase || phase == GATEWAY_CREDENTIALS);
}

/* --- the monitor ------------------------------------------------------------------------------ */

static void admit(struct gateway *gateway)
{
	vencrypt_put_result(&gateway->plain, NULL);
	gateway_set_phase(gateway, GATEWAY_INIT);
	gateway_set_deadline(gateway, GATEWAY_INIT_SECONDS);
	gateway_flush(gateway);
	login_readable(gateway);
}

/* Safe: the monitor is trusted; rights and stream are its to give. */
static int handle_admit(void *data, struct ipc_message *message)
{
	struct gateway *gateway = data;
	char *account = cursor_str(&message->body, GATEWAY_NAME_MAX);
	_cleanup_free_ char *session = cursor_str(&message->body, GATEWAY_NAME_MAX);
	uint8_t clipboard = cursor_u8(&message->body);
	uint8_t title = cursor_u8(&message->body);

	gateway->account = account;
	gateway->display = ipc_message_take_fd(message, 0);
	if (!cursor_done(&message->body) || gateway->display < 0)
		return -EPROTO;
	gateway->clipboard_in = clipboard & 1;
	gateway->clipboard_out = clipboard & 2;
	gateway->title = title;
	log_event(LOG_INFO, "gateway.admitted", LOG_STR("address", gateway->address),
		  LOG_STR("user", account), LOG_STR("session", session),
		  LOG_STR("tls", tls_version(gateway->tls)));
	admit(gateway);
	return 0;
}

/* A body that is one sentence for the person. */
static int take_sentence(struct ipc_message *message, char sentence[GATEWAY_REASON_MAX])
{
	_cleanup_free_ char *text = cursor_str(&message->body, IPC_BODY_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	str_sanitize(sentence, GATEWAY_REASON_MAX, text, strlen(text));
	return 0;
}

/* Safe: only a sentence, which is cut and made fit to be shown. */
static int handle_refuse(void *data, struct ipc_message *message)
{
	struct gateway *gateway = data;
	char sentence[GATEWAY_REASON_MAX];

	if (take_sentence(message, sentence) < 0)
		return -EPROTO;
	login_refuse(gateway, sentence[0] ? sentence : "The login was refused.");
	return 0;
}

/* Safe: whoever runs the system may end a connection at any time. */
static int handle_close(void *data, struct ipc_message *message)
{
	struct gateway *gateway = data;
	char sentence[GATEWAY_REASON_MAX];

	if (take_sentence(message, sentence) < 0)
		return -EPROTO;
	if (gateway->phase == GATEWAY_CREDENTIALS || gateway->phase == GATEWAY_DECISION)
		login_refuse(gateway, sentence[0] ? sentence : "The server is closing.");
	else
		gateway_close(gateway, "gateway.closed", sentence);
	return 0;
}

static void handle_monitor_gone(void *data, int reason)
{
	struct gateway *gateway = data;

	ipc_channel_destroy(gateway->monitor);
	gateway->monitor = NULL;
	/* A viewer that works goes on without the monitor: so does its session. */
	if (gateway->phase == GATEWAY_RELAY && reason == -EPIPE)
		log_event(LOG_WARN, "gateway.monitor-gone", LOG_STR("address", gateway->address));
	else if (gateway->phase == GATEWAY_CREDENTIALS || gateway->phase == GATEWAY_DECISION)
		login_refuse(gateway, "The server is being restarted. Please connect again.");
	else
		gateway_end(gateway, LOG_WARN, "gateway.failed", "the monitor is gone");
}

static const struct ipc_rule monitor_rules[] = {
	{IPC_GATEWAY_ADMIT, GATEWAY_DECISION, 1, handle_admit},
	{IPC_GATEWAY_REFUSE, GATEWAY_DECISION, 1, handle_refuse},
	{IPC_GATEWAY_CLOSE, IPC_ANY_STATE, 1, handle_close},
};

const struct ipc_table gateway_monitor_table = {
	.self = IPC_ROLE_GATEWAY,
	.peer = IPC_ROLE_MONITOR,
	.rules = monitor_rules,
	.n_rules = ARRAY_LEN(monitor_rules),
	.closed = handle_monitor_gone,
};
