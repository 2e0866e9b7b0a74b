/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer of the monitor can make grow, and how far. Listed in lazaretd(8). */
#ifndef LAZARET_MONITOR_LIMITS_H
#define LAZARET_MONITOR_LIMITS_H

/* Bytes of a name and a password that a gateway may hand over. */
#define LOGIN_USER_MAX 1024
#define LOGIN_PASSWORD_MAX 1024
/* Bytes of an account's name as NSS gives it. */
#define ACCOUNT_NAME_MAX 255
/* Bytes of a reason or a sentence in any message. */
#define SIBLING_CONFIG_MAX (4 << 20) /* bytes of what a sibling gets at its start */
#define REASON_MAX 512
/* Bytes of a resolv.conf that netd hands over for a cell. */
#define RESOLV_CONF_MAX 8192
/* Bytes of a certificate chain. */
#define CERTIFICATE_MAX 49152
#define PRIVATE_KEY_MAX 65536

/* Remembered failed logins: pairs of address and account name, in all and for one address. */
#define THROTTLE_ENTRIES_MAX 4096
#define THROTTLE_ACCOUNTS_PER_ADDRESS 64
/* Without a new failure for so long, a pair is forgotten; seconds. */
#define THROTTLE_EXPIRY 1800

/* Gateways started: so many at once, then so many a second. */
#define SPAWN_BURST 40
#define SPAWN_RATE 20
/* Accepted in one turn of the loop. */
#define ACCEPT_TURN 16
/* Descriptors that connections never take: for sessions, control and reload. */
#define FD_RESERVE 128
/* How long accepting rests when descriptors or memory are short; ms. */
#define ACCEPT_REST 500
/* Length of the kernel's queue of connections that nobody accepted yet. */
#define LISTEN_BACKLOG 128

/* Beyond the gateway's own deadlines, after which it is ended; seconds. */
#define LOGIN_SLACK 30

/* Connections to the control socket, in all and for one uid. */
#define CONTROL_MAX 32
#define CONTROL_PER_UID 8
/* A control client that says nothing, or takes nothing, for so long is dropped; seconds. */
#define CONTROL_TIMEOUT 30
/* A cell's network is lent for so long; seconds. */
#define LENT_TIMEOUT 600
/* Words of a command, and bytes of one. */
#define CONTROL_WORDS_MAX 16
#define CONTROL_WORD_MAX 512
/* Bytes of a command's arguments in the log. */
#define AUDIT_ARGUMENTS_MAX 512
/*
 * Commands that a lazaretctl of the daemon does, at the same time, and how long one may take; seconds.
 * They ask us as root in their turn, so there are fewer of them than root has connections.
 */
#define TOOLS_MAX 4
#define TOOL_TIMEOUT 600
/* Names of accounts that are remembered, for how long, and how long one is waited for; seconds. */
#define WHO_KNOWN_MAX 64
#define WHO_KEPT 600
#define WHO_TIMEOUT 5

/* Pause before a sibling that died is started again: doubles from min to max; ms. */
#define SIBLING_PAUSE_MIN 100
#define SIBLING_PAUSE_MAX 10000
/* A sibling that lived so long starts over with the smallest pause; seconds. */
#define SIBLING_STEADY 60

/* Logins over SFTP that wait for their answer, in all. */
#define SFTP_LOGINS_MAX 64
/* A view that nobody is in is closed when the last login is so long ago; seconds. It is asked as often. */
#define SFTP_IDLE 300

/* How long the sessions of an earlier monitor have to introduce themselves; ms. */
#define ADOPT_TIMEOUT 5000
/* How long a session may take to end in order before it is killed; seconds. */
#define END_TIMEOUT 15

/*
 * An upgrade: how long the new version is tried out, how long it may stand still while it takes over, and
 * how long it has to bring up its siblings before the version before is taken again; seconds. The last
 * also when a sibling dies so often.
 */
#define UPGRADE_TRIAL_TIMEOUT 60
#define UPGRADE_TAKE_TIMEOUT 60
#define UPGRADE_PROOF 300
#define UPGRADE_DEATHS 3
/* What is just being done is waited for: so often, so long; ms. */
#define UPGRADE_TRIES 100
#define UPGRADE_PAUSE 50
/* How long a sibling of the version before goes on for those who still use it; seconds. */
#define RETIRED_TIMEOUT 60

#endif
