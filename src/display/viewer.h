/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One viewer: the stream to its gateway, what the viewer said it can, and the engine that knows
 * what it has on its screen. The stream speaks RFB from ServerInit on (RFC 6143 7.3.2).
 *
 * Nothing here destroys a viewer while it is in use: viewer_end() marks it, and it goes when the
 * event that led there was dealt with.
 */
#ifndef LAZARET_DISPLAY_VIEWER_H
#define LAZARET_DISPLAY_VIEWER_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "display/limits.h"
#include "display/flow.h"
#include "rfb/client_message.h"
#include "rfb/pixel_format.h"
#include "rfb/update.h"
#include "wire/buf.h"

struct display;

/* What SetEncodings told, encodings of pixels apart. */
struct viewer_can {
	bool fence, continuous, desktop_size, qemu_key, mouse_buttons, clipboard;
	bool cursor, cursor_alpha;
};

/* What has to be told at the next occasion; each is a message without pixels. */
enum viewer_due {
	DUE_DESKTOP_SIZE = 1 << 0,
	DUE_CURSOR = 1 << 1,
	DUE_QEMU_KEY = 1 << 2,
	DUE_MOUSE_BUTTONS = 1 << 3,
};

struct viewer {
	struct display *display;
	struct wl_list link; /* of display.farewells; else an empty list of itself */
	char address[ADDRESS_MAX + 1];
	int fd;
	struct wl_event_source *source, *timer, *idle;
	bool watching; /* the loop tells when the stream takes bytes */
	bool drained; /* it took all but a small part of what there was */
	const char *ending; /* why it goes, a constant; NULL: it stays */
	struct buf in, out;

	struct client_parser parser;
	struct pixel_format format;
	struct viewer_can can;
	bool told_fence, told_continuous; /* our support is announced, once a connection */
	bool has_sync; /* a fence waits for the message behind it */
	struct client_fence sync;
	uint16_t buttons; /* as the last pointer event had them */
	struct client_cut_text clipboard_caps; /* what it said last, if its action is CAPS */

	/* What it wants */
	bool continuous; /* updates without being asked */
	pixman_box32_t continuous_area;
	pixman_region32_t requested; /* by FramebufferUpdateRequest and not answered yet */
	bool asked; /* ever asked for anything */
	unsigned int due; /* bits of enum viewer_due */
	enum rfb_desktop_size_reason size_reason;
	enum rfb_desktop_size_status size_status;

	/* What it has */
	struct update *update;
	int width, height; /* of its framebuffer */
	pixman_region32_t pending; /* changed and not sent */

	/* When it gets it (paint.c); monotonic microseconds */
	struct flow flow;
	uint64_t deadline; /* of the timer; 0: none */
	uint64_t painted; /* when the last update was built */
	uint64_t allowed; /* when the next is due by the clock of 60 a second */
	uint64_t spacing; /* between updates, as the viewer takes them; a moving average */
	uint64_t input; /* when the person did something last */
	uint64_t key; /* when the person pressed a key last */
	unsigned int percent; /* of the line, that such may take as the update built last */
	uint64_t blocked; /* since when something waits that the viewer does not take; 0: no */
	bool held_up; /* since the last update the viewer had to be waited for */
	bool stalled;

	/* Farewell: a fixed picture instead of the browser's */
	bool farewell;
	bool detached; /* the parent wants to hear when it is gone */
	uint64_t closes; /* when it is closed at the latest */
	struct picture goodbye; /* .pixels NULL: not drawn yet. Ours */
};

/* Greets it with ServerInit. Takes `fd`, also on failure. 0 or a negative errno. */
NODISCARD int viewer_create(struct display *display, int fd, const char *address,
			    struct viewer **ret_viewer);
/* NULL is allowed. The display forgets it. */
void viewer_destroy(struct viewer *viewer);

/* It goes when the present event is over; the first reason counts. */
void viewer_end(struct viewer *viewer, const char *reason);

/* To be called last in whatever the loop calls: destroys the viewer if it was ended. */
void viewer_settle(struct viewer *viewer);

/* Writes what is there; the rest when the stream takes it. */
void viewer_flush(struct viewer *viewer);

/* Wakes paint_now() at `deadline` at the latest. */
void viewer_wake_at(struct viewer *viewer, uint64_t deadline);

/* --- dispatch.c --- */
/* Deals with one message of the viewer; may end it. */
void viewer_dispatch(struct viewer *viewer, struct client_message *message);

/* --- input.c --- */
void viewer_take_pointer(struct viewer *viewer, const struct client_pointer *pointer);
void viewer_take_key(struct viewer *viewer, const struct client_key *key);

/* --- clipboard.c --- */
void viewer_take_cut_text(struct viewer *viewer, struct client_cut_text *cut);
/* Says what we understand of clipboards (rfbproto "Extended Clipboard", caps). */
void viewer_put_clipboard_caps(struct viewer *viewer);
/* The browser's clipboard has text (or no more). */
void viewer_announce_clipboard(struct viewer *viewer);

/* --- resize.c --- */
void viewer_take_desktop_size(struct viewer *viewer, const struct client_desktop_size *size);
void viewer_put_desktop_size(struct viewer *viewer);

/* --- paint.c --- */
/* Something is to be sent, or may be now: paint_now() before the loop sleeps again. */
void paint_soon(struct viewer *viewer);
void paint_now(struct viewer *viewer);
/* The engine was told about another framebuffer size: everything is to be sent. */
void paint_all(struct viewer *viewer);
/* A fence, whose answer tells when the viewer had everything before it. */
void paint_put_ping(struct viewer *viewer, uint64_t now);

/* --- notice.c --- */
/* Input is ignored from here on; the picture follows when its text is drawn. */
void viewer_say_goodbye(struct viewer *viewer, const char *sentence);

#endif
