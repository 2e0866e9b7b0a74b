/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vnc-client: a viewer without a window, on libvncclient, driven by lines on standard input. It is
 * the independent decoder of tests and benches.
 *
 *	vnc-client --ca FILE --user NAME --password TEXT [--encodings "tight copyrect"]
 *		[--quality N] [--compress N] HOST PORT
 *
 * Commands:	key KEYSYM DOWN		pointer X Y BUTTONS	cut TEXT
 *		resize W H		shot FILE (PPM)		hash	pixel X Y
 *		stats			pause	resume		quit
 * Answers and events are lines of JSON. Times are milliseconds since connecting began.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <rfb/rfbclient.h>
#include <sys/socket.h>

#define LINE_MAX_BYTES 8192

struct viewer {
	const char *ca, *user, *password;
	double started, logged_in, first_picture, first_update;
	uint64_t updates, rectangles, area, copies, copied;
	GotCopyRectProc copy;
	bool paused, quit;
	char line[LINE_MAX_BYTES];
	size_t line_len;
};

static struct viewer viewer;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static double elapsed(void)
{
	return now_ms() - viewer.started;
}

static void print_json_string(const char *text)
{
	putchar('"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else if (*p < 0x20)
			printf("\\u%04x", *p);
		else
			putchar(*p);
	}
	putchar('"');
}

static rfbCredential *handle_credential(rfbClient *client, int type)
{
	rfbCredential *credential = calloc(1, sizeof(*credential));

	(void)client;
	if (!credential)
		return NULL;
	if (type == rfbCredentialTypeX509) {
		credential->x509Credential.x509CACertFile = strdup(viewer.ca);
		credential->x509Credential.x509CrlVerifyMode = rfbX509CrlVerifyNone;
	} else {
		credential->userCredential.username = strdup(viewer.user);
		credential->userCredential.password = strdup(viewer.password);
	}
	return credential;
}

/* Whether there is more than one colour and a few specks: a page, not an empty screen. */
static bool has_picture(const rfbClient *client)
{
	const uint32_t *pixels = (const uint32_t *)client->frameBuffer;
	size_t n = (size_t)client->width * client->height, different = 0;

	for (size_t i = 1; i < n; i++)
		different += (pixels[i] & 0xffffff) != (pixels[0] & 0xffffff);
	return different > n / 200;
}

static void handle_rectangle(rfbClient *client, int x, int y, int w, int h)
{
	(void)client;
	(void)x;
	(void)y;
	viewer.rectangles++;
	viewer.area += (uint64_t)w * h;
}

static void handle_copy(rfbClient *client, int src_x, int src_y, int w, int h, int x, int y)
{
	viewer.copies++;
	viewer.copied += (uint64_t)w * h;
	viewer.copy(client, src_x, src_y, w, h, x, y);
}

static void handle_finished(rfbClient *client)
{
	viewer.updates++;
	if (viewer.first_update == 0) {
		viewer.first_update = elapsed();
		printf("{\"event\": \"update\", \"ms\": %.1f}\n", viewer.first_update);
	}
	if (viewer.first_picture == 0 && has_picture(client)) {
		viewer.first_picture = elapsed();
		printf("{\"event\": \"picture\", \"ms\": %.1f}\n", viewer.first_picture);
	}
}

static rfbBool handle_malloc(rfbClient *client)
{
	free(client->frameBuffer);
	client->frameBuffer = calloc((size_t)client->width * client->height, 4);
	client->updateRect.x = client->updateRect.y = 0;
	client->updateRect.w = client->width;
	client->updateRect.h = client->height;
	printf("{\"event\": \"size\", \"width\": %d, \"height\": %d}\n", client->width,
	       client->height);
	return client->frameBuffer != NULL;
}

static void handle_cut(rfbClient *client, const char *text, int len)
{
	char *copy = strndup(text, len);

	(void)client;
	if (!copy)
		return;
	printf("{\"event\": \"cut\", \"text\": ");
	print_json_string(copy);
	printf("}\n");
	free(copy);
}

static uint64_t bytes_received(const rfbClient *client)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(client->sock, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_bytes_received;
}

static uint64_t picture_hash(const rfbClient *client)
{
	const uint32_t *pixels = (const uint32_t *)client->frameBuffer;
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < (size_t)client->width * client->height; i++)
		hash = (hash ^ (pixels[i] & 0xffffff)) * 1099511628211u;
	return hash;
}

