/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vnc.h"

#include <pthread.h>
#include <rfb/rfbclient.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

#define MASK 0xffffffu
/* What the client says before the server's ServerInit: version, security type, ClientInit. */
#define HELLO_LEN (12 + 1 + 1)

static char tag;

static void silent(const char *format, ...)
{
	(void)format;
}

static struct vnc *vnc_of(rfbClient *client)
{
	return rfbClientGetClientData(client, &tag);
}

static rfbBool make_framebuffer(rfbClient *client)
{
	free(client->frameBuffer);
	client->frameBuffer = calloc((size_t)client->width * (size_t)client->height, 4);
	return client->frameBuffer != NULL;
}

static GotCopyRectProc copy_rect;

static void count_copy(rfbClient *client, int src_x, int src_y, int w, int h, int x, int y)
{
	vnc_of(client)->copies++;
	copy_rect(client, src_x, src_y, w, h, x, y);
}

static void count_update(rfbClient *client)
{
	vnc_of(client)->updates++;
}

static void got_cursor(rfbClient *client, int hot_x, int hot_y, int width, int height, int bytes)
{
	struct vnc *vnc = vnc_of(client);

	(void)hot_x, (void)hot_y, (void)bytes;
	vnc->cursors++;
	vnc->cursor_width = width;
	vnc->cursor_height = height;
}

struct greeter {
	struct harness *harness;
	int fd;
};

/* The gateway: takes the client's half of the handshake, then gives the stream to the display. */
static void *greet(void *data)
{
	struct greeter *greeter = data;
	char hello[HELLO_LEN];

	if (recv(greeter->fd, hello, sizeof(hello), MSG_WAITALL) == HELLO_LEN)
		harness_attach(greeter->harness, greeter->fd, "192.0.2.1");
	close(greeter->fd);
	return NULL;
}

static rfbClient *make_client(struct vnc *vnc, const struct vnc_options *options)
{
	rfbClient *client = rfbGetClient(8, 3, 4);

	assert_non_null(client);
	rfbClientSetClientData(client, &tag, vnc);
	/* The format that the display starts with: nothing has to be changed on the way. */
	client->format.redShift = 16;
	client->format.greenShift = 8;
	client->format.blueShift = 0;
	client->format.depth = 24;
	client->canHandleNewFBSize = TRUE;
	client->MallocFrameBuffer = make_framebuffer;
	copy_rect = client->GotCopyRect;
	client->GotCopyRect = count_copy;
	client->FinishedFrameBufferUpdate = count_update;
	client->GotCursorShape = got_cursor;
	client->appData.encodingsString = options->encodings;
	client->appData.enableJPEG = options->quality >= 0;
	client->appData.qualityLevel = options->quality;
	client->appData.compressLevel = 1;
	client->appData.useRemoteCursor = !options->no_cursor;
	return client;
}

void vnc_open(struct vnc *vnc, struct harness *harness, const struct vnc_options *options)
{
	static const char hello[] = "RFB 003.008\n\1\1\0\0\0";
	struct greeter greeter = {.harness = harness};
	pthread_t thread;
	int fds[2];

	rfbClientLog = rfbClientErr = silent;
	*vnc = (struct vnc){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	greeter.fd = fds[1];
	vnc->client = make_client(vnc, options);
	vnc->client->sock = fds[0];
	assert_int_equal(write(fds[1], hello, sizeof(hello)), (ssize_t)sizeof(hello));
	assert_int_equal(pthread_create(&thread, NULL, greet, &greeter), 0);
	assert_true(InitialiseRFBConnection(vnc->client));
	pthread_join(thread, NULL);
	vnc->client->width = vnc->client->si.framebufferWidth;
	vnc->client->height = vnc->client->si.framebufferHeight;
	assert_true(vnc->client->MallocFrameBuffer(vnc->client));
	vnc->client->updateRect.x = vnc->client->updateRect.y = 0;
	vnc->client->updateRect.w = vnc->client->width;
	vnc->client->updateRect.h = vnc->client->height;
	assert_true(SetFormatAndEncodings(vnc->client));
	assert_true(SendFramebufferUpdateRequest(vnc->client, 0, 0, vnc->client->width,
						 vnc->client->height, FALSE));
}

void vnc_close(struct vnc *vnc)
{
	free(vnc->client->frameBuffer);
	vnc->client->frameBuffer = NULL;
	rfbClientCleanup(vnc->client);
	vnc->client = NULL;
}

static void vnc_ready(void *data)
{
	struct vnc *vnc = data;

	if (vnc->closed)
		return;
	do {
		if (!HandleRFBServerMessage(vnc->client))
			vnc->closed = true;
	} while (!vnc->closed && vnc->client->buffered > 0);
}

struct harness_source vnc_source(struct vnc *vnc)
{
	return (struct harness_source){
		.fd = vnc->client->sock,
		.events = 1, /* POLLIN */
		.ready = vnc_ready,
		.data = vnc,
	};
}

uint32_t vnc_pixel(const struct vnc *vnc, int x, int y)
{
	const uint32_t *pixels = (const uint32_t *)vnc->client->frameBuffer;

	return pixels[(size_t)y * (size_t)vnc->client->width + (size_t)x] & MASK;
}

bool vnc_first_difference(const struct vnc *vnc, const uint32_t *pixels, int width, int height,
			  int *ret_x, int *ret_y)
{
	*ret_x = *ret_y = -1;
	if (vnc->client->width != width || vnc->client->height != height)
		return true;
	for (int y = 0; y < height; y++) {
		const uint32_t *row = pixels + (size_t)y * (size_t)width;

		for (int x = 0; x < width; x++) {
			if (vnc_pixel(vnc, x, y) == (row[x] & MASK))
				continue;
			*ret_x = x;
			*ret_y = y;
			return true;
		}
	}
	return false;
}

bool vnc_shows(const struct vnc *vnc, const uint32_t *pixels, int width, int height)
{
	int x, y;

	return !vnc_first_difference(vnc, pixels, width, height, &x, &y);
}
