/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Login by PAM: who is it, may he, and the PAM session around what follows. */
#ifndef LAZARET_SESSION_LOGIN_H
#define LAZARET_SESSION_LOGIN_H

#include <stdbool.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "ipc/message.h"
#include "session/account.h"

struct login;

/* What PAM asks is answered with these; borrowed for the call. */
struct login_request {
	const char *user, *password, *address;
};

/*
 * Checks a password. 0: *ret_login holds the PAM handle and the account. -EACCES: refused, with why
 * and a reason for the log (static, or PAM's own). Takes about as long for an unknown user as for a
 * wrong password, as far as the PAM modules do; the monitor pads the rest.
 */
NODISCARD int login_check(const struct conf *conf, const struct login_request *request,
			  struct login **ret_login, enum session_refusal *ret_why,
			  const char **ret_reason);

/*
 * A handle for an account whose password was checked by another process (a parked cell's): no
 * authentication, but account management as usual. `uid` must be the account's, or LOGIN_ANY_UID.
 */
#define LOGIN_ANY_UID ((uid_t)-1)
NODISCARD int login_assume(const struct conf *conf, const char *account, uid_t uid,
			   struct login **ret_login, const char **ret_reason);

const struct account *login_account(const struct login *login);

/* Credentials and the PAM session. -EACCES with a reason. */
NODISCARD int login_open(struct login *login, const char **ret_reason);
/* Closes what is open, frees. NULL is allowed. */
void login_close(struct login *login);

#endif
