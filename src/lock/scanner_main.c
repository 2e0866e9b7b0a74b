/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-scanner: takes a scanner's place, confines itself, and becomes it by exec. Descriptor 3 is
 * the listening socket for a clamd; for a second scanner it is the file, and becomes standard input.
 *
 *	lazaret-scanner clamd UID GID PROGRAM ARGUMENT...
 *	lazaret-scanner second UID GID PROGRAM
 *
 * Not of use by itself: lazaret-checkd(8).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"

#define SECOND_MEMORY (UINT64_C(4) << 30)
#define CLAMD_FILES 4096

/* By the protocol of systemd, which clamd speaks: sd_listen_fds(3). */
static int pass_socket(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0)
		return -errno;
	return fd_set_cloexec(SPAWN_FD_CHANNEL, false);
}

static int shut_in(bool clamd, uid_t uid, gid_t gid)
{
	const struct confine spec = {
		.uid = uid,
		.gid = gid,
		.no_network = true,
		.own_ipc = true,
		.max_files = clamd ? CLAMD_FILES : 64,
		.max_memory = clamd ? 0 : SECOND_MEMORY,
	};
	const char *step = "";
	int r = confine(&spec, &step);

	/* Another uid has made the kernel forget it. */
	if (r == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() == 1))
		r = -ESRCH;
	if (r < 0)
		log_event(LOG_ERROR, "scanner.unconfined", LOG_STR("step", step), LOG_ERR(r));
	return r;
}

int main(int argc, char **argv)
{
	int64_t uid = 0, gid = 0;
	bool clamd;

	log_init("lazaret-scanner");
	if (argc < 5 || str_to_int(argv[2], 1, UINT32_MAX, &uid) < 0 ||
	    str_to_int(argv[3], 1, UINT32_MAX, &gid) < 0) {
		fputs("lazaret-scanner: is run by lazaret-checkd only\n", stderr);
		return EXIT_FAILURE;
	}
	clamd = str_eq(argv[1], "clamd");
	/* The file becomes standard input. */
	if (clamd ? pass_socket() < 0 : dup2(SPAWN_FD_CHANNEL, STDIN_FILENO) < 0)
		return EXIT_FAILURE;
	if (shut_in(clamd, (uid_t)uid, (gid_t)gid) < 0)
		return EXIT_FAILURE;
	execv(argv[4], argv + 4);
	log_event(LOG_ERROR, "scanner.unstartable", LOG_STR("program", argv[4]), LOG_ERR(-errno));
	return 126;
}