static int write_picture(const rfbClient *client, const char *path)
{
	const uint32_t *pixels = (const uint32_t *)client->frameBuffer;
	FILE *file = fopen(path, "wbe");

	if (!file)
		return -errno;
	fprintf(file, "P6\n%d %d\n255\n", client->width, client->height);
	for (size_t i = 0; i < (size_t)client->width * client->height; i++) {
		putc(pixels[i] >> 16 & 0xff, file);
		putc(pixels[i] >> 8 & 0xff, file);
		putc(pixels[i] & 0xff, file);
	}
	return fclose(file) == 0 ? 0 : -errno;
}

static void command_key(rfbClient *client, const char *arguments)
{
	unsigned int keysym;
	int down;

	if (sscanf(arguments, "%x %d", &keysym, &down) == 2)
		SendKeyEvent(client, keysym, down);
}

static void command_pointer(rfbClient *client, const char *arguments)
{
	int x, y, buttons;

	if (sscanf(arguments, "%d %d %d", &x, &y, &buttons) == 3)
		SendPointerEvent(client, x, y, buttons);
}

static void command_cut(rfbClient *client, const char *arguments)
{
	char *copy = strdup(arguments);

	if (!copy)
		return;
	SendClientCutText(client, copy, strlen(copy));
	free(copy);
}

static void command_resize(rfbClient *client, const char *arguments)
{
	int width, height;

	if (sscanf(arguments, "%d %d", &width, &height) == 2)
		SendExtDesktopSize(client, width, height);
}

static void command_shot(rfbClient *client, const char *arguments)
{
	int r = write_picture(client, arguments);

	printf("{\"answer\": \"shot\", \"error\": %d}\n", r);
}

static void command_hash(rfbClient *client, const char *arguments)
{
	(void)arguments;
	printf("{\"answer\": \"hash\", \"hash\": \"%016" PRIx64
	       "\", \"width\": %d, \"height\": %d}\n",
	       picture_hash(client), client->width, client->height);
}

static void command_pixel(rfbClient *client, const char *arguments)
{
	const uint32_t *pixels = (const uint32_t *)client->frameBuffer;
	int x, y;

	if (sscanf(arguments, "%d %d", &x, &y) == 2 && x >= 0 && y >= 0 && x < client->width &&
	    y < client->height)
		printf("{\"answer\": \"pixel\", \"rgb\": \"%06x\"}\n",
		       pixels[(size_t)y * client->width + x] & 0xffffff);
}

static void command_stats(rfbClient *client, const char *arguments)
{
	(void)arguments;
	printf("{\"answer\": \"stats\", \"ms\": %.1f, \"bytes\": %" PRIu64 ", \"updates\": %" PRIu64
	       ", \"rectangles\": %" PRIu64 ", \"area\": %" PRIu64 ", \"copies\": %" PRIu64
	       ", \"copied\": %" PRIu64 ", \"login_ms\": %.1f, \"update_ms\": %.1f, "
	       "\"picture_ms\": %.1f}\n",
	       elapsed(), bytes_received(client), viewer.updates, viewer.rectangles, viewer.area,
	       viewer.copies, viewer.copied, viewer.logged_in, viewer.first_update,
	       viewer.first_picture);
}

static void command_pause(rfbClient *client, const char *arguments)
{
	(void)client;
	(void)arguments;
	viewer.paused = true;
}

static void command_resume(rfbClient *client, const char *arguments)
{
	(void)client;
	(void)arguments;
	viewer.paused = false;
}

static void command_quit(rfbClient *client, const char *arguments)
{
	(void)client;
	(void)arguments;
	viewer.quit = true;
}

static const struct command {
	const char *name;
	void (*run)(rfbClient *client, const char *arguments);
} commands[] = {
	{"key", command_key},       {"pointer", command_pointer}, {"cut", command_cut},
	{"resize", command_resize}, {"shot", command_shot},       {"hash", command_hash},
	{"pixel", command_pixel},   {"stats", command_stats},     {"pause", command_pause},
	{"resume", command_resume}, {"quit", command_quit},
};

static void run_command(rfbClient *client, char *line)
{
	char *arguments = strchr(line, ' ');

	if (arguments)
		*arguments++ = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, line) == 0) {
			commands[i].run(client, arguments ? arguments : "");
			return;
		}
	}
	printf("{\"answer\": \"unknown\"}\n");
}

