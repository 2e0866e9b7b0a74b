/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/apt.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/command.h"

#define PASSWORD_MAX 1024
#define FETCH_ACCOUNT "_apt"

/* --- the way ---------------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			fputc(*text, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*text);
	}
}

static int read_password(const char *path, char **ret_password, FILE *errors)
{
	struct stat status;
	size_t len;
	int r = stat(path, &status) < 0 ? -errno : 0;

	if (r == 0 && (status.st_uid != 0 || (status.st_mode & 077))) {
		fprintf(errors, "%s has to belong to root, and nobody else may read it\n", path);
		return -EINVAL;
	}
	if (r == 0)
		r = fd_read_file(AT_FDCWD, path, PASSWORD_MAX, ret_password, &len);
	if (r < 0) {
		fprintf(errors, "the password for the proxy cannot be read: %s: %s\n", path,
			strerror(-r));
		return -EINVAL;
	}
	(*ret_password)[strcspn(*ret_password, "\r\n")] = '\0';
	return 0;
}

static int put_proxy(const struct conf *conf, FILE *out, FILE *errors)
{
	const char *proxy = conf_str(conf, CONF_UPDATE_PROXY);
	const char *user = conf_str(conf, CONF_UPDATE_PROXY_USER);
	_cleanup_secret_ char *password = NULL;

	if (!proxy[0])
		proxy = conf_str(conf, CONF_PROXY);
	if (!proxy[0]) {
		fputs("updates through the proxy need update-proxy, or proxy\n", errors);
		return -EINVAL;
	}
	if (user[0] &&
	    read_password(conf_str(conf, CONF_UPDATE_PROXY_PASSWORD_FILE), &password, errors) < 0)
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		fprintf(out, "Acquire::%s::Proxy \"http://", i == 0 ? "http" : "https");
		if (user[0]) {
			put_escaped(out, user);
			fputc(':', out);
			put_escaped(out, password);
			fputc('@', out);
		}
		fprintf(out, "%s\";\n", proxy);
	}
	return 0;
}

static int put_way(struct apt *apt, FILE *out, FILE *errors)
{
	const struct conf *conf = apt->store->conf;
	int r;

	switch (conf_int(conf, CONF_UPDATE_METHOD)) {
	case CONF_UPDATE_METHOD_SSH:
		r = tunnel_open(&apt->tunnel, apt->store, errors);
		if (r < 0)
			return r;
		fprintf(out,
			"Acquire::http::Proxy \"socks5h://127.0.0.1:%u\";\n"
			"Acquire::https::Proxy \"socks5h://127.0.0.1:%u\";\n",
			apt->tunnel.port, apt->tunnel.port);
		return 0;
	case CONF_UPDATE_METHOD_PROXY:
		return put_proxy(conf, out, errors);
	default:
		fputs("Acquire::http::Proxy \"DIRECT\";\nAcquire::https::Proxy \"DIRECT\";\n", out);
		return 0;
	}
}

/* --- the configuration ------------------------------------------------------------------------ */

static void put_places(const struct apt *apt, FILE *out)
{
	const struct store *store = apt->store;

	fprintf(out,
		"Dir::Etc::main \"/dev/null\";\n"
		"Dir::Etc::parts \"%s/\";\n"
		"Dir::Etc::sourcelist \"%s/sources.list\";\n"
		"Dir::Etc::sourceparts \"%s/\";\n"
		"Dir::Etc::preferences \"/dev/null\";\n"
		"Dir::Etc::preferencesparts \"%s/\";\n"
		"Dir::Etc::netrc \"/dev/null\";\n"
		"Dir::Etc::netrcparts \"%s/\";\n"
		"Dir::Etc::trusted \"/dev/null\";\n"
		"Dir::Etc::trustedparts \"%s/\";\n",
		store_file(store, "none"), store->runtime, store_file(store, "none"),
		store_file(store, "none"), store_file(store, "none"), store_file(store, "none"));
	fprintf(out,
		"Dir::State::lists \"%s/\";\n"
		"Dir::Cache \"%s/\";\n"
		"Dir::Cache::archives \"%s/\";\n"
		"Dir::Log \"%s/\";\n",
		store_file(store, "lists"), store_file(store, "cache"),
		store_file(store, "cache/archives"), store_file(store, "cache"));
}

