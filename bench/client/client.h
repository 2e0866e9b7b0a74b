/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A viewer at work: keeps the server sending, feeds the decoder, and hands each update to those who
 * look at it.
 */
#ifndef LAZARET_BENCH_CLIENT_H
#define LAZARET_BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "bench/client/barcode.h"
#include "bench/client/compare.h"
#include "bench/client/connection.h"
#include "bench/client/decoder.h"
#include "bench/client/measurement.h"
#include "bench/client/options.h"
#include "bench/client/recording.h"

struct client {
	const struct options *options;
	struct connection connection;
	struct decoder decoder;
	struct buf in;
	struct measurement measurement;

	bool continuous; /* the server sends without being asked */
	bool resize_sent;
	uint64_t last_change; /* time at which a pixel changed last */

	/* Who looks at updates */
	bool hash;
	bool barcode_on;
	struct barcode barcode;
	uint32_t code; /* of the last update; BARCODE_NONE */
	struct recording recording;
	struct compare compare;
	void (*updated)(void *data, uint64_t time); /* the script's */
	void *updated_data;
};

/* Connects, asks for the first picture and reports "connected". 0, or a negative errno with
 * client->connection.reason. `options` is borrowed for as long as the client is there. */
NODISCARD int client_start(struct client *client, const struct options *options);
void client_finish(struct client *client);

/* Reads once and decodes what is whole. 1: more may be there; 0: nothing more for now; a negative
 * errno with client_reason(): the connection is at its end. */
NODISCARD int client_read(struct client *client);
const char *client_reason(const struct client *client);

/* Where messages for the server go; client_flush() sends them. */
static inline struct buf *client_out(struct client *client)
{
	return &client->connection.out;
}
NODISCARD int client_flush(struct client *client);

/* Compares the frames that were kept for it, for the measurement that is about to end. */
void client_compare_kept(struct client *client);

#endif
