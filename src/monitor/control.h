/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: SOCK_SEQPACKET, one command a connection. Who asks is said by the kernel
 * (uid and groups at the time of connecting), never by the client; what his roles let him do, by the
 * command table. Every command is in the log with its result. A client that says nonsense
 * loses its own connection; nobody else notices.
 */
#ifndef LAZARET_MONITOR_CONTROL_H
#define LAZARET_MONITOR_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "ctl/command.h"
#include "wire/cursor.h"

/* Below the runtime directory. */
#define CONTROL_SOCKET "control"

struct control;
struct handover;
struct monitor;

NODISCARD int control_create(struct monitor *monitor, struct control **ret_control);
/* Across an execution of ourselves. -EBUSY: something is being done that cannot be handed over. */
NODISCARD int control_save(const struct control *control, struct handover *handover);
NODISCARD int control_restore(struct monitor *monitor, const struct handover *handover,
			      struct control **ret_control);
/* Those who wait for an upgrade hear what came of it, one way or the other. */
void control_say_upgraded(struct control *control, bool ok, const char *sentence);
void control_destroy(struct control *control);

/* A request as it was read. */
struct control_request {
	size_t n_words;
	char *words[16]; /* CONTROL_WORDS_MAX */
	bool foreign; /* of another CONTROL_VERSION: what the words mean may have changed */
};
void control_request_finish(struct control_request *request);
/*
 * The body of a CONTROL_REQUEST. -EPROTO; -EPROTONOSUPPORT for another CONTROL_VERSION, if it is not
 * even written the same way.
 */
NODISCARD int control_request_read(struct cursor *c, struct control_request *ret_request);

#endif
