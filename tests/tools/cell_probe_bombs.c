/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that take all they can get, of one thing each. They say "full" when nothing more comes,
 * and go on holding what they have until they are ended.
 */
#include "cell_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define CHUNK ((size_t)4 << 20)

static void hold(void)
{
	for (;;)
		pause();
}

/* Processes that make processes; each that fails tries again. */
static void fork_bomb(void)
{
	(void)signal(SIGCHLD, SIG_IGN);
	for (bool told = false;;) {
		if (fork() >= 0)
			continue; /* both go on */
		if (!told)
			tell("full", "processes: %s", strerror(errno));
		told = true;
		usleep(1000);
	}
}

/* Touches it, so that it is had. */
static void memory_bomb(void)
{
	size_t had = 0;

	for (;;) {
		char *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		if (p == MAP_FAILED)
			break;
		memset(p, 0x5a, CHUNK);
		had += CHUNK;
		if (had % (64 * CHUNK) == 0)
			tell("had", "%zu", had);
	}
	tell("full", "memory: %zu bytes, %s", had, strerror(errno));
	hold();
}

static size_t fill(int fd)
{
	static char chunk[CHUNK];
	size_t had = 0, step = sizeof(chunk);

	memset(chunk, 0x5a, sizeof(chunk));
	/* To the last byte: when a chunk does not fit, a half may. */
	while (step > 0) {
		ssize_t n = write(fd, chunk, step);

		if (n > 0)
			had += (size_t)n;
		else if (n < 0 && errno != ENOSPC && errno != EDQUOT)
			break;
		else
			step /= 2;
	}
	return had;
}

static void memfd_bomb(void)
{
	for (int i = 0;; i++) {
		int fd = memfd_create("bomb", MFD_CLOEXEC);
		size_t had = 0;

		if (fd < 0)
			break;
		/* 256 MiB each: a file system's bound does not hold for these. */
		for (int chunk = 0; chunk < 64; chunk++) {
			void *p;

			if (ftruncate(fd, (off_t)(had + CHUNK)) < 0)
				break;
			p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)had);
			if (p == MAP_FAILED)
				break;
			memset(p, 0x5a, CHUNK);
			munmap(p, CHUNK);
			had += CHUNK;
		}
		tell("had", "memfd %d: %zu", i, had);
	}
	tell("full", "memfd: %s", strerror(errno));
	hold();
}

/* System V segments outlive who made them. */
static void segment_bomb(void)
{
	for (int i = 0;; i++) {
		int id = shmget(IPC_PRIVATE, 16 * CHUNK, 0600);
		char *p = id < 0 ? (char *)-1 : shmat(id, NULL, 0);

		if (p == (char *)-1)
			break;
		memset(p, 0x5a, 16 * CHUNK);
		shmdt(p);
		tell("had", "segment %d", i);
	}
	tell("full", "segments: %s", strerror(errno));
	hold();
}

/* disk FOLDER: one file; files FOLDER: as many empty ones as go. */
static void disk_bomb(const char *folder)
{
	char path[512];
	size_t had;
	int fd;

	snprintf(path, sizeof(path), "%s/cell-probe-bomb", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		tell("full", "disk: 0 %s", strerror(errno));
		return;
	}
	had = fill(fd);
	tell("full", "disk: %zu bytes, %s", had, strerror(errno));
}

static void file_bomb(const char *folder)
{
	char path[512];
	unsigned int n = 0;

	for (;; n++) {
		int fd;

		snprintf(path, sizeof(path), "%s/cell-probe-bomb-%u", folder, n);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	tell("full", "files: %u, %s", n, strerror(errno));
}

static void cpu_bomb(long n)
{
	for (long i = 0; i < n; i++) {
		if (fork() == 0) {
			for (volatile unsigned int x = 0;; x++)
				;
		}
	}
	tell("full", "processors: %ld", n);
	hold();
}

/* One thing in as many processes as are needed to come to the bound of the machine, if there is one:
 * each takes all that one process can have. */
static unsigned int take_all(int (*take)(void), int *ret_error)
{
	unsigned int n = 0;

	while (take() >= 0)
		n++;
	*ret_error = errno;
	return n;
}

static int take_file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int take_inotify(void)
{
	return inotify_init1(IN_CLOEXEC);
}

static int take_terminal(void)
{
	return posix_openpt(O_RDWR | O_NOCTTY);
}

/* Descriptors on their way in a socket belong to no process's table. */
static int take_in_flight(void)
{
	static int pair[2] = {-1, -1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	char x = 0;
	struct iovec byte = {&x, 1};
	const struct msghdr message = {.msg_iov = &byte,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};
	int null = 0;

	memcpy(CMSG_DATA(&control.header), &null, sizeof(null));
	if (pair[0] >= 0 && sendmsg(pair[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (pair[0] >= 0 && errno != EAGAIN)
		return -1;
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair);
}

static const struct {
	const char *name;
	int (*take)(void);
} things[] = {
	{"files", take_file},
	{"inotify", take_inotify},
	{"terminals", take_terminal},
	{"in-flight", take_in_flight},
};

static void hog(size_t thing, long processes)
{
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();
		unsigned int n;
		int error;

		if (pid < 0)
			tell("had", "processes: %ld, %s", i, strerror(errno));
		if (pid != 0)
			continue;
		n = take_all(things[thing].take, &error);
		tell("took", "%u %d", n, error);
		hold();
	}
	hold();
}

/* bomb KIND [FOLDER | PROCESSES] */
int probe_bomb(const struct order *order)
{
	const char *kind = order->argc > 0 ? order->argv[0] : "";
	const char *folder = order->argc > 1 ? order->argv[1] : "/tmp";

	if (str_eq(kind, "fork"))
		fork_bomb();
	else if (str_eq(kind, "memory"))
		memory_bomb();
	else if (str_eq(kind, "memfd"))
		memfd_bomb();
	else if (str_eq(kind, "segment"))
		segment_bomb();
	else if (str_eq(kind, "disk"))
		disk_bomb(folder);
	else if (str_eq(kind, "inodes"))
		file_bomb(folder);
	else if (str_eq(kind, "cpu"))
		cpu_bomb(order_number(order, 1, 8));
	else if (str_eq(kind, "wayland"))
		probe_wayland_bomb(order_number(order, 1, 8));
	for (size_t i = 0; i < ARRAY_LEN(things); i++) {
		if (str_eq(kind, things[i].name))
			hog(i, order_number(order, 1, 16));
	}
	return 0;
}
