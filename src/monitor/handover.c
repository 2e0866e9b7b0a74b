/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/limits.h"

#define MAGIC 0x4c5a5550 /* "LZUP" */

/*
 * One description serves both directions: what a part looks like is written down once, as a walk over
 * its fields that either puts or gets each of them.
 */
enum direction { PUT, GET, FDS };

struct walk {
	enum direction direction;
	struct buf *out;
	struct cursor *in;
	int error; /* of what was got */
	uint8_t *taken; /* bits: descriptors that were named already */
	void (*each)(void *data, int fd);
	void *data;
};

static void wrong(struct walk *w)
{
	if (w->error == 0)
		w->error = -EPROTO;
}

static void u32(struct walk *w, uint32_t *value)
{
	if (w->direction == PUT)
		buf_put_u32(w->out, *value);
	else if (w->direction == GET)
		*value = cursor_u32(w->in);
}

static void u64(struct walk *w, uint64_t *value)
{
	if (w->direction == PUT)
		buf_put_u64(w->out, *value);
	else if (w->direction == GET)
		*value = cursor_u64(w->in);
}

static void flag(struct walk *w, bool *value)
{
	uint8_t byte = *value;

	if (w->direction == PUT) {
		buf_put_u8(w->out, byte);
	} else if (w->direction == GET) {
		byte = cursor_u8(w->in);
		*value = byte == 1;
		if (byte > 1)
			wrong(w);
	}
}

/* NULL and "" are different things. */
static void text(struct walk *w, char **value)
{
	bool there = w->direction == PUT && *value;

	flag(w, &there);
	if (w->direction == PUT && *value)
		buf_put_str(w->out, *value);
	else if (w->direction == GET && there && !cursor_failed(w->in))
		*value = cursor_str(w->in, HANDOVER_TEXT_MAX);
}

/* A text that must be there. */
static void name(struct walk *w, char **value)
{
	text(w, value);
	if (w->direction == GET && !*value)
		wrong(w);
}

static bool take(struct walk *w, uint32_t fd)
{
	uint8_t bit = (uint8_t)(1u << fd % 8);

	if (fd < 3 || fd >= HANDOVER_FD_MAX || (w->taken[fd / 8] & bit))
		return false;
	w->taken[fd / 8] |= bit;
	return true;
}

/* -1: none. */
static void fd_or_none(struct walk *w, int *value)
{
	uint32_t number;

	if (w->direction == PUT) {
		buf_put_u32(w->out, (uint32_t)(*value + 1));
	} else if (w->direction == GET) {
		number = cursor_u32(w->in);
		*value = number == 0 ? -1 : (int)(number - 1);
		if (number != 0 && !take(w, number - 1)) {
			*value = -1;
			wrong(w);
		}
	} else if (*value >= 0) {
		w->each(w->data, *value);
	}
}

static void fd(struct walk *w, int *value)
{
	fd_or_none(w, value);
	if (w->direction == GET && *value < 0)
		wrong(w);
}

/* The array of a count: made when it is got. Every part has at least a byte. */
static void array(struct walk *w, uint32_t *n, void *ret_parts, size_t size)
{
	void *parts;

	u32(w, n);
	if (w->direction != GET)
		return;
	if (*n > HANDOVER_PARTS_MAX || *n > cursor_left(w->in)) {
		*n = 0;
		wrong(w);
	}
	parts = calloc(MAX(*n, 1u), size);
	if (!parts) {
		*n = 0;
		w->error = w->error ? w->error : -ENOMEM;
	}
	memcpy(ret_parts, &parts, sizeof(parts));
}

/* --- the parts -------------------------------------------------------------------------------- */

static void address(struct walk *w, struct address_key *key)
{
	if (w->direction == PUT) {
		buf_put(w->out, key->bytes, sizeof(key->bytes));
	} else if (w->direction == GET) {
		const uint8_t *bytes = cursor_bytes(w->in, sizeof(key->bytes));

		if (bytes)
			memcpy(key->bytes, bytes, sizeof(key->bytes));
	}
}

static void ticket(struct walk *w, bool *has, struct throttle_ticket *value)
{
	flag(w, has);
	address(w, &value->address);
	u64(w, &value->account);
}

static void said(struct walk *w, struct ipc_channel_memory *memory)
{
	uint32_t version = memory->version, n = memory->n;

	u32(w, &version);
	u32(w, &n);
	if (n > IPC_RULES_MAX || version > UINT16_MAX) {
		wrong(w);
		return;
	}
	memory->version = (uint16_t)version;
	memory->n = (uint8_t)n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t type = memory->said[i].type;

		u32(w, &type);
		u32(w, &memory->said[i].count);
		if (type > UINT16_MAX)
			wrong(w);
		memory->said[i].type = (uint16_t)type;
	}
}

