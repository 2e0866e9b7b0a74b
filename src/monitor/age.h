/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions that run with an earlier version than we are: since when, and for how long they may. The file
 * "version" in the state directory says since when we are what we are, so that a restart does not make
 * them younger.
 */
#ifndef LAZARET_MONITOR_AGE_H
#define LAZARET_MONITOR_AGE_H

#include <stdint.h>

#include "base/attr.h"

#define AGE_FILE "version"

struct age;
struct monitor;

NODISCARD int age_create(struct monitor *monitor, struct age **ret_age);
void age_destroy(struct age *age);
/* Sessions came from somewhere else, or the configuration changed. */
void age_check(struct age *age);

enum age_verdict {
	AGE_FINE, /* no newer version, or not for long enough */
	AGE_WARN, /* the user is to be told that it will end */
	AGE_END,
};
/*
 * Times are wall us; `old_since` and `told` are 0 when there is no newer version, when the user was not
 * told yet. Nobody is ended who was not told `notice` seconds before.
 */
enum age_verdict age_judge(uint64_t now, uint64_t old_since, uint64_t told, int64_t days,
			   int64_t notice);

/* "0.1.1 1764000000000000\n": 0, or -EINVAL. */
#define AGE_TEXT_MAX 128
NODISCARD int age_parse(const char *text, const char *version, uint64_t *ret_since);

#endif
