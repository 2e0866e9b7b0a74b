/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "bench/client/handshake.h"
#include "bench/client/message.h"
#include "bench/client/report.h"

static void ask(struct client *client, bool incremental)
{
	message_request(client_out(client), incremental, client->decoder.fb.width,
			client->decoder.fb.height);
}

static void report_size(const char *event, const struct framebuffer *fb)
{
	report_begin("event", event);
	report_int("width", (uint64_t)fb->width);
	report_int("height", (uint64_t)fb->height);
	report_end();
}

/* Servers go by how soon we answer, so an answer does not wait for what else has been read. What goes
 * wrong here is met again at the next flush. */
static void answer_now(struct client *client)
{
	if (client_flush(client) < 0)
		return;
}

/* --- calls of the decoder ----------------------------------------------------------------------- */

static void report_hash(const struct framebuffer *fb)
{
	size_t size = (size_t)fb->width * (size_t)fb->height * sizeof(*fb->pixels);
	char value[17];

	snprintf(value, sizeof(value), "%016" PRIx64, (uint64_t)XXH3_64bits(fb->pixels, size));
	report_begin("event", "hash");
	report_string("value", value);
	report_end();
}

static void look_at_code(struct client *client, uint64_t time)
{
	const struct framebuffer *fb = &client->decoder.fb;

	client->code = barcode_read(&client->barcode, fb->pixels, fb->width, fb->width, fb->height);
	if (client->code != BARCODE_NONE && client->measurement.open)
		series_add(&client->measurement.codes, (double)time, client->code);
}

static void keep_for_comparison(struct client *client)
{
	struct measurement *measurement = &client->measurement;

	if (!client->compare.reader || !measurement->open || client->code == BARCODE_NONE)
		return;
	if (compare_keep(&client->compare, client->code, &client->decoder.fb) < 0)
		measurement->not_compared++;
}

void client_compare_kept(struct client *client)
{
	struct measurement *measurement = &client->measurement;
	uint32_t number;
	double ssim, psnr;
	int r;

	while ((r = compare_next(&client->compare, &number, &ssim, &psnr)) != 0) {
		if (r < 0) {
			measurement->not_compared++;
			continue;
		}
		series_add(&measurement->ssim, number, ssim);
		series_add(&measurement->psnr, number, psnr);
	}
}

/* The time is taken first: what follows is our own work, not the server's. */
static void handle_update(void *data)
{
	struct client *client = data;
	struct framebuffer *fb = &client->decoder.fb;
	uint64_t time = clock_now();

	if (fb->changed) {
		client->last_change = time;
		measurement_frame(&client->measurement, time);
		if (client->barcode_on)
			look_at_code(client, time);
	}
	if (client->hash)
		report_hash(fb);
	if (client->updated)
		client->updated(client->updated_data, time);
	if (fb->changed) {
		recording_frame(&client->recording, fb, time, client->code);
		keep_for_comparison(client);
	}
}

static void handle_update_end(void *data)
{
	struct client *client = data;

	if (client->continuous)
		return;
	ask(client, true);
	answer_now(client);
}

static void handle_size(void *data, bool changed, bool extended)
{
	struct client *client = data;
	const struct options *options = client->options;
	const struct framebuffer *fb = &client->decoder.fb;

	if (extended && options->width > 0 && !client->resize_sent) {
		client->resize_sent = true;
		if (fb->width != options->width || fb->height != options->height)
			message_desktop_size(client_out(client), options->width, options->height);
	}
	if (!changed)
		return;
	client->last_change = clock_now();
	report_size("resized", fb);
	/* All of it is unknown now. In a request after this update the server has room to say so. */
	if (client->continuous)
		message_continuous(client_out(client), true, fb->width, fb->height);
	ask(client, false);
}

static void handle_size_refused(void *data, unsigned int status)
{
	(void)data;
	report_begin("event", "resize-refused");
	report_int("status", status);
	report_end();
}

static void handle_fence(void *data, uint32_t flags, const uint8_t *payload, size_t len)
{
	struct client *client = data;

	/* Everything before it is decoded, and what we send is in order: that is all that the
	 * flags can ask for. */
	if (!(flags & RFB_FENCE_REQUEST) || client->options->no_fence)
		return;
	message_fence(client_out(client), flags & RFB_FENCE_FLAGS & ~RFB_FENCE_REQUEST, payload,
		      len);
	answer_now(client);
}

/* Its first is the announcement that the server can do it. */
static void handle_end_of_continuous(void *data)
{
	struct client *client = data;

	if (client->options->no_continuous || client->continuous)
		return;
	client->continuous = true;
	message_continuous(client_out(client), true, client->decoder.fb.width,
			   client->decoder.fb.height);
}

static const struct decoder_calls calls = {
	.update = handle_update,
	.update_end = handle_update_end,
	.size = handle_size,
	.size_refused = handle_size_refused,
	.fence = handle_fence,
	.end_of_continuous = handle_end_of_continuous,
};

/* --- start and end ------------------------------------------------------------------------------ */

static void greet(struct client *client)
{
	const struct options *options = client->options;
	struct buf *out = client_out(client);

	message_pixel_format(out);
	message_encodings(out, options->encodings, options->n_encodings);
	ask(client, false);
}

int client_start(struct client *client, const struct options *options)
{
	struct handshake handshake = {
		.ca = options->ca, .user = options->user, .password = options->password};
	struct connection *connection = &client->connection;
	int r;

	*client = (struct client){.options = options, .code = BARCODE_NONE};
	buf_init(&client->in, (size_t)DECODER_UNIT_MAX + CONNECTION_READ_MAX);
	r = connection_open(connection, options->host, options->port, options->read_rate);
	if (r == 0)
		r = handshake_run(&handshake, connection);
	if (r < 0)
		return r;
	r = decoder_init(&client->decoder, handshake.width, handshake.height, &calls, client);
	if (r < 0) {
		connection->reason = strerror(-r);
		return r;
	}
	client->last_change = clock_now();
	report_size("connected", &client->decoder.fb);
	greet(client);
	r = connection_go(connection);
	return r < 0 ? r : client_flush(client);
}

void client_finish(struct client *client)
{
	connection_close(&client->connection);
	compare_close(&client->compare);
	/* Who cares for a recording has stopped it. */
	if (recording_stop(&client->recording, &client->decoder.fb) < 0)
		client->recording = (struct recording){0};
	decoder_finish(&client->decoder);
	measurement_finish(&client->measurement);
	buf_finish(&client->in);
}

int client_read(struct client *client)
{
	int more = connection_read(&client->connection, &client->in);
	int r;

	if (more < 0)
		return more;
	r = decoder_feed(&client->decoder, &client->in);
	if (r == 0)
		r = client_flush(client);
	return r < 0 ? r : more;
}

int client_flush(struct client *client)
{
	return connection_flush(&client->connection);
}

const char *client_reason(const struct client *client)
{
	if (client->decoder.reason)
		return client->decoder.reason;
	return client->connection.reason ? client->connection.reason : "out of memory";
}
