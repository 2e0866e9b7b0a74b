/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the operator's own packet filter between the workstations, the administration network, the
 * internal name servers, the monitoring, the DMZ with this system, and the Internet must do: one
 * ordered list of flows, of which the first that matches decides. Replies to what was let through
 * are let through; the exporters add that in their dialect. Cells are seen from outside under the
 * system's address (their own are translated), so that the system is the only source here.
 *
 *	1. what passes to and from networks that the site names
 *	2. what is shut and should be known to be (remote desktops to us while nothing serves them)
 *	3. the system to addresses that are not public: shut
 *	4. the system to everywhere, on the paths to the Internet
 *	5. workstations to everywhere: shut
 *	6. everything else: shut
 */
#ifndef LAZARET_NET_BORDER_H
#define LAZARET_NET_BORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/attr.h"
#include "net/contract.h"

/* Letters, digits and hyphens, and a NUL: a name in every dialect. */
#define BORDER_NAME_MAX 24
#define BORDER_GROUPS_MAX (PATH_COUNT + 6)
#define BORDER_FLOWS_MAX (2 * PATH_COUNT + 4)

/* Networks that the flows name. Never empty. */
struct border_group {
	char name[BORDER_NAME_MAX];
	const char *what; /* for people */
	const struct contract_path *path; /* whose named hosts these are, or NULL */
	struct network_list networks;
};

struct border_flow {
	char name[BORDER_NAME_MAX]; /* of the path, or of what is shut */
	const struct contract_path *path; /* NULL: belongs to none */
	bool pass;
	bool incoming; /* to the system */
	const struct border_group *from, *to; /* NULL: anywhere */
	const struct path_port *ports; /* borrowed from the contract */
	size_t n_ports; /* 0: every protocol */
	const char *remark;
};

struct border {
	const struct contract *contract; /* borrowed: must live as long */
	const char
		*files; /* borrowed: the configuration's files, as text for people; not trusted */
	char date[32]; /* when the configuration was changed last, UTC */
	struct border_group groups[BORDER_GROUPS_MAX];
	size_t n_groups;
	const struct border_group *system; /* one of them */
	const struct border_group *not_public; /* one of them, or NULL: no path to the Internet */
	struct border_flow flows[BORDER_FLOWS_MAX];
	size_t n_flows;
	/* Of all that the flows say: another one whenever they do another thing. */
	uint32_t fingerprint;
};

/*
 * -ENODATA: the contract knows no address of the system. The caller destroys it. `changed`: the
 * time of the last change of the configuration's files.
 */
NODISCARD int border_create(const struct contract *contract, const char *files, time_t changed,
			    struct border **ret_border);
void border_destroy(struct border *border);
void border_destroyp(struct border **border);
#define _cleanup_border_ CLEANUP(border_destroyp)

/* Whether a packet of that family can match; a group without an address of it never does. */
bool border_flow_has_family(const struct border_flow *flow, int family);
/* Whether one of the ports is of that protocol; true for flows of every protocol. */
bool border_flow_has_proto(const struct border_flow *flow, enum path_proto proto);

/*
 * Writes foreign or long text as a remark: printable ASCII without anything that is special in a
 * dialect (quotes, backslash, hash, question and exclamation mark, angle brackets …), the rest as
 * "_"; at most `most` characters, cut between words. Returns how many were written.
 */
size_t border_put_text(FILE *out, const char *text, size_t most);

#endif
