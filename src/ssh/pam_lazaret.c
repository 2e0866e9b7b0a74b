/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pam_lazaret.so: a login of a user over SFTP, as sshd sees it. Who he is and whether he may is asked of
 * lazaretd, which does with it what it does with a viewer's login. When it says yes, his view is mounted.
 *
 * It stands in the PAM service of an sshd that lazaretd has started, and learns from the environment that
 * lazaretd gave to it where to ask, and which groups are those of administrators: about them it has no
 * opinion (PAM_IGNORE), and the modules behind it decide.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ipc/message.h"

#define SOCKET_VARIABLE "LAZARET_LOGIN"
#define GROUPS_VARIABLE "LAZARET_ADMINISTRATORS"
/* Set in the handle when the password was right: then the account is settled as well. */
#define DONE "lazaret-done"
#define ENTRY_MAX 65536
#define GROUPS_MAX 4096
/* Longer than any delay that lazaretd may want; sshd gives up by itself before; ms. */
#define PATIENCE (3600 * 1000 + 60000)

#define EXPORT __attribute__((visibility("default")))

/* --- administrators ------------------------------------------------------------------------------- */

static bool is_in(const gid_t *groups, int n, const char *name, char *buffer)
{
	struct group entry, *found = NULL;

	if (getgrnam_r(name, &entry, buffer, ENTRY_MAX, &found) != 0 || !found)
		return false;
	for (int i = 0; i < n; i++) {
		if (groups[i] == found->gr_gid)
			return true;
	}
	return false;
}

static bool is_administrator(const char *user)
{
	const char *list = getenv(GROUPS_VARIABLE);
	_cleanup_free_ char *buffer = malloc(ENTRY_MAX);
	_cleanup_free_ gid_t *groups = calloc(GROUPS_MAX, sizeof(gid_t));
	_cleanup_free_ char *copy = list ? strdup(list) : NULL;
	struct passwd entry, *found = NULL;
	int n = GROUPS_MAX;
	char *rest = copy, *name;

	if (!buffer || !groups || !copy)
		return false;
	if (getpwnam_r(user, &entry, buffer, ENTRY_MAX, &found) != 0 || !found)
		return false;
	if (getgrouplist(user, found->pw_gid, groups, &n) < 0)
		return false;
	while ((name = strsep(&rest, ","))) {
		if (name[0] && is_in(groups, n, name, buffer))
			return true;
	}
	return false;
}

/* --- lazaretd --------------------------------------------------------------------------------------- */

static int connect_lazaretd(void)
{
	const char *path = getenv(SOCKET_VARIABLE);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int fd = -1;
	int n;

	if (!path)
		return -ENOENT;
	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return FD_STEAL(fd);
}

static int send_question(int fd, const char *user, const char *password, const char *address)
{
	struct buf body;
	int r;

	buf_init_secret(&body, IPC_BODY_MAX);
	buf_put_str(&body, user);
	if (password)
		buf_put_str(&body, password);
	buf_put_str(&body, address);
	r = ipc_send(fd, password ? IPC_LOGIN_PASSWORD : IPC_LOGIN_KEY, &body, NULL, 0);
	buf_finish(&body);
	return r;
}

/* enum login_answer, or a negative errno. */
static int receive_answer(int fd)
{
	_cleanup_free_ uint8_t *storage = malloc(IPC_BODY_MAX + 4);
	struct ipc_message message;
	int r;

	if (!storage)
		return -ENOMEM;
	r = ipc_recv_wait(fd, PATIENCE, storage, &message);
	if (r < 0)
		return r;
	if (message.type == IPC_LOGIN_ANSWER)
		r = cursor_u8(&message.body);
	if (message.type != IPC_LOGIN_ANSWER || !cursor_done(&message.body) ||
	    r > LOGIN_ANSWER_ERROR)
		r = -EPROTO;
	ipc_message_finish(&message);
	return r;
}

static int ask(pam_handle_t *pam, const char *user, const char *password)
{
	const void *address = NULL;
	_cleanup_fd_ int fd = connect_lazaretd();
	int r = fd;

	if (pam_get_item(pam, PAM_RHOST, &address) != PAM_SUCCESS || !address)
		address = "";
	if (r >= 0)
		r = send_question(fd, user, password, address);
	if (r >= 0)
		r = receive_answer(fd);
	if (r < 0)
		pam_syslog(pam, LOG_ERR, "lazaretd cannot be asked: %s", strerror(-r));
	switch (r) {
	case LOGIN_ANSWER_WELCOME:
		return PAM_SUCCESS;
	case LOGIN_ANSWER_REFUSED:
		return PAM_AUTH_ERR;
	case LOGIN_ANSWER_EXPIRED:
		return PAM_ACCT_EXPIRED;
	default:
		return PAM_AUTHINFO_UNAVAIL;
	}
}

/* --- what PAM calls --------------------------------------------------------------------------------- */

EXPORT int pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	const char *user = NULL, *password = NULL;
	int r = pam_get_user(pam, &user, NULL);

	(void)flags;
	(void)argc;
	(void)argv;
	if (r != PAM_SUCCESS || !user)
		return PAM_USER_UNKNOWN;
	if (is_administrator(user))
		return PAM_IGNORE;
	r = pam_get_authtok(pam, PAM_AUTHTOK, &password, NULL);
	if (r != PAM_SUCCESS || !password)
		return PAM_AUTH_ERR;
	r = ask(pam, user, password);
	if (r == PAM_SUCCESS)
		r = pam_set_data(pam, DONE, (void *)DONE, NULL);
	return r;
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	const void *done = NULL;
	const char *user = NULL;

	(void)flags;
	(void)argc;
	(void)argv;
	if (pam_get_data(pam, DONE, &done) == PAM_SUCCESS && done)
		return PAM_SUCCESS;
	if (pam_get_user(pam, &user, NULL) != PAM_SUCCESS || !user)
		return PAM_USER_UNKNOWN;
	return is_administrator(user) ? PAM_IGNORE : ask(pam, user, NULL);
}

static int settled(pam_handle_t *pam)
{
	const char *user = NULL;

	if (pam_get_user(pam, &user, NULL) != PAM_SUCCESS || !user)
		return PAM_USER_UNKNOWN;
	return is_administrator(user) ? PAM_IGNORE : PAM_SUCCESS;
}

EXPORT int pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)flags;
	(void)argc;
	(void)argv;
	return settled(pam);
}

EXPORT int pam_sm_open_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)flags;
	(void)argc;
	(void)argv;
	return settled(pam);
}

EXPORT int pam_sm_close_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)flags;
	(void)argc;
	(void)argv;
	return settled(pam);
}
