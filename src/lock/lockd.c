/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-lockd: start, confinement, the parent's messages. */
#include "lock/lockd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ipc/launch.h"
#include "lock/filter.h"

enum {
	FD_FUSE = SPAWN_FD_FIRST,
	FD_LOCK,
	FD_COPIES,
	FD_CHECKER,
};

/* Requests in one turn of the loop. */
#define TURN 64
/* Descriptors: two a handle at most (a copy while it is made, a folder and its listing), and a few. */
#define FILES_MAX (2 * LOCK_HANDLES_MAX + 2 * LOCK_BROKEN_MAX + 128)
#define MEMORY_MAX (UINT64_C(1) << 30)

/* --- what the parent may say ------------------------------------------------------------------------ */

static int handle_address(void *data, struct ipc_message *message)
{
	struct lockd *lockd = data;
	_cleanup_free_ char *address = cursor_str(&message->body, CHECKER_ADDRESS_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	str_copy(lockd->address, sizeof(lockd->address), address);
	return 0;
}

static int handle_answer(void *data, struct ipc_message *message)
{
	uint32_t question = cursor_u32(&message->body);
	bool exiting = cursor_u8(&message->body) != 0;

	if (!cursor_done(&message->body))
		return -EPROTO;
	file_flush_answered(data, question, exiting);
	return 0;
}

static int handle_checker(void *data, struct ipc_message *message)
{
	struct lockd *lockd = data;
	int fd = ipc_message_take_fd(message, 0), r;

	if (fd < 0)
		return -EPROTO;
	r = checker_attach(lockd->checker, fd);
	if (r < 0)
		log_event(LOG_ERROR, "lock.no-checker", LOG_ERR(r));
	return 0;
}

static const struct ipc_rule rules[] = {
	{IPC_LOCKD_ADDRESS, IPC_ANY_STATE, 0, handle_address},
	{IPC_LOCKD_ANSWER, IPC_ANY_STATE, 0, handle_answer},
	{IPC_LOCKD_CHECKER, IPC_ANY_STATE, 0, handle_checker},
};

static void handle_parent_closed(void *data, int reason)
{
	struct lockd *lockd = data;

	(void)reason;
	lockd->over = true;
}

static const struct ipc_table table = {
	.self = IPC_ROLE_LOCKD,
	.peer = IPC_ROLE_SESSION,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_parent_closed,
};

static void handle_checker_lost(void *data)
{
	struct lockd *lockd = data;

	log_event(LOG_WARN, "lock.checker-lost", LOG_INT("uid", lockd->launch.owner));
	if (ipc_channel_send(lockd->parent, IPC_LOCKD_WANTS_CHECKER, NULL, NULL, 0) < 0)
		lockd->over = true;
}

static void handle_rights(void *data, const struct check_rights *rights)
{
	(void)rights;
	download_forget(data);
}

static const struct checker_events checker_events = {
	.rights = handle_rights,
	.lost = handle_checker_lost,
};

/* --- the kernel's requests --------------------------------------------------------------------------- */

static int handle_fuse(int fd, uint32_t mask, void *data)
{
	struct lockd *lockd = data;

	(void)fd;
	(void)mask;
	for (int i = 0; i < TURN; i++) {
		int n = fuse_session_receive_buf(lockd->fuse, &lockd->request);

		if (n == -EINTR || n == -EAGAIN)
			return 0;
		if (n <= 0) {
			/* It was unmounted. */
			lockd->status = n < 0;
			lockd->over = true;
			return 0;
		}
		fuse_session_process_buf(lockd->fuse, &lockd->request);
	}
	return 0;
}

static int start_fuse(struct lockd *lockd)
{
	char *argv[] = {(char *)"lazaret-lockd", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	char path[32];
	int r;

	lockd->fuse = fuse_session_new(&args, &view_ops, sizeof(view_ops), lockd);
	if (!lockd->fuse)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/dev/fd/%d", FD_FUSE);
	if (fuse_session_mount(lockd->fuse, path) != 0)
		return -EIO;
	r = fd_set_nonblock(FD_FUSE, true);
	if (r < 0)
		return r;
	return wl_event_loop_add_fd(lockd->loop, FD_FUSE, WL_EVENT_READABLE, handle_fuse, lockd)
		       ? 0
		       : -ENOMEM;
}

/* --- start ------------------------------------------------------------------------------------------ */

static int read_launch(struct lockd_launch *ret_launch)
{
	_cleanup_free_ char *data = NULL;
	struct lockd_launch launch;
	struct cursor c;
	int r = launch_read(LOCKD_CONFIG_MAX, &data, &c);

	if (r < 0)
		return r;
	launch.uid = cursor_u32(&c);
	launch.gid = cursor_u32(&c);
	launch.owner = cursor_u32(&c);
	launch.group = cursor_u32(&c);
	launch.log_level = cursor_u8(&c);
	launch.sync = cursor_u8(&c);
	launch.copies_max = cursor_u64(&c);
	if (!cursor_done(&c) || launch.log_level > LOG_DEBUG)
		return -EPROTO;
	*ret_launch = launch;
	return 0;
}

/* Before the confinement: afterwards nothing is reached but what is below these. */
static int open_folders(struct lockd *lockd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	lockd->transfer_fd = openat(FD_LOCK, "transfer", flags);
	lockd->staging_fd = openat(FD_LOCK, "staging", flags);
	lockd->copies_fd = FD_COPIES;
	if (lockd->transfer_fd < 0 || lockd->staging_fd < 0)
		return -errno;
	close(FD_LOCK);
	return 0;
}

/* What an earlier one has left; nobody was told that any of it had arrived. */
static void clear(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			(void)unlinkat(folder, entry->d_name, 0);
	}
	closedir(dir);
}

static int confine_lockd(struct lockd *lockd)
{
	const struct confine spec = {
		.uid = lockd->launch.uid,
		.gid = lockd->launch.gid,
		.empty_root = true,
		.no_network = true,
		.own_ipc = true,
		.max_files = FILES_MAX,
		.max_memory = MEMORY_MAX,
	};
	const char *step = "filter";
	int r = confine(&spec, &step);

	/* Threads are started with everything given up but the calls that start them. */
	if (r == 0) {
		step = "threads";
		r = worker_create(lockd->loop, LOCK_THREADS, &lockd->worker);
	}
	if (r == 0)
		r = filter_apply();
	if (r < 0)
		log_event(LOG_ERROR, "lock.confine-failed", LOG_STR("step", step), LOG_ERR(r));
	return r;
}

static int start(struct lockd *lockd)
{
	int r = read_launch(&lockd->launch);

	if (r < 0)
		return r;
	log_set_level((enum log_level)lockd->launch.log_level);
	lockd->loop = wl_event_loop_create();
	if (!lockd->loop)
		return -ENOMEM;
	r = ipc_channel_create(lockd->loop, SPAWN_FD_CHANNEL, &table, lockd, &lockd->parent);
	if (r == 0)
		r = tree_init(&lockd->tree);
	if (r == 0)
		r = open_folders(lockd);
	if (r == 0)
		r = checker_create(lockd->loop, FD_CHECKER, &checker_events, lockd,
				   &lockd->checker);
	if (r == 0)
		r = start_fuse(lockd);
	if (r == 0)
		r = confine_lockd(lockd);
	if (r < 0)
		return r;
	clear(lockd->staging_fd);
	clear(lockd->copies_fd);
	return ipc_channel_send(lockd->parent, IPC_LOCKD_READY, NULL, NULL, 0);
}

static void finish(struct lockd *lockd)
{
	worker_destroy(lockd->worker);
	if (lockd->checker) {
		upload_finish(lockd);
		download_finish(lockd);
		note_finish(lockd);
	}
	checker_destroy(lockd->checker);
	ipc_channel_destroy(lockd->parent);
}

int main(void)
{
	struct lockd lockd = {
		.transfer_fd = -1, .staging_fd = -1, .copies_fd = -1, .reflink = true};
	int r;

	log_init("lazaret-lockd");
	(void)signal(SIGPIPE, SIG_IGN);
	wl_list_init(&lockd.uploads);
	wl_list_init(&lockd.copies);
	wl_list_init(&lockd.notes);
	wl_list_init(&lockd.questions);
	r = start(&lockd);
	if (r < 0)
		log_event(LOG_ERROR, "lock.unstartable", LOG_INT("uid", lockd.launch.owner),
			  LOG_ERR(r));
	while (r == 0 && !lockd.over) {
		if (wl_event_loop_dispatch(lockd.loop, -1) < 0 && errno != EINTR)
			break;
	}
	finish(&lockd);
	return r < 0 || lockd.status ? EXIT_FAILURE : EXIT_SUCCESS;
}
