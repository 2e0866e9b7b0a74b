/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/explain.h"
#include "update/limits.h"

#define KEY_MAX 65536
#define SAID_MAX 16384
#define ARGUMENTS_MAX 64
/* Between two looks whether ssh listens. */
#define LOOK_MS 50

struct words {
	const char *argv[ARGUMENTS_MAX];
	char text[4096];
	size_t n, used;
};

static void add(struct words *words, const char *word)
{
	if (words->n + 1 < ARGUMENTS_MAX)
		words->argv[words->n++] = word;
}

static void PRINTF(2, 3) add_format(struct words *words, const char *fmt, ...)
{
	size_t left = sizeof(words->text) - words->used;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(words->text + words->used, left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left)
		return;
	add(words, words->text + words->used);
	words->used += (size_t)n + 1;
}

/* --- what ssh reads --------------------------------------------------------------------------- */

static int write_for(const char *folder, const char *name, uid_t uid, const void *data, size_t len)
{
	char path[PATH_MAX + 32];
	_cleanup_fd_ int fd = -1;
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	return r == 0 && fchown(fd, uid, (gid_t)-1) < 0 ? -errno : r;
}

/* The key as root keeps it: nobody else may read it where it lies. */
static int read_key(const char *path, char **ret_key, size_t *ret_len, FILE *errors)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0) {
		fprintf(errors,
			"the key for the update server cannot be read: %s: %s; make one with "
			"ssh-keygen -t ed25519 -N '' -f %s and give %s.pub to its operator\n",
			path, strerror(errno), path, path);
		return -EINVAL;
	}
	if (status.st_uid != 0 || (status.st_mode & 077)) {
		fprintf(errors, "%s has to belong to root, and nobody else may read it\n", path);
		return -EINVAL;
	}
	r = fd_read_all(fd, KEY_MAX, ret_key, ret_len);
	if (r < 0)
		fprintf(errors, "%s: %s\n", path, strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

static void clear_folder(const char *folder)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/id", folder);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/known_hosts", folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

static int fill_folder(const struct store *store, const char *folder, uid_t uid, FILE *errors)
{
	_cleanup_free_ char *key = NULL;
	char host[1024];
	size_t len;
	int r = read_key(conf_str(store->conf, CONF_UPDATE_KEY_FILE), &key, &len, errors);

	if (r < 0)
		return r;
	clear_folder(folder);
	if (mkdir(folder, 0700) < 0)
		r = -errno;
	snprintf(host, sizeof(host), "update-server %s\n",
		 conf_str(store->conf, CONF_UPDATE_HOST_KEY));
	if (r == 0)
		r = write_for(folder, "known_hosts", uid, host, strlen(host));
	if (r == 0)
		r = write_for(folder, "id", uid, key, len);
	if (r == 0 && chown(folder, uid, (gid_t)-1) < 0)
		r = -errno;
	mem_wipe(key, len);
	if (r < 0)
		fprintf(errors, "%s cannot be filled: %s\n", folder, strerror(-r));
	return r;
}

/* --- ssh -------------------------------------------------------------------------------------- */

static int free_port(uint16_t *ret_port)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	*ret_port = ntohs(address.sin_port);
	return 0;
}

/* The kind of key comes first, and is what the server is asked for. */
static void put_command(struct words *words, const struct store *store, const char *folder,
			const struct passwd *account, uint16_t port)
{
	static const char *const fixed[] = {"--clear-groups",
					    "--no-new-privs",
					    "--inh-caps=-all",
					    "--pdeathsig=KILL",
					    "/usr/bin/ssh",
					    "-F",
					    "none",
					    "-N",
					    "-T",
					    "-oBatchMode=yes",
					    "-oStrictHostKeyChecking=yes",
					    "-oGlobalKnownHostsFile=none",
					    "-oUpdateHostKeys=no",
					    "-oHostKeyAlias=update-server",
					    "-oCheckHostIP=no",
					    "-oIdentitiesOnly=yes",
					    "-oIdentityAgent=none",
					    "-oPreferredAuthentications=publickey",
					    "-oExitOnForwardFailure=yes",
					    "-oClearAllForwardings=no",
					    "-oConnectTimeout=20",
					    "-oServerAliveInterval=15",
					    "-oServerAliveCountMax=4",
					    "-oLogLevel=ERROR"};
	const char *key = conf_str(store->conf, CONF_UPDATE_HOST_KEY);

	add(words, "/usr/bin/setpriv");
	add_format(words, "--reuid=%u", account->pw_uid);
	add_format(words, "--regid=%u", account->pw_gid);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		add(words, fixed[i]);
	/* RSA keys are named by what they are, and used with SHA-2. */
	if (strncmp(key, "ssh-rsa ", 8) == 0)
		add(words, "-oHostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256");
	else
		add_format(words, "-oHostKeyAlgorithms=%.*s", (int)strcspn(key, " "), key);
	add_format(words, "-oUserKnownHostsFile=%s/known_hosts", folder);
	add_format(words, "-i%s/id", folder);
	add_format(words, "-D127.0.0.1:%u", port);
	add_format(words, "-p%s", conf_word(store->conf, CONF_UPDATE_PORT));
	add_format(words, "-l%s", conf_str(store->conf, CONF_UPDATE_ACCOUNT));
	add(words, "--");
	add(words, conf_str(store->conf, CONF_UPDATE_SERVER));
	words->argv[words->n] = NULL;
}

