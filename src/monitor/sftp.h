/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logins over SFTP. sshd does SSH; its PAM module (ssh/pam_lazaret.c) asks us, and what is done with the
 * name and the password is what is done with a viewer's: the same delays by address and account, the same
 * process, the same PAM service. Failures of the one count for the other.
 *
 *	sftp.c	who asks, from the question to the answer
 *	lock.c	the processes: one a login, of which one a user becomes the parent of his lazaret-lockd
 */
#ifndef LAZARET_MONITOR_SFTP_H
#define LAZARET_MONITOR_SFTP_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

#include "base/attr.h"
#include "ipc/message.h"
#include "ipc/process.h"
#include "monitor/address.h"
#include "monitor/throttle.h"

/* In the runtime directory; root alone may connect. */
#define SFTP_SOCKET "sftp-login"

struct handover;
struct handover_view;
struct lock;
struct monitor;
struct sftp;

/* A process of sshd that waits for our answer. */
struct sftp_login {
	struct wl_list link; /* sftp.logins */
	struct sftp *sftp;
	struct ipc_channel *channel;
	char *user, *password; /* of a key: no password */
	char *address;
	bool key, has_ticket, asked;
	struct throttle_ticket ticket;
	uint64_t check_started; /* monotonic us */
	struct wl_event_source *timer;
	enum login_answer answer; /* when the timer has ended */
	bool answering;
	struct lock *lock; /* that checks it, or that it waits for */
};

NODISCARD int sftp_create(struct monitor *monitor, struct sftp **ret_sftp);
/*
 * Across an execution of ourselves: views go on, who is just logging in has to do it again. -EBUSY: a
 * view is just beginning or ending.
 */
NODISCARD int sftp_save(struct sftp *sftp, struct handover *handover);
NODISCARD int sftp_restore(struct monitor *monitor, const struct handover *handover,
			   struct sftp **ret_sftp);
/* Ends all views. */
void sftp_destroy(struct sftp *sftp);

/* --- between sftp.c and lock.c ------------------------------------------------------------------- */
/* Tells it, and forgets it. */
void sftp_answer(struct sftp_login *login, enum login_answer answer);
/* The same, at a moment that says nothing about how long the check took. */
void sftp_refuse(struct sftp_login *login, enum session_refusal why);
struct monitor *sftp_monitor(const struct sftp *sftp);
struct wl_list *sftp_locks(struct sftp *sftp);

/* Starts a process that checks it, and takes over its ticket. */
NODISCARD int lock_check(struct sftp *sftp, struct sftp_login *login);
/* The one who asked is gone. */
void lock_forget_login(struct sftp_login *login);
NODISCARD int lock_save(struct sftp *sftp, struct handover *handover);
NODISCARD int lock_restore(struct sftp *sftp, const struct handover_view *part);
void lock_ask_idle(struct sftp *sftp);
void lock_end_all(struct sftp *sftp);

#endif
