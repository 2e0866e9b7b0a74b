/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The browser of the tests: one window that shows known pixels, and notes the input it gets.
 */
#ifndef LAZARET_TESTS_PROTO_DISPLAY_PAGE_H
#define LAZARET_TESTS_PROTO_DISPLAY_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-client.h>

#include "harness.h"

#define PAGE_BUFFERS 3
#define PAGE_KEYS_MAX 256

struct page_buffer {
	struct wl_buffer *buffer;
	uint32_t *pixels;
	bool busy;
};

struct page {
	struct harness *harness;
	struct wl_display *display;
	struct wl_registry *registry;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct wl_seat *seat;
	struct wl_keyboard *keyboard;
	struct wl_pointer *pointer;
	struct wl_data_device_manager *data_manager;
	struct wl_data_device *data_device;
	struct wl_data_source *data_source;
	struct wl_data_offer *data_offer;
	struct xdg_wm_base *shell;
	struct wl_surface *surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *toplevel;

	int width, height; /* of the window, as configured */
	int wanted_width, wanted_height;
	bool configured, closed;
	uint32_t *pixels; /* what it shows: 0x00RRGGBB, rows without gaps */
	struct page_buffer buffers[PAGE_BUFFERS];
	int frames_wanted, frames; /* callbacks asked for and come */
	struct wl_callback *frame;

	/* Input */
	uint32_t serial;
	uint32_t keys[PAGE_KEYS_MAX]; /* evdev codes of presses, in order */
	int n_keys, n_releases;
	double pointer_x, pointer_y;
	uint32_t button; /* last pressed */
	int n_buttons, n_button_releases;
	double axis_x, axis_y; /* sums */
	char text[64]; /* what data_source offers */
};

/* Connects and shows a first, black picture; fails the test if that does not work. */
void page_open(struct page *page, struct harness *harness);
void page_close(struct page *page);

struct harness_source page_source(struct page *page);

/* Shows `pixels` as they are now; declares n rectangles {x, y, width, height} as damage. */
void page_commit(struct page *page, const int (*damage)[4], int n);

/* Whether a buffer is free, so that page_commit() would not wait. */
bool page_can_commit(const struct page *page);

/* Takes the configured size: new buffers, black. */
void page_adopt_size(struct page *page);

/* Owns the clipboard with `text`. */
void page_copy(struct page *page, const char *text);

#endif
