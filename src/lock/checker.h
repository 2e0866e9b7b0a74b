/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking whether a file may pass the file lock, from an event loop.
 *
 * The answer is given by lazaret-checkd, one for the whole system, which holds the policy, the
 * counters of each person, the quarantine and the connection to the virus scanner. What asks, one
 * process a person, holds a connection on which the person is fixed:
 *
 *	root, before it gives up its power:	fd = checker_connect(path, &identity)
 *	later, confined:			checker_create(loop, fd, &events, data, &checker)
 *	for each file:				checker_start(checker, &request, done, data, &check)
 *
 * A process that was taken over can ask in the name of its own person only.
 *
 * Sizes are bytes. Strings are UTF-8. Nothing here blocks but checker_connect().
 */
#ifndef LAZARET_LOCK_CHECKER_H
#define LAZARET_LOCK_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>

#include "base/attr.h"

/* lazaret-checkd's socket in the runtime directory. Only root may connect. */
#define CHECKER_SOCKET "check"

/* Checks of one connection at the same time; checker_start() refuses more with -EBUSY. */
#define CHECKER_CHECKS_MAX 32
#define CHECKER_NAME_MAX 1024 /* bytes of a file's name, path below the folder included */
#define CHECKER_ADDRESS_MAX 64 /* bytes of an address as text */
#define CHECKER_GROUPS_MAX 1024 /* groups of a person, and bytes of the name of each */
#define CHECKER_GROUP_NAME_MAX 255
#define CHECKER_TEXT_MAX 4096 /* bytes of each text of a verdict */

enum check_direction {
	CHECK_UP, /* workstation → cell */
	CHECK_DOWN, /* cell → workstation */
};

enum check_result {
	CHECK_PASS,
	CHECK_REFUSE,
	/* Refused for now: a copy waits for somebody to release or drop it. To the person it is a
	 * refusal with other words; the caller treats it like CHECK_REFUSE. */
	CHECK_QUARANTINE,
};

/* Borrowed strings of checkd's answer: they live until the callback returns. None is NULL. */
struct check_verdict {
	enum check_result result;
	uint64_t size;
	uint8_t sha256[32]; /* all zero when the content was not looked at (rights, size, volume) */
	/* The MIME type that the content has, or "unknown"; "" when it was not looked at. */
	const char *type;
	/*
	 * What decided, for logs: the option and its value ("transfer-out-types"), "signature", or
	 * what failed ("scanner-down", "check-failed", "checker-lost"). "" for CHECK_PASS.
	 */
	const char *rule;
	const char *signature; /* the virus's name as the scanner has it, or "" */
	/*
	 * One sentence for the person, with the file's name made fit to be shown; "" for CHECK_PASS.
	 * `sentence` is in the language of the configuration.
	 */
	const char *sentence, *sentence_en, *sentence_de;
	/* The whole content of NAME.refused.txt, both languages, lines ended by CR LF. */
	const char *text;
};

/* What the person may at all: to say no before a file was transferred. */
struct check_rights {
	bool up, down;
	uint64_t largest_up, largest_down; /* a file of more bytes is refused */
};

/* Who asks; looked up by NSS at the login, by a process that may wait. */
struct checker_identity {
	const char *user;
	uid_t uid;
	/* The names of all groups, for the group sections of the configuration. */
	const char *const *groups;
	size_t n_groups;
};

/*
 * Connects and says who the person is. Blocks, at most 5 s. The descriptor is the caller's.
 * -EPERM: not root; -ENOENT, -ECONNREFUSED: there is no lazaret-checkd; -ETIMEDOUT; -E2BIG: more
 * groups than CHECKER_GROUPS_MAX.
 */
NODISCARD int checker_connect(const char *path, const struct checker_identity *identity);

struct checker;
struct check;

struct checker_events {
	/* The rights are known, or the configuration has changed and they are others. May be NULL. */
	void (*rights)(void *data, const struct check_rights *rights);
	/*
	 * The connection is gone. Every check that ran has had its callback, as a refusal by
	 * "checker-lost"; new ones get the same until checker_attach(). May be NULL.
	 */
	void (*lost)(void *data);
};

/* Takes `fd`, also on failure. `events` and `data` must outlive the checker. */
NODISCARD int checker_create(struct wl_event_loop *loop, int fd,
			     const struct checker_events *events, void *data,
			     struct checker **ret_checker);
/* Another connection in the place of a lost one. Takes `fd`, also on failure. */
NODISCARD int checker_attach(struct checker *checker, int fd);
/* Cancels all checks. NULL is allowed. Not from within a callback of its own. */
void checker_destroy(struct checker *checker);

/* Nothing is allowed before the first `rights` event. */
struct check_rights checker_rights(const struct checker *checker);

struct check_request {
	/*
	 * A regular file, readable, which nobody can change any more. Borrowed: a duplicate travels.
	 * It is read by pread(2) from 0 to its end; its position does not matter.
	 */
	int fd;
	/* Relative to the folder, as the person sees it; only the last part matters for the policy. */
	const char *name;
	enum check_direction direction;
	/*
	 * The content's SHA-256, by who has hashed it already, or NULL. What is known of a large file is
	 * looked up by it; what is found out is never remembered by it.
	 */
	const uint8_t *sha256;
	const char *address; /* the workstation's, for the log; "" if unknown */
	/*
	 * Nothing comes of it but the verdict: no count, no notice, no quarantine. Its text has every
	 * reason, one a line: rule, option, sentence, with tabs between.
	 */
	bool dry_run;
};

/* May start another check, or cancel others; must not destroy the checker. */
typedef void (*check_done)(void *data, const struct check_verdict *verdict);

/*
 * Begins a check. `done` is called exactly once, later, from the loop; never from within this call.
 * The verdict is bound to the bytes behind `fd`; serve those and no others. A file that passed has
 * been counted for the day's volume. -EBUSY, -ENOMEM, -EINVAL (a name or address that is too long):
 * then `done` is not called, and *ret_check is not written.
 */
NODISCARD int checker_start(struct checker *checker, const struct check_request *request,
			    check_done done, void *data, struct check **ret_check);
/* `done` will not be called; what runs is ended. Not after `done` was called. */
void check_cancel(struct check *check);

#endif
