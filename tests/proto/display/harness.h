/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A live lazaret-display, and the roles around it played by the test: session, gateway, browser,
 * viewer. One thread; whatever waits, waits in harness_pump().
 */
#ifndef LAZARET_TESTS_PROTO_DISPLAY_HARNESS_H
#define LAZARET_TESTS_PROTO_DISPLAY_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/spawn.h"
#include "ipc/message.h"

#define HARNESS_UID 64123 /* what the display becomes; no account has it */
#define HARNESS_LOG_MAX 65536

/* What the session heard. */
struct harness_heard {
	int ready, detached, windows, first_picture, wants_text;
	char reason[1100]; /* of the last DISPLAY_DETACHED */
	uint32_t n_windows;
	char text[1100]; /* of the last DISPLAY_WANTS_TEXT */
	uint32_t text_width;
};

struct harness {
	struct child child;
	int channel; /* the session's end */
	char folder[64]; /* of the Wayland socket */
	char socket[96];
	int log; /* the display's standard error */
	struct harness_heard heard;
	bool draws_text; /* answers DISPLAY_WANTS_TEXT by itself with a white panel */
	bool gone; /* the channel ended */
};

/* Something that is waited for besides the channel. */
struct harness_source {
	int fd;
	short events;
	/* Called when the descriptor is ready. */
	void (*ready)(void *data);
	void *data;
};

/* Starts `program` (argv[1] of the test) with `extra` lines of configuration (may be NULL) and
 * waits for DISPLAY_READY. Fails the test if that does not come. */
void harness_start(struct harness *harness, const char *program, const char *extra);
/* Ends it as a session that died would; fails the test if it does not exit with 0. */
void harness_stop(struct harness *harness);

/* Sends DISPLAY_ATTACH; `fd` stays the caller's. */
void harness_attach(struct harness *harness, int fd, const char *address);
void harness_detach(struct harness *harness, const char *reason);
/* A picture of one colour, or the removal of one with height 0. */
void harness_notice(struct harness *harness, enum display_notice where, int width, int height,
		    uint32_t colour);

/*
 * Serves the channel and the sources until `done(data)` is true; false after `timeout_ms`. `done`
 * NULL: serves for the whole time.
 */
bool harness_pump(struct harness *harness, struct harness_source *sources, size_t n_sources,
		  bool (*done)(void *data), void *data, int timeout_ms);

/* Whether the process is alive; false also if it ended by itself. */
bool harness_alive(const struct harness *harness);

/* The program is argv[1] of each test. */
extern const char *harness_program;

#endif
