/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pam_lazaret.so: a login of a user over SFTP, as sshd sees it. Who he is and whether he may is asked of
 * lazaretd, which does with it what it does with a viewer's login. When it says yes, his view is mounted.
 *
 * Who holds a role is no user: about administrators it has no opinion (PAM_IGNORE), and the modules behind
 * it decide.
 *
 *	socket=PATH	where lazaretd is asked, if its runtime-directory is not the usual one
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

#define SOCKET "/run/lazaret/sftp-login"
#define ARGUMENT "socket="
/* Roles that there may be. */
#define ROLES_MAX 64
#define GROUP_NAME_MAX 256
/* For what needs no check; ms. */
#define PATIENCE_SHORT 30000
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

/* Takes the message with the groups of the roles: 1 if the user is in one of them, 0, or what failed. */
static int read_roles(struct cursor *c, const gid_t *groups, int n, char *buffer)
{
	uint32_t count = cursor_u32(c);
	int r = 0;

	if (count > ROLES_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < count; i++) {
		_cleanup_free_ char *name = cursor_str(c, GROUP_NAME_MAX);

		if (cursor_failed(c) || !name)
			return -EPROTO;
		r = r || (name[0] && is_in(groups, n, name, buffer));
	}
	return cursor_done(c) ? r : -EPROTO;
}

static int receive(int fd, int patience, enum ipc_type type, uint8_t *storage,
		   struct ipc_message *ret_message)
{
	int r = ipc_recv_wait(fd, patience, storage, ret_message);

	if (r == 0 && ret_message->type != type) {
		ipc_message_finish(ret_message);
		r = -EPROTO;
	}
	return r;
}

/* An account that there is not is nobody's; lazaretd refuses it. */
static int find_administrator(int fd, const char *user, uint8_t *storage)
{
	_cleanup_free_ char *buffer = malloc(ENTRY_MAX);
	_cleanup_free_ gid_t *groups = calloc(GROUPS_MAX, sizeof(gid_t));
	struct passwd entry, *found = NULL;
	struct ipc_message message;
	int n = GROUPS_MAX, r;

	if (!buffer || !groups)
		return -ENOMEM;
	if (getpwnam_r(user, &entry, buffer, ENTRY_MAX, &found) != 0 || !found)
		n = 0;
	else if (getgrouplist(user, found->pw_gid, groups, &n) < 0)
		return -E2BIG;
	r = receive(fd, PATIENCE_SHORT, IPC_LOGIN_ROLES, storage, &message);
	if (r < 0)
		return r;
	r = read_roles(&message.body, groups, n, buffer);
	ipc_message_finish(&message);
	return r;
}

/* --- lazaretd --------------------------------------------------------------------------------------- */

static int connect_lazaretd(int argc, const char **argv)
{
	const char *path = SOCKET;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int fd = -1;
	int n;

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], ARGUMENT, strlen(ARGUMENT)) == 0)
			path = argv[i] + strlen(ARGUMENT);
	}
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
static int receive_answer(int fd, uint8_t *storage)
{
	struct ipc_message message;
	int r = receive(fd, PATIENCE, IPC_LOGIN_ANSWER, storage, &message);

	if (r < 0)
		return r;
	r = cursor_u8(&message.body);
	if (!cursor_done(&message.body) || r > LOGIN_ANSWER_ERROR)
		r = -EPROTO;
	ipc_message_finish(&message);
	return r;
}

static const char *address_of(pam_handle_t *pam)
{
	const void *address = NULL;

	if (pam_get_item(pam, PAM_RHOST, &address) != PAM_SUCCESS || !address)
		return "";
	return address;
}

static int as_pam(enum login_answer answer)
{
	switch (answer) {
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

/* What is to be done with the connection, once it is known that the person is no administrator. */
enum question { QUESTION_NONE, QUESTION_PASSWORD, QUESTION_KEY };

static int converse(pam_handle_t *pam, int fd, const char *user, enum question question)
{
	_cleanup_free_ uint8_t *storage = malloc(IPC_BODY_MAX + 4);
	const char *password = NULL;
	int r = storage ? find_administrator(fd, user, storage) : -ENOMEM;

	if (r == 1)
		return PAM_IGNORE;
	if (r == 0 && question == QUESTION_NONE)
		return PAM_SUCCESS;
	if (r == 0 && question == QUESTION_PASSWORD &&
	    (pam_get_authtok(pam, PAM_AUTHTOK, &password, NULL) != PAM_SUCCESS || !password))
		return PAM_AUTH_ERR;
	if (r == 0)
		r = send_question(fd, user, password, address_of(pam));
	if (r == 0)
		r = receive_answer(fd, storage);
	if (r >= 0)
		return as_pam((enum login_answer)r);
	pam_syslog(pam, LOG_ERR, "lazaretd cannot be asked: %s", strerror(-r));
	return PAM_AUTHINFO_UNAVAIL;
}

static int ask(pam_handle_t *pam, int argc, const char **argv, enum question question)
{
	const char *user = NULL;
	_cleanup_fd_ int fd = -1;

	if (pam_get_user(pam, &user, NULL) != PAM_SUCCESS || !user)
		return PAM_USER_UNKNOWN;
	fd = connect_lazaretd(argc, argv);
	if (fd < 0) {
		pam_syslog(pam, LOG_ERR, "lazaretd cannot be asked: %s", strerror(-fd));
		return PAM_AUTHINFO_UNAVAIL;
	}
	return converse(pam, fd, user, question);
}

/* --- what PAM calls --------------------------------------------------------------------------------- */

EXPORT int pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	int r = ask(pam, argc, argv, QUESTION_PASSWORD);

	(void)flags;
	return r == PAM_SUCCESS ? pam_set_data(pam, DONE, (void *)DONE, NULL) : r;
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	const void *done = NULL;

	(void)flags;
	if (pam_get_data(pam, DONE, &done) == PAM_SUCCESS && done)
		return PAM_SUCCESS;
	return ask(pam, argc, argv, QUESTION_KEY);
}

EXPORT int pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)flags;
	return ask(pam, argc, argv, QUESTION_NONE);
}

EXPORT int pam_sm_open_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)flags;
	return ask(pam, argc, argv, QUESTION_NONE);
}

/* At its end the daemon may be another one, or none. */
EXPORT int pam_sm_close_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)pam;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
