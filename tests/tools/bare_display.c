/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The compositor alone, driven from standard input: for looking at clients, for tests of the
 * Wayland side, and as the bare display that benches compare with.
 *
 *	bare_display SOCKET WIDTH HEIGHT [SCALE120 [LAYOUT]]
 *
 * prints READY, then events, one a line: damage N X Y W H at US (rectangles, extents, clock),
 * cursor W H X Y | cursor hidden, title TEXT, clipboard 0|1, toplevels N, leds N, text LEN TEXT,
 * done COMMAND. Commands, one a line (numbers decimal, or hex with 0x):
 *
 *	key KEYSYM [SCANCODE]		press and release
 *	down|up KEYSYM [SCANCODE]
 *	type TEXT			each character as a keysym
 *	move X Y			pointer
 *	press|release BUTTON		evdev code; click X Y [BUTTON] does all
 *	wheel DX120 DY120
 *	resize WIDTH HEIGHT [SCALE120]
 *	strip HEIGHT			0: none
 *	visible 0|1			1 at the start
 *	refresh NANOSECONDS
 *	offer TEXT, fetch		clipboard
 *	shot FILE			the picture as PPM
 *	release-all, close, stats, quit
 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "display/wayland/compositor.h"

#define LINE_MAX_BYTES 65536

struct bare {
	struct wl_display *display;
	struct compositor *compositor;
	struct wl_event_source *take, *input;
	bool running;
	char line[LINE_MAX_BYTES];
	size_t line_len;
	uint64_t frames, damaged_pixels, start;
};

/* ---- events -------------------------------------------------------------------------------- */

static void take_picture(void *data)
{
	struct bare *bare = data;
	pixman_region32_t damage;
	struct picture picture;
	pixman_box32_t *boxes, box;
	int count;

	bare->take = NULL;
	pixman_region32_init(&damage);
	if (compositor_picture(bare->compositor, &picture, &damage) == 0) {
		boxes = pixman_region32_rectangles(&damage, &count);
		box = *pixman_region32_extents(&damage);
		for (int i = 0; i < count; i++)
			bare->damaged_pixels += (uint64_t)(boxes[i].x2 - boxes[i].x1) *
						(uint64_t)(boxes[i].y2 - boxes[i].y1);
		if (count > 0)
			bare->frames++;
		if (count > 0)
			printf("damage %d %d %d %d %d at %llu\n", count, box.x1, box.y1,
			       box.x2 - box.x1, box.y2 - box.y1, (unsigned long long)clock_now());
	}
	pixman_region32_fini(&damage);
}

static void handle_damaged(void *data)
{
	struct bare *bare = data;

	if (!bare->take)
		bare->take = wl_event_loop_add_idle(wl_display_get_event_loop(bare->display),
						    take_picture, bare);
}

static void handle_cursor(void *data, const struct compositor_cursor *cursor)
{
	(void)data;
	if (cursor)
		printf("cursor %d %d %d %d\n", cursor->width, cursor->height, cursor->hot_x,
		       cursor->hot_y);
	else
		printf("cursor hidden\n");
}

static void handle_title(void *data, const char *title)
{
	(void)data;
	printf("title %s\n", title);
}

static void handle_clipboard(void *data, bool has_text)
{
	(void)data;
	printf("clipboard %d\n", has_text);
}

static void handle_count(void *data, int count)
{
	(void)data;
	printf("toplevels %d at %llu\n", count, (unsigned long long)clock_now());
}

static void handle_leds(void *data, unsigned int leds)
{
	(void)data;
	printf("leds %u\n", leds);
}

static void handle_text(void *data, const char *text, size_t len, int error)
{
	(void)data;
	if (error < 0)
		printf("text error %s\n", strerror(-error));
	else
		printf("text %zu %.*s\n", len, (int)len, text);
}

static const struct compositor_impl impl = {
	.damaged = handle_damaged,
	.cursor_changed = handle_cursor,
	.title_changed = handle_title,
	.clipboard_changed = handle_clipboard,
	.toplevel_count_changed = handle_count,
	.leds_changed = handle_leds,
};

/* ---- commands ------------------------------------------------------------------------------ */

struct arguments {
	const char *text; /* all behind the command */
	long n[4];
	int count;
};

static void do_down(struct bare *bare, const struct arguments *args)
{
	compositor_keyboard_keysym(bare->compositor, (uint32_t)args->n[0], (uint32_t)args->n[1],
				   true);
}

static void do_up(struct bare *bare, const struct arguments *args)
{
	compositor_keyboard_keysym(bare->compositor, (uint32_t)args->n[0], (uint32_t)args->n[1],
				   false);
}

static void do_key(struct bare *bare, const struct arguments *args)
{
	do_down(bare, args);
	do_up(bare, args);
}

