/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-who UID: writes the name of that account to descriptor 3 and exits. Run by lazaretd, which
 * must not wait for a directory; without privilege, for what answers may be far away.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"

#define ENTRY_MAX 65536
/* No account: files that everybody may read, and the sockets of name services. */
#define NOBODY 65534

static int drop(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *buffer = malloc(ENTRY_MAX);
	struct passwd entry, *found = NULL;
	int64_t uid;

	log_init("lazaret-who");
	if (argc != 2 || !buffer || str_to_int(argv[1], 0, UINT32_MAX, &uid) < 0 || drop() < 0)
		return 2;
	if (getpwuid_r((uid_t)uid, &entry, buffer, ENTRY_MAX, &found) != 0 || !found)
		return 1;
	return fd_write_all(SPAWN_FD_CHANNEL, found->pw_name, strlen(found->pw_name)) < 0;
}
