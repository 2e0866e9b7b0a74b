/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decoder.h"

#include <pthread.h>
#include <rfb/rfbclient.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static char tag;

static struct decoder *decoder_of(rfbClient *client)
{
	return rfbClientGetClientData(client, &tag);
}

static rfbBool handle_malloc(rfbClient *client)
{
	size_t size = (size_t)client->width * (size_t)client->height * client->format.bitsPerPixel /
		      8;

	free(client->frameBuffer);
	client->frameBuffer = calloc(1, size);
	return client->frameBuffer ? TRUE : FALSE;
}

static void handle_cursor(rfbClient *client, int xhot, int yhot, int width, int height, int bytes)
{
	struct decoder *decoder = decoder_of(client);

	(void)bytes;
	decoder->cursors++;
	decoder->cursor_width = width;
	decoder->cursor_height = height;
	decoder->hot_x = xhot;
	decoder->hot_y = yhot;
}

static GotCopyRectProc copy_rect;

static void handle_copy(rfbClient *client, int src_x, int src_y, int w, int h, int x, int y)
{
	decoder_of(client)->copies++;
	copy_rect(client, src_x, src_y, w, h, x, y);
}

static void quiet(const char *format, ...)
{
	(void)format;
}

/* Everything that the server says before the first update, in advance. */
static void put_handshake(struct buf *out, int width, int height)
{
	buf_put(out, "RFB 003.008\n", 12);
	buf_put_u8(out, 1);
	buf_put_u8(out, 1);
	buf_put_u32(out, 0);
	buf_put_u16(out, (uint16_t)width);
	buf_put_u16(out, (uint16_t)height);
	pixel_format_put(out, &pixel_format_default);
	buf_put_str(out, "test");
}

static void drain(struct decoder *decoder)
{
	uint8_t bytes[4096];

	while (recv(decoder->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

void decoder_init(struct decoder *decoder, int width, int height, const struct pixel_format *format)
{
	int fds[2];
	struct buf hello;
	rfbClient *client;

	*decoder = (struct decoder){.format = *format};
	rfbClientLog = quiet;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	client = rfbGetClient(8, 3, 4);
	assert_non_null(client);
	client->sock = fds[1];
	client->MallocFrameBuffer = handle_malloc;
	client->GotCursorShape = handle_cursor;
	copy_rect = client->GotCopyRect;
	client->GotCopyRect = handle_copy;
	client->canHandleNewFBSize = TRUE;
	client->appData.useRemoteCursor = TRUE;
	client->appData.encodingsString = "tight zrle copyrect raw";
	client->format.bitsPerPixel = format->bits_per_pixel;
	client->format.depth = format->depth;
	client->format.bigEndian = format->big_endian;
	client->format.trueColour = TRUE;
	client->format.redMax = format->red_max;
	client->format.greenMax = format->green_max;
	client->format.blueMax = format->blue_max;
	client->format.redShift = format->red_shift;
	client->format.greenShift = format->green_shift;
	client->format.blueShift = format->blue_shift;
	rfbClientSetClientData(client, &tag, decoder);
	decoder->client = client;
	decoder->fd = fds[0];

	buf_init(&hello, 4096);
	put_handshake(&hello, width, height);
	assert_int_equal(buf_write_fd(&hello, decoder->fd), (ssize_t)(12 + 2 + 4 + 4 + 16 + 8));
	buf_finish(&hello);
	assert_true(InitialiseRFBConnection(client));
	client->width = client->si.framebufferWidth;
	client->height = client->si.framebufferHeight;
	assert_true(client->MallocFrameBuffer(client));
	assert_true(SetFormatAndEncodings(client));
	drain(decoder);
}

void decoder_finish(struct decoder *decoder)
{
	free(decoder->client->frameBuffer);
	decoder->client->frameBuffer = NULL;
	/* Which its own clean-up forgets. */
	free(decoder->client->rcSource);
	free(decoder->client->rcMask);
	rfbClientCleanup(decoder->client);
	close(decoder->fd);
}

struct writer {
	int fd;
	struct buf *message;
	bool ok;
};

static void *write_all(void *data)
{
	struct writer *writer = data;

	while (buf_len(writer->message) > 0) {
		if (buf_write_fd(writer->message, writer->fd) < 0)
			return NULL;
	}
	writer->ok = true;
	return NULL;
}

void decoder_feed(struct decoder *decoder, struct buf *message)
{
	struct writer writer = {.fd = decoder->fd, .message = message};
	uint8_t byte;
	pthread_t thread;

	assert_int_equal(buf_error(message), 0);
	if (buf_len(message) < 65536) {
		write_all(&writer);
		assert_true(HandleRFBServerMessage(decoder->client));
	} else {
		assert_int_equal(pthread_create(&thread, NULL, write_all, &writer), 0);
		assert_true(HandleRFBServerMessage(decoder->client));
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_true(writer.ok);
	/* Nothing may be left over: it would be the start of a message that never was. */
	assert_int_equal(decoder->client->buffered, 0);
	assert_true(recv(decoder->client->sock, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0);
	drain(decoder);
}

int decoder_width(const struct decoder *decoder)
{
	return decoder->client->width;
}

int decoder_height(const struct decoder *decoder)
{
	return decoder->client->height;
}

uint32_t decoder_pixel(const struct decoder *decoder, int x, int y)
{
	int bytes = decoder->format.bits_per_pixel / 8;
	const uint8_t *p = decoder->client->frameBuffer +
			   ((size_t)y * (size_t)decoder->client->width + (size_t)x) * (size_t)bytes;
	uint16_t v16;
	uint32_t v32;

	switch (bytes) {
	case 1:
		return *p;
	case 2:
		memcpy(&v16, p, 2);
		return v16;
	default:
		memcpy(&v32, p, 4);
		return v32;
	}
}

static uint32_t expected(const struct pixel_format *f, uint32_t pixel, bool swap)
{
	uint32_t red = pixel >> 16 & 255, green = pixel >> 8 & 255, blue = pixel & 255;
	uint32_t v = ((red * f->red_max * 2 + 255) / 510) << f->red_shift |
		     ((green * f->green_max * 2 + 255) / 510) << f->green_shift |
		     ((blue * f->blue_max * 2 + 255) / 510) << f->blue_shift;

	if (!swap || f->bits_per_pixel == 8)
		return v;
	return f->bits_per_pixel == 16 ? __builtin_bswap16((uint16_t)v) : __builtin_bswap32(v);
}

void decoder_assert_picture(const struct decoder *decoder, const struct picture *picture,
			    bool rgb_order)
{
	const struct pixel_format *f = &decoder->format;
	bool swap = f->big_endian && !(rgb_order && pixel_format_tpixel_bytes(f) == 3);
	uint32_t mask = f->bits_per_pixel < 32 ? (1u << f->bits_per_pixel) - 1
			: swap                 ? 0xffffff00u
					       : 0x00ffffffu;

	assert_int_equal(decoder_width(decoder), picture->width);
	assert_int_equal(decoder_height(decoder), picture->height);
	for (int y = 0; y < picture->height; y++) {
		for (int x = 0; x < picture->width; x++) {
			uint32_t want = expected(f, picture->pixels[y * picture->stride + x], swap);
			uint32_t have = decoder_pixel(decoder, x, y);

			if (((want ^ have) & mask) != 0)
				fail_msg("pixel %d,%d is %08x, not %08x", x, y, have, want);
		}
	}
}
