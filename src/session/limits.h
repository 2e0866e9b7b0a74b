/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others can make grow in a session's process, and how long things may take. */
#ifndef LAZARET_SESSION_LIMITS_H
#define LAZARET_SESSION_LIMITS_H

/* Bytes of the configuration that the monitor hands over. */
#define SESSION_CONFIG_MAX (1 << 20)
/* Bytes of a login as it was typed. */
#define LOGIN_USER_MAX 1024
#define LOGIN_PASSWORD_MAX 1024
#define NAME_TYPED_MAX 255 /* longer ones are refused unseen */
#define ADDRESS_MAX 64
#define REASON_MAX 512
#define RESOLV_CONF_MAX 8192

/* Groups of an account that are looked at. */
#define ACCOUNT_GROUPS_MAX 4096
/* First uid of people; below are the system's accounts. */
#define ACCOUNT_UID_MIN 1000

/* Tasks of a display: it needs one, and what the library starts. */
#define DISPLAY_TASKS_MAX 16

/* Texts that wait to be drawn; a display that asks for more is out of order. */
#define TEXTS_MAX 8
/* A text that takes longer is given up; ms. */
#define TEXT_TIMEOUT 5000

/* From the start of the cell until its browser has a renderer that can be looked at; ms. As long as
 * there is none nobody is in danger, and a browser on a busy machine may take its time. */
#define SANDBOX_TIMEOUT 240000
#define SANDBOX_POLL 200
/* A renderer that was just forked may be unconfined so long; ms. */
#define SANDBOX_GRACE 10000

/* A browser that crashes twice within this ends its session; seconds. */
#define BROWSER_STEADY 60

/* Ending: for the browser to close in order, for a farewell to be read, for the rest; ms. */
#define END_BROWSER 3000
#define END_FAREWELL 4000
#define END_RETRY 50
#define END_TRIES 100

/* Before the session limit strikes, a notice; seconds. */
#define LIMIT_WARNING 300

#endif