static const char fixed[] =
	/* What comes has to be signed, unexpired, and no older than what was there. */
	"Acquire::AllowInsecureRepositories \"false\";\n"
	"Acquire::AllowWeakRepositories \"false\";\n"
	"Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
	"APT::Get::AllowUnauthenticated \"false\";\n"
	"Acquire::Check-Valid-Until \"true\";\n"
	"Acquire::Check-Date \"true\";\n"
	"APT::Update::Error-Mode \"any\";\n"
	"Acquire::ForceHash \"SHA256\";\n"
	/* A login page of a network must not lead elsewhere. */
	"Acquire::http::AllowRedirect \"false\";\n"
	"Acquire::https::AllowRedirect \"false\";\n"
	"Acquire::http::Timeout \"30\";\n"
	"Acquire::https::Timeout \"30\";\n"
	"Acquire::Retries \"1\";\n"
	"Acquire::Languages \"none\";\n"
	"Acquire::GzipIndexes \"true\";\n"
	"APT::Install-Recommends \"false\";\n"
	"APT::Color \"0\";\n"
	"DPkg::Lock::Timeout \"600\";\n"
	"Dpkg::Use-Pty \"0\";\n"
	/* What administrators have changed in /etc stays. */
	"Dpkg::Options { \"--force-confdef\"; \"--force-confold\"; };\n"
	"quiet \"1\";\n";

static int write_file(const struct store *store, const char *name, mode_t mode, const char *text,
		      size_t len)
{
	_cleanup_fd_ int dir = open(store->runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : fd_write_file_atomic(dir, name, mode, text, len);
}

static int write_config(struct apt *apt, bool fetch, FILE *errors)
{
	const char *ca = conf_str(apt->store->conf, CONF_UPDATE_CA);
	_cleanup_secret_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r = 0;

	if (!out)
		return -ENOMEM;
	put_places(apt, out);
	fputs(fixed, out);
	if (ca[0])
		fprintf(out, "Acquire::https::CAInfo \"%s\";\n", ca);
	if (fetch)
		r = put_way(apt, out, errors);
	if (fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	return r < 0 ? r : write_file(apt->store, "apt.conf", 0600, text, len);
}

static int write_sources(const struct apt *apt)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < apt->sources.n; i++) {
		const struct source *source = &apt->sources.items[i];

		fprintf(out, "deb [signed-by=%s] %s %s %s\n", source->keyring, source->url,
			source->suite, source->components);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	return write_file(apt->store, "sources.list", 0644, text, len);
}

static int make_folders(struct apt *apt)
{
	static const struct {
		const char *name;
		mode_t mode;
		bool fetches;
	} folders[] = {
		{"none", 0755, false},           {"lists", 0755, false},
		{"lists/partial", 0700, true},   {"cache", 0755, false},
		{"cache/archives", 0755, false}, {"cache/archives/partial", 0700, true},
		{APT_FETCHED, 0700, true},
	};
	const struct passwd *account = getpwnam(FETCH_ACCOUNT);
	int r = 0;

	apt->uid = account ? account->pw_uid : 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
		r = store_folder(apt->store, folders[i].name, folders[i].mode,
				 folders[i].fetches ? apt->uid : 0);
	return r;
}

int apt_open(struct apt *apt, const struct store *store, bool fetch, FILE *errors)
{
	int r;

	*apt = (struct apt){.store = store};
	r = sources_take(store->conf, &apt->sources, errors);
	if (r < 0)
		return r;
	snprintf(apt->config, sizeof(apt->config), "APT_CONFIG=%s/apt.conf", store->runtime);
	r = make_folders(apt);
	if (r == 0)
		r = write_sources(apt);
	if (r == 0)
		r = write_config(apt, fetch, errors);
	if (r < 0 && r != -EINVAL)
		fprintf(errors, "the folder %s cannot be filled: %s\n", store->path, strerror(-r));
	if (r < 0)
		apt_close(apt);
	return r < 0 ? -EINVAL : 0;
}

void apt_close(struct apt *apt)
{
	char path[PATH_MAX + 16];

	tunnel_close(&apt->tunnel);
	if (!apt->store)
		return;
	/* It may hold the proxy's password. */
	snprintf(path, sizeof(path), "%s/apt.conf", apt->store->runtime);
	(void)unlink(path);
}

int apt_run(const struct apt *apt, const char *const *argv, int seconds, int copy, char **ret_said,
	    int *ret_status)
{
	const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
				   "LANG=C.UTF-8",
				   "LC_ALL=C.UTF-8",
				   "DEBIAN_FRONTEND=noninteractive",
				   "APT_LISTCHANGES_FRONTEND=none",
				   "NEEDRESTART_SUSPEND=1",
				   apt->config,
				   NULL};

	return command_run(
		&(const struct command){.argv = argv, .env = env, .seconds = seconds, .copy = copy},
		ret_said, ret_status);
}
