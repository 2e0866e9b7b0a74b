/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

struct queued {
	struct wl_list link;
	enum ipc_type type;
	struct buf body;
	int fds[IPC_FDS_MAX];
	size_t n_fds;
};

struct ipc_channel {
	struct wl_event_loop *loop;
	struct wl_event_source *source;
	int fd;
	const struct ipc_table *table;
	void *data;
	uint32_t state;
	uint16_t version; /* that we speak: as new as the peer understands */
	unsigned int *counts; /* one a rule */
	struct wl_list queue;
	unsigned int queued;
	bool over; /* closed() was called */
	unsigned int running; /* handlers below us on the stack */
	bool destroyed;
	uint8_t storage[IPC_BODY_MAX + 4];
};

static void queued_destroy(struct queued *q)
{
	wl_list_remove(&q->link);
	for (size_t i = 0; i < q->n_fds; i++)
		fd_close(q->fds[i]);
	mem_wipe(q->body.data, q->body.size);
	buf_finish(&q->body);
	free(q);
}

static void release(struct ipc_channel *ch)
{
	free(ch->counts);
	mem_wipe_free(ch, sizeof(*ch));
}

static void shut(struct ipc_channel *ch)
{
	struct queued *q, *next;

	if (ch->source)
		wl_event_source_remove(ch->source);
	ch->source = NULL;
	ch->fd = fd_close(ch->fd);
	wl_list_for_each_safe (q, next, &ch->queue, link)
		queued_destroy(q);
	ch->queued = 0;
}

static void end(struct ipc_channel *ch, int reason)
{
	if (ch->over || ch->destroyed)
		return;
	ch->over = true;
	shut(ch);
	ch->table->closed(ch->data, reason);
}

static const struct ipc_rule *permitted(struct ipc_channel *ch, const struct ipc_message *m)
{
	const struct ipc_table *t = ch->table;

	if (ipc_type_from(m->type) != t->peer || ipc_type_to(m->type) != t->self)
		return NULL;
	for (size_t i = 0; i < t->n_rules; i++) {
		const struct ipc_rule *rule = &t->rules[i];

		if (rule->type != m->type)
			continue;
		if (!(rule->states & ch->state))
			return NULL;
		if (rule->at_most > 0 && ch->counts[i] >= rule->at_most)
			return NULL;
		ch->counts[i]++;
		return rule;
	}
	return NULL;
}

static int dispatch(struct ipc_channel *ch, struct ipc_message *m)
{
	const struct ipc_rule *rule = permitted(ch, m);
	int r;

	if (!rule) {
		log_event(LOG_WARN, "ipc.refused", LOG_STR("message", ipc_type_name(m->type)));
		return -EPROTO;
	}
	r = rule->handle(ch->data, m);
	if (r == 0 && !cursor_done(&m->body)) {
		log_event(LOG_WARN, "ipc.malformed", LOG_STR("message", ipc_type_name(m->type)));
		return -EPROTO;
	}
	return r;
}

/* False when nothing more is to be received now; *ret_result is why, 0: nothing is there. */
static bool receive_one(struct ipc_channel *ch, int *ret_result)
{
	struct ipc_message m;
	int r = ipc_recv(ch->fd, ch->storage, &m);

	if (r < 0) {
		*ret_result = r == -EAGAIN ? 0 : r;
		return false;
	}
	ch->version = MIN(m.version, IPC_VERSION);
	ch->running++;
	r = dispatch(ch, &m);
	ch->running--;
	ipc_message_finish(&m);
	/* Passwords travel here. */
	mem_wipe(ch->storage, m.body.len + 4);
	*ret_result = r;
	return r == 0 && !ch->destroyed && !ch->over;
}

static void update_mask(struct ipc_channel *ch)
{
	uint32_t mask = WL_EVENT_READABLE;

	if (!wl_list_empty(&ch->queue))
		mask |= WL_EVENT_WRITABLE;
	wl_event_source_fd_update(ch->source, mask);
}

static int flush(struct ipc_channel *ch)
{
	while (!wl_list_empty(&ch->queue)) {
		struct queued *q = wl_container_of(ch->queue.next, q, link);
		int r = ipc_send_as(ch->fd, ch->version, q->type, &q->body, q->fds, q->n_fds);

		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		queued_destroy(q);
		ch->queued--;
	}
	update_mask(ch);
	return 0;
}