static void process(struct walk *w, struct process_memory *memory)
{
	uint32_t pid = (uint32_t)memory->pid;

	u32(w, &pid);
	if (pid > INT32_MAX)
		wrong(w);
	memory->pid = (pid_t)pid;
	fd_or_none(w, &memory->pidfd);
	fd_or_none(w, &memory->channel);
	fd_or_none(w, &memory->log);
	said(w, &memory->said);
}

/* One that is there. */
static void living(struct walk *w, struct process_memory *memory)
{
	process(w, memory);
	if (w->direction == GET && (memory->pid <= 0 || memory->pidfd < 0))
		wrong(w);
}

static void programs(struct walk *w, struct handover_programs *set)
{
	text(w, &set->version);
	fd_or_none(w, &set->daemon);
	array(w, &set->n, &set->fds, sizeof(*set->fds));
	if (set->n > HANDOVER_PROGRAMS_MAX) {
		set->n = 0;
		wrong(w);
	}
	for (uint32_t i = 0; i < set->n; i++)
		fd(w, &set->fds[i]);
}

static void caller(struct walk *w, struct handover_caller *part)
{
	uint32_t found = (uint32_t)-part->found;

	fd(w, &part->fd);
	flag(w, &part->fresh);
	flag(w, &part->upgrades);
	u32(w, &part->uid);
	u32(w, &part->roles);
	name(w, &part->name);
	u32(w, &found);
	if (found > 4096)
		wrong(w);
	part->found = -(int32_t)(found & 4095);
	name(w, &part->address);
	name(w, &part->local_address);
	u32(w, &part->port);
	u32(w, &part->local_port);
	name(w, &part->command);
	name(w, &part->arguments);
	u64(w, &part->number);
	u32(w, &part->tool);
	fd_or_none(w, &part->tool_pidfd);
	if (w->direction == GET &&
	    (part->tool > INT32_MAX || (part->tool != 0) != (part->tool_pidfd >= 0)))
		wrong(w);
}

static void index_of(struct walk *w, uint32_t *value, uint32_t n)
{
	u32(w, value);
	if (w->direction == GET && *value != HANDOVER_NONE && *value >= n)
		wrong(w);
}

static void client(struct walk *w, struct handover_client *part, uint32_t n_sessions)
{
	u32(w, &part->state);
	address(w, &part->key);
	name(w, &part->address);
	living(w, &part->process);
	text(w, &part->user);
	text(w, &part->password);
	ticket(w, &part->has_ticket, &part->ticket);
	u64(w, &part->due);
	text(w, &part->sentence);
	index_of(w, &part->login, n_sessions);
	index_of(w, &part->session, n_sessions);
	/* One of its states, as a bit. */
	if (w->direction == GET &&
	    (part->state == 0 || part->state > 16 || (part->state & (part->state - 1))))
		wrong(w);
}

static void session(struct walk *w, struct handover_session *part, uint32_t n_clients,
		    uint32_t n_sessions)
{
	u32(w, &part->phase);
	living(w, &part->process);
	u64(w, &part->kill_due);
	ticket(w, &part->has_ticket, &part->ticket);
	text(w, &part->typed);
	text(w, &part->address);
	text(w, &part->account);
	text(w, &part->end_reason);
	u64(w, &part->check_started);
	u32(w, &part->uid);
	u32(w, &part->clipboard);
	u32(w, &part->paths);
	name(w, &part->id);
	name(w, &part->viewer);
	name(w, &part->version);
	u32(w, &part->slot);
	flag(w, &part->registered);
	flag(w, &part->has_slot);
	flag(w, &part->parked);
	flag(w, &part->ready);
	flag(w, &part->ending);
	flag(w, &part->net_wanted);
	fd_or_none(w, &part->netns);
	u32(w, &part->state);
	u64(w, &part->started);
	u64(w, &part->since);
	u64(w, &part->old_since);
	u64(w, &part->old_told);
	index_of(w, &part->client, n_clients);
	index_of(w, &part->heir, n_sessions);
	if (w->direction == GET &&
	    (part->phase == 0 || part->phase > 8 || (part->phase & (part->phase - 1)) ||
	     part->state > SESSION_STATE_ENDING || part->clipboard > UINT8_MAX ||
	     /* An identified user has a name; so has a session that is somebody's. */
	     (part->uid != 0 && !part->account) || (part->registered && !part->has_slot)))
		wrong(w);
}

