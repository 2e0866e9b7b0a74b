/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-cell: becomes a cell. Started by lazaret-session as root with a spec on descriptor 3;
 * see cell.h. After the identity is dropped nothing is left that could bring it back.
 *
 *	lazaret-cell --check UID GID [DATA]	starts a trial cell and proves the browser's sandbox in it
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "cell/check.h"
#include "cell/jail.h"
#include "cell/limits.h"
#include "cell/policy.h"
#include "cell/spec.h"

#define BWRAP "/usr/bin/bwrap"

struct step {
	const char *name;
	int (*run)(const struct cell_spec *spec);
};

static int join_cgroup(const struct cell_spec *spec)
{
	return spec->join ? cgroup_join_files(spec->join) : 0;
}

/* Before the uid is dropped: the namespace belongs to the host, so nobody inside, not even with
 * all capabilities of a namespace of his own, can change its links and rules. */
static int enter_network(const struct cell_spec *spec)
{
	int r = spec->netns < 0 ? unshare(CLONE_NEWNET) : setns(spec->netns, CLONE_NEWNET);

	if (r < 0)
		return -errno;
	close(SPEC_NETNS_FD);
	return 0;
}

/* Loopback is up in every cell; netd does it in its namespaces, and again does no harm. */
static int loopback_up(const struct cell_spec *spec)
{
	struct ifreq request = {.ifr_name = "lo"};
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)spec;
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int limit_resources(const struct cell_spec *spec)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_NOFILE, spec->limits.nofile ? spec->limits.nofile : CELL_NOFILE},
		{RLIMIT_NPROC, spec->limits.nproc ? spec->limits.nproc : CELL_NPROC},
		{RLIMIT_MEMLOCK, 1 << 20},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_RTPRIO, 0},
		{RLIMIT_NICE, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const struct rlimit limit = {limits[i].value, limits[i].value};

		if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

static int drop_identity(const struct cell_spec *spec)
{
	cap_t none;
	int r = 0;

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	}
	if (setgroups(0, NULL) < 0 || setresgid(spec->gid, spec->gid, spec->gid) < 0 ||
	    setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return -errno;
	none = cap_init();
	if (!none)
		return -ENOMEM;
	if (cap_set_proc(none) < 0)
		r = -errno;
	cap_free(none);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	/* The way back must be shut. */
	if (r == 0 && (setuid(0) == 0 || setgid(0) == 0))
		r = -EPERM;
	return r;
}

/*
 * The user's earlier cell may have left anything in his home: what stands in the way of the mount
 * point "transfer" must be a folder, or a mount could be led astray by a link.
 */
static int make_mount_points(const struct cell_spec *spec)
{
	_cleanup_fd_ int home = -1, point = -1;

	if (!spec->home)
		return 0;
	home = open(spec->home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (home < 0)
		return -errno;
	point = openat(home, "transfer", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (point >= 0)
		return 0;
	if (errno != ENOENT && unlinkat(home, "transfer", 0) < 0)
		return -errno;
	return mkdirat(home, "transfer", 0700) < 0 ? -errno : 0;
}

static const struct step steps[] = {
	{"cgroup", join_cgroup},     {"network", enter_network},  {"loopback", loopback_up},
	{"limits", limit_resources}, {"identity", drop_identity}, {"home", make_mount_points},
};

static int read_own_spec(struct cell_spec *ret_spec)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int r = fd_read_all(SPEC_FD, CELL_SPEC_MAX, &data, &len);

	if (r == 0)
		r = spec_read(data, len, ret_spec);
	if (r == 0)
		close(SPEC_FD);
	return r;
}

static int execute(const struct cell_spec *spec, int args_fd)
{
	const char *url = spec->start_url ? spec->start_url : CELL_START_URL;
	const char *launcher[] = {"/run/lazaret/lazaret-browser",
				  spec->browser == CELL_FIREFOX ? "firefox" : "chromium",
				  spec->wipe_profile ? "wipe" : "keep", url, NULL};
	const char *const *command = spec->command ? spec->command : launcher;
	const char *argv[CELL_ARGS_MAX + 8] = {"bwrap", "--args"};
	char number[16];
	size_t n = 2;
	int r;

	snprintf(number, sizeof(number), "%d", args_fd);
	argv[n++] = number;
	argv[n++] = "--";
	for (size_t i = 0; command[i] && i < CELL_ARGS_MAX; i++)
		argv[n++] = command[i];
	argv[n] = NULL;
	r = fd_set_cloexec(SPEC_CONTROL_FD, spec->command != NULL);
	if (r < 0)
		return r;
	execve(BWRAP, (char *const *)argv, (char *const[]){NULL});
	return -errno;
}

static int failed(const char *what, int error)
{
	log_event(LOG_ERROR, "cell.setup_failed", LOG_STR("step", what), LOG_ERR(error));
	return CELL_EXIT_SETUP;
}

static int become_cell(void)
{
	_cleanup_free_ char *policy = NULL;
	struct cell_spec spec;
	int args_fd, r;

	umask(077);
	r = read_own_spec(&spec);
	if (r < 0)
		return failed("spec", r);
	r = policy_text(&spec, spec.data ? spec.data : LAZARET_DATADIR, &policy);
	if (r < 0)
		return failed("policy", r);
	r = jail_prepare(&spec, spec.libexec ? spec.libexec : LAZARET_LIBEXECDIR,
			 spec.data ? spec.data : LAZARET_DATADIR, policy, &args_fd);
	if (r < 0)
		return failed("jail", r);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		r = steps[i].run(&spec);
		if (r < 0)
			return failed(steps[i].name, r);
	}
	/* The session is our parent: without it nobody would clean up. The change of identity has
	 * reset what the session asked for; bwrap renews the promise after us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return failed("parent", -errno);
	return failed("bwrap", execute(&spec, args_fd));
}

int main(int argc, char **argv)
{
	log_init("lazaret-cell");
	if (argc == 1)
		return become_cell();
	if ((argc == 4 || argc == 5) && str_eq(argv[1], "--check"))
		return check_main(argv[2], argv[3], argv[4]);
	fprintf(stderr, "usage: lazaret-cell --check UID GID [DATA]\n");
	return 2;
}
