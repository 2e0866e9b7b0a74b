/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ClamAV's clamd, of which checkd runs an own one: its configuration is written from ours, so that its
 * limits match, and its listening socket is checkd's, so that who connects waits while it loads its
 * signatures or is started again. Files are handed over as descriptors.
 */
#ifndef LAZARET_LOCK_CLAMD_H
#define LAZARET_LOCK_CLAMD_H

#include <wayland-server-core.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "lock/check_facts.h"

/* Larger files clamd does not scan, whatever its configuration says; bytes. */
#define CLAMD_FILE_MAX (UINT64_C(2147483645))

struct clamd;
struct clamd_scan;

/* `changed`: there are other signatures than before. Off while the configuration has no clamd. */
NODISCARD int clamd_create(struct wl_event_loop *loop, const struct conf *conf,
			   void (*changed)(void *data), void *data, struct clamd **ret_clamd);
/* Another configuration; the program is started again if what concerns it has changed. */
void clamd_configure(struct clamd *clamd, const struct conf *conf);
void clamd_destroy(struct clamd *clamd);

/* It has answered since it was started, so it uses signatures that were loaded then or later. */
bool clamd_settled(const struct clamd *clamd);
bool clamd_on(const struct clamd *clamd);
/* "off", "starting", "ready", "old", "failed" */
const char *clamd_state(const struct clamd *clamd);
/* Of engine and signatures; "" if not known. */
const char *clamd_version(const struct clamd *clamd);
/* Seconds since the signatures were made; -1: not known. */
int64_t clamd_age(const struct clamd *clamd);

typedef void (*clamd_done)(void *data, const struct check_scan *scan);

/*
 * Has a file scanned; `fd` is borrowed until this returns. `done` is called once, from the loop. After a
 * clamd that ended in the middle the file is tried once more.
 */
NODISCARD int clamd_scan_start(struct clamd *clamd, int fd, clamd_done done, void *data,
			       struct clamd_scan **ret_scan);
/* NULL is allowed; not after `done`. */
void clamd_scan_cancel(struct clamd_scan *scan);

#endif
