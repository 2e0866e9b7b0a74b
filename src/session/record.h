/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lies in a session's folder below the runtime directory, for a monitor that was not there
 * when the session began: the file "record" (root's, 0600) and the socket "monitor.sock".
 */
#ifndef LAZARET_SESSION_RECORD_H
#define LAZARET_SESSION_RECORD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define RECORD_FILE "record"
#define RECORD_SOCKET "monitor.sock"
#define RECORD_WAYLAND "wayland-0"
#define RECORD_MAX 4096
#define RECORD_NAME_MAX 255
#define RECORD_ID_MAX 63
#define RECORD_VERSION_MAX 63

struct session_record {
	char id[RECORD_ID_MAX + 1];
	char name[RECORD_NAME_MAX + 1]; /* of the account; empty for a parked cell */
	uint32_t slot;
	uid_t uid; /* 0 for a parked cell */
	pid_t pid; /* of lazaret-session */
	char version[RECORD_VERSION_MAX + 1]; /* of that process */
	uint64_t start; /* of that process, clock ticks since boot: a number is not used twice */
};

/* When a process began, from /proc. -ESRCH if there is none. */
NODISCARD int record_process_start(pid_t pid, uint64_t *ret_start);

/* `dir` is the session's folder. */
NODISCARD int record_write(int dir, const struct session_record *record);
/* -EINVAL for a file that record_write() did not write; -ENOENT. */
NODISCARD int record_read(int dir, struct session_record *ret_record);
/* The parsing alone; `text` is terminated. */
NODISCARD int record_parse(const char *text, struct session_record *ret_record);

#endif
