/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Maintenance mode. It is planned for a time; so many minutes before (option maintenance-notice) it is
 * announced: whoever has a session goes on, comes back to it, and sees the minutes left, and no new
 * session begins. At the time sessions and parked cells end, and logins are refused with the
 * operator's sentence, until it is taken back. The file "maintenance" below the state directory has it for
 * the monitor after us.
 *
 * Minutes (--in) are counted whatever the clock does, as long as we live; a time (--at) is the
 * clock's: when that is set, it comes earlier or later, which is noticed within ten seconds.
 */
#ifndef LAZARET_MONITOR_MAINTENANCE_H
#define LAZARET_MONITOR_MAINTENANCE_H

#include <stdbool.h>

#include "base/attr.h"
#include "monitor/maintenance_plan.h"

struct command_call;
struct maintenance;
struct monitor;
struct session;

enum maintenance_phase {
	MAINTENANCE_OFF,
	MAINTENANCE_PLANNED,
	MAINTENANCE_ANNOUNCED,
	MAINTENANCE_ON,
};

/* Reads the file; a wrong one is logged and counts as none. */
NODISCARD int maintenance_create(struct monitor *monitor, struct maintenance **ret_maintenance);
void maintenance_destroy(struct maintenance *maintenance);

/* NULL, as long as there is none yet, is off. */
enum maintenance_phase maintenance_phase(const struct maintenance *maintenance);
/* For the viewer of whom it turns away; valid until it is changed. */
const char *maintenance_sentence(const struct maintenance *maintenance);
/* "off", "planned", "announced", "on" */
const char *maintenance_state(const struct maintenance *maintenance);
/* A session has come up: shows it the notice, if there is one. */
void maintenance_greet(struct maintenance *maintenance, struct session *session);

/* The commands. */
void maintenance_run_on(const struct command_call *call);
void maintenance_run_off(const struct command_call *call);
void maintenance_run_status(const struct command_call *call);

#endif
