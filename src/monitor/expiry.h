/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long the certificate lasts, and warnings in the log before it ends. */
#ifndef LAZARET_MONITOR_EXPIRY_H
#define LAZARET_MONITOR_EXPIRY_H

#include <stdint.h>

#include "base/attr.h"

struct wl_event_loop;
struct wl_event_source;

/* Warned is once in each of these stages: so many days before the end, and when it has come. */
#define EXPIRY_STAGES           \
	{                       \
		30, 14, 7, 1, 0 \
	}

struct expiry {
	struct wl_event_source *timer;
	int64_t until; /* seconds since 1970; 0: there is no certificate */
	int stage; /* of which was warned last; 0: none */
};

/* Which stage a certificate is in that lasts for so many seconds: 0 none, 1 the first, and so on. */
int expiry_stage(int64_t seconds);

NODISCARD int expiry_init(struct expiry *expiry, struct wl_event_loop *loop);
void expiry_finish(struct expiry *expiry);
/* Another certificate is in use. */
void expiry_set(struct expiry *expiry, int64_t until);
/* Whole days; negative when it has ended. */
int64_t expiry_days(const struct expiry *expiry);

#endif
