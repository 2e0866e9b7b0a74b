/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets in, and to which session. */
#ifndef LAZARET_MONITOR_LOGIN_H
#define LAZARET_MONITOR_LOGIN_H

#include <stdbool.h>

#include "ipc/message.h"

struct client;
struct monitor;
struct session;

/* Refusals are told a whole number of these after the check began, so that their reasons cannot be
 * told apart by a clock; ms. */
#define LOGIN_PADDING 500

/* The client has handed over name and password: the check waits its turn. */
void login_begin(struct client *client);
/* Its turn has come. */
void login_check(struct client *client);
/* The client is gone, at whatever point. */
void login_forget_client(struct client *client);

/* What the checking process found. */
void login_identified(struct session *login);
void login_refused(struct session *login, enum session_refusal why, const char *reason);
/* A refusal's sentence as it stands here, of a text that was handed over; NULL for NULL. */
const char *login_sentence(const char *text);
/* It is gone, or a session that was to be attached is. */
void login_lost(struct session *session);
/* A session can be attached to; a parked one can be assigned or was. */
void login_ready(struct session *session);
void login_assigned(struct session *parked);
/* A user's earlier session is gone for good: who waited for that goes on. */
void login_retry(struct monitor *monitor);

/* Keeps as many cells parked as the configuration wants. */
void login_park(struct monitor *monitor);

#endif
