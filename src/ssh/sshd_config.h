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
	const struct network_list *from; /* who may connect */
	uint16_t port;
	const char *command; /* absolute; all that ever runs for a person */
	const char *control; /* the control socket, for that command */
	const char *banner; /* a file, or NULL */
};

/*
 * Administration: holders of roles from the administration network get the one command and nothing
 * else. Values were checked by conf_check().
 */
void sshd_config_write(const struct sshd_spec *spec, FILE *out);

#endif
