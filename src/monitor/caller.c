/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/caller.h"

#include <sys/socket.h>

#include "base/log.h"
#include "conf/role.h"

/* Groups of a caller that are looked at; somebody in more of them may have to use root. */
#define GROUPS_MAX 1024

static unsigned int roles_of(gid_t group, const gid_t *gids)
{
	unsigned int roles = 0;

	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		if (gids[i] == group && group != (gid_t)-1)
			roles |= 1u << i;
	}
	return roles;
}

unsigned int caller_roles(int socket, gid_t primary, const gid_t *gids)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);
	unsigned int roles = roles_of(primary, gids);

	/* None rather than some: which of them must not meet could not be told. */
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return 0;
	for (size_t i = 0; i < len / sizeof(*groups); i++)
		roles |= roles_of(groups[i], gids);
	return roles;
}

bool caller_may(const struct caller *caller, const struct command *command)
{
	return caller->uid == 0 || (caller->roles & command->roles) != 0;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* The role by which he may: the first of them. */
static const char *role_used(const struct caller *caller, const struct command *command)
{
	unsigned int used = caller->roles & command->roles;

	return caller->uid == 0 ? "root" : used ? role_name(role_first(used)) : "";
}

static void record(const char *event, const struct audit *audit, const struct caller *caller,
		   const char *result, const char *reason)
{
	char from[ORIGIN_TEXT_MAX];

	origin_format(&caller->origin, caller->found, from);
	log_event(LOG_AUDIT, event, LOG_INT("number", audit->number), LOG_STR("user", caller->name),
		  LOG_INT("uid", caller->uid), LOG_STR("from", from),
		  LOG_STR("role", role_used(caller, audit->command)),
		  LOG_STR("command", audit->command->words), LOG_STR("arguments", audit->arguments),
		  LOG_STR("result", result), LOG_STR("reason", reason));
}

static uint64_t latest;

uint64_t audit_number(void)
{
	return latest;
}

void audit_set_number(uint64_t number)
{
	latest = number;
}

void audit_begin(struct audit *audit, const struct caller *caller, const struct command *command,
		 size_t n, const char *const *arguments)
{
	(void)caller;
	audit->command = command;
	audit->number = ++latest;
	command_format(command, n, arguments, audit->arguments, sizeof(audit->arguments));
}

void audit_begun(const struct audit *audit, const struct caller *caller)
{
	record("admin.begun", audit, caller, "", "");
}

static void end(struct audit *audit, const char *event, const struct caller *caller,
		const char *result, const char *reason)
{
	if (audit->command)
		record(event, audit, caller, result, reason);
	audit->command = NULL;
}

void audit_refused(struct audit *audit, const struct caller *caller)
{
	char held[ROLE_TEXT_MAX], reason[ROLE_TEXT_MAX + 16];

	snprintf(reason, sizeof(reason), "holds %s", role_format(caller->roles, held));
	end(audit, "admin.refused", caller, "refused", reason);
}

void audit_done(struct audit *audit, const struct caller *caller)
{
	end(audit, "admin.command", caller, "done", "");
}

void audit_failed(struct audit *audit, const struct caller *caller, enum answer_status status,
		  const char *reason)
{
	char result[32];

	snprintf(result, sizeof(result), "failed %d", (int)status);
	end(audit, "admin.command", caller, result, reason);
}

void audit_abandoned(struct audit *audit, const struct caller *caller)
{
	end(audit, "admin.command", caller, "unknown", "the caller left");
}