static void remains(struct walk *w, struct handover_remains *part)
{
	name(w, &part->id);
	flag(w, &part->has_slot);
	u32(w, &part->slot);
	u32(w, &part->uid);
}

static void failure(struct walk *w, struct handover_failure *part)
{
	address(w, &part->address);
	u64(w, &part->account);
	u32(w, &part->failures);
	u32(w, &part->running);
	u64(w, &part->not_before);
	u64(w, &part->touched);
}

static void ssh(struct walk *w, struct handover_sshd *part)
{
	u32(w, &part->port);
	u32(w, &part->pid);
	fd_or_none(w, &part->pidfd);
	fd_or_none(w, &part->log);
	fd_or_none(w, &part->log_writer);
	text(w, &part->config);
	if (w->direction == GET && (part->port > UINT16_MAX || part->pid > INT32_MAX ||
				    (part->pid != 0) != (part->pidfd >= 0)))
		wrong(w);
}

static void view(struct walk *w, struct handover_view *part)
{
	living(w, &part->process);
	u32(w, &part->uid);
	u32(w, &part->number);
	name(w, &part->account);
	u64(w, &part->last_login);
}

static void dropped(struct walk *w, struct throttle_ticket *part)
{
	address(w, &part->address);
	u64(w, &part->account);
}

static void files(struct walk *w, struct handover *h)
{
	fd_or_none(w, &h->sftp);
	array(w, &h->n_views, &h->views, sizeof(*h->views));
	for (uint32_t i = 0; i < h->n_views; i++)
		view(w, &h->views[i]);
	array(w, &h->n_dropped, &h->dropped, sizeof(*h->dropped));
	for (uint32_t i = 0; i < h->n_dropped; i++)
		dropped(w, &h->dropped[i]);
}

static void small_parts(struct walk *w, struct handover *h)
{
	name(w, &h->version);
	u32(w, &h->protocol);
	name(w, &h->fixed);
	u64(w, &h->started);
	flag(w, &h->sandbox_proven);
	flag(w, &h->returning);
	fd(w, &h->lock);
	u64(w, &h->accepted);
	u64(w, &h->refused);
	u64(w, &h->audit_number);
	programs(w, &h->programs);
	programs(w, &h->before);
	array(w, &h->n_listeners, &h->listeners, sizeof(*h->listeners));
	for (uint32_t i = 0; i < h->n_listeners; i++)
		fd(w, &h->listeners[i].fd);
	fd(w, &h->control);
	array(w, &h->n_callers, &h->callers, sizeof(*h->callers));
	for (uint32_t i = 0; i < h->n_callers; i++)
		caller(w, &h->callers[i]);
	process(w, &h->keyd);
	process(w, &h->netd);
	process(w, &h->checkd);
	array(w, &h->n_leftovers, &h->leftovers, sizeof(*h->leftovers));
	for (uint32_t i = 0; i < h->n_leftovers; i++) {
		u32(w, &h->leftovers[i].pid);
		fd(w, &h->leftovers[i].pidfd);
	}
	for (size_t i = 0; i < ARRAY_LEN(h->ssh); i++)
		ssh(w, &h->ssh[i]);
	files(w, h);
}

static void everything(struct walk *w, struct handover *h)
{
	small_parts(w, h);
	/* Both counts first: each kind points at the other. */
	array(w, &h->n_clients, &h->clients, sizeof(*h->clients));
	array(w, &h->n_sessions, &h->sessions, sizeof(*h->sessions));
	for (uint32_t i = 0; i < h->n_clients && w->error == 0; i++)
		client(w, &h->clients[i], h->n_sessions);
	for (uint32_t i = 0; i < h->n_sessions && w->error == 0; i++)
		session(w, &h->sessions[i], h->n_clients, h->n_sessions);
	array(w, &h->n_remains, &h->remains, sizeof(*h->remains));
	for (uint32_t i = 0; i < h->n_remains; i++)
		remains(w, &h->remains[i]);
	u64(w, &h->throttle_seed);
	array(w, &h->n_failures, &h->failures, sizeof(*h->failures));
	for (uint32_t i = 0; i < h->n_failures; i++)
		failure(w, &h->failures[i]);
}

/* --- the whole -------------------------------------------------------------------------------- */

