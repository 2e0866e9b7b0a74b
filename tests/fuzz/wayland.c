/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wayland requests. A client in the compositor's own process binds every global (objects 3, 4, …
 * in the order in which they are announced), then sends what the input says:
 *
 *	u8 object, u8 opcode, u8 words (0 to 15; bit 6: with a file descriptor; bit 7: the header's
 *	size lies), then that many words
 *
 * A word 0xfefefefe becomes the next new object's number, 0xfdfdfdfd the last configure's serial.
 * Object 0 is the viewer instead: opcode and words say what it does. When the client is gone the
 * compositor must be as empty as before.
 */
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "display/wayland/internal.h"

#define NEXT_ID 0xfefefefeu
#define SERIAL 0xfdfdfdfdu
#define WORDS_MAX 16
#define FILE_SIZE 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wl_display *display;
static struct compositor *compositor;
static int pixel_file;

struct attacker {
	int fd;
	uint32_t next_id, serial;
	bool gone;
};

static const struct compositor_impl impl;

static void set_up(void)
{
	struct compositor_config config = {.width = 320, .height = 200, .scale120 = 120};

	signal(SIGPIPE, SIG_IGN);
	display = config.display = wl_display_create();
	if (!display || compositor_create(&config, &impl, NULL, &compositor) < 0)
		abort();
	compositor_set_visible(compositor, true);
	pixel_file = memfd_create("pixels", MFD_CLOEXEC);
	if (pixel_file < 0 || ftruncate(pixel_file, FILE_SIZE) < 0)
		abort();
}

/* ---- the client ---------------------------------------------------------------------------- */

