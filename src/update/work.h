/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-update(8) does. Each returns its exit status, and has said what came of it. */
#ifndef LAZARET_UPDATE_WORK_H
#define LAZARET_UPDATE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "update/changes.h"
#include "update/store.h"

enum work_status {
	WORK_DONE = 0,
	WORK_FAILED = 1,
	WORK_USAGE = 2,
};

struct work {
	struct store *store;
	FILE *out, *err; /* to whoever asked */
	bool json;
	bool scheduled; /* nobody has asked */
};

int work_check(const struct work *work);
int work_download(const struct work *work);
int work_install(const struct work *work);
int work_undo(const struct work *work);
/* What the schedule says for now. */
int work_due(const struct work *work);
int work_status(const struct work *work);
int work_schedule(const struct work *work, size_t n, char *const *arguments);

/* An installation that was cut off is taken back. WORK_DONE also when there is none. */
int work_recover(const struct work *work);

/* Says and remembers why something was not done; WORK_FAILED. */
int PRINTF(3, 4) work_fail(const struct work *work, const char *what, const char *fmt, ...);

/* What the last check found; -ENOENT: there was none, or it was installed. */
NODISCARD int work_plan(const struct work *work, struct changes *ret_changes);
/* Whether each package of the plan lies here, whole. */
bool work_plan_is_here(const struct work *work, const struct changes *plan);

#endif
