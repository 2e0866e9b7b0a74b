/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls, socket families and foreign ABIs. */
#include "cell_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

struct call {
	const char *name;
	long nr;
	long args[6];
};

static char page[4096];
static struct iovec vector = {page, sizeof(page)};
static struct perf_event_attr event = {
	.type = PERF_TYPE_SOFTWARE,
	.size = sizeof(event),
	.config = PERF_COUNT_SW_DUMMY,
};
static union bpf_attr map = {
	.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
static struct io_uring_params ring;

#define TEXT(s) (long)(s)
#define MEMORY (long)page

/*
 * With arguments that make sense, so that what lets one through is seen to do harm: a call whose
 * number is not named in the filter's table by mistake is found here all the same.
 */
static const struct call dangerous[] = {
	{"mount tmpfs", SYS_mount, {TEXT("none"), TEXT("/tmp"), TEXT("tmpfs"), 0, 0}},
	{"mount bind", SYS_mount, {TEXT("/usr"), TEXT("/tmp"), 0, MS_BIND, 0}},
	{"mount proc", SYS_mount, {TEXT("proc"), TEXT("/proc"), TEXT("proc"), 0, 0}},
	{"mount remount", SYS_mount, {TEXT("none"), TEXT("/usr"), 0, MS_REMOUNT | MS_BIND, 0}},
	{"mount propagate", SYS_mount, {TEXT("none"), TEXT("/"), 0, MS_SHARED | MS_REC, 0}},
	{"umount", SYS_umount2, {TEXT("/tmp"), MNT_DETACH}},
	{"umount proc", SYS_umount2, {TEXT("/proc"), MNT_DETACH}},
	{"pivot_root", SYS_pivot_root, {TEXT("."), TEXT(".")}},
	{"move_mount", SYS_move_mount, {AT_FDCWD, TEXT("/tmp"), AT_FDCWD, TEXT("/dev/shm"), 0}},
	{"open_tree", SYS_open_tree, {AT_FDCWD, TEXT("/"), OPEN_TREE_CLONE}},
	{"fsopen", SYS_fsopen, {TEXT("tmpfs"), 0}},
	{"fsconfig", SYS_fsconfig, {0, FSCONFIG_CMD_CREATE, 0, 0, 0}},
	{"fsmount", SYS_fsmount, {0, 0, 0}},
	{"fspick", SYS_fspick, {AT_FDCWD, TEXT("/"), 0}},
	{"mount_setattr", SYS_mount_setattr, {AT_FDCWD, TEXT("/"), 0, MEMORY, 32}},
	{"open_tree_attr", 467, {AT_FDCWD, TEXT("/"), OPEN_TREE_CLONE, MEMORY, 32}},
	{"statmount", 457, {MEMORY, MEMORY, 512, 0}},
	{"listmount", 458, {MEMORY, MEMORY, 8, 0}},
	{"swapon", SYS_swapon, {TEXT("/dev/shm"), 0}},
	{"swapoff", SYS_swapoff, {TEXT("/dev/shm")}},
	{"quotactl", SYS_quotactl, {0x800001 << 8, 0, 0, 0}},
	{"fanotify_init", SYS_fanotify_init, {0x200 /* FAN_REPORT_FID */, 0}},
	{"fanotify_mark", SYS_fanotify_mark, {0, 1, 1, AT_FDCWD, TEXT("/")}},
	{"unshare mount", SYS_unshare, {CLONE_NEWNS}},
	{"unshare user and mount", SYS_unshare, {CLONE_NEWUSER | CLONE_NEWNS}},
	{"unshare uts", SYS_unshare, {CLONE_NEWUTS}},
	{"unshare user and uts", SYS_unshare, {CLONE_NEWUSER | CLONE_NEWUTS}},
	{"unshare user and cgroup", SYS_unshare, {CLONE_NEWUSER | CLONE_NEWCGROUP}},
	{"unshare user and time", SYS_unshare, {CLONE_NEWUSER | CLONE_NEWTIME}},
	{"clone user and mount", SYS_clone, {CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0}},
	{"clone user and uts", SYS_clone, {CLONE_NEWUSER | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0}},
	{"clone3", SYS_clone3, {MEMORY, 88}},
	{"setns", SYS_setns, {0, 0}},
	{"ptrace me", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
	{"process_vm_readv", SYS_process_vm_readv, {1, (long)&vector, 1, (long)&vector, 1, 0}},
	{"process_vm_writev", SYS_process_vm_writev, {1, (long)&vector, 1, (long)&vector, 1, 0}},
	{"process_madvise", SYS_process_madvise, {0, (long)&vector, 1, 21, 0}},
	{"process_mrelease", SYS_process_mrelease, {0, 0}},
	{"pidfd_getfd", SYS_pidfd_getfd, {0, 0, 0}},
	{"kcmp", SYS_kcmp, {1, 1, 0, 0, 0}},
	{"setgroups", SYS_setgroups, {0, 0}},
	{"bpf map", SYS_bpf, {BPF_MAP_CREATE, (long)&map, sizeof(map)}},
	{"bpf program", SYS_bpf, {BPF_PROG_LOAD, (long)&map, sizeof(map)}},
	{"perf_event_open", SYS_perf_event_open, {(long)&event, 0, -1, -1, 0}},
	{"userfaultfd", SYS_userfaultfd, {O_CLOEXEC | 1 /* user mode only */}},
	{"io_uring_setup", SYS_io_uring_setup, {4, (long)&ring}},
	{"io_uring_enter", SYS_io_uring_enter, {0, 0, 0, 0, 0, 0}},
	{"io_uring_register", SYS_io_uring_register, {0, 0, 0, 0}},
	{"add_key", SYS_add_key, {TEXT("user"), TEXT("x"), MEMORY, 1, KEY_SPEC_PROCESS_KEYRING}},
	{"request_key", SYS_request_key, {TEXT("user"), TEXT("x"), 0, 0}},
	{"keyctl", SYS_keyctl, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1}},
	{"keyctl join", SYS_keyctl, {KEYCTL_JOIN_SESSION_KEYRING, 0}},
	{"name_to_handle_at", SYS_name_to_handle_at, {AT_FDCWD, TEXT("/"), MEMORY, MEMORY, 0}},
	{"open_by_handle_at", SYS_open_by_handle_at, {AT_FDCWD, MEMORY, O_RDONLY}},
	{"modify_ldt", SYS_modify_ldt, {0, MEMORY, 16}},
	{"ioperm", SYS_ioperm, {0x80, 1, 1}},
	{"iopl", SYS_iopl, {3}},
	{"uselib", SYS_uselib, {TEXT("/usr/bin/true")}},
	{"ustat", SYS_ustat, {0, MEMORY}},
	{"sysfs", SYS_sysfs, {3}},
	{"lookup_dcookie", SYS_lookup_dcookie, {0, MEMORY, 64}},
	{"move_pages", SYS_move_pages, {0, 0, 0, 0, 0, 0}},
	{"migrate_pages", SYS_migrate_pages, {0, 1, MEMORY, MEMORY}},
	{"mbind", SYS_mbind, {0, 0, 0, 0, 0, 0}},
	{"set_mempolicy", SYS_set_mempolicy, {0, 0, 0}},
	{"memfd_secret", 447, {0}},
	{"mq_open", SYS_mq_open, {TEXT("probe"), O_CREAT | O_RDWR, 0600, 0}},
	{"msgget", SYS_msgget, {0, 01600}},
	{"vhangup", SYS_vhangup, {0}},
	{"init_module", SYS_init_module, {MEMORY, sizeof(page), TEXT("")}},
	{"finit_module", SYS_finit_module, {0, TEXT(""), 0}},
	{"delete_module", SYS_delete_module, {TEXT("no_such_module"), O_NONBLOCK}},
	{"kexec_load", SYS_kexec_load, {0, 0, 0, 0}},
	{"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, 0}},
	{"reboot",
	 SYS_reboot,
	 {LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, 0}},
	{"acct", SYS_acct, {0}},
	{"settimeofday", SYS_settimeofday, {0, 0}},
	{"adjtimex", SYS_adjtimex, {MEMORY}},
	{"clock_adjtime", SYS_clock_adjtime, {0, MEMORY}},
	{"clock_settime", SYS_clock_settime, {0, MEMORY}},
	{"sethostname", SYS_sethostname, {TEXT("probe"), 5}},
	{"setdomainname", SYS_setdomainname, {TEXT("probe"), 5}},
	{"syslog", SYS_syslog, {3, MEMORY, sizeof(page)}},
	{"personality no randomisation", SYS_personality, {ADDR_NO_RANDOMIZE}},
	{"personality executable data", SYS_personality, {READ_IMPLIES_EXEC}},
	{"personality 32 bits", SYS_personality, {PER_LINUX32}},
	{"mknod device", SYS_mknod, {TEXT("/tmp/probe-device"), 0020666, 0x0103}},
	{"mknodat device", SYS_mknodat, {AT_FDCWD, TEXT("/tmp/probe-block"), 0060666, 0x0700}},
};

static int do_call(const void *data)
{
	const struct call *call = data;
	const long *a = call->args;
	long r = syscall(call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	/* The children of a clone() that should not have been possible. */
	return r < 0 ? -errno : 0;
}

/* --- everything that the filter's table does not let through ----------------------------------------- */

enum { UNNAMED, ALLOWED, REFUSED, BY_ARGUMENT };
#define NUMBERS 1024
static unsigned char known[NUMBERS];

static void note(long nr, unsigned char how)
{
	if (nr >= 0 && nr < NUMBERS)
		known[nr] = how;
}

static void read_table(void)
{
#define A(name) note(SCMP_SYS(name), ALLOWED);
#define D(name) note(SCMP_SYS(name), REFUSED);
#include "cell/syscalls.def"
#undef A
#undef D
	note(SYS_socket, BY_ARGUMENT);
	note(SYS_socketpair, BY_ARGUMENT);
	note(SYS_clone, BY_ARGUMENT);
	note(SYS_unshare, BY_ARGUMENT);
	note(SYS_ioctl, BY_ARGUMENT);
	note(SYS_personality, BY_ARGUMENT);
	note(SYS_mknod, BY_ARGUMENT);
	note(SYS_mknodat, BY_ARGUMENT);
	note(SYS_setsockopt, BY_ARGUMENT);
}

/* Arguments that the kernel would answer with EFAULT, EBADF, EINVAL …, were the call let through. */
static int do_number(const void *data)
{
	const long nr = *(const long *)data;

	return syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L) < 0 ? -errno : 0;
}

static void every_number(void)
{
	read_table();
	for (long nr = 0; nr < NUMBERS; nr++) {
		if (known[nr] == UNNAMED || known[nr] == REFUSED)
			report(attempt(do_number, &nr), "%s call %ld",
			       known[nr] == REFUSED ? "refused" : "unnamed", nr);
	}
}

/* --- foreign ABIs ------------------------------------------------------------------------------------- */

#define X32_BIT 0x40000000L

static int do_x32(const void *data)
{
	(void)data;
	return syscall(X32_BIT | SYS_getpid) < 0 ? -errno : 0;
}

static int do_i386(const void *data)
{
	long r = 20; /* getpid of i386 */

	(void)data;
	__asm__ volatile("int $0x80" : "+a"(r) : : "r8", "r9", "r10", "r11", "memory");
	return r < 0 ? (int)r : 0;
}

/* --- terminals, packet filter, sockets ------------------------------------------------------------------ */

static int do_ioctl(const void *data)
{
	char c = 'x';

	return ioctl(0, *(const unsigned long *)data, &c) < 0 ? -errno : 0;
}

/* The packet filter's own requests, which root of a user namespace may make in his own network. */
static int do_tables(const void *data)
{
	const int *what = data; /* family, level, option */
	int fd = socket(what[0], SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 || setsockopt(fd, what[1], what[2], page, sizeof(page)) < 0 ? -errno : 0;
}

static void terminals_and_tables(void)
{
	static const unsigned long requests[] = {TIOCSTI, 0x541C, TIOCSTI | 1UL << 40};
	static const int tables[][3] = {
		{AF_INET, IPPROTO_IP, 64},
		{AF_INET, IPPROTO_IP, 65},
		{AF_INET, IPPROTO_IP, 96},
		{AF_INET, IPPROTO_IP, 128},
		{AF_INET, IPPROTO_IP, IP_FREEBIND},
		{AF_INET, IPPROTO_IP, IP_TRANSPARENT},
		{AF_INET, IPPROTO_IP, IP_XFRM_POLICY},
		{AF_INET, IPPROTO_TCP, 19 /* TCP_REPAIR */},
		{AF_INET, IPPROTO_TCP, 31 /* TCP_ULP */},
		{AF_INET6, IPPROTO_IP, IP_FREEBIND},
		{AF_INET6, IPPROTO_IPV6, 64},
		{AF_INET6, IPPROTO_IPV6, 65},
		{AF_INET6, IPPROTO_IPV6, IPV6_XFRM_POLICY},
		{AF_INET6, IPPROTO_IPV6, 75 /* IPV6_TRANSPARENT */},
		{AF_INET6, IPPROTO_IPV6, 78 /* IPV6_FREEBIND */},
	};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		report(attempt(do_ioctl, &requests[i]), "ioctl %lx", requests[i]);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		report(attempt(do_tables, tables[i]), "setsockopt %d %d %d", tables[i][0],
		       tables[i][1], tables[i][2]);
}

void probe_calls(const struct order *order)
{
	(void)order;
	for (size_t i = 0; i < ARRAY_LEN(dangerous); i++)
		report(attempt(do_call, &dangerous[i]), "%s", dangerous[i].name);
	every_number();
	report(attempt(do_x32, NULL), "x32 call");
	report(attempt(do_i386, NULL), "i386 call");
	terminals_and_tables();
}

#define FAMILIES 64
#define PROTOCOLS 264 /* of IP, up to MPTCP */

/* All types and protocols of one family; a line for each that is possible. */
static int family_open(int family)
{
	static const int types[] = {
		SOCK_STREAM,  SOCK_DGRAM,      SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET,
		6 /* DCCP */, 10 /* packet */, 0,        15};
	int count = 0;

	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		for (int protocol = 0; protocol < PROTOCOLS; protocol++) {
			int fd = socket(family, types[t] | SOCK_CLOEXEC, protocol);

			if (fd < 0)
				continue;
			close(fd);
			count++;
			report(0, "socket %d/%d/%d", family, types[t], protocol);
		}
	}
	return count;
}

void probe_sockets(void)
{
	for (int family = 0; family < FAMILIES; family++) {
		int pair[2];

		if (family_open(family) == 0)
			report(-errno, "socket family %d", family);
		if (socketpair(family, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
			report(-errno, "socketpair family %d", family);
		} else {
			close(pair[0]);
			close(pair[1]);
			report(0, "socketpair family %d", family);
		}
	}
}
