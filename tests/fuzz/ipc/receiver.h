/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The receivers of the ipc target. Each file beside this one holds one of the program's own, with
 * its table and its handlers as they are, over an owner of which only what the handlers touch is
 * there; what they call is replaced by checks of what they promise.
 */
#ifndef LAZARET_FUZZ_IPC_RECEIVER_H
#define LAZARET_FUZZ_IPC_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/log.h"

struct receiver {
	/* A fresh owner with its channel on `fd`, which it takes. `variant`: eight bits of the input. */
	void (*open)(struct wl_event_loop *loop, int fd, uint8_t variant);
	/* The channel is still there. */
	bool (*alive)(void);
	/* Frees what open() made; the channel may be over. */
	void (*close)(void);
};

extern const struct receiver from_gateway, from_session, from_display, from_control, to_keyd, to_checkd;

/* Ends the process, as a sanitizer does, when a promise is broken. */
#define PROMISE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

/* A file of the program logs here: what goes to a line must be there, nothing is written. */
void check_log(const char *event, const struct log_field *fields);
#undef log_event
#define log_event(level, event, ...) \
	check_log((event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

#endif
