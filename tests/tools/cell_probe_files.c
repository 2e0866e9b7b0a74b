/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, devices, identity and other processes. */
#include "cell_probe.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"

#define DEPTH_MAX 24

/* --- reading ------------------------------------------------------------------------------------------ */

static const char *const unreadable[] = {
	"/etc/shadow",
	"/etc/gshadow",
	"/etc/sudoers",
	"/etc/ssh",
	"/etc/lazaret",
	"/etc/pam.d",
	"/etc/systemd",
	"/etc/network",
	"/root",
	"/var",
	"/var/lib",
	"/var/log",
	"/boot",
	"/srv",
	"/mnt",
	"/media",
	"/opt",
	"/sys",
	"/sys/kernel",
	"/sys/fs/cgroup",
	"/run/systemd",
	"/run/dbus",
	"/run/lock",
	"/run/netns",
	"/run/udev",
	"/tmp/.X11-unix",
	"/lost+found",
	"/proc/1/root/etc/shadow",
	"/proc/1/root/var",
	"/proc/1/root/root",
	"/proc/1/cwd/../../var",
	"/proc/1/mem",
	"/proc/kcore",
	"/proc/kpageflags",
	"/proc/kpagecount",
	"/proc/kmsg",
	"/proc/slabinfo",
	"/proc/vmallocinfo",
	"/dev/mem",
	"/dev/kmem",
	"/dev/port",
	"/dev/kmsg",
	"/dev/vda",
	"/dev/vda1",
	"/dev/sda",
	"/dev/sda1",
	"/dev/nvme0n1",
	"/dev/loop0",
	"/dev/loop-control",
	"/dev/dm-0",
	"/dev/mapper/control",
	"/dev/fuse",
	"/dev/kvm",
	"/dev/dri",
	"/dev/fb0",
	"/dev/snd",
	"/dev/input",
	"/dev/uinput",
	"/dev/uhid",
	"/dev/hidraw0",
	"/dev/bus",
	"/dev/video0",
	"/dev/net/tun",
	"/dev/vhost-net",
	"/dev/vhost-vsock",
	"/dev/vsock",
	"/dev/userfaultfd",
	"/dev/autofs",
	"/dev/btrfs-control",
	"/dev/cuse",
	"/dev/ppp",
	"/dev/rfkill",
	"/dev/tty0",
	"/dev/tty1",
	"/dev/ttyS0",
	"/dev/vcs",
	"/dev/hpet",
	"/dev/rtc0",
	"/dev/watchdog",
	"/dev/cpu/0/msr",
	"/dev/nvram",
	"/dev/mqueue",
	"/dev/ptmx",
	"/dev/pts",
	"/dev/hugepages",
	"/dev/log",
	"/dev/initctl",
};

static int do_read(const void *path)
{
	char byte;
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		DIR *dir = fdopendir(fd);
		struct dirent *entry;

		/* An empty folder holds nothing of the host's: a mount point that was made. */
		while (dir && (entry = readdir(dir))) {
			if (entry->d_name[0] != '.')
				return 0;
		}
		return -ENOENT;
	}
	return read(fd, &byte, 1) < 0 ? -errno : 0;
}

/* --- writing ------------------------------------------------------------------------------------------ */

static const char *const unwritable_files[] = {
	"/usr/bin/true",
	"/etc/passwd",
	"/etc/group",
	"/etc/hosts",
	"/etc/resolv.conf",
	"/etc/nsswitch.conf",
	"/etc/ld.so.cache",
	"/etc/machine-id",
	"/etc/chromium/policies/managed/lazaret.json",
	"/etc/firefox/policies/policies.json",
	"/run/lazaret/lazaret-browser",
	"/run/lazaret/bus.conf",
	"/run/lazaret/start/index.html",
	"/proc/sys/kernel/core_pattern",
	"/proc/sys/kernel/modprobe",
	"/proc/sys/kernel/hostname",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/kernel/randomize_va_space",
	"/proc/sys/vm/overcommit_memory",
	"/proc/sys/vm/drop_caches",
	"/proc/sys/fs/suid_dumpable",
	"/proc/sys/fs/file-max",
	"/proc/sys/user/max_user_namespaces",
	"/proc/sysrq-trigger",
	"/proc/irq/default_smp_affinity",

	"/proc/1/mem",
	"/proc/1/uid_map",
	"/proc/self/uid_map",
	"/proc/self/gid_map",
};

static const char *const unwritable_folders[] = {
	"/",
	"/usr",
	"/usr/bin",
	"/usr/local",
	"/usr/lib",
	"/bin",
	"/lib",
	"/etc",
	"/etc/chromium",
	"/etc/chromium/policies/managed",
	"/etc/firefox",
	"/run",
	"/run/lazaret",
	"/run/lazaret/start",
	"/run/user",
	"/home",
	"/dev",
	"/proc",
	"/proc/sys/net",
};