static void send_words(struct attacker *attacker, const uint32_t *words, size_t count, bool with_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)words, count * 4};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (with_fd) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &pixel_file, sizeof(int));
	}
	if (sendmsg(attacker->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		attacker->gone = true;
}

static void bind_global(struct attacker *attacker, uint32_t name, const char *interface,
			uint32_t version)
{
	uint32_t words[WORDS_MAX + 8] = {2}, len = (uint32_t)strlen(interface) + 1, at = 4;

	words[2] = name;
	words[3] = len;
	memcpy(&words[4], interface, len);
	at += (len + 3) / 4;
	words[at++] = version;
	words[at++] = attacker->next_id++;
	words[1] = at * 4 << 16;
	send_words(attacker, words, at, false);
}

static void take_event(struct attacker *attacker, const uint32_t *event, size_t size, bool binding)
{
	uint32_t opcode = event[1] & 0xffff;

	if (event[0] == 2 && opcode == 0 && binding && size >= 20)
		bind_global(attacker, event[2], (const char *)&event[4], event[size / 4 - 1]);
	else if (size == 12 && opcode == 0)
		attacker->serial = event[2];
}

/* Descriptors that come with events are closed by the kernel for want of a control buffer. */
static void read_events(struct attacker *attacker, bool binding)
{
	static uint32_t buffer[16384];
	size_t have = 0, done, size;
	ssize_t n;

	while ((n = recv(attacker->fd, (char *)buffer + have, sizeof(buffer) - have,
			 MSG_DONTWAIT)) > 0) {
		have += (size_t)n;
		for (done = 0; have - done >= 8; done += size) {
			const uint32_t *event = (const uint32_t *)((char *)buffer + done);

			size = event[1] >> 16;
			if (size < 8 || have - done < size)
				break;
			take_event(attacker, event, size, binding);
		}
		have -= done;
		memmove(buffer, (char *)buffer + done, have);
	}
	if (n == 0)
		attacker->gone = true;
}

static void run(struct attacker *attacker, bool binding)
{
	for (int i = 0; i < 2; i++) {
		wl_event_loop_dispatch(wl_display_get_event_loop(display), 0);
		wl_display_flush_clients(display);
	}
	read_events(attacker, binding);
}

/* ---- the viewer ---------------------------------------------------------------------------- */

static void look(void)
{
	pixman_region32_t damage;
	struct picture picture;
	uint32_t sum = 0;

	pixman_region32_init(&damage);
	if (compositor_picture(compositor, &picture, &damage) == 0)
		for (int y = 0; y < picture.height; y++)
			for (int x = 0; x < picture.width; x++)
				sum += picture.pixels[y * picture.stride + x];
	pixman_region32_fini(&damage);
	/* Every pixel is read, so that a picture that reaches too far is found. */
	__asm__ volatile("" : : "r"(sum));
}

static void handle_text(void *data, const char *text, size_t len, int error)
{
	(void)data;
	(void)text;
	(void)len;
	(void)error;
}

static void act(uint8_t opcode, const uint32_t *words)
{
	switch (opcode % 10) {
	case 0:
		compositor_pointer_motion(compositor, (int)(words[0] % 400), (int)(words[1] % 300));
		break;
	case 1:
		compositor_pointer_button(compositor, BTN_LEFT + words[0] % 5, words[1] & 1);
		break;
	case 2:
		compositor_pointer_wheel(compositor, (int)words[0], (int)words[1]);
		break;
	case 3:
		compositor_keyboard_keysym(compositor, words[0], words[1] & 0xff,
					   words[1] >> 8 & 1);
		break;
	case 4:
		if (compositor_resize(compositor, (int)(words[0] % 500), (int)(words[1] % 400),
				      (int)(words[2] % 500)) < 0)
			look();
		break;
	case 5:
		compositor_set_visible(compositor, words[0] & 1);
		break;
	case 6:
		if (compositor_offer_text(compositor, "text", words[0] % 5) < 0)
			abort();
		break;
	case 7:
		if (compositor_fetch_text(compositor, handle_text, NULL) < 0)
			look();
		break;
	case 8:
		compositor_close_all(compositor);
		break;
	default:
		look();
	}
}

/* ---- input --------------------------------------------------------------------------------- */

static size_t step(struct attacker *attacker, const uint8_t *data, size_t size)
{
	uint32_t words[WORDS_MAX + 2] = {0};
	size_t count = data[2] & 15, need = 3 + count * 4;

	if (size < need)
		return size;
	memcpy(&words[2], data + 3, count * 4);
	if (data[0] == 0) {
		act(data[1], &words[2]);
		return need;
	}
	for (size_t i = 2; i < count + 2; i++) {
		if (words[i] == NEXT_ID)
			words[i] = attacker->next_id++;
		else if (words[i] == SERIAL)
			words[i] = attacker->serial;
	}
	words[0] = data[0];
	words[1] = (uint32_t)(count * 4 + 8) << 16 | data[1];
	if (data[2] & 0x80)
		words[1] ^= (uint32_t)data[1] << 18;
	send_words(attacker, words, count + 2, data[2] & 0x40);
	return need;
}

static void check_empty(void)
{
	if (compositor->client_count != 0 || compositor->pixel_bytes != 0 ||
	    !wl_list_empty(&compositor->surfaces) || !wl_list_empty(&compositor->stack) ||
	    !wl_list_empty(&compositor->grabs) || compositor->active || compositor->drag)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attacker attacker = {.next_id = 3};
	int ends[2];

	if (!display)
		set_up();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
	    !wl_client_create(display, ends[0]))
		abort();
	attacker.fd = ends[1];
	send_words(&attacker, (uint32_t[]){1, 12u << 16 | 1, 2}, 3, false);
	run(&attacker, true);
	run(&attacker, false);
	while (size >= 3 && !attacker.gone) {
		size_t taken = step(&attacker, data, size);

		data += taken;
		size -= taken;
		run(&attacker, false);
	}
	look();
	fd_close(attacker.fd);
	for (int i = 0; i < 4; i++)
		wl_event_loop_dispatch(wl_display_get_event_loop(display), 0);
	compositor_keyboard_release_all(compositor);
	check_empty();
	if (compositor_resize(compositor, 320, 200, 120) < 0)
		abort();
	compositor_set_visible(compositor, true);
	look();
	return 0;
}
