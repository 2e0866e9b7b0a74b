/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-checkd: see checkd.h for what is where. */
#include "lock/checkd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ipc/channel.h"
#include "lock/check_admin.h"
#include "lock/check_cache.h"
#include "lock/check_counters.h"
#include "lock/check_job.h"
#include "lock/check_limits.h"
#include "lock/clamd.h"
#include "lock/lockcheck.h"
#include "lock/quarantine.h"

#define FILES_MAX 16384
/* How often it is looked for what has grown old; ms. */
#define TICK 60000
/* clamd takes so long at most to have new signatures in use; us. */
#define SIGNATURES_SETTLE (120 * USEC_PER_SEC)
#define SENTENCE_MAX 480 /* bytes of what lazaretd shows */
#define NOTICE_SECONDS 20
/* What it takes to start confined children, and to keep files of others. */
#define CAP(name) (UINT64_C(1) << CAP_##name)
#define CAPS                                                                                  \
	(CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(SYS_ADMIN) | CAP(KILL) | CAP(CHOWN) | \
	 CAP(FOWNER) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH))

void checkd_notify(struct checkd *checkd, uid_t uid, const char *sentence)
{
	char cut[SENTENCE_MAX + 1];
	struct buf body;
	int r;

	str_sanitize(cut, sizeof(cut), sentence, strlen(sentence));
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, (uint32_t)uid);
	buf_put_str(&body, cut);
	buf_put_u32(&body, NOTICE_SECONDS);
	r = ipc_channel_send(checkd->monitor, IPC_CHECKD_NOTICE, &body, NULL, 0);
	if (r < 0)
		log_event(LOG_WARN, "lock.notice-lost", LOG_INT("uid", uid), LOG_ERR(r));
	buf_finish(&body);
}

static int read_config(int fd, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(fd, CHECK_CONFIG_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	r = conf_get(&c, &conf);
	if (r == 0 && !cursor_done(&c))
		r = -EPROTO;
	if (r == 0)
		*ret_conf = STEAL(conf);
	return r;
}

/* Findings of before hold no more: by other signatures, or within other limits. */
static void forget_findings(struct checkd *checkd, uint64_t settle)
{
	check_cache_clear(checkd->cache);
	checkd->cache_from = clock_now() + settle;
}

static void handle_signatures(void *data)
{
	struct checkd *checkd = data;

	forget_findings(checkd, clamd_settled(checkd->clamd) ? SIGNATURES_SETTLE : 0);
}

static void apply(struct checkd *checkd)
{
	const struct conf *conf = checkd->conf;

	log_set_level((enum log_level)conf_int(conf, CONF_LOG_LEVEL));
	check_cache_resize(checkd->cache, (size_t)conf_int(conf, CONF_LOCK_CACHE));
	forget_findings(checkd, 0);
	quarantine_configure(checkd->quarantine,
			     (uint64_t)conf_int(conf, CONF_LOCK_QUARANTINE_SIZE) << 20,
			     (uint64_t)conf_int(conf, CONF_LOCK_QUARANTINE_DAYS) * 86400);
}

/* A released one that is over was transferred, or is not wanted. */
static void tell_expired(void *data, const struct quarantine_item *item)
{
	if (item->state == QUARANTINE_WAITING)
		check_admin_tell(data, item, false);
	log_event(LOG_INFO, "quarantine.expired", LOG_STR("id", item->id),
		  LOG_STR("name", item->name), LOG_STR("user", item->user));
}

static int handle_tick(void *data)
{
	struct checkd *checkd = data;

	quarantine_expire(checkd->quarantine, clock_wall(), tell_expired, checkd);
	wl_event_source_timer_update(checkd->timer, TICK);
	return 0;
}

static void take_config(struct checkd *checkd, struct conf *conf)
{
	conf_destroy(checkd->conf);
	checkd->conf = conf;
	apply(checkd);
	clamd_configure(checkd->clamd, conf);
	check_connection_refresh(checkd);
	check_job_next(checkd);
}

/* Safe: lazaretd's configuration. */
static int handle_config(void *data, struct ipc_message *message)
{
	struct checkd *checkd = data;
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);
	struct conf *conf = NULL;
	int r = cursor_done(&message->body) && fd >= 0 ? read_config(fd, &conf) : -EPROTO;

	if (r == 0)
		take_config(checkd, conf);
	return r;
}

static void handle_closed(void *data, int reason)
{
	struct checkd *checkd = data;

	(void)reason;
	checkd->running = false;
}

