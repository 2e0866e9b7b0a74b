/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a process that serves a person's files, or one that has taken it over, may say to checkd. */
#include "receiver.h"

#include "lock/check_connection.c"

static struct checkd checkd;
static bool answering;

static void answer(void *data)
{
	static const struct check_verdict verdict = {.type = "text/plain",
						     .rule = "type",
						     .signature = "",
						     .sentence = "",
						     .sentence_en = "",
						     .sentence_de = "",
						     .text = ""};
	struct check_job *job = data;

	job->idle = NULL;
	job->done(job->data, &verdict);
}

int check_job_create(struct checkd *self, const struct check_subject *subject,
		     const struct check_request *request, check_job_done done, void *data,
		     struct check_job **ret_job)
{
	struct check_job *job;

	PROMISE(strlen(request->name) <= CHECKER_NAME_MAX && request->direction <= CHECK_DOWN);
	PROMISE(strlen(request->address) <= CHECKER_ADDRESS_MAX && request->fd >= 0);
	PROMISE(strlen(subject->user) <= CHECK_USER_MAX && subject->n_groups <= CHECKER_GROUPS_MAX);
	for (size_t i = 0; i < subject->n_groups; i++)
		PROMISE(strlen(subject->groups[i]) <= CHECKER_GROUP_NAME_MAX);
	job = calloc(1, sizeof(*job));
	PROMISE(job);
	job->fd = request->fd;
	job->done = done;
	job->data = data;
	job->idle = answering ? wl_event_loop_add_idle(self->loop, answer, job) : NULL;
	*ret_job = job;
	return 0;
}

void check_job_destroy(struct check_job *job)
{
	if (!job)
		return;
	if (job->idle)
		wl_event_source_remove(job->idle);
	fd_close(job->fd);
	free(job);
}

int check_admin(struct checkd *self, struct ipc_channel *channel, struct cursor *body)
{
	uint32_t n = cursor_u32(body);

	(void)self;
	(void)channel;
	for (uint32_t i = 0; i < n && i < CHECK_ADMIN_WORDS_MAX; i++)
		free(cursor_str(body, CHECK_ADMIN_WORD_MAX));
	return cursor_done(body) ? 0 : -EPROTO;
}

static void checkd_open(struct wl_event_loop *loop, int fd, uint8_t variant)
{
	answering = variant & 1;
	checkd = (struct checkd){.loop = loop, .conf = conf_create(), .socket = -1};
	PROMISE(checkd.conf);
	wl_list_init(&checkd.connections);
	PROMISE(admit(&checkd, fd) == 0);
}

static bool checkd_alive(void)
{
	return !wl_list_empty(&checkd.connections);
}

static void checkd_close(void)
{
	check_connection_finish(&checkd);
	PROMISE(checkd.n_connections == 0);
	conf_destroy(checkd.conf);
}

const struct receiver to_checkd = {checkd_open, checkd_alive, checkd_close};
