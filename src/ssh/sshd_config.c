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
	/* For the language of the menu; lazaret-admin makes one of two words of it. */
	"AcceptEnv LANG LC_ALL LC_MESSAGES\n"
	"PrintLastLog no\n"
	"PrintMotd no\n"
	"ExposeAuthInfo no\n"
	/* Limits. */
	"MaxAuthTries 3\n"
	"ClientAliveInterval 60\n"
	"ClientAliveCountMax 3\n"
	"UnusedConnectionTimeout 60\n"
	"PidFile none\n"
	"LogLevel VERBOSE\n";

/* Users may have to wait for their turn, after typing errors; and there are more of them. */
static const char limits_admin[] = "LoginGraceTime 30\n"
				   "MaxSessions 4\n"
				   "MaxStartups 10:30:60\n"
				   "PerSourceMaxStartups 10\n";
static const char limits_files[] = "LoginGraceTime 120\n"
				   "MaxSessions 10\n"
				   "MaxStartups 50:30:200\n"
				   "PerSourceMaxStartups 20\n";

static void write_methods(const char *indent, bool key, bool password, const char *methods,
			  FILE *out)
{
	fprintf(out, "%sPubkeyAuthentication %s\n", indent, key ? "yes" : "no");
	fprintf(out, "%sPasswordAuthentication %s\n", indent, password ? "yes" : "no");
	fprintf(out, "%sKbdInteractiveAuthentication %s\n", indent, password ? "yes" : "no");
	fprintf(out, "%sAuthenticationMethods %s\n", indent, methods);
}

static void write_admin_login(const struct conf *conf, FILE *out)
{
	enum conf_admin_login login = (enum conf_admin_login)conf_int(conf, CONF_ADMIN_LOGIN);
	static const char *const methods[] = {
		[CONF_ADMIN_LOGIN_KEY] = "publickey",
		[CONF_ADMIN_LOGIN_PASSWORD] = "password keyboard-interactive",
		[CONF_ADMIN_LOGIN_EITHER] = "any",
		[CONF_ADMIN_LOGIN_BOTH] = "publickey,password publickey,keyboard-interactive",
	};

	write_methods("", login != CONF_ADMIN_LOGIN_PASSWORD, login != CONF_ADMIN_LOGIN_KEY,
		      methods[login], out);
}

static void write_files_login(const struct conf *conf, const char *indent, FILE *out)
{
	enum conf_sftp_login login = (enum conf_sftp_login)conf_int(conf, CONF_SFTP_LOGIN);
	static const char *const methods[] = {
		[CONF_SFTP_LOGIN_KEY] = "publickey",
		[CONF_SFTP_LOGIN_PASSWORD] = "password keyboard-interactive",
		/* "any" may be said once only, and administration may have said it. */
		[CONF_SFTP_LOGIN_EITHER] = "publickey password keyboard-interactive",
	};

	write_methods(indent, login != CONF_SFTP_LOGIN_PASSWORD, login != CONF_SFTP_LOGIN_KEY,
		      methods[login], out);
}

static bool write_roles(const struct conf *conf, const char *before, const char *after, FILE *out)
{
	bool any = false;

	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *group = role_group(conf, (enum role_index)i);

		if (group[0])
			fprintf(out, "%s%s%s", before, group, after);
		any = any || group[0];
	}
	return any;
}

static void write_addresses(const struct network_list *list, const char *before, const char *after,
			    FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; list && i < list->n; i++)
		fprintf(out, "%s%s%s", before, network_format(&list->items[i], text), after);
}

/* Each of both must hold: a group, and an address of a network of its own. */
static void write_who(const struct sshd_spec *spec, FILE *out)
{
	bool roles = spec->administrators && write_roles(spec->conf, "AllowGroups \"", "\"\n", out);
	bool nobody = spec->administrators && (!roles || spec->administrators->n == 0);

	if (spec->workstations) {
		fprintf(out, "AllowGroups \"%s\"\n", conf_str(spec->conf, CONF_USERS_GROUP));
		nobody = spec->workstations->n == 0;
		if (!spec->administrators)
			(void)write_roles(spec->conf, "DenyGroups \"", "\"\n", out);
	}
	/* Of no list at all, sshd would make that everybody is on it. */
	if (nobody)
		fputs("DenyUsers *\n", out);
	write_addresses(spec->administrators, "AllowUsers *@", "\n", out);
	write_addresses(spec->workstations, "AllowUsers *@", "\n", out);
	fputs("DenyUsers root\n", out);
}

