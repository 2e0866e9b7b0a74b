/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A headless Wayland compositor as a library: one output, one seat, wl_shm buffers, no GPU, no
 * device, no thread. Its clients (browser, file chooser) are hostile: whatever one of them sends
 * costs at most that client its connection; what it can make us hold has a limit (limits.h).
 *
 * Coordinates: everything in this header is in output pixels, origin top left, the strip (see
 * compositor_set_strip) included. "Logical" units, which clients see, are pixels * 120 / scale.
 *
 * Callbacks come from within wl_event_loop_dispatch() and from the compositor_* calls below. They
 * may call any function of this header but compositor_destroy().
 *
 * Wakes up only for clients, and for the timers of pending transfers and paced callbacks; idle
 * means asleep. After compositor_create() it opens no file: keymaps are rewritten as text. System
 * calls at work: epoll_wait, epoll_ctl, recvmsg, sendmsg, read, write, accept4, getsockopt,
 * timerfd_create, timerfd_settime, mmap, munmap, mremap, brk, close, fcntl, dup, memfd_create,
 * ftruncate, lseek, pipe2, fstat, getrandom, rt_sigaction, rt_sigprocmask, rt_sigreturn, futex,
 * clock_gettime. SIGPIPE must be ignored by the process.
 */
#ifndef LAZARET_DISPLAY_WAYLAND_COMPOSITOR_H
#define LAZARET_DISPLAY_WAYLAND_COMPOSITOR_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"

struct compositor;

/* Scale 1.0 as wp_fractional_scale_v1 counts it. */
#define COMPOSITOR_SCALE_ONE 120

/* Lock bits, as the RFB LED-state pseudo-encoding (-261) has them. */
#define COMPOSITOR_LED_SCROLL 1u
#define COMPOSITOR_LED_NUM 2u
#define COMPOSITOR_LED_CAPS 4u

/* The pointer's picture: premultiplied ARGB (host-order 0xAARRGGBB), output pixels. */
struct compositor_cursor {
	const uint32_t *pixels; /* width * height, rows without gaps; valid during the call */
	int width, height; /* 1 to CURSOR_SIDE_MAX */
	int hot_x, hot_y; /* inside the picture */
};

/* What the compositor tells its owner. Each slot may be NULL. */
struct compositor_impl {
	/* Something of the picture changed; call compositor_picture() when you want it. Told once
	 * until that call, from within a client's commit: take the picture later, in the loop. */
	void (*damaged)(void *data);
	/* NULL: the client hides the pointer. Where no window is, it is an arrow of our own. */
	void (*cursor_changed)(void *data, const struct compositor_cursor *cursor);
	/* Title of the active window, foreign text, valid UTF-8 of at most TITLE_MAX bytes; ""
	 * without one. Valid during the call. */
	void (*title_changed)(void *data, const char *title);
	/* The clipboard changed hands. has_text: a client offers text, which
	 * compositor_fetch_text() gets. Not told for what compositor_offer_text() set. */
	void (*clipboard_changed)(void *data, bool has_text);
	/* Mapped top-level windows: 0 at the start, and again when the browser is gone. */
	void (*toplevel_count_changed)(void *data, int count);
	/* Caps, Num or Scroll Lock changed: COMPOSITOR_LED_*. */
	void (*leds_changed)(void *data, unsigned int leds);
};

struct compositor_config {
	struct wl_display *display; /* the caller's; must outlive the compositor */
	int width, height; /* output pixels, 1 to OUTPUT_SIDE_MAX */
	int scale120; /* 60 to 480; COMPOSITOR_SCALE_ONE is 1.0 */
	const char *keyboard_layout; /* xkb layout, "us", "de", "ch(fr)"; NULL: "us" */
};

/*
 * Adds the globals to the display. Loads and compiles xkb data, so call it before the sandbox.
 * Sockets are the caller's: wl_display_add_socket_fd(display, listening_fd) (libwayland then owns
 * that fd and tells connections apart itself).
 *
 * `impl` and `data` must outlive the compositor. Errors: -EINVAL (size, scale, layout unknown to
 * xkb), -ENOMEM.
 */
NODISCARD int compositor_create(const struct compositor_config *config,
				const struct compositor_impl *impl, void *data,
				struct compositor **ret_compositor);

/* Ends all clients of the display, then frees. NULL is allowed. */
void compositor_destroy(struct compositor *compositor);

/* ---- picture ------------------------------------------------------------------------------- */

/*
 * The whole output as it is now, and what may have changed since the last call.
 *
 * *ret_picture is borrowed: valid until control goes back to the event loop or another
 * compositor_* function is called (the next commit writes into the same pixels). Read only. Where
 * one opaque window covers the output it is that window's own copy, with no composition; the top
 * byte of a pixel is undefined. Its address and stride may differ from call to call.
 *
 * *damage (initialised by the caller; overwritten) is in output pixels, within the output, an
 * upper bound as clients declare it: expect a whole window on each scroll step and compare. After a
 * resize it is the whole output.
 *
 * Costs nothing when nothing changed. -ENOMEM: no canvas; the damage is kept for the next call.
 */
