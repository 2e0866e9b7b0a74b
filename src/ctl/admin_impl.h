/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside lazaretctl admin. */
#ifndef LAZARET_CTL_ADMIN_IMPL_H
#define LAZARET_CTL_ADMIN_IMPL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "conf/role.h"

struct admin_person {
	char name[256];
	uid_t uid;
	gid_t gid;
	unsigned int roles; /* enum role */
	bool is_user; /* of the viewer */
	bool has_shell; /* that of administrators: an account that was made for it */
};

/* Says a sentence on standard error and returns ANSWER_STATUS_FAILED. */
int PRINTF(1, 2) admin_refuse(const char *fmt, ...);

/*
 * Reads the configuration and looks for the account. ANSWER_STATUS_OK, with *ret_conf the caller's; or
 * how to exit: not root, no such account, root's own.
 */
NODISCARD int admin_open(const char *name, struct conf **ret_conf, struct admin_person *ret_person);
/* The same without the sentences: whether there is such an account. */
bool admin_find(const struct conf *conf, const char *name, struct admin_person *ret_person);

/* Whether the person is who asked for this. Nobody is, if root does. */
bool admin_is_caller(const struct admin_person *person);

/* Runs a program for accounts; what it says is said when it fails. ANSWER_STATUS_FAILED then. */
NODISCARD int admin_run(const char *const *argv, const char *input);

/* Ends all processes of his: what he had when they began holds no longer. How many that were. */
unsigned int admin_end_logins(uid_t uid);

/* The folder of keys below the option ssh-directory, locked until it is closed; or a negative errno. */
int admin_keys_open(const struct conf *conf);
/* How many keys a file has; 0 if there is none. */
size_t admin_keys_count(int folder, const char *name);

#endif