/* From elsewhere there is no way to log in at all. `which` is a further condition, or "". */
static void write_elsewhere(const struct network_list *from, const char *which, FILE *out)
{
	fprintf(out, "Match %sAddress *", which);
	write_addresses(from, ",!", "", out);
	fputs("\n"
	      "\tDenyUsers *\n"
	      "\tPubkeyAuthentication no\n"
	      "\tPasswordAuthentication no\n"
	      "\tKbdInteractiveAuthentication no\n",
	      out);
}

/* No program of the person's, no shell, no file of his home: it happens in sshd itself, in his view. */
static void write_files(const struct sshd_spec *spec, const char *indent, FILE *out)
{
	write_files_login(spec->conf, indent, out);
	fprintf(out, "%sChrootDirectory %s/%%U\n", indent, spec->views);
	fprintf(out, "%sForceCommand internal-sftp -d /transfer\n", indent);
	fprintf(out, "%sPermitTTY no\n", indent);
}

static void write_admin(const struct sshd_spec *spec, FILE *out)
{
	write_admin_login(spec->conf, out);
	fprintf(out, "ForceCommand %s\n", spec->command);
	fprintf(out, "SetEnv LAZARET_SOCKET=%s\n", spec->control);
}

/* "Group "a,b" ", "Group "users,!a,!b" ": the condition of a Match. NULL when out of memory. */
static char *who_matches(const struct conf *conf, const char *first, const char *separator)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool begun = first[0];

	if (!out)
		return NULL;
	fprintf(out, "Group \"%s", first);
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *group = role_group(conf, (enum role_index)i);

		if (!group[0])
			continue;
		fprintf(out, "%s%s", begun ? separator : "", group);
		begun = true;
	}
	fputs("\" ", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/*
 * What follows a Match belongs to it, and of what is said twice the first holds. Who holds a role is no
 * user. Without memory nobody is let in.
 */
static void write_both(const struct sshd_spec *spec, FILE *out)
{
	_cleanup_free_ char *users = who_matches(spec->conf, conf_str(spec->conf, CONF_USERS_GROUP),
						 ",!");
	_cleanup_free_ char *administrators = who_matches(spec->conf, "", ",");

	if (!users || !administrators) {
		fputs("DenyUsers *\n", out);
		return;
	}
	write_admin(spec, out);
	write_elsewhere(spec->workstations, users, out);
	write_elsewhere(spec->administrators, administrators, out);
	fprintf(out, "Match %s\n", users);
	write_files(spec, "\t", out);
}

static void write_listen(const struct sshd_spec *spec, enum conf_id option, FILE *out)
{
	for (size_t i = 0; i < conf_list_len(spec->conf, option); i++) {
		const char *address = conf_list_item(spec->conf, option, i);
		bool six = strchr(address, ':');

		fprintf(out, "ListenAddress %s%s%s:%u\n", six ? "[" : "", address, six ? "]" : "",
			spec->port);
	}
}

void sshd_config_write(const struct sshd_spec *spec, FILE *out)
{
	static const char *const keys[] = SSHD_HOST_KEYS;
	const struct conf *conf = spec->conf;

	fputs("# Written by lazaretd from its own configuration; changes here are lost.\n", out);
	write_listen(spec, spec->administrators ? CONF_ADMIN_LISTEN : CONF_SFTP_LISTEN, out);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		fprintf(out, "HostKey \"%s/host_%s\"\n", conf_str(conf, CONF_SSH_DIR), keys[i]);
	fputs(fixed, out);
	fputs(spec->workstations ? limits_files : limits_admin, out);
	fprintf(out, "Banner %s\n", spec->banner ? spec->banner : "none");
	fprintf(out, "AuthorizedKeysFile \"%s/" SSHD_KEYS "/%%u\"\n", conf_str(conf, CONF_SSH_DIR));
	if (spec->workstations)
		fputs("Subsystem sftp internal-sftp\n", out);
	write_who(spec, out);
	if (!spec->workstations) {
		write_admin(spec, out);
		write_elsewhere(spec->administrators, "", out);
	} else if (!spec->administrators) {
		write_files(spec, "", out);
		write_elsewhere(spec->workstations, "", out);
	} else {
		write_both(spec, out);
	}
}
