/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration of an OpenSSH server of ours, from the site's. It is whole: nothing of
 * /etc/ssh/sshd_config or of a person's home has a say.
 */
#ifndef LAZARET_SSH_SSHD_CONFIG_H
#define LAZARET_SSH_SSHD_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "net/network.h"

/* Below the option ssh-directory. */
#define SSHD_KEYS "keys"
/* Host keys, as ssh-keygen -t calls their kinds; their files are "host_<kind>". */
#define SSHD_HOST_KEYS             \
	{                          \
		"ed25519", "ecdsa" \
	}

struct sshd_spec {
	const struct conf *conf;
	uint16_t port;
	const char *banner; /* a file, or NULL */

	/* Administration: NULL if this one does not serve it. */
	const struct network_list *administrators; /* from where they may connect */
	const char *command; /* absolute; all that ever runs for an administrator */
	const char *control; /* the control socket, for that command */

	/* Files of users: NULL if this one does not serve them. */
	const struct network_list *workstations;
	const char *views; /* absolute; the folder of the users' views, by uid */
};

/*
 * Administration: holders of roles from the administration network get the one command and nothing
 * else. Files: members of the users' group who hold no role get, from the workstations, SFTP in their
 * view and nothing else. One server may do both, when both are on one port. Values were checked by
 * conf_check().
 */
void sshd_config_write(const struct sshd_spec *spec, FILE *out);

#endif