static void read_commands(rfbClient *client)
{
	ssize_t n = read(STDIN_FILENO, viewer.line + viewer.line_len,
			 sizeof(viewer.line) - 1 - viewer.line_len);
	char *end;

	if (n <= 0) {
		viewer.quit = true;
		return;
	}
	viewer.line_len += n;
	viewer.line[viewer.line_len] = '\0';
	while ((end = strchr(viewer.line, '\n'))) {
		*end = '\0';
		run_command(client, viewer.line);
		viewer.line_len -= end + 1 - viewer.line;
		memmove(viewer.line, end + 1, viewer.line_len + 1);
	}
	if (viewer.line_len == sizeof(viewer.line) - 1)
		viewer.quit = true;
}

static bool has_buffered(const rfbClient *client)
{
	return client->buffered > 0 ||
	       (client->tlsSession &&
		gnutls_record_check_pending((gnutls_session_t)client->tlsSession) > 0);
}

static bool serve(rfbClient *client)
{
	while (!viewer.quit) {
		struct pollfd fds[2] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = viewer.paused ? -1 : client->sock, .events = POLLIN},
		};
		bool buffered = !viewer.paused && has_buffered(client);

		fflush(stdout);
		if (poll(fds, 2, buffered ? 0 : -1) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents)
			read_commands(client);
		if ((buffered || fds[1].revents) && !viewer.quit && !viewer.paused &&
		    !HandleRFBServerMessage(client))
			return false;
	}
	return true;
}

static rfbClient *create_client(int argc, char **argv)
{
	static const struct option options[] = {
		{"ca", required_argument, NULL, 'a'},
		{"user", required_argument, NULL, 'u'},
		{"password", required_argument, NULL, 'p'},
		{"encodings", required_argument, NULL, 'e'},
		{"quality", required_argument, NULL, 'q'},
		{"compress", required_argument, NULL, 'c'},
		{0},
	};
	rfbClient *client = rfbGetClient(8, 3, 4);
	int option;

	if (!client)
		return NULL;
	client->appData.encodingsString = "tight zrle copyrect raw";
	client->appData.compressLevel = 2;
	client->appData.enableJPEG = FALSE;
	client->appData.useRemoteCursor = TRUE;
	client->canHandleNewFBSize = TRUE;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			viewer.ca = optarg;
			break;
		case 'u':
			viewer.user = optarg;
			break;
		case 'p':
			viewer.password = optarg;
			break;
		case 'e':
			client->appData.encodingsString = optarg;
			break;
		case 'q':
			client->appData.enableJPEG = TRUE;
			client->appData.qualityLevel = (int)strtol(optarg, NULL, 10);
			break;
		case 'c':
			client->appData.compressLevel = (int)strtol(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2 || !viewer.ca != !viewer.user || !viewer.user != !viewer.password) {
		fprintf(stderr, "usage: vnc-client [--ca FILE --user NAME --password TEXT] "
				"[--encodings LIST] [--compress N] [--quality N] HOST PORT\n");
		exit(2);
	}
	client->serverHost = strdup(argv[optind]);
	client->serverPort = (int)strtol(argv[optind + 1], NULL, 10);
	return client;
}

int main(int argc, char **argv)
{
	rfbClient *client = create_client(argc, argv);
	bool ok;

	if (!client)
		return 1;
	/* XRGB as the picture of a little-endian uint32_t. */
	client->format.redShift = 16;
	client->format.greenShift = 8;
	client->format.blueShift = 0;
	client->GetCredential = handle_credential;
	client->GotFrameBufferUpdate = handle_rectangle;
	client->FinishedFrameBufferUpdate = handle_finished;
	client->MallocFrameBuffer = handle_malloc;
	client->GotXCutText = handle_cut;
	viewer.copy = client->GotCopyRect;
	client->GotCopyRect = handle_copy;
	viewer.started = now_ms();
	/* Frees the client when it fails. */
	if (!rfbInitClient(client, NULL, NULL)) {
		printf("{\"event\": \"refused\", \"ms\": %.1f}\n", elapsed());
		return 1;
	}
	if (!viewer.copy)
		fprintf(stderr,
			"vnc-client: libvncclient copies by itself; copies are not counted\n");
	viewer.logged_in = elapsed();
	printf("{\"event\": \"connected\", \"ms\": %.1f, \"name\": ", viewer.logged_in);
	print_json_string(client->desktopName ? client->desktopName : "");
	printf("}\n");
	ok = serve(client);
	if (!ok)
		printf("{\"event\": \"closed\", \"ms\": %.1f}\n", elapsed());
	rfbClientCleanup(client);
	return ok ? 0 : 3;
}