void handover_init(struct handover *h)
{
	memset(h, 0, sizeof(*h));
	h->lock = h->control = h->sftp = -1;
	for (size_t i = 0; i < ARRAY_LEN(h->ssh); i++)
		h->ssh[i].pidfd = h->ssh[i].log = h->ssh[i].log_writer = -1;
	h->programs.daemon = h->before.daemon = -1;
	h->keyd = h->netd = h->checkd = (struct process_memory){
		.pidfd = -1, .channel = -1, .log = -1};
}

static void free_programs(struct handover_programs *set)
{
	free(set->version);
	free(set->fds);
}

static void free_caller(struct handover_caller *part)
{
	free(part->name);
	free(part->address);
	free(part->local_address);
	free(part->command);
	free(part->arguments);
}

static void free_client(struct handover_client *part)
{
	free(part->address);
	mem_wipe_strp(&part->user);
	mem_wipe_strp(&part->password);
	free(part->sentence);
}

static void free_session(struct handover_session *part)
{
	free(part->typed);
	free(part->address);
	free(part->account);
	free(part->end_reason);
	free(part->id);
	free(part->viewer);
	free(part->version);
}

void handover_finish(struct handover *h)
{
	free(h->version);
	free(h->fixed);
	free_programs(&h->programs);
	free_programs(&h->before);
	free(h->listeners);
	for (uint32_t i = 0; i < h->n_callers; i++)
		free_caller(&h->callers[i]);
	free(h->callers);
	free(h->leftovers);
	for (size_t i = 0; i < ARRAY_LEN(h->ssh); i++)
		free(h->ssh[i].config);
	for (uint32_t i = 0; i < h->n_views; i++)
		free(h->views[i].account);
	free(h->views);
	free(h->dropped);
	for (uint32_t i = 0; i < h->n_clients; i++)
		free_client(&h->clients[i]);
	free(h->clients);
	for (uint32_t i = 0; i < h->n_sessions; i++)
		free_session(&h->sessions[i]);
	free(h->sessions);
	for (uint32_t i = 0; i < h->n_remains; i++)
		free(h->remains[i].id);
	free(h->remains);
	free(h->failures);
	handover_init(h);
}

void *handover_add(void *array_at, uint32_t *n, size_t size)
{
	void *parts, *grown;

	memcpy(&parts, array_at, sizeof(parts));
	if (*n >= HANDOVER_PARTS_MAX)
		return NULL;
	/* Doubled at each power of two. */
	if ((*n & (*n - 1)) == 0) {
		grown = realloc(parts, MAX(*n * 2, 1u) * size);
		if (!grown)
			return NULL;
		parts = grown;
		memcpy(array_at, &parts, sizeof(parts));
	}
	grown = (char *)parts + *n * size;
	memset(grown, 0, size);
	++*n;
	return grown;
}

int handover_add_leftover(struct handover *h, const struct child *child)
{
	struct handover_leftover *part;

	if (child->pid <= 0)
		return 0;
	part = handover_add(&h->leftovers, &h->n_leftovers, sizeof(*part));
	if (!part)
		return -ENOMEM;
	part->pid = (uint32_t)child->pid;
	part->pidfd = child->pidfd;
	return 0;
}

int handover_text(char **ret_text, const char *value)
{
	*ret_text = value ? strdup(value) : NULL;
	return value && !*ret_text ? -ENOMEM : 0;
}

void handover_put(struct handover *h, struct buf *buf)
{
	struct walk w = {.direction = PUT, .out = buf};

	buf_put_u32(buf, MAGIC);
	buf_put_u32(buf, HANDOVER_FORMAT);
	everything(&w, h);
}

void handover_each_fd(struct handover *h, void (*each)(void *data, int fd), void *data)
{
	struct walk w = {.direction = FDS, .each = each, .data = data};

	everything(&w, h);
}

int handover_get(struct cursor *c, struct handover *ret_handover)
{
	struct walk w = {.direction = GET, .in = c};
	struct handover h;
	uint32_t magic = cursor_u32(c), format = cursor_u32(c);

	if (cursor_failed(c) || magic != MAGIC)
		return -EPROTO;
	if (format == 0 || format > HANDOVER_FORMAT)
		return -EPROTONOSUPPORT;
	w.taken = calloc(1, HANDOVER_FD_MAX / 8);
	if (!w.taken)
		return -ENOMEM;
	handover_init(&h);
	everything(&w, &h);
	free(w.taken);
	if (w.error == 0 && !cursor_done(c))
		w.error = -EPROTO;
	if (w.error < 0) {
		handover_finish(&h);
		return w.error;
	}
	*ret_handover = h;
	return 0;
}
