/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One attempt: from the socket to the verdict. Runs in the process that has given up everything. */
#ifndef LAZARET_NET_PROBE_TALK_H
#define LAZARET_NET_PROBE_TALK_H

#include "net/probe.h"
#include "net/probe_link.h"

/* What libraries read from files, before there are none; the job says which. */
struct probe_library;
NODISCARD int probe_library_create(const struct probe_job *job, struct probe_library **ret_library);
void probe_library_destroy(struct probe_library *library);
/* HTTP by libcurl, LDAP by libldap, Kerberos by libkrb5; false if the check is none of them. */
bool probe_library_talk(struct probe_library *library, const struct probe_job *job,
			struct probe_result *result);

/* Tries the port of the job; *result gets verdict and detail, which may have foreign bytes. */
void probe_talk(struct probe_library *library, const struct probe_job *job,
		struct probe_result *result);
/* Looks a name up at the cell's name servers. */
void probe_talk_resolve(const struct probe_job *job, struct probe_result *result);

/* The verdict for a connection that ended or went silent; `error` 0: the peer closed it. */
void probe_talk_broken(const struct probe_link *link, const struct probe_job *job, int error,
		       struct probe_result *result);
/* The verdict for an answer that is none: what came is shown. */
void probe_talk_wrong(const uint8_t *data, size_t len, struct probe_result *result);

#endif
