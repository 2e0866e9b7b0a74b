/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the cell's filter must refuse fails, and with the error that it was refused with. */
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "base/attr.h"
#include "cell/filter.h"

/* Runs `body` in a child below the filter; it returns NULL or what went wrong. */
static void under_filter(const char *(*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *wrong;

		if (filter_load() < 0)
			_exit(2);
		wrong = body();
		if (wrong)
			dprintf(2, "not refused as it should be: %s (errno %d)\n", wrong, errno);
		_exit(wrong ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct {
	int nr;
	const char *name;
} refused[] = {
#define A(name)
#define D(name) {SCMP_SYS(name), #name},
#include "cell/syscalls.def"
#undef A
#undef D
};

/* Bad arguments everywhere: were a call let through, the kernel would answer EFAULT, EBADF … */
static const char *every_refused_call(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (refused[i].nr < 0) /* this machine has no such call */
			continue;
		errno = 0;
		if (syscall(refused[i].nr, -1L, -1L, -1L, -1L, -1L, -1L) != -1 || errno != EPERM)
			return refused[i].name;
	}
	return NULL;
}

static const char *sockets(void)
{
	static const struct {
		int family, type, protocol;
		const char *name;
	} bad[] = {
		{AF_PACKET, SOCK_RAW, 0, "packet"},
		{AF_VSOCK, SOCK_STREAM, 0, "vsock"},
		{AF_XDP, SOCK_RAW, 0, "xdp"},
		{AF_ALG, SOCK_SEQPACKET, 0, "alg"},
		{AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, "netfilter"},
		{AF_NETLINK, SOCK_RAW, NETLINK_AUDIT, "audit"},
		{AF_NETLINK, SOCK_RAW, NETLINK_GENERIC, "generic netlink"},
		{AF_INET, SOCK_RAW, IPPROTO_ICMP, "raw"},
		{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, "raw6"},
		{AF_INET, SOCK_STREAM, IPPROTO_SCTP, "sctp"},
		{AF_BLUETOOTH, SOCK_RAW, 1, "bluetooth"},
	};
	static const struct {
		int family, type, protocol;
		const char *name;
	} good[] = {
		{AF_UNIX, SOCK_STREAM, 0, "unix"},
		{AF_INET, SOCK_STREAM, IPPROTO_TCP, "tcp"},
		{AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "udp6"},
		{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, "route"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		/* Bits above 32 are not looked at by the kernel and must not help. */
		if (syscall(SYS_socket, bad[i].family | 1L << 40, bad[i].type, bad[i].protocol) !=
			    -1 ||
		    errno != ENOSYS)
			return bad[i].name;
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (socket(good[i].family, good[i].type | SOCK_CLOEXEC, good[i].protocol) < 0)
			return good[i].name;
	}
	return NULL;
}

static const char *namespaces(void)
{
	if (unshare(CLONE_NEWNS) != -1 || errno != ENOSYS)
		return "mount namespace";
	if (syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0) != -1 ||
	    errno != ENOSYS)
		return "clone with a mount namespace";
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return "clone3";
	/* What the browsers' own sandboxes are made of. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return "user namespace must be possible";
	if (syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL) != -1 || errno != EPERM)
		return "mount inside a user namespace";
	return NULL;
}

static const char *terminal(void)
{
	char c = 'x';

	int n;

	if (ioctl(0, TIOCSTI, &c) != -1 || errno != ENOSYS)
		return "TIOCSTI";
	if (ioctl(0, 0x541C, &c) != -1 || errno != ENOSYS)
		return "TIOCLINUX";
	if (ioctl(0, FIONREAD, &n) == -1 && errno == ENOSYS)
		return "FIONREAD must be possible";
	if (syscall(SYS_ioctl, 0, (long)TIOCSTI | 1L << 40, &c) != -1 || errno != ENOSYS)
		return "TIOCSTI with high bits";
	return NULL;
}

static const char *socket_options(void)
{
	static const struct {
		int family;
		long level;
		int option;
		bool allowed;
		const char *name;
	} tried[] = {
		{AF_INET, IPPROTO_IP, 64, false, "table of the packet filter"},
		{AF_INET, IPPROTO_IP, 65, false, "counters of the packet filter"},
		{AF_INET, IPPROTO_IP, 96, false, "table of the ARP filter"},
		{AF_INET, IPPROTO_IP, 128, false, "table of the bridge filter"},
		{AF_INET, IPPROTO_IP, 200, false, "multicast routing"},
		{AF_INET, IPPROTO_IP | 1L << 40, 64, false, "packet filter with high bits"},
		{AF_INET, IPPROTO_IP, IP_XFRM_POLICY, false, "IPsec policy"},
		{AF_INET, IPPROTO_IP, IP_FREEBIND, false, "forged sender"},
		{AF_INET, IPPROTO_IP, IP_TRANSPARENT, false, "transparent sender"},
		{AF_INET, IPPROTO_TCP, TCP_REPAIR, false, "connection repair"},
		{AF_INET, IPPROTO_TCP, TCP_ULP, false, "protocol on top of TCP"},
		{AF_INET6, IPPROTO_IPV6, 64, false, "table of the packet filter of IPv6"},
		{AF_INET6, IPPROTO_IPV6, IPV6_XFRM_POLICY, false, "IPsec policy of IPv6"},
		{AF_INET6, IPPROTO_IPV6, 78, false, "forged sender of IPv6"},
		{AF_INET6, IPPROTO_IP, IP_FREEBIND, false, "forged sender by IPv4's option"},
		{AF_INET, SOL_SOCKET, SO_KEEPALIVE, true, "SO_KEEPALIVE"},
		{AF_INET, IPPROTO_TCP, TCP_NODELAY, true, "TCP_NODELAY"},
		{AF_INET, IPPROTO_TCP, TCP_KEEPIDLE, true, "TCP_KEEPIDLE"},
		{AF_INET, IPPROTO_IP, IP_TOS, true, "IP_TOS"},
		{AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, true, "IP_MTU_DISCOVER"},
		{AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, true, "IPV6_V6ONLY"},
		{AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, true, "IPV6_TCLASS"},
		{AF_INET6, IPPROTO_IPV6, IPV6_RECVERR, true, "IPV6_RECVERR"},
	};

	for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
		int one = 1, fd = socket(tried[i].family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		long r = syscall(SYS_setsockopt, fd, tried[i].level, tried[i].option, &one,
				 sizeof(one));

		if (tried[i].allowed ? r == -1 : r != -1 || errno != ENOSYS)
			return tried[i].name;
		close(fd);
	}
	/* A level that is not listed must be let through: the kernel does not know it. */
	if (setsockopt(1, 300, 64, NULL, 0) != -1 || errno == ENOSYS)
		return "unknown level";
	return NULL;
}

static void test_refused(void **state)
{
	(void)state;
	under_filter(every_refused_call);
}

static void test_sockets(void **state)
{
	(void)state;
	under_filter(sockets);
}

static void test_namespaces(void **state)
{
	(void)state;
	under_filter(namespaces);
}

static void test_terminal(void **state)
{
	(void)state;
	under_filter(terminal);
}

static void test_socket_options(void **state)
{
	(void)state;
	under_filter(socket_options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_socket_options), cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
