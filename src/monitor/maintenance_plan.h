/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the system is to be maintained, as text: of a command, of the file, for the users. */
#ifndef LAZARET_MONITOR_MAINTENANCE_PLAN_H
#define LAZARET_MONITOR_MAINTENANCE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"
#include "conf/conf.h"

/* Bytes of the operator's sentence, and of who has set it. */
#define MAINTENANCE_SENTENCE_MAX 300
#define MAINTENANCE_BY_MAX 64
/* It begins within so many minutes: 30 days. */
#define MAINTENANCE_MINUTES_MAX 43200
#define MAINTENANCE_FILE_MAX 1024

struct maintenance_plan {
	uint64_t at; /* wall us */
	bool by_clock; /* it was said as a time of the day: when the clock is set, it moves */
	bool active; /* it has begun, and goes on whatever the clock says */
	char by[MAINTENANCE_BY_MAX + 1];
	char sentence[MAINTENANCE_SENTENCE_MAX + 1]; /* never empty */
};

/*
 * "14:30" is the next time that it is; "2027-01-31 14:30" (or with a T). In the time zone of this host.
 * -EINVAL: it is no time; -ERANGE: it is past, or too far away.
 */
NODISCARD int maintenance_parse_time(const char *text, time_t now, uint64_t *ret_at);

/*
 * [--at TIME | --in MINUTES] [SENTENCE...]; neither: at once. -EINVAL with what is wrong in *ret_why
 * (static). The sentence of who says none is one of ours.
 */
NODISCARD int maintenance_parse(size_t n, const char *const *arguments, uint64_t wall,
				enum conf_language language, struct maintenance_plan *ret_plan,
				const char **ret_why);

/* The file; `out` has MAINTENANCE_FILE_MAX bytes. */
void maintenance_put(const struct maintenance_plan *plan, char *out);
/* -EINVAL: it is none that maintenance_put() wrote. */
NODISCARD int maintenance_get(const char *text, struct maintenance_plan *ret_plan);

/* What stands above the window so many minutes before. */
void maintenance_notice(const struct maintenance_plan *plan, int64_t minutes,
			enum conf_language language, char *out, size_t size);

#endif
