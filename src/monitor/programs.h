/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The programs that we start, and that our sessions start: opened once, and executed by descriptor
 * from then on. So what is running stays one version, whatever a package manager puts in the place of
 * the files meanwhile.
 */
#ifndef LAZARET_MONITOR_PROGRAMS_H
#define LAZARET_MONITOR_PROGRAMS_H

#include <stddef.h>

#include "base/attr.h"

enum program {
	PROGRAM_GATEWAY,
	PROGRAM_KEYD,
	PROGRAM_NETD,
	PROGRAM_RESOLVE,
	PROGRAM_WHO,
	PROGRAM_CTL,
	PROGRAM_CHECKD,
	PROGRAM_SESSION,
	/* What a session starts, in the order in which it gets them (SESSION_FD_…). */
	PROGRAM_DISPLAY,
	PROGRAM_TEXT,
	PROGRAM_CELL,
	PROGRAM_BROWSER,
	PROGRAM_LOCKD,
	PROGRAM_COUNT,
};
#define PROGRAM_OF_SESSION PROGRAM_DISPLAY

/* Bytes of a program's file. */
#define PROGRAM_SIZE_MAX (256 << 20)

struct programs {
	int fds[PROGRAM_COUNT];
};

/*
 * All of them, from one folder. -EXDEV: one is of another version than we are, so the installation is
 * not whole. *ret_name is set on failure, to the program at fault; static.
 */
NODISCARD int programs_open(const char *folder, struct programs *ret_programs,
			    const char **ret_name);
void programs_close(struct programs *programs);

#endif