static void do_type(struct bare *bare, const struct arguments *args)
{
	const char *s = args->text;
	size_t left = strlen(s), taken;
	uint32_t scalar;

	for (; left > 0; s += taken, left -= taken) {
		taken = str_utf8_decode(s, left, &scalar);
		if (taken == 0)
			return;
		scalar = scalar < 0x100 ? scalar : 0x01000000 + scalar;
		compositor_keyboard_keysym(bare->compositor, scalar, 0, true);
		compositor_keyboard_keysym(bare->compositor, scalar, 0, false);
	}
}

static void do_move(struct bare *bare, const struct arguments *args)
{
	compositor_pointer_motion(bare->compositor, (int)args->n[0], (int)args->n[1]);
}

static void do_press(struct bare *bare, const struct arguments *args)
{
	compositor_pointer_button(bare->compositor, (uint32_t)args->n[0], true);
}

static void do_release(struct bare *bare, const struct arguments *args)
{
	compositor_pointer_button(bare->compositor, (uint32_t)args->n[0], false);
}

static void do_click(struct bare *bare, const struct arguments *args)
{
	uint32_t button = args->count > 2 ? (uint32_t)args->n[2] : BTN_LEFT;

	do_move(bare, args);
	compositor_pointer_button(bare->compositor, button, true);
	compositor_pointer_button(bare->compositor, button, false);
}

static void do_wheel(struct bare *bare, const struct arguments *args)
{
	compositor_pointer_wheel(bare->compositor, (int)args->n[0], (int)args->n[1]);
}

static void do_resize(struct bare *bare, const struct arguments *args)
{
	int scale = args->count > 2 ? (int)args->n[2] : COMPOSITOR_SCALE_ONE;

	if (compositor_resize(bare->compositor, (int)args->n[0], (int)args->n[1], scale) < 0)
		printf("refused\n");
}

static void do_strip(struct bare *bare, const struct arguments *args)
{
	int width = 64, height = (int)args->n[0];
	_cleanup_free_ uint32_t *pixels = NULL;
	struct picture picture = {NULL, width, height, width};

	if (height > 0) {
		pixels = calloc((size_t)width * (size_t)height, 4);
		if (!pixels)
			return;
		for (int i = 0; i < width * height; i++)
			pixels[i] = 0xff884400u;
		picture.pixels = pixels;
	}
	if (compositor_set_strip(bare->compositor, height > 0 ? &picture : NULL) < 0)
		printf("refused\n");
}

static void do_visible(struct bare *bare, const struct arguments *args)
{
	compositor_set_visible(bare->compositor, args->n[0] != 0);
}

static void do_refresh(struct bare *bare, const struct arguments *args)
{
	compositor_set_refresh(bare->compositor, (uint32_t)args->n[0]);
}

static void do_offer(struct bare *bare, const struct arguments *args)
{
	if (compositor_offer_text(bare->compositor, args->text, strlen(args->text)) < 0)
		printf("refused\n");
}

static void do_fetch(struct bare *bare, const struct arguments *args)
{
	int r = compositor_fetch_text(bare->compositor, handle_text, bare);

	(void)args;
	if (r < 0)
		handle_text(bare, NULL, 0, r);
}

static void write_ppm(FILE *file, const struct picture *picture)
{
	fprintf(file, "P6\n%d %d\n255\n", picture->width, picture->height);
	for (int y = 0; y < picture->height; y++)
		for (int x = 0; x < picture->width; x++) {
			uint32_t pixel =
				picture->pixels[(size_t)y * (size_t)picture->stride + (size_t)x];

			putc((int)(pixel >> 16 & 0xff), file);
			putc((int)(pixel >> 8 & 0xff), file);
			putc((int)(pixel & 0xff), file);
		}
}

static void do_shot(struct bare *bare, const struct arguments *args)
{
	pixman_region32_t damage;
	struct picture picture;
	FILE *file = fopen(args->text, "we");

	pixman_region32_init(&damage);
	if (!file || compositor_picture(bare->compositor, &picture, &damage) < 0)
		printf("refused\n");
	else
		write_ppm(file, &picture);
	if (file)
		fclose(file);
	pixman_region32_fini(&damage);
}

static void do_release_all(struct bare *bare, const struct arguments *args)
{
	(void)args;
	compositor_keyboard_release_all(bare->compositor);
}

static void do_close(struct bare *bare, const struct arguments *args)
{
	(void)args;
	compositor_close_all(bare->compositor);
}

static void do_stats(struct bare *bare, const struct arguments *args)
{
	(void)args;
	printf("stats frames %llu pixels %llu ms %llu toplevels %d\n",
	       (unsigned long long)bare->frames, (unsigned long long)bare->damaged_pixels,
	       (unsigned long long)((clock_now() - bare->start) / USEC_PER_MSEC),
	       compositor_toplevel_count(bare->compositor));
	bare->frames = bare->damaged_pixels = 0;
	bare->start = clock_now();
}

