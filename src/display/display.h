/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-display: one session's Wayland compositor and RFB server in one process (DESIGN, sections
 * 2 and 3). How it is started stands in ipc/messages.def.
 *
 *	compositor --damaged--> screen --> paint --> viewer --> stream to the gateway
 *	compositor <--input---- dispatch <---------- viewer <-- stream from the gateway
 *
 * One viewer at a time is attached. One whose place was taken, or who was sent away, stays for a
 * moment with a picture that says why (notice.h).
 */
#ifndef LAZARET_DISPLAY_DISPLAY_H
#define LAZARET_DISPLAY_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "conf/conf.h"
#include "display/screen.h"
#include "ipc/channel.h"

struct viewer;

struct display {
	struct wl_display *wl;
	struct wl_event_loop *loop;
	struct ipc_channel *parent;
	bool running;

	/* From the configuration */
	enum conf_language language;
	enum conf_video video;
	int max_width, max_height; /* pixels */

	struct screen screen;
	struct viewer *current; /* NULL: nobody is attached */
	struct wl_list farewells; /* viewer.link, oldest first */
	unsigned int n_farewells;
	uint32_t n_attaches; /* DISPLAY_ATTACH that were taken */
	struct wl_list notice_requests; /* in the order in which answers come; notice.c */

	bool has_text; /* the browser's clipboard holds text */
	bool had_window; /* DISPLAY_FIRST_PICTURE was said */
};

/* Messages to the parent. A parent that cannot be told anything any more ends us. */
void parent_tell(struct display *display, enum ipc_type type, const struct buf *body);
/* DISPLAY_DETACHED */
void parent_tell_detached(struct display *display, const char *reason);

/* The channel to lazaret-session; takes `fd`. */
NODISCARD int parent_connect(struct display *display, int fd);

/* A gateway's stream becomes the current viewer; takes `fd`, also on failure. */
NODISCARD int display_attach(struct display *display, int fd, const char *address);

/* Says goodbye to the current viewer, if there is one, with a sentence for the person. */
void display_say_goodbye(struct display *display, const char *sentence);

/* The browser draws while somebody looks: to be called when that may have changed. */
void display_update_visible(struct display *display);

#endif