static int do_open_write(const void *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

/* Some files can be opened by anybody and refuse at the write. */
static int do_write(const void *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;
}

static int do_create(const void *folder)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/cell-probe", (const char *)folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlink(path);
	return 0;
}

static int do_rename(const void *path)
{
	char to[512];

	snprintf(to, sizeof(to), "%s-probe", (const char *)path);
	return rename(path, to) < 0 ? -errno : 0;
}

static void write_places(void)
{
	static const char *const fixed[] = {"/etc/chromium", "/etc/chromium/policies/managed",
					    "/run/lazaret", "/usr/bin/true", "/home"};

	for (size_t i = 0; i < ARRAY_LEN(unwritable_files); i++) {
		const char *path = unwritable_files[i];

		report(attempt(strncmp(path, "/proc", 5) == 0 ? do_write : do_open_write, path),
		       "write %s", path);
	}
	for (size_t i = 0; i < ARRAY_LEN(unwritable_folders); i++)
		report(attempt(do_create, unwritable_folders[i]), "create in %s",
		       unwritable_folders[i]);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		report(attempt(do_rename, fixed[i]), "rename %s", fixed[i]);
}

static void own_places(void)
{
	const char *home = getenv("HOME"), *runtime = getenv("XDG_RUNTIME_DIR");
	char path[512];

	report(attempt(do_create, home), "own home");
	snprintf(path, sizeof(path), "%s/transfer", home);
	report(attempt(do_create, path), "own transfer folder");
	report(attempt(do_rename, path), "rename transfer folder");
	snprintf(path, sizeof(path), "%s/wayland-0", runtime);
	report(attempt(do_rename, path), "rename wayland socket");
	report(attempt(do_create, "/tmp"), "own /tmp");
	report(attempt(do_create, "/dev/shm"), "own /dev/shm");
}

/* --- identity ------------------------------------------------------------------------------------------ */

static int do_setuid(const void *data)
{
	(void)data;
	return setresuid(0, 0, 0) < 0 ? -errno : 0;
}

static int do_setgid(const void *data)
{
	(void)data;
	return setresgid(0, 0, 0) < 0 ? -errno : 0;
}

/* Open when an exec could give more than we have. */
static int do_new_privileges(const void *data)
{
	(void)data;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -EPERM : 0;
}

static int do_real_time(const void *data)
{
	const struct sched_param param = {.sched_priority = 1};

	(void)data;
	return sched_setscheduler(0, SCHED_FIFO, &param) < 0 ? -errno : 0;
}

static int do_nice(const void *data)
{
	(void)data;
	return setpriority(PRIO_PROCESS, 0, -5) < 0 ? -errno : 0;
}

static int do_io_priority(const void *data)
{
	(void)data;
	return syscall(SYS_ioprio_set, 1, 0, 1 << 13) < 0 ? -errno : 0;
}

static int do_raise_files(const void *data)
{
	struct rlimit limit;

	(void)data;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = ++limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int do_lock_memory(const void *data)
{
	const size_t size = 64 << 20;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)data;
	return p == MAP_FAILED || mlock(p, size) < 0 ? -errno : 0;
}

static int do_core(const void *data)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	(void)data;
	return setrlimit(RLIMIT_CORE, &limit) < 0 ? -errno : 0;
}

static int do_oom_score(const void *data)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)data;
	return fd < 0 || write(fd, "-1000", 5) < 0 ? -errno : 0;
}

static int own_file(void)
{
	return open("/tmp/cell-probe-file", O_RDWR | O_CREAT | O_CLOEXEC, 0700);
}

static int do_chown(const void *data)
{
	int fd = own_file();

	(void)data;
	return fd < 0 || fchown(fd, getuid() == 0 ? 1 : 0, (gid_t)-1) < 0 ? -errno : 0;
}

static int do_trusted(const void *name)
{
	int fd = own_file();

	return fd < 0 || fsetxattr(fd, name, "x", 1, 0) < 0 ? -errno : 0;
}

/* All capabilities for whoever executes the file. Other names below "security." are left to the
 * kernel's security modules, some of which let anybody have them. */
static int do_capabilities(const void *data)
{
	struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
				    .data = {{UINT32_MAX, 0}, {UINT32_MAX, 0}}};
	int fd = own_file();

	(void)data;
	return fd < 0 || fsetxattr(fd, "security.capability", &caps, sizeof(caps), 0) < 0 ? -errno
											  : 0;
}

static const struct {
	const char *name;
	int (*body)(const void *data);
	const char *data;
} identities[] = {
	{"setuid 0", do_setuid, NULL},
	{"setgid 0", do_setgid, NULL},
	{"new privileges by exec", do_new_privileges, NULL},
	{"real-time scheduling", do_real_time, NULL},
	{"negative nice", do_nice, NULL},
	{"real-time input and output", do_io_priority, NULL},
	{"more descriptors than the limit", do_raise_files, NULL},
	{"much locked memory", do_lock_memory, NULL},
	{"core dumps", do_core, NULL},
	{"exempt from the memory limit", do_oom_score, NULL},
	{"give a file away", do_chown, NULL},
	{"trusted attribute", do_trusted, "trusted.probe"},
	{"file capabilities", do_capabilities, NULL},
};