NODISCARD int compositor_picture(struct compositor *compositor, struct picture *ret_picture,
				 pixman_region32_t *damage);

/*
 * Changes output size and scale; windows are reconfigured and redraw within their own time (45 to
 * 150 ms for Chromium); until then the old content stands at the top left, the rest is background.
 * -EINVAL as in compositor_create(); nothing changed then.
 */
NODISCARD int compositor_resize(struct compositor *compositor, int width, int height, int scale120);

/*
 * Reserves rows at the top that no client can paint and shows `strip` there (copied; opaque; cut
 * or filled with its last column to the output's width). Windows shrink and move down. NULL removes
 * it. The same height again only replaces the picture. -EINVAL if the strip leaves less than
 * OUTPUT_REST_MIN rows.
 */
NODISCARD int compositor_set_strip(struct compositor *compositor, const struct picture *strip);

/* ---- pace ---------------------------------------------------------------------------------- */

/*
 * The refresh interval that clients are told in presentation feedback, in nanoseconds; 16,666,667
 * at the start. It is the throttle: Chromium draws at that pace. Frame callbacks are answered at
 * once, but for a client that commits faster than 1.25 times that rate for long, which is held to
 * it. Clamped to 4 ms .. 4 s.
 */
void compositor_set_refresh(struct compositor *compositor, uint32_t interval_ns);

/*
 * While not visible (nobody attached; the state at the start), frame callbacks and presentation
 * feedback are withheld and browsers stop drawing. Becoming visible answers them at once.
 */
void compositor_set_visible(struct compositor *compositor, bool visible);

/* ---- input --------------------------------------------------------------------------------- */

/* Absolute; clamped to the output. */
void compositor_pointer_motion(struct compositor *compositor, int x, int y);
/* evdev code: BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_BACK (or BTN_SIDE), BTN_FORWARD (BTN_EXTRA).
 * A press of what is pressed, or a release of what is not, is ignored. */
void compositor_pointer_button(struct compositor *compositor, uint32_t button, bool pressed);
/* Wheel movement in 1/120 notch, positive right and down. */
void compositor_pointer_wheel(struct compositor *compositor, int dx120, int dy120);

/*
 * One key event as RFB brings it. keysym: X keysym (keysymdef.h; 0x01000000 + code point for
 * Unicode), 0 if not known. qemu_keycode: XT scan code as the QEMU extended key event has it (0xe0
 * prefix as bit 7: 0x9d is Right Control), 0 if not known.
 *
 * The key that gives the keysym is found in this order: the scan code's key, if it has that symbol
 * at any level; any key of the layout; a spare key whose symbol is changed; text input. Shift and
 * AltGr are set and cleared around the key as its level needs, Ctrl, Alt and Super stay as held.
 * With Ctrl, Alt or Super held, a non-Latin keysym is the key at its place on the keyboard, so that
 * shortcuts work whatever the layout. Characters past U+FFFF go as text where a text field has the
 * focus. Repeated presses of a held key are ignored: clients repeat by themselves (600 ms, 25/s).
 *
 * Alt+F4 asks the active window to close, Alt+Tab brings the lowest window to the top; neither is
 * sent to clients.
 */
void compositor_keyboard_keysym(struct compositor *compositor, uint32_t keysym,
				uint32_t qemu_keycode, bool pressed);
/* Releases all keys and buttons: the viewer is gone. Locks stay. */
void compositor_keyboard_release_all(struct compositor *compositor);
/* COMPOSITOR_LED_* as they are now. */
unsigned int compositor_leds(const struct compositor *compositor);

/* ---- clipboard ----------------------------------------------------------------------------- */

/* The viewer's clipboard becomes the selection (copied; UTF-8, at most TRANSFER_MAX bytes, else
 * -EINVAL). Length 0 clears a selection that is ours. */
NODISCARD int compositor_offer_text(struct compositor *compositor, const char *utf8, size_t len);

/*
 * Told once a fetch: text of `len` bytes, valid UTF-8 (not terminated; valid during the call), or
 * error: -ENOENT no text there, -EFBIG more than TRANSFER_MAX, -ETIMEDOUT, -EILSEQ, -EIO,
 * -ECANCELED a newer fetch began or the compositor ends. text is NULL on error.
 */
typedef void (*compositor_text_func_t)(void *data, const char *text, size_t len, int error);

/* Asks the owner of the selection for its text; the answer comes by `func`, at the earliest after
 * this call, at the latest after TRANSFER_TIMEOUT_MS. -ENOENT if no client offers text. */
NODISCARD int compositor_fetch_text(struct compositor *compositor, compositor_text_func_t func,
				    void *data);

/* ---- windows ------------------------------------------------------------------------------- */

/* Asks all windows to close (log-out); clients may ask their user first, or ignore it. */
void compositor_close_all(struct compositor *compositor);

/* Mapped top-level windows. */
int compositor_toplevel_count(const struct compositor *compositor);

#endif
