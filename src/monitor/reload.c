/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the configuration, at the start and again while we run. */
#include "monitor/reload.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "monitor/checkd.h"
#include "monitor/age.h"
#include "monitor/keyd.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "monitor/sshd.h"
#include "monitor/throttle.h"
#include "net/env.h"

/*
 * What the file's schema cannot know: which paths there are, and what of them fits together. Names
 * are resolved by others.
 */
static int check_contract(const struct conf *conf, FILE *errors)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_env_ struct env_host host = {0};
	int r = contract_env_host(&host);

	return r < 0 ? r : contract_create(conf, CONTRACT_CELLS, &host.env, errors, &contract);
}

int reload_read(const struct monitor *monitor, FILE *errors, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	int r;

	if (!conf)
		return -ENOMEM;
	for (size_t i = 0; i < monitor->n_files; i++) {
		r = conf_read_file(conf, monitor->files[i], errors);
		if (r < 0) {
			if (r != -EINVAL)
				fprintf(errors, "%s: %s\n", monitor->files[i], strerror(-r));
			return r;
		}
	}
	r = conf_check(conf, errors);
	if (r == 0)
		r = check_contract(conf, errors);
	if (r < 0)
		return r;
	*ret_conf = STEAL(conf);
	return 0;
}

/* Only here, never for a request: a directory may let us wait. */
static void find_roles(struct monitor *monitor)
{
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *name = role_group(monitor->conf, (enum role_index)i);
		struct group *group = name[0] ? getgrnam(name) : NULL;

		/* Who is in root's group is not root. */
		if (name[0] && (!group || group->gr_gid == 0))
			log_event(LOG_WARN, "role.no-group",
				  LOG_STR("role", role_name((enum role_index)i)),
				  LOG_STR("group", name));
		monitor->role_gids[i] = group && group->gr_gid != 0 ? group->gr_gid : (gid_t)-1;
	}
}

void reload_apply(struct monitor *monitor)
{
	log_set_level((enum log_level)conf_int(monitor->conf, CONF_LOG_LEVEL));
	throttle_set_cap(monitor->throttle,
			 (uint64_t)conf_int(monitor->conf, CONF_LOGIN_DELAY_MAX) * USEC_PER_SEC);
	find_roles(monitor);
}

/* What sockets, siblings, folders and running sessions are bound to. */
static const enum conf_id fixed[] = {
	CONF_LISTEN,           CONF_PORT,          CONF_CELL_BLOCK,
	CONF_CELL_BLOCK6,      CONF_RUNTIME_DIR,   CONF_STATE_DIR,
	CONF_LIBEXEC_DIR,      CONF_GATEWAY_USER,  CONF_ADMIN_PAM_SERVICE,
	CONF_KEYD_USER,        CONF_CELL_UID_BASE, CONF_DISPLAY_UID_BASE,
	CONF_SFTP_PAM_SERVICE, CONF_LOCK_UID_BASE,
};

char *reload_fixed(const struct conf *conf)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		conf_dump_option(conf, fixed[i], out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int reload_check_fixed(const struct conf *conf, const char *text, FILE *errors)
{
	_cleanup_conf_ struct conf *said = conf_create();
	int r = said ? conf_read_text(said, "the running version", text, errors) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fixed); i++) {
		if (conf_same(said, conf, fixed[i]))
			continue;
		fprintf(errors,
			"the option \"%s\" cannot change while the system runs; restart it, or set "
			"the option back\n",
			conf_row(fixed[i])->name);
		r = -EINVAL;
	}
	return r;
}

static int read_again(struct monitor *monitor, char *reason, size_t size, struct conf **ret_conf)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *errors = open_memstream(&text, &len);
	int r;

	if (!errors)
		return -ENOMEM;
	r = reload_read(monitor, errors, ret_conf);
	fclose(errors);
	if (r < 0) {
		text[strcspn(text, "\n")] = '\0';
		snprintf(reason, size, "%s", text);
	}
	return r;
}

static void finish(struct monitor *monitor, int error, const char *reason)
{
	monitor_reloaded done = STEAL(monitor->reload_done);

	if (done)
		done(monitor, error, reason);
}

static void keep(struct monitor *monitor, int error, const char *reason)
{
	conf_destroy(STEAL(monitor->next_conf));
	log_event(LOG_ERROR, "config.kept", LOG_STR("reason", reason));
	finish(monitor, error, reason);
}

static void take(struct monitor *monitor)
{
	char reason[REASON_MAX] = "";
	int r;

	conf_destroy(monitor->conf);
	monitor->conf = STEAL(monitor->next_conf);
	reload_apply(monitor);
	log_event(LOG_INFO, "config.loaded");
	r = keyd_load(monitor->keyd);
	if (r < 0)
		snprintf(reason, sizeof(reason),
			 "the configuration was loaded, but certificate or key cannot be read "
			 "(%s); the old ones stay",
			 strerror(-r));
	login_park(monitor);
	age_check(monitor->age);
	sshd_configure(monitor->sshd);
	sshd_configure(monitor->sftp_sshd);
	checkd_configure(monitor->checkd);
	finish(monitor, r, reason);
}

static int check_fixed(const struct monitor *monitor, const struct conf *conf, char *reason,
		       size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		if (conf_same(monitor->conf, conf, fixed[i]))
			continue;
		snprintf(reason, size,
			 "the option \"%s\" cannot change while the system runs; restart it, or "
			 "set the option back. Nothing was changed",
			 conf_row(fixed[i])->name);
		return -EINVAL;
	}
	return 0;
}

void monitor_reload(struct monitor *monitor, monitor_reloaded done)
{
	char reason[REASON_MAX] = "out of memory";
	int r;

	if (monitor->next_conf) {
		if (done)
			done(monitor, -EBUSY, "the configuration is just being loaded; try again");
		return;
	}
	monitor->reload_done = done;
	r = read_again(monitor, reason, sizeof(reason), &monitor->next_conf);
	if (r == 0)
		r = check_fixed(monitor, monitor->next_conf, reason, sizeof(reason));
	if (r == 0)
		r = netd_configure(monitor->netd, monitor->next_conf);
	if (r == -EAGAIN) /* it will start with what is in force then */
		take(monitor);
	else if (r < 0)
		keep(monitor, r, reason);
}

void monitor_reload_end(struct monitor *monitor, bool ok, const char *reason)
{
	if (!monitor->next_conf)
		return;
	if (ok)
		take(monitor);
	else
		keep(monitor, -EINVAL, reason);
}
