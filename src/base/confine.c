/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define PASSWD_BUFFER 16384

int confine_lookup(const char *account, uid_t *ret_uid, gid_t *ret_gid)
{
	_cleanup_free_ char *buffer = malloc(PASSWD_BUFFER);
	struct passwd entry, *found;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = getpwnam_r(account, &entry, buffer, PASSWD_BUFFER, &found);
	if (r != 0)
		return -r;
	if (!found)
		return -ENOENT;
	*ret_uid = entry.pw_uid;
	*ret_gid = entry.pw_gid;
	return 0;
}

static int set_limit(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit limit = {value, value};

	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static int set_limits(const struct confine *spec)
{
	int r = set_limit(RLIMIT_CORE, 0);

	if (r == 0 && spec->max_files)
		r = set_limit(RLIMIT_NOFILE, spec->max_files);
	if (r == 0 && spec->max_memory)
		r = set_limit(RLIMIT_AS, spec->max_memory);
	if (r == 0 && spec->no_processes)
		r = set_limit(RLIMIT_NPROC, 0);
	return r;
}

static int enter_namespaces(const struct confine *spec)
{
	int flags = (spec->empty_root ? CLONE_NEWNS : 0) | (spec->no_network ? CLONE_NEWNET : 0) |
		    (spec->own_ipc ? CLONE_NEWIPC | CLONE_NEWUTS : 0);

	return flags && unshare(flags) < 0 ? -errno : 0;
}

static int empty_root(const struct confine *spec)
{
	if (!spec->empty_root)
		return 0;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (mount("lazaret-empty", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=4k,nr_inodes=2,mode=0555") < 0)
		return -errno;
	if (chdir("/tmp") < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	/* The old root lies over the new one now; without it only the empty one is left. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	if (mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return -errno;
	return 0;
}

static int drop_bounding(uint64_t keep)
{
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (keep & UINT64_C(1) << cap)
			continue;
		/* EINVAL: a kernel that does not know this one yet. */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	}
	return 0;
}

static int set_caps(uint64_t keep)
{
	cap_t caps = cap_init();
	int r = caps ? 0 : -ENOMEM;

	for (int cap = 0; r == 0 && cap <= CAP_LAST_CAP; cap++) {
		cap_value_t value = cap;

		if (!(keep & UINT64_C(1) << cap))
			continue;
		if (cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET) < 0 ||
		    cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_SET) < 0)
			r = -errno;
	}
	if (r == 0 && cap_set_proc(caps) < 0)
		r = -errno;
	cap_free(caps);
	return r;
}

static int drop_ids(const struct confine *spec)
{
	if (prctl(PR_SET_KEEPCAPS, spec->keep_caps != 0, 0, 0, 0) < 0)
		return -errno;
	if (setgroups(0, NULL) < 0)
		return -errno;
	if (setresgid(spec->gid, spec->gid, spec->gid) < 0)
		return -errno;
	if (setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return -errno;
	return 0;
}

static int drop_privileges(const struct confine *spec)
{
	int r = drop_bounding(spec->keep_caps);

	if (r == 0)
		r = drop_ids(spec);
	if (r == 0)
		r = set_caps(spec->keep_caps);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r;
}

static int add_call(scmp_filter_ctx ctx, const struct confine_call *call)
{
	uint32_t action = call->action == CONFINE_ALLOW    ? SCMP_ACT_ALLOW
			  : call->action == CONFINE_EACCES ? SCMP_ACT_ERRNO(EACCES)
							   : SCMP_ACT_ERRNO(ENOSYS);
	struct scmp_arg_cmp args[2];

	if (call->n_args > ARRAY_LEN(args))
		return -EINVAL;
	for (unsigned int i = 0; i < call->n_args; i++)
		args[i] = (struct scmp_arg_cmp)SCMP_CMP(call->args[i].index, SCMP_CMP_MASKED_EQ,
							call->args[i].mask, call->args[i].value);
	return seccomp_rule_add_array(ctx, action, call->nr, call->n_args, args);
}

static int load_filter(const struct confine_call *calls, size_t n_calls, bool all_threads)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0 && all_threads)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; r == 0 && i < n_calls; i++)
		r = add_call(ctx, &calls[i]);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

int confine_filter(const struct confine_call *calls, size_t n_calls)
{
	return load_filter(calls, n_calls, false);
}

int confine_filter_threads(const struct confine_call *calls, size_t n_calls)
{
	return load_filter(calls, n_calls, true);
}

int confine(const struct confine *spec, const char **ret_step)
{
	static const struct {
		const char *name;
		int (*run)(const struct confine *spec);
	} steps[] = {
		{"limits", set_limits},
		{"namespaces", enter_namespaces},
		{"empty root", empty_root},
		{"privileges", drop_privileges},
	};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		r = steps[i].run(spec);
		if (r < 0) {
			*ret_step = steps[i].name;
			return r;
		}
	}
	if (!spec->calls)
		return 0;
	r = confine_filter(spec->calls, spec->n_calls);
	if (r < 0)
		*ret_step = "filter";
	return r;
}