static int handle_event(int fd, uint32_t mask, void *data)
{
	struct ipc_channel *ch = data;
	int r = 0;

	(void)fd;
	ch->running++;
	if (mask & WL_EVENT_WRITABLE)
		r = flush(ch);
	/* One that hung up may have said something before. */
	if (r == -EPIPE)
		r = 0;
	/* A bounded number a turn, so that one busy peer cannot starve the others. */
	for (int i = 0; r == 0 && i < 16; i++) {
		if (!receive_one(ch, &r))
			break;
	}
	if (r < 0)
		end(ch, r);
	ch->running--;
	if (ch->destroyed && ch->running == 0)
		release(ch);
	return 0;
}

int ipc_channel_create(struct wl_event_loop *loop, int fd, const struct ipc_table *table,
		       void *data, struct ipc_channel **ret_channel)
{
	_cleanup_fd_ int owned = fd;
	struct ipc_channel *ch;
	int r;

	r = fd_set_nonblock(fd, true);
	if (r < 0)
		return r;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return -ENOMEM;
	ch->counts = calloc(table->n_rules + 1, sizeof(*ch->counts));
	wl_list_init(&ch->queue);
	ch->loop = loop;
	ch->table = table;
	ch->data = data;
	ch->state = 1;
	ch->version = IPC_VERSION;
	if (ch->counts)
		ch->source = wl_event_loop_add_fd(loop, fd, WL_EVENT_READABLE, handle_event, ch);
	if (!ch->source) {
		release(ch);
		return -ENOMEM;
	}
	ch->fd = FD_STEAL(owned);
	*ret_channel = ch;
	return 0;
}

void ipc_channel_destroy(struct ipc_channel *ch)
{
	if (!ch || ch->destroyed)
		return;
	ch->destroyed = true;
	shut(ch);
	if (ch->running == 0)
		release(ch);
}

void ipc_channel_set_state(struct ipc_channel *ch, uint32_t state)
{
	ch->state = state;
}

static int enqueue(struct ipc_channel *ch, enum ipc_type type, const struct buf *body,
		   const int *fds, size_t n_fds)
{
	struct queued *q;

	if (ch->queued >= IPC_QUEUE_MAX)
		return -ENOBUFS;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->type = type;
	buf_init_secret(&q->body, IPC_BODY_MAX);
	wl_list_insert(ch->queue.prev, &q->link);
	if (body)
		buf_put(&q->body, buf_data(body), buf_len(body));
	for (; q->n_fds < n_fds; q->n_fds++) {
		q->fds[q->n_fds] = fcntl(fds[q->n_fds], F_DUPFD_CLOEXEC, 3);
		if (q->fds[q->n_fds] < 0)
			break;
	}
	if (q->n_fds < n_fds || buf_error(&q->body)) {
		queued_destroy(q);
		return -ENOMEM;
	}
	ch->queued++;
	update_mask(ch);
	return 0;
}

int ipc_channel_send(struct ipc_channel *ch, enum ipc_type type, const struct buf *body,
		     const int *fds, size_t n_fds)
{
	int r;

	if (ch->over || ch->destroyed)
		return -EPIPE;
	if (ipc_type_from(type) != ch->table->self || ipc_type_to(type) != ch->table->peer)
		return -EINVAL;
	if (!wl_list_empty(&ch->queue))
		return enqueue(ch, type, body, fds, n_fds);
	r = ipc_send_as(ch->fd, ch->version, type, body, fds, n_fds);
	if (r == -EAGAIN)
		return enqueue(ch, type, body, fds, n_fds);
	return r;
}

int ipc_channel_fd(const struct ipc_channel *ch)
{
	return ch->fd;
}

int ipc_channel_save(const struct ipc_channel *ch, struct ipc_channel_memory *ret_memory)
{
	struct ipc_channel_memory memory = {.version = ch->version};

	if (ch->queued > 0)
		return -EBUSY;
	for (size_t i = 0; i < ch->table->n_rules && memory.n < IPC_RULES_MAX; i++) {
		if (ch->table->rules[i].at_most == 0)
			continue;
		memory.said[memory.n].type = (uint16_t)ch->table->rules[i].type;
		memory.said[memory.n++].count = ch->counts[i];
	}
	*ret_memory = memory;
	return 0;
}

void ipc_channel_restore(struct ipc_channel *ch, const struct ipc_channel_memory *memory)
{
	ch->version = memory->version;
	for (size_t i = 0; i < memory->n; i++) {
		for (size_t k = 0; k < ch->table->n_rules; k++) {
			if (ch->table->rules[k].type == memory->said[i].type)
				ch->counts[k] = memory->said[i].count;
		}
	}
}

int ipc_pair(int ret_fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -errno;
	return 0;
}
