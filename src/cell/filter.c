/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif
/* SOCK_CLOEXEC and SOCK_NONBLOCK share the argument with the type. */
#define TYPE_MASK 0xf
/* The kernel looks at 32 bits of these arguments; what is above is not ours to trust. */
#define LOW32 UINT64_C(0xffffffff)
#define BIT(n) (UINT64_C(1) << (n))

/*
 * Namespaces that the browsers' sandboxes make: user, pid, net, ipc. A mount namespace would be of
 * no use to them (mount is refused), and the others are only surface.
 */
#define NAMESPACES_REFUSED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP | 0x80 /* CLONE_NEWTIME */)

struct call {
	int nr;
	bool allow;
};

static const struct call calls[] = {
#define A(name) {SCMP_SYS(name), true},
#define D(name) {SCMP_SYS(name), false},
#include "cell/syscalls.def"
#undef A
#undef D
};

static int add_calls(scmp_filter_ctx ctx)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		int r;

		if (calls[i].nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add(ctx, calls[i].allow ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM),
				     calls[i].nr, 0);
		/* -EDOM: this architecture has no such call, so there is nothing to say about it. */
		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

static int allow_socket(scmp_filter_ctx ctx, int family, int type, int protocol)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
				SCMP_A0(SCMP_CMP_MASKED_EQ, LOW32, (scmp_datum_t)family),
				SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE_MASK, (scmp_datum_t)type),
				SCMP_A2(SCMP_CMP_MASKED_EQ, LOW32, (scmp_datum_t)protocol));
}

/* Unix; TCP and UDP; netlink to read routes and device events. No raw, no packet, no others. */
static int add_sockets(scmp_filter_ctx ctx)
{
	static const struct {
		int family, type, protocol;
	} allowed[] = {
		{AF_UNIX, SOCK_STREAM, 0},
		{AF_UNIX, SOCK_DGRAM, 0},
		{AF_UNIX, SOCK_SEQPACKET, 0},
		{AF_INET, SOCK_STREAM, 0},
		{AF_INET, SOCK_STREAM, IPPROTO_TCP},
		{AF_INET, SOCK_DGRAM, 0},
		{AF_INET, SOCK_DGRAM, IPPROTO_UDP},
		{AF_INET6, SOCK_STREAM, 0},
		{AF_INET6, SOCK_STREAM, IPPROTO_TCP},
		{AF_INET6, SOCK_DGRAM, 0},
		{AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
		{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
		{AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE},
		{AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT},
		{AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(allowed); i++)
		r = allow_socket(ctx, allowed[i].family, allowed[i].type, allowed[i].protocol);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, LOW32, AF_UNIX));
	return r;
}

static int add_namespaces(scmp_filter_ctx ctx)
{
	/* clone3 hides its flags behind a pointer: on no list, so answered as by a kernel without it,
	 * and libc falls back to clone, whose flags we see. */
	int r;

	/* The low byte of clone's flags is the exit signal, where unshare has CLONE_NEWTIME. */
	r = seccomp_rule_add(
		ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, (scmp_datum_t)NAMESPACES_REFUSED & ~UINT64_C(0xff), 0));
	if (r == 0)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, (scmp_datum_t)NAMESPACES_REFUSED, 0));
	return r;
}

/*
 * Everything but the two requests that type into somebody's terminal. A rule without conditions
 * would swallow the others, and "not equal" looks at 64 bits where the kernel takes 32: so allow
 * whatever differs from both in a bit that they have in common. That refuses their six even
 * neighbours too (TIOCSPGRP, TIOCSWINSZ, modem lines), which are of terminals as well.
 */
static int add_ioctl(scmp_filter_ctx ctx)
{
	const uint32_t differing = TIOCLINUX ^ TIOCSTI;
	int r = 0;

	for (int i = 0; r == 0 && i < 32; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (!(differing & bit))
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					     SCMP_A1(SCMP_CMP_MASKED_EQ, bit,
						     (scmp_datum_t)(~(uint32_t)TIOCSTI & bit)));
	}
	return r;
}

static int allow_option(scmp_filter_ctx ctx, uint32_t level_mask, uint32_t level,
			uint32_t option_mask, uint32_t option)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
				SCMP_A1(SCMP_CMP_MASKED_EQ, level_mask, level),
				SCMP_A2(SCMP_CMP_MASKED_EQ, option_mask, option));
}