static const struct ipc_rule rules[] = {
	{IPC_CHECKD_CONFIG, IPC_ANY_STATE, 0, handle_config},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_CHECKD,
	.peer = IPC_ROLE_MONITOR,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static int open_folder(int dir, const char *path, mode_t mode)
{
	int fd;

	if (mkdirat(dir, path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0) {
		int r = -errno;

		fd_close(fd);
		return r;
	}
	return fd;
}

static int open_folders(struct checkd *checkd)
{
	const char *path = conf_str(checkd->conf, CONF_STATE_DIR);
	_cleanup_fd_ int dir = -1;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	/* clamd's account passes through to its own folder, and sees nothing. */
	checkd->state = open_folder(dir, "lock", 0711);
	if (checkd->state < 0)
		return checkd->state;
	checkd->quarantine_dir = open_folder(checkd->state, "quarantine", 0700);
	return MIN(checkd->quarantine_dir, 0);
}

static int open_parts(struct checkd *checkd)
{
	int r = open_folders(checkd);

	if (r == 0)
		r = check_counters_open(checkd->state, clock_wall(), &checkd->counters);
	if (r == 0)
		r = quarantine_open(checkd->loop, checkd->quarantine_dir, &checkd->quarantine);
	if (r < 0)
		return r;
	checkd->cache = check_cache_create();
	checkd->timer = wl_event_loop_add_timer(checkd->loop, handle_tick, checkd);
	if (!checkd->cache || !checkd->timer)
		return -ENOMEM;
	wl_list_init(&checkd->waiting);
	apply(checkd);
	/* What grew old meanwhile is told of when there is somebody to tell it. */
	wl_event_source_timer_update(checkd->timer, 1000);
	return clamd_create(checkd->loop, checkd->conf, handle_signatures, checkd, &checkd->clamd);
}

static void close_parts(struct checkd *checkd)
{
	clamd_destroy(checkd->clamd);
	quarantine_close(checkd->quarantine);
	check_counters_close(checkd->counters);
	check_cache_destroy(checkd->cache);
	if (checkd->timer)
		wl_event_source_remove(checkd->timer);
	fd_close(checkd->quarantine_dir);
	fd_close(checkd->state);
}

static int find_account(struct checkd *checkd)
{
	int r = confine_lookup(LOCKCHECK_ACCOUNT, &checkd->child_uid, &checkd->child_gid);

	return r == -ENOENT ? confine_lookup("nobody", &checkd->child_uid, &checkd->child_gid) : r;
}

static int set_up(struct checkd *checkd, const char **ret_step)
{
	const struct confine spec = {
		.keep_caps = CAPS,
		.own_ipc = true,
		.max_files = FILES_MAX,
	};
	int r;

	*ret_step = "configuration";
	r = read_config(SPAWN_FD_CONFIG, &checkd->conf);
	if (r < 0)
		return r;
	log_set_level((enum log_level)conf_int(checkd->conf, CONF_LOG_LEVEL));
	*ret_step = "account";
	r = find_account(checkd);
	if (r == 0)
		r = confine(&spec, ret_step);
	if (r < 0)
		return r;
	*ret_step = "state";
	umask(0077);
	checkd->loop = wl_event_loop_create();
	r = checkd->loop ? open_parts(checkd) : -ENOMEM;
	if (r < 0)
		return r;
	*ret_step = "socket";
	r = check_connection_listen(checkd);
	if (r < 0)
		return r;
	*ret_step = "channel";
	return ipc_channel_create(checkd->loop, SPAWN_FD_CHANNEL, &table, checkd, &checkd->monitor);
}

int main(void)
{
	static struct checkd checkd = {
		.running = true, .socket = -1, .state = -1, .quarantine_dir = -1};
	const char *step;
	int r;

	log_init("lazaret-checkd");
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C at a terminal is for the monitor. */
	(void)signal(SIGINT, SIG_IGN);
	r = set_up(&checkd, &step);
	if (r < 0) {
		log_event(LOG_ERROR, "checkd.start-failed", LOG_STR("step", step), LOG_ERR(r));
		return 1;
	}
	while (checkd.running)
		wl_event_loop_dispatch(checkd.loop, -1);
	check_connection_finish(&checkd);
	close_parts(&checkd);
	ipc_channel_destroy(checkd.monitor);
	wl_event_loop_destroy(checkd.loop);
	conf_destroy(checkd.conf);
	return 0;
}
