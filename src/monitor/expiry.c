/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/expiry.h"

#include <errno.h>
#include <wayland-server-core.h>

#include "base/clock.h"
#include "base/log.h"

#define DAY 86400
/* Clocks are set and machines sleep: it is looked again rather than waited for long. */
#define LOOK_MS (3600 * 1000)

static const int64_t stages[] = EXPIRY_STAGES;

int expiry_stage(int64_t seconds)
{
	int stage = 0;

	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		if (seconds <= stages[i] * DAY)
			stage = (int)i + 1;
	}
	return stage;
}

static int64_t left(const struct expiry *expiry)
{
	return expiry->until - (int64_t)(clock_wall() / USEC_PER_SEC);
}

int64_t expiry_days(const struct expiry *expiry)
{
	int64_t seconds = left(expiry);

	return seconds < 0 ? -((-seconds + DAY - 1) / DAY) : seconds / DAY;
}

static void look(struct expiry *expiry)
{
	int stage = expiry->until ? expiry_stage(left(expiry)) : 0;
	char until[32];

	if (stage > expiry->stage) {
		clock_format((uint64_t)expiry->until * USEC_PER_SEC, until, sizeof(until));
		log_event(left(expiry) < 0 ? LOG_ERROR : LOG_WARN, "certificate.ends",
			  LOG_INT("days", expiry_days(expiry)), LOG_STR("until", until));
	}
	expiry->stage = stage;
}

static int handle_timer(void *data)
{
	struct expiry *expiry = data;

	look(expiry);
	wl_event_source_timer_update(expiry->timer, LOOK_MS);
	return 0;
}

int expiry_init(struct expiry *expiry, struct wl_event_loop *loop)
{
	expiry->timer = wl_event_loop_add_timer(loop, handle_timer, expiry);
	if (!expiry->timer)
		return -ENOMEM;
	wl_event_source_timer_update(expiry->timer, LOOK_MS);
	return 0;
}

void expiry_finish(struct expiry *expiry)
{
	if (expiry->timer)
		wl_event_source_remove(expiry->timer);
	expiry->timer = NULL;
}

void expiry_set(struct expiry *expiry, int64_t until)
{
	/* Of each certificate anew. */
	if (until != expiry->until)
		expiry->stage = 0;
	expiry->until = until;
	look(expiry);
}
