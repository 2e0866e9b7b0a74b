/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a gateway that was taken over may ask of keyd. */
#include "receiver.h"

int keyd_main(void);
#define main keyd_main
#include "keyd/keyd.c"
#undef main

#include <string.h>

#include "../../unit/keyd/make_pem.h"

static struct keyd keyd;

static void load_key(gnutls_pk_algorithm_t algorithm)
{
	char reason[KEY_REASON_MAX];
	struct pem pem;

	make_pem(algorithm, 256, &pem);
	PROMISE(key_load(pem.chain, strlen(pem.chain), pem.key, strlen(pem.key), &keyd.key,
			 reason) == 0);
	pem_finish(&pem);
}

static void keyd_open(struct wl_event_loop *loop, int fd, uint8_t variant)
{
	struct ipc_message message = {.type = IPC_KEYD_CHANNEL, .fds = {fd}, .n_fds = 1};

	/* Keys are dear: one for the whole run, of the kind that is quick. */
	if (!keyd.key) {
		keyd.loop = loop;
		wl_list_init(&keyd.clients);
		load_key(GNUTLS_PK_EDDSA_ED25519);
	}
	(void)variant;
	PROMISE(handle_channel(&keyd, &message) == 0 && keyd.n_clients == 1);
}

static bool keyd_alive(void)
{
	return keyd.n_clients > 0;
}

static void keyd_close(void)
{
	struct client *client, *next;

	wl_list_for_each_safe (client, next, &keyd.clients, link)
		client_destroy(client);
	PROMISE(keyd.n_clients == 0);
}

const struct receiver to_keyd = {keyd_open, keyd_alive, keyd_close};
