/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/visit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "conf/conf.h"

void visit_note(const struct conf *conf, uid_t uid)
{
	_cleanup_fd_ int fd = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/users/%u/login", conf_str(conf, CONF_STATE_DIR),
		 (unsigned int)uid);
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 || futimens(fd, NULL) < 0)
		log_event(LOG_WARN, "session.visit-unnoted", LOG_INT("uid", uid), LOG_ERR(-errno));
}