/*
 * Options of IP and TCP that a browser has no use for, with much of the kernel behind them: packet
 * filters (64 and above), IPsec policies and connection repair, which root of a user namespace may
 * use in a network of his own; senders that are not one's own; protocols on top of TCP.
 */
static const struct {
	uint32_t level;
	uint64_t refused; /* of the options 0 to 63, by bit */
} option_levels[] = {
	{IPPROTO_IP,
	 BIT(IP_FREEBIND) | BIT(IP_IPSEC_POLICY) | BIT(IP_XFRM_POLICY) | BIT(IP_TRANSPARENT)},
	{IPPROTO_TCP, BIT(TCP_REPAIR) | BIT(TCP_REPAIR_QUEUE) | BIT(TCP_REPAIR_OPTIONS) |
			      BIT(TCP_REPAIR_WINDOW) | BIT(TCP_ULP)},
	{IPPROTO_IPV6, BIT(IPV6_IPSEC_POLICY) | BIT(IPV6_XFRM_POLICY)},
};

/* Every other level: it differs from ours in a bit that none of them has, or in those they have. */
static int add_other_levels(scmp_filter_ctx ctx)
{
	const uint32_t shared = IPPROTO_IP | IPPROTO_TCP | IPPROTO_IPV6;
	int r = 0;

	for (int i = 0; r == 0 && i < 32; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (!(shared & bit))
			r = allow_option(ctx, bit, bit, 0, 0);
	}
	for (uint32_t level = 0; r == 0 && level <= shared; level++) {
		if ((level & ~shared) == 0 && level != IPPROTO_IP && level != IPPROTO_TCP &&
		    level != IPPROTO_IPV6)
			r = allow_option(ctx, UINT32_MAX, level, 0, 0);
	}
	return r;
}

static int add_socket_options(scmp_filter_ctx ctx)
{
	static const uint32_t far6[] = {IPV6_RECVTCLASS, IPV6_TCLASS, IPV6_ADDR_PREFERENCES};
	int r = add_other_levels(ctx);

	for (size_t i = 0; i < ARRAY_LEN(option_levels); i++) {
		for (uint32_t option = 0; r == 0 && option < 64; option++) {
			if (!(option_levels[i].refused & BIT(option)))
				r = allow_option(ctx, UINT32_MAX, option_levels[i].level,
						 UINT32_MAX, option);
		}
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(far6); i++)
		r = allow_option(ctx, UINT32_MAX, IPPROTO_IPV6, UINT32_MAX, far6[i]);
	return r;
}

static int add_special(scmp_filter_ctx ctx)
{
	static const uint64_t personalities[] = {0, 0xffffffff /* a query */};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(personalities); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, LOW32, personalities[i]));
	/* FIFOs and plain files, no devices. */
	for (int i = 0; r == 0 && i < 2; i++) {
		scmp_datum_t kind = i == 0 ? S_IFIFO : S_IFREG;

		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mknod), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, kind));
		if (r == -EDOM)
			r = 0;
		if (r == 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), 1,
					     SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, kind));
	}
	return r;
}

static int build(scmp_filter_ctx *ret_ctx)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0) /* a binary tree: 250 calls in 8 comparisons */
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_calls(ctx);
	if (r == 0)
		r = add_sockets(ctx);
	if (r == 0)
		r = add_namespaces(ctx);
	if (r == 0)
		r = add_ioctl(ctx);
	if (r == 0)
		r = add_socket_options(ctx);
	if (r == 0)
		r = add_special(ctx);
	if (r < 0) {
		seccomp_release(ctx);
		return r;
	}
	*ret_ctx = ctx;
	return 0;
}

int filter_memfd(void)
{
	_cleanup_fd_ int fd = memfd_create("cell-filter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	scmp_filter_ctx ctx;
	int r;

	if (fd < 0)
		return -errno;
	r = build(&ctx);
	if (r < 0)
		return r;
	r = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return FD_STEAL(fd);
}

int filter_load(void)
{
	scmp_filter_ctx ctx;
	int r = build(&ctx);

	if (r < 0)
		return r;
	r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
