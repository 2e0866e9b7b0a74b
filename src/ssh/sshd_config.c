/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/sshd_config.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "conf/role.h"

/* What no site has a reason to have otherwise, one subject a paragraph. */
static const char fixed[] =
	/* Algorithms: none that lacks forward secrecy or rests on SHA-1, CBC or short keys. */
	"KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
	"curve25519-sha256@libssh.org,ecdh-sha2-nistp384,ecdh-sha2-nistp256,"
	"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512\n"
	"Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr\n"
	"MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512,"
	"hmac-sha2-256\n"
	"HostKeyAlgorithms ssh-ed25519,ecdsa-sha2-nistp256\n"
	"PubkeyAcceptedAlgorithms ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,"
	"ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,"
	"rsa-sha2-256\n"
	"RequiredRSASize 3072\n"
	"RekeyLimit default 1h\n"
	"Compression no\n"
	"VersionAddendum none\n"
	/* Nobody is root, and nothing but the table of accounts and our folder says who somebody is. */
	"PermitRootLogin no\n"
	"UsePAM yes\n"
	"StrictModes yes\n"
	"PermitEmptyPasswords no\n"
	"HostbasedAuthentication no\n"
	"GSSAPIAuthentication no\n"
	"KerberosAuthentication no\n"
	"AuthorizedKeysCommand none\n"
	"AuthorizedPrincipalsCommand none\n"
	"AuthorizedPrincipalsFile none\n"
	"TrustedUserCAKeys none\n"
	"IgnoreRhosts yes\n"
	"IgnoreUserKnownHosts yes\n"
	"UseDNS no\n"
	/* Nothing but the one command: no forwarding of whatever kind, no file of the person's own. */
	"DisableForwarding yes\n"
	"AllowAgentForwarding no\n"
	"AllowStreamLocalForwarding no\n"
	"AllowTcpForwarding no\n"
	"GatewayPorts no\n"
	"PermitListen none\n"
	"PermitOpen none\n"
	"PermitTunnel no\n"
	"X11Forwarding no\n"
	"PermitUserEnvironment no\n"
	"PermitUserRC no\n"
	"PrintLastLog no\n"
	"PrintMotd no\n"
	"ExposeAuthInfo no\n"
	/* Limits. */
	"LoginGraceTime 30\n"
	"MaxAuthTries 3\n"
	"MaxSessions 4\n"
	"MaxStartups 10:30:60\n"
	"PerSourceMaxStartups 10\n"
	"ClientAliveInterval 60\n"
	"ClientAliveCountMax 3\n"
	"UnusedConnectionTimeout 60\n"
	"PidFile none\n"
	"LogLevel VERBOSE\n";

static void write_login(const struct conf *conf, FILE *out)
{
	enum conf_admin_login login = (enum conf_admin_login)conf_int(conf, CONF_ADMIN_LOGIN);
	bool key = login != CONF_ADMIN_LOGIN_PASSWORD, password = login != CONF_ADMIN_LOGIN_KEY;
	static const char *const methods[] = {
		[CONF_ADMIN_LOGIN_KEY] = "publickey",
		[CONF_ADMIN_LOGIN_PASSWORD] = "password keyboard-interactive",
		[CONF_ADMIN_LOGIN_EITHER] = "any",
		[CONF_ADMIN_LOGIN_BOTH] = "publickey,password publickey,keyboard-interactive",
	};

	fprintf(out, "PubkeyAuthentication %s\n", key ? "yes" : "no");
	fprintf(out, "PasswordAuthentication %s\n", password ? "yes" : "no");
	fprintf(out, "KbdInteractiveAuthentication %s\n", password ? "yes" : "no");
	fprintf(out, "AuthenticationMethods %s\n", methods[login]);
	fprintf(out, "AuthorizedKeysFile \"%s/" SSHD_KEYS "/%%u\"\n", conf_str(conf, CONF_SSH_DIR));
}

/* Each of both must hold: a role, and an address of the administration network. */
static void write_who(const struct sshd_spec *spec, FILE *out)
{
	char text[NETWORK_TEXT_MAX];
	bool any = false;

	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *group = role_group(spec->conf, (enum role_index)i);

		if (group[0])
			fprintf(out, "AllowGroups \"%s\"\n", group);
		any = any || group[0];
	}
	/* Of no list at all, sshd would make that everybody is on it. */
	if (!any || spec->from->n == 0)
		fputs("DenyUsers *\n", out);
	for (size_t i = 0; i < spec->from->n; i++)
		fprintf(out, "AllowUsers *@%s\n", network_format(&spec->from->items[i], text));
	fputs("DenyUsers root\n", out);
}

/* Last, for what follows a Match belongs to it: from elsewhere there is no way to log in at all. */
static void write_elsewhere(const struct sshd_spec *spec, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	fputs("Match Address *", out);
	for (size_t i = 0; i < spec->from->n; i++)
		fprintf(out, ",!%s", network_format(&spec->from->items[i], text));
	fputs("\n"
	      "\tDenyUsers *\n"
	      "\tPubkeyAuthentication no\n"
	      "\tPasswordAuthentication no\n"
	      "\tKbdInteractiveAuthentication no\n",
	      out);
}

void sshd_config_write(const struct sshd_spec *spec, FILE *out)
{
	static const char *const keys[] = SSHD_HOST_KEYS;
	const struct conf *conf = spec->conf;

	fputs("# Written by lazaretd from its own configuration; changes here are lost.\n", out);
	for (size_t i = 0; i < conf_list_len(conf, CONF_ADMIN_LISTEN); i++) {
		const char *address = conf_list_item(conf, CONF_ADMIN_LISTEN, i);
		bool six = strchr(address, ':');

		fprintf(out, "ListenAddress %s%s%s:%u\n", six ? "[" : "", address, six ? "]" : "",
			spec->port);
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		fprintf(out, "HostKey \"%s/host_%s\"\n", conf_str(conf, CONF_SSH_DIR), keys[i]);
	fputs(fixed, out);
	fprintf(out, "Banner %s\n", spec->banner ? spec->banner : "none");
	write_login(conf, out);
	write_who(spec, out);
	fprintf(out, "ForceCommand %s\n", spec->command);
	fprintf(out, "SetEnv LAZARET_SOCKET=%s\n", spec->control);
	write_elsewhere(spec, out);
}
