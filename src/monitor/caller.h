/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks for a command at the control socket, and the record of what he asked for. */
#ifndef LAZARET_MONITOR_CALLER_H
#define LAZARET_MONITOR_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "ctl/answer.h"
#include "ctl/command.h"
#include "monitor/limits.h"
#include "monitor/origin.h"

struct conf;

struct caller {
	uid_t uid;
	unsigned int roles; /* enum role */
	char name[ACCOUNT_NAME_MAX + 1]; /* "" if it has none */
	int found; /* what origin_find() has returned */
	struct origin origin;
};

/*
 * The roles of the process at the other end of a socket, by its groups at the time when it connected.
 * `gids` has ROLE_COUNT groups, (gid_t)-1 for none. Somebody in more groups than are looked at has
 * none.
 */
unsigned int caller_roles(int socket, gid_t primary, const gid_t *gids);

/* Whether he may use the command. */
bool caller_may(const struct caller *caller, const struct command *command);

/* A command of his from its beginning to its result, for the log. */
struct audit {
	const struct command *command; /* NULL: none is being done */
	uint64_t number; /* the same in all records of one command */
	char arguments[AUDIT_ARGUMENTS_MAX];
};

void audit_begin(struct audit *audit, const struct caller *caller, const struct command *command,
		 size_t n, const char *const *arguments);
/* The number of the latest record, for an execution of ourselves. */
uint64_t audit_number(void);
void audit_set_number(uint64_t number);
/* It will take a while: what is begun is in the log already if we do not live to see the result. */
void audit_begun(const struct audit *audit, const struct caller *caller);
/* Each of them ends it; nothing if none is being done. */
void audit_refused(struct audit *audit, const struct caller *caller);
void audit_done(struct audit *audit, const struct caller *caller);
void audit_failed(struct audit *audit, const struct caller *caller, enum answer_status status,
		  const char *reason);
/* He left without having waited for the result. */
void audit_abandoned(struct audit *audit, const struct caller *caller);

#endif
