/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside lazaretctl backup restore. */
#ifndef LAZARET_CTL_RESTORE_IMPL_H
#define LAZARET_CTL_RESTORE_IMPL_H

#include "ctl/backup_impl.h"

#define REQUEST_FILE "request."
#define REQUEST_DIGITS 8
#define REQUESTS_MAX 16

struct restore {
	struct backup backup;
	char id[65], time[40]; /* of the snapshot */
	int dir; /* what it has given: its folder /backup */
	json_object *manifest, *accounts;
	struct conf *conf; /* of the snapshot, checked */
	bool homes, skip;
	size_t changes, conflicts;
};

/* Requests that wait. */
size_t restore_count_requests(const struct backup *backup);

/* restore_apply.c: says on standard output what is done or, without `execute`, would be. */
NODISCARD int restore_apply(struct restore *restore, bool execute);
/* restore_homes.c */
NODISCARD int restore_homes(struct restore *restore, bool execute);

#endif