static bool listens(uint16_t port)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* It listens when it has logged in; before that, or when it fails, it ends. */
static bool wait_for(const struct tunnel *tunnel)
{
	uint64_t until = clock_now() + TUNNEL_TIMEOUT * USEC_PER_SEC;
	struct pollfd end = {.fd = tunnel->child.pidfd, .events = POLLIN};

	while (clock_now() < until) {
		if (poll(&end, 1, LOOK_MS) > 0)
			return false;
		if (listens(tunnel->port))
			return true;
	}
	return false;
}

static void tell(const struct tunnel *tunnel, FILE *errors)
{
	char said[SAID_MAX], sentence[1024];
	ssize_t n;

	(void)!fd_set_nonblock(tunnel->said, true);
	n = read(tunnel->said, said, sizeof(said) - 1);
	said[MAX(n, 0)] = '\0';
	explain_ssh(said, sentence, sizeof(sentence));
	fprintf(errors, "%s\n", sentence);
}

static int start(struct tunnel *tunnel, const struct store *store, const char *folder,
		 const struct passwd *account)
{
	struct words words = {0};
	int fds[2], r = free_port(&tunnel->port);

	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	tunnel->said = fds[0];
	put_command(&words, store, folder, account, tunnel->port);
	r = spawn(&(const struct spawn){.path = words.argv[0],
					.argv = words.argv,
					.stderr_fd = fds[1]},
		  &tunnel->child);
	close(fds[1]);
	return r;
}

static int check_conf(const struct conf *conf, FILE *errors)
{
	static const enum conf_id needed[] = {CONF_UPDATE_SERVER, CONF_UPDATE_ACCOUNT,
					      CONF_UPDATE_HOST_KEY, CONF_UPDATE_KEY_FILE};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (conf_str(conf, needed[i])[0])
			continue;
		fprintf(errors, "updates over SSH need %s\n", conf_row(needed[i])->name);
		return -EINVAL;
	}
	return 0;
}

int tunnel_open(struct tunnel *tunnel, const struct store *store, FILE *errors)
{
	const char *name = conf_str(store->conf, CONF_UPDATE_USER);
	const struct passwd *account = getpwnam(name);
	char folder[PATH_MAX + 8];
	int r = check_conf(store->conf, errors);

	*tunnel = (struct tunnel){.child.pidfd = -1, .said = -1};
	if (r < 0)
		return r;
	if (!account || account->pw_uid == 0) {
		fprintf(errors, "there is no account \"%s\" (update-user) to run ssh\n", name);
		return -EINVAL;
	}
	snprintf(folder, sizeof(folder), "%s/ssh", store->runtime);
	r = fill_folder(store, folder, account->pw_uid, errors);
	if (r == 0) {
		r = start(tunnel, store, folder, account);
		if (r < 0)
			fprintf(errors, "ssh cannot be started: %s\n", strerror(-r));
	}
	if (r == 0 && !wait_for(tunnel)) {
		tell(tunnel, errors);
		r = -EINVAL;
	}
	/* Read by now. */
	clear_folder(folder);
	if (r < 0)
		tunnel_close(tunnel);
	return r < 0 ? -EINVAL : 0;
}

void tunnel_close(struct tunnel *tunnel)
{
	if (tunnel->port == 0)
		return;
	child_kill(&tunnel->child);
	tunnel->said = fd_close(tunnel->said);
	tunnel->port = 0;
}