static void do_quit(struct bare *bare, const struct arguments *args)
{
	(void)args;
	bare->running = false;
}

static const struct {
	const char *name;
	int needs; /* numbers */
	void (*run)(struct bare *bare, const struct arguments *args);
} commands[] = {
	{"key", 1, do_key},         {"down", 1, do_down},   {"up", 1, do_up},
	{"type", 0, do_type},       {"move", 2, do_move},   {"press", 1, do_press},
	{"release", 1, do_release}, {"click", 2, do_click}, {"wheel", 2, do_wheel},
	{"resize", 2, do_resize},   {"strip", 1, do_strip}, {"visible", 1, do_visible},
	{"refresh", 1, do_refresh}, {"offer", 0, do_offer}, {"fetch", 0, do_fetch},
	{"shot", 0, do_shot},       {"stats", 0, do_stats}, {"release-all", 0, do_release_all},
	{"close", 0, do_close},     {"quit", 0, do_quit},
};

static void run_line(struct bare *bare, char *line)
{
	char *space = strchr(line, ' '), *rest = space ? space + 1 : line + strlen(line), *end;
	struct arguments args = {.text = rest};

	if (space)
		*space = '\0';
	while (args.count < 4) {
		args.n[args.count] = strtol(rest, &end, 0);
		if (end == rest)
			break;
		rest = end;
		args.count++;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (!str_eq(commands[i].name, line))
			continue;
		if (args.count < commands[i].needs)
			break;
		commands[i].run(bare, &args);
		printf("done %s\n", line);
		return;
	}
	printf("unknown %s\n", line);
}

static int handle_input(int fd, uint32_t mask, void *data)
{
	struct bare *bare = data;
	ssize_t n = read(fd, bare->line + bare->line_len, sizeof(bare->line) - bare->line_len - 1);
	char *end;

	(void)mask;
	if (n <= 0) {
		bare->running = false;
		return 0;
	}
	bare->line_len += (size_t)n;
	bare->line[bare->line_len] = '\0';
	while ((end = strchr(bare->line, '\n'))) {
		*end = '\0';
		run_line(bare, bare->line);
		bare->line_len -= (size_t)(end + 1 - bare->line);
		memmove(bare->line, end + 1, bare->line_len + 1);
	}
	if (bare->line_len == sizeof(bare->line) - 1)
		bare->line_len = 0;
	return 0;
}

/* ---- start --------------------------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!str_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0777) < 0 ||
	    listen(fd, 16) < 0)
		return -errno;
	return FD_STEAL(fd);
}

static int start(struct bare *bare, char **argv, int argc)
{
	struct compositor_config config = {
		.width = (int)strtol(argv[2], NULL, 10),
		.height = (int)strtol(argv[3], NULL, 10),
		.scale120 = argc > 4 ? (int)strtol(argv[4], NULL, 10) : COMPOSITOR_SCALE_ONE,
		.keyboard_layout = argc > 5 ? argv[5] : NULL,
	};
	int fd, r;

	bare->display = config.display = wl_display_create();
	if (!bare->display)
		return -ENOMEM;
	r = compositor_create(&config, &impl, bare, &bare->compositor);
	if (r < 0)
		return r;
	compositor_set_visible(bare->compositor, true);
	fd = listen_at(argv[1]);
	if (fd < 0)
		return fd;
	if (wl_display_add_socket_fd(bare->display, fd) < 0)
		return -ENOMEM;
	bare->input = wl_event_loop_add_fd(wl_display_get_event_loop(bare->display), STDIN_FILENO,
					   WL_EVENT_READABLE, handle_input, bare);
	return bare->input ? 0 : -ENOMEM;
}

int main(int argc, char **argv)
{
	static struct bare bare = {.running = true};
	int r;

	if (argc < 4) {
		fprintf(stderr, "usage: bare_display SOCKET WIDTH HEIGHT [SCALE120 [LAYOUT]]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = start(&bare, argv, argc);
	if (r < 0) {
		fprintf(stderr, "bare_display: %s\n", strerror(-r));
		return 1;
	}
	bare.start = clock_now();
	printf("READY\n");
	while (bare.running) {
		wl_display_flush_clients(bare.display);
		if (wl_event_loop_dispatch(wl_display_get_event_loop(bare.display), -1) < 0)
			break;
	}
	if (bare.take)
		wl_event_source_remove(bare.take);
	bare.take = NULL;
	wl_event_source_remove(bare.input);
	compositor_destroy(bare.compositor);
	wl_display_destroy(bare.display);
	unlink(argv[1]);
	return 0;
}
