/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

struct meaning {
	const char *part; /* of what was said */
	const char *sentence;
};

static const struct meaning fetching[] = {
	{"Hash Sum mismatch", "what the server delivered is not what the signed list names: it was "
			      "changed on the way or there; "
			      "nothing of it is used"},
	{"File has unexpected size", "what the server delivered is shorter or longer than the "
				     "signed list says: it was cut or changed; "
				     "nothing of it is used"},
	{"407", "the proxy wants another name or password than those of update-proxy-user and "
		"update-proxy-password-file"},
	{"SOCKS proxy", "the update server does not pass us on to the address of the repository: "
			"compare update-url with "
			"PermitOpen there, and see whether its web server runs"},
	{"Certificate verification failed",
	 "the server's certificate is not one that update-ca or the system trusts for this name"},
	{"NO_PUBKEY", "the list is signed with a key that is not this system's (update-keyring)"},
	{"BADSIG", "the list was changed after it was signed"},
	{"EXPKEYSIG",
	 "the key that signs the list has expired; install the new one (update-keyring)"},
	{"is expired", "the list has expired: the repository is no longer renewed, or somebody "
		       "shows us an old one"},
	{"is not valid yet",
	 "the list is of the future: see whether the clock of this host is right"},
	{"NOSPLIT",
	 "a web page came instead of the list: on the way there is something that wants a login"},
	{"302", "the server sends us to another address, as what wants a login does; that is not "
		"followed"},
	{"307", "the server sends us to another address, as what wants a login does; that is not "
		"followed"},
	{"301", "the server sends us to another address; write that one into update-url"},
	{"Redirection", "the server sends us to another address, as what wants a login does; that "
			"is not followed"},
	{"401", "the server wants a name and a password, which this method does not have"},
	{"403",
	 "the server refuses: it does not let this host, or this proxy, have the repository"},
	{"404",
	 "there is nothing at this address: compare update-url and update-suite with the server"},
	{"Could not resolve", "the name of the server or proxy has no address"},
	{"Temporary failure resolving", "the name of the server or proxy could not be resolved"},
	{"onnection refused",
	 "nothing listens there: the server or proxy does not run, or not on this port"},
	{"onnection timed out", "no answer: a packet filter on the way, or the server is off"},
	{"Network is unreachable", "there is no route to the server"},
	{"No route to host", "there is no route to the server"},
	{"No space left", "the disk is full"},
	{"don't have enough free space", "the disk has no room for the packages"},
	{"Could not connect", "the server or proxy was not reached"},
	{"Could not handshake", "the server does not speak TLS there as it should"},
};

static const struct meaning tunnelling[] = {
	{"Host key verification failed",
	 "the server that answers is not the one whose key is in update-host-key: somebody stands "
	 "in "
	 "between, or it has a new key, which its operator can confirm"},
	{"no matching host key type", "the server that answers has no key of the kind of "
				      "update-host-key: it is another one, or it has a "
				      "new key, which its operator can confirm"},
	{"Permission denied", "the update server refuses the account or the key: see "
			      "update-account and update-key-file, and "
			      "whether the operator has entered the public key"},
	{"Could not resolve", "the name of the update server (update-server) has no address"},
	{"Connection refused", "nothing listens on this port of the update server (update-port)"},
	{"Connection timed out",
	 "no answer from the update server: a packet filter on the way, or it is off"},
	{"No route to host", "there is no route to the update server"},
	{"Network is unreachable", "there is no route to the update server"},
	{"banner exchange", "what answers on this port is no SSH server"},
	{"kex_exchange_identification",
	 "what answers on this port is no SSH server, or hangs up on us"},
	{"invalid format", "the key in update-key-file is none that ssh can read"},
	{"error in libcrypto", "the key in update-key-file is none that ssh can read"},
};

static const struct meaning installing[] = {
	{"No space left on device", "the disk is full"},
	{"don't have enough free space", "the disk is full"},
	{"trying to overwrite", "a package wants a file that another package has"},
	{"dependency problems", "a package needs another one that is not there"},
	{"unmet dependencies", "a package needs another one that is not there"},
	{"Could not get lock", "another program installs packages at the moment"},
};

static const struct meaning *find(const struct meaning *meanings, size_t n, const char *said)
{
	for (size_t i = 0; i < n; i++) {
		if (strstr(said, meanings[i].part))
			return &meanings[i];
	}
	return NULL;
}

/* The first line that begins with `start`, or else the last one that is not empty; made fit to show. */
static void pick_line(const char *said, const char *start, char *out, size_t size)
{
	const char *line = said, *best = "";

	while (*line) {
		size_t n = strcspn(line, "\n");

		if (strncmp(line, start, strlen(start)) == 0) {
			best = line + strlen(start);
			break;
		}
		if (n > 0)
			best = line;
		line += n + (line[n] == '\n');
	}
	str_sanitize(out, size, best, strcspn(best, "\r\n"));
}

static void write_sentence(const struct meaning *meaning, const char *otherwise, const char *said,
			   const char *start, char *out, size_t size)
{
	char line[256];

	pick_line(said, start, line, sizeof(line));
	snprintf(out, size, "%s%s%s%s", meaning ? meaning->sentence : otherwise,
		 line[0] ? " (" : "", line, line[0] ? ")" : "");
}

void explain_fetch(const char *said, char *out, size_t size)
{
	write_sentence(find(fetching, ARRAY_LEN(fetching), said), "it could not be fetched", said,
		       "E: ", out, size);
}

void explain_ssh(const char *said, char *out, size_t size)
{
	write_sentence(find(tunnelling, ARRAY_LEN(tunnelling), said),
		       "the connection to the update server could not be made", said, "\1", out,
		       size);
}

/* "post-installation script", "pre-removal script": whose failure dpkg tells in words of its own. */
static const char *failed_script(const char *said)
{
	const char *place = strstr(said, " script subprocess returned error");

	if (!place)
		place = strstr(said, " script subprocess was killed");
	return place;
}

void explain_dpkg(const char *said, char *out, size_t size)
{
	const struct meaning *meaning = find(installing, ARRAY_LEN(installing), said);
	const char *package = strstr(said, "dpkg: error processing ");

	if (!meaning && failed_script(said) && package)
		write_sentence(NULL, "a package's own script has failed", package,
			       "dpkg: error processing ", out, size);
	else
		write_sentence(meaning, "the packages could not be installed", said,
			       "dpkg: error processing ", out, size);
}
