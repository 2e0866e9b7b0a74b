/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "monitor/adopt.h"
#include "monitor/age.h"
#include "monitor/checkd.h"
#include "monitor/control.h"
#include "monitor/frontdoor.h"
#include "monitor/keyd.h"
#include "monitor/maintenance.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "monitor/runtime.h"
#include "monitor/sftp.h"
#include "monitor/sshd.h"
#include "monitor/who.h"

static int find_account(const char *name, struct monitor_account *account)
{
	int r = confine_lookup(name, &account->uid, &account->gid);

	if (r == 0 && (account->uid == 0 || account->gid == 0))
		r = -EPERM;
	if (r < 0)
		log_event(LOG_ERROR, "account.unusable", LOG_STR("account", name),
			  LOG_STR("remedy", "make a system account of that name, without a shell"),
			  LOG_ERR(r));
	return r;
}

int set_up_accounts(struct monitor *monitor)
{
	const struct conf *conf = monitor->conf;
	int r = find_account(conf_str(conf, CONF_GATEWAY_USER), &monitor->gateway_account);

	return r < 0 ? r : find_account(conf_str(conf, CONF_KEYD_USER), &monitor->keyd_account);
}

int set_up_programs(struct monitor *monitor)
{
	const char *folder = conf_str(monitor->conf, CONF_LIBEXEC_DIR), *name;
	int r = programs_open(folder, &monitor->programs, &name);

	if (r < 0)
		log_event(LOG_ERROR, "program.unusable", LOG_STR("program", name),
			  LOG_STR("folder", folder),
			  LOG_STR("remedy", r == -EXDEV ? "it is of another version than lazaretd "
							  "(" LAZARET_VERSION
							  "); install the package again, as a whole"
							: "install the package again"),
			  LOG_ERR(r));
	return r;
}

/* An instance is its runtime directory; only the usual one has the plain name. */
static void name_cgroup(struct monitor *monitor)
{
	const char *path = conf_str(monitor->conf, CONF_RUNTIME_DIR);
	uint32_t hash = 2166136261u;

	monitor->cgroup_delegated = getenv("NOTIFY_SOCKET") != NULL;
	str_copy(monitor->cgroup_name, sizeof(monitor->cgroup_name), "lazaret");
	if (str_eq(path, conf_row(CONF_RUNTIME_DIR)->default_str))
		return;
	for (const char *p = path; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	snprintf(monitor->cgroup_name, sizeof(monitor->cgroup_name), "lazaret-%08x", hash);
}

int set_up_cgroups(struct monitor *monitor)
{
	int r;

	name_cgroup(monitor);
	r = cgroup_base_open(monitor->cgroup_name, monitor->cgroup_delegated, true,
			     &monitor->cgroups);
	if (r < 0)
		log_event(LOG_ERROR, "cgroup.unusable", LOG_STR("name", monitor->cgroup_name),
			  LOG_ERR(r));
	return r;
}

int set_up(struct monitor *monitor)
{
	int r = set_up_accounts(monitor);

	if (r == 0)
		r = set_up_programs(monitor);
	if (r == 0)
		r = runtime_open(monitor);
	if (r == 0)
		r = frontdoor_create(monitor, &monitor->frontdoor);
	if (r == 0)
		r = set_up_cgroups(monitor);
	if (r < 0)
		return r;
	r = adopt_sessions(monitor);
	if (r < 0) {
		log_event(LOG_ERROR, "session.unlisted", LOG_ERR(r));
		return r;
	}
	r = maintenance_create(monitor, &monitor->maintenance);
	if (r < 0)
		return r;
	r = who_create(monitor, &monitor->who);
	if (r == 0)
		r = control_create(monitor, &monitor->control);
	if (r < 0) {
		log_event(LOG_ERROR, "control.unusable", LOG_ERR(r));
		return r;
	}
	r = netd_create(monitor, &monitor->netd);
	if (r == 0)
		r = keyd_create(monitor, &monitor->keyd);
	if (r == 0)
		r = sshd_create(monitor, SSHD_ADMINISTRATION, &monitor->sshd);
	if (r == 0)
		r = sftp_create(monitor, &monitor->sftp);
	if (r == 0)
		r = sshd_create(monitor, SSHD_FILES, &monitor->sftp_sshd);
	if (r == 0)
		r = checkd_create(monitor, &monitor->checkd);
	if (r == 0)
		r = age_create(monitor, &monitor->age);
	return r;
}
