/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A channel: a SOCK_SEQPACKET socket in an event loop, a table of what the peer may ask, and a
 * bounded queue of what could not be sent yet.
 *
 * The table is the permission list: a message that is not in it, not allowed in the channel's
 * present state, said too often, or not fully consumed by its handler ends the channel.
 */
#ifndef LAZARET_IPC_CHANNEL_H
#define LAZARET_IPC_CHANNEL_H

#include <wayland-server-core.h>

#include "ipc/message.h"

/* Messages waiting because the peer does not read; one more closes the channel. */
#define IPC_QUEUE_MAX 64

#define IPC_ANY_STATE UINT32_MAX

struct ipc_rule {
	enum ipc_type type;
	uint32_t states; /* bits of the states in which it is allowed, or IPC_ANY_STATE */
	unsigned int at_most; /* times in the life of the channel; 0: no limit */
	/*
	 * Reads message->body to its end and takes the descriptors it wants. A negative errno ends
	 * the channel. May destroy the channel. Why the operation is safe to do for this peer
	 * stands in a comment at each handler.
	 */
	int (*handle)(void *data, struct ipc_message *message);
};

struct ipc_table {
	enum ipc_role self, peer;
	const struct ipc_rule *rules;
	size_t n_rules;
	/*
	 * The channel is over: `reason` is -EPIPE when the peer closed it, -EPROTO when it said
	 * what it may not, or what a handler returned. Called once, from the loop; the owner
	 * destroys the channel, here or later.
	 */
	void (*closed)(void *data, int reason);
};

struct ipc_channel;

/* Takes `fd` also on failure. `table` and `data` must outlive the channel. */
NODISCARD int ipc_channel_create(struct wl_event_loop *loop, int fd, const struct ipc_table *table,
				 void *data, struct ipc_channel **ret_channel);
/* Closes the socket without flushing. NULL is allowed. Safe inside a handler. */
void ipc_channel_destroy(struct ipc_channel *channel);

/* One bit; what the peer may say now. Starts as 1. */
void ipc_channel_set_state(struct ipc_channel *channel, uint32_t state);

/*
 * Sends or queues; the descriptors are duplicated when queued, so the caller's may be closed at
 * once. 0, -EPIPE when the channel is over, -ENOBUFS when the queue is full, -EMSGSIZE, -ENOMEM.
 */
NODISCARD int ipc_channel_send(struct ipc_channel *channel, enum ipc_type type,
			       const struct buf *body, const int *fds, size_t n_fds);

int ipc_channel_fd(const struct ipc_channel *channel);

/* What a channel is besides its socket and the state of its owner: for who executes itself anew. */
#define IPC_RULES_MAX 16
struct ipc_channel_memory {
	uint16_t version; /* that the peer speaks */
	uint8_t n;
	struct {
		uint16_t type;
		uint32_t count; /* how often it was said */
	} said[IPC_RULES_MAX];
};
/* -EBUSY: something waits to be sent. */
NODISCARD int ipc_channel_save(const struct ipc_channel *channel,
			       struct ipc_channel_memory *ret_memory);
/* What the table does not know is left out. */
void ipc_channel_restore(struct ipc_channel *channel, const struct ipc_channel_memory *memory);

/* A connected, non-blocking, close-on-exec SOCK_SEQPACKET pair. */
NODISCARD int ipc_pair(int ret_fds[2]);

#endif