void probe_files(const struct order *order)
{
	const char *path;
	int place = 0;

	for (size_t i = 0; i < ARRAY_LEN(unreadable); i++)
		report(attempt(do_read, unreadable[i]), "read %s", unreadable[i]);
	while ((path = order_next(order, "read", &place)))
		report(attempt(do_read, path), "read %s", path);
	write_places();
	own_places();
	for (size_t i = 0; i < ARRAY_LEN(identities); i++)
		report(attempt(identities[i].body, identities[i].data), "%s", identities[i].name);
}

/* --- other processes ------------------------------------------------------------------------------------ */

static int do_kill(const void *data)
{
	return kill(*(const pid_t *)data, SIGKILL) < 0 ? -errno : 0;
}

static int do_attach(const void *data)
{
	return ptrace(PTRACE_SEIZE, *(const pid_t *)data, 0, 0) < 0 ? -errno : 0;
}

static int do_peek(const void *data)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};

	return process_vm_readv(*(const pid_t *)data, &here, 1, &there, 1, 0) < 0 ? -errno : 0;
}

static int do_pidfd(const void *data)
{
	return syscall(SYS_pidfd_open, *(const pid_t *)data, 0) < 0 ? -errno : 0;
}

static int do_proc(const void *data)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)*(const pid_t *)data);
	return access(path, F_OK) < 0 ? -errno : 0;
}

static int do_affinity(const void *data)
{
	cpu_set_t set;

	return sched_getaffinity(*(const pid_t *)data, sizeof(set), &set) < 0 ? -errno : 0;
}

static int do_limits(const void *data)
{
	struct rlimit limit;

	return prlimit(*(const pid_t *)data, RLIMIT_NOFILE, NULL, &limit) < 0 ? -errno : 0;
}

void probe_processes(const struct order *order)
{
	static const struct {
		const char *name;
		int (*body)(const void *data);
	} ways[] = {
		{"kill", do_kill},     {"attach", do_attach}, {"peek", do_peek},
		{"pidfd", do_pidfd},   {"proc", do_proc},     {"affinity", do_affinity},
		{"limits", do_limits},
	};
	const char *text;
	int place = 0;

	while ((text = order_next(order, "pid", &place))) {
		pid_t pid = (pid_t)strtol(text, NULL, 10);

		for (size_t i = 0; i < ARRAY_LEN(ways); i++)
			report(attempt(ways[i].body, &pid), "%s %d", ways[i].name, (int)pid);
	}
}

/* --- what can be seen ----------------------------------------------------------------------------------- */

static void tell_lines(const char *what, const char *path)
{
	FILE *in = fopen(path, "re");
	char line[4096];

	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		tell(what, "%s", line);
	}
	if (in)
		fclose(in);
}

static void tell_descriptors(const char *what, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[2048], target[1024];
		ssize_t n;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		tell(what, "%s %s", entry->d_name, target);
	}
	if (dir)
		closedir(dir);
}

static void tell_processes(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[1024], name[64] = "?";
		FILE *in;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		in = fopen(path, "re");
		if (in && fgets(name, sizeof(name), in))
			name[strcspn(name, "\n")] = '\0';
		if (in)
			fclose(in);
		tell("process", "%s %s", entry->d_name, name);
		snprintf(path, sizeof(path), "/proc/%s/fd", entry->d_name);
		tell_descriptors("descriptor", path);
	}
	if (dir)
		closedir(dir);
}

/* Sockets, devices and setuid files of the whole tree; /proc has only what the kernel puts there. */
static void walk(const char *folder, int depth)
{
	DIR *dir = opendir(*folder ? folder : "/");
	struct dirent *entry;

	while (dir && depth < DEPTH_MAX && (entry = readdir(dir))) {
		char path[1024];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..") ||
		    str_eq(path, "/proc") || str_eq(path, "/usr/share") || lstat(path, &st) < 0)
			continue;
		if (S_ISSOCK(st.st_mode))
			tell("socket", "%s", path);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			tell("device", "%s %u:%u", path, major(st.st_rdev), minor(st.st_rdev));
		if (S_ISDIR(st.st_mode))
			walk(path, depth + 1);
	}
	if (dir)
		closedir(dir);
}

void probe_facts(void)
{
	tell_lines("mount", "/proc/self/mountinfo");
	tell_lines("status", "/proc/self/status");
	tell_lines("cgroup", "/proc/self/cgroup");
	tell_lines("abstract", "/proc/net/unix");
	tell_processes();
	walk("", 0);
	for (char **variable = environ; *variable; variable++)
		tell("environment", "%s", *variable);
	tell("done", "facts");
}
