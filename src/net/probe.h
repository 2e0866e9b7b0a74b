/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trying one port of a path: what is asked of it, and what came of it. Each attempt is made by a
 * process of its own (lazaret-pathprobe), which has given up everything but one socket before the
 * first byte of the peer arrives; what it reports is read as bytes from outside.
 */
#ifndef LAZARET_NET_PROBE_H
#define LAZARET_NET_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "net/network.h"
#include "net/path.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/* Bytes of a job and of a result as they travel. */
#define PROBE_JOB_MAX 8192
#define PROBE_RESULT_MAX 4096
#define PROBE_NAME_MAX 255
#define PROBE_DETAIL_MAX 200
/* Addresses of a name that are tried; it may have more. */
#define PROBE_ADDRESSES_MAX 4
/* Name servers that a cell asks. */
#define PROBE_SERVERS_MAX 3

enum probe_check {
	PROBE_RESOLVE, /* a name, not a port */
	PROBE_OPEN, /* the port is open, whatever is there */
	PROBE_SSH,
	PROBE_HTTP,
	PROBE_HTTPS,
	PROBE_PROXY, /* an HTTP proxy, asked for a page of `name` */
	PROBE_SSH_OR_HTTP,
	PROBE_SMTP,
	PROBE_POP3,
	PROBE_POP3S,
	PROBE_IMAP,
	PROBE_IMAPS,
	PROBE_LDAP,
	PROBE_LDAPS,
	PROBE_KERBEROS,
	PROBE_DNS,
	PROBE_NTP,
	PROBE_SNMP,
	PROBE_NRPE,
	PROBE_SYSLOG,
	PROBE_RELP,
	PROBE_RELP_TLS,
	PROBE_RDP,
	PROBE_ICA,
	PROBE_ICA_BROWSE,
	PROBE_RFB,
	PROBE_STUN,
	PROBE_CHECK_COUNT,
};

enum probe_verdict {
	PROBE_WORKS,
	PROBE_REFUSED, /* reached; nothing listens */
	PROBE_FILTERED, /* no answer, or somebody on the way says no */
	PROBE_WRONG, /* answers, but not as it should */
	PROBE_UNRESOLVED, /* the name has no address */
	PROBE_UNREACHABLE, /* there is no way, or no such host on the link */
	PROBE_SENT, /* gone out; the protocol has no answer */
	PROBE_UNTRIED,
	PROBE_VERDICT_COUNT,
};

struct probe_job {
	enum probe_check check;
	enum path_proto proto;
	struct network address; /* one address */
	uint16_t port;
	char host[PROBE_NAME_MAX + 1]; /* as the site calls it; empty: by its address only */
	char name[PROBE_NAME_MAX +
		  1]; /* what to ask for: a name to resolve, a realm, a page's host */
	uid_t uid;
	gid_t gid;
	uint32_t timeout_ms; /* for connecting, and again for answering */
	bool in_cell; /* a descriptor of a network namespace comes along */
	struct network servers[PROBE_SERVERS_MAX]; /* that resolve names in a cell */
	size_t n_servers;
};

struct probe_result {
	enum probe_verdict verdict;
	uint32_t ms;
	char detail[PROBE_DETAIL_MAX + 1]; /* printable; may be empty */
	struct network addresses[PROBE_ADDRESSES_MAX];
	size_t n_addresses;
};

/* "SSH" */
const char *probe_check_name(enum probe_check check);
/* "works", "answers, but not as it should" */
const char *probe_verdict_name(enum probe_verdict verdict);
/* What is spoken on a port of a path. */
enum probe_check probe_check_for(enum path_id id, const struct path_port *port, bool proxied);

void probe_job_put(const struct probe_job *job, struct buf *out);
NODISCARD int probe_job_get(struct cursor *c, struct probe_job *ret_job);
void probe_result_put(const struct probe_result *result, struct buf *out);
/* -EPROTO if it is no result; the detail is made printable. */
NODISCARD int probe_result_get(struct cursor *c, struct probe_result *ret_result);

#endif
