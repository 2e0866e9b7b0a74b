/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/age.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "monitor/monitor.h"
#include "monitor/session.h"

/* While there are old sessions they are looked at so often; ms. */
#define PERIOD 5000

struct age {
	struct monitor *monitor;
	struct wl_event_source *timer;
	uint64_t since; /* wall us: we are of this version */
};

static void tell(struct session *session, int64_t notice)
{
	char text[200];
	struct buf body;

	snprintf(text, sizeof(text),
		 "This session is of an older version and will end in %" PRId64
		 " %s. You can log in again at once.",
		 notice < 120 ? notice : notice / 60, notice < 120 ? "seconds" : "minutes");
	log_event(LOG_INFO, "session.old-told", LOG_STR("session", session->entry.id),
		  LOG_STR("user", session->account), LOG_STR("version", session->version),
		  LOG_INT("seconds", notice));
	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, text);
	buf_put_u32(&body, 0);
	process_send(&session->process, IPC_SESSION_NOTICE, &body, NULL, 0);
	buf_finish(&body);
	session->old_told = clock_wall();
}

static void end(struct session *session)
{
	log_event(LOG_INFO, "session.old-ended", LOG_STR("session", session->entry.id),
		  LOG_STR("user", session->account), LOG_STR("version", session->version));
	session_end(session, "This session was of an older version. Please log in again.");
}

/* True while it has to be looked at again. */
static bool look_at(const struct age *age, struct session *session)
{
	const struct conf *conf = age->monitor->conf;
	int64_t days = conf_int(conf, CONF_SESSION_MAX_OLD_VERSION_DAYS);
	int64_t notice = conf_int(conf, CONF_OLD_VERSION_NOTICE);

	if (session->phase != SESSION_RUNNING || session->uid == 0 || session->ending ||
	    !session_old(session))
		return false;
	if (session->old_since == 0)
		session->old_since = age->since;
	switch (age_judge(clock_wall(), session->old_since, session->old_told, days, notice)) {
	case AGE_WARN:
		tell(session, notice);
		break;
	case AGE_END:
		end(session);
		return false;
	case AGE_FINE:
		break;
	}
	return days > 0;
}

static int handle_timer(void *data)
{
	struct age *age = data;
	struct session *session, *next;
	bool again = false;

	wl_list_for_each_safe (session, next, &age->monitor->sessions, link)
		again |= look_at(age, session);
	wl_event_source_timer_update(age->timer, again ? PERIOD : 0);
	return 0;
}

void age_check(struct age *age)
{
	if (age)
		handle_timer(age);
}

static uint64_t read_since(int dir)
{
	_cleanup_free_ char *text = NULL;
	uint64_t since;
	size_t len;

	if (fd_read_file(dir, AGE_FILE, AGE_TEXT_MAX, &text, &len) < 0 ||
	    age_parse(text, LAZARET_VERSION, &since) < 0)
		return 0;
	/* A clock that was wrong then must not keep them for ever. */
	return MIN(since, clock_wall());
}

static int find_since(struct age *age)
{
	_cleanup_fd_ int dir = open(conf_str(age->monitor->conf, CONF_STATE_DIR),
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[AGE_TEXT_MAX];
	int n;

	age->since = dir < 0 ? 0 : read_since(dir);
	if (age->since > 0)
		return 0;
	age->since = clock_wall();
	n = snprintf(text, sizeof(text), LAZARET_VERSION " %" PRIu64 "\n", age->since);
	return dir < 0 ? -errno : fd_write_file_atomic(dir, AGE_FILE, 0644, text, (size_t)n);
}

int age_create(struct monitor *monitor, struct age **ret_age)
{
	struct age *age = calloc(1, sizeof(*age));
	int r;

	if (!age)
		return -ENOMEM;
	age->monitor = monitor;
	age->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, age);
	if (!age->timer) {
		free(age);
		return -ENOMEM;
	}
	*ret_age = age;
	r = find_since(age);
	/* They only are younger than they could be after the next restart. */
	if (r < 0)
		log_event(LOG_WARN, "version.unwritten", LOG_ERR(r));
	age_check(age);
	return 0;
}

void age_destroy(struct age *age)
{
	if (!age)
		return;
	wl_event_source_remove(age->timer);
	free(age);
}
