/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/dpkg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/command.h"
#include "update/explain.h"
#include "update/limits.h"
#include "update/repack.h"

#define DPKG "/usr/bin/dpkg"
#define NAME_MAX_BYTES 640
#define LOOK_MS 200
#define REMOVE_SECONDS 600

const char *const dpkg_env[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",          "LC_ALL=C.UTF-8",
	"DEBIAN_FRONTEND=noninteractive",     "NEEDRESTART_SUSPEND=1", NULL};

const char *side_of(const struct change *change, enum side side)
{
	return side == SIDE_FROM ? change->from : change->to;
}

/* --- what is installed ------------------------------------------------------------------------ */

/* "ii \tVERSION": wholly installed, and nothing else is to become of it. */
static bool is_installed(const char *package, const char *version)
{
	const char *const argv[] = {"/usr/bin/dpkg-query",
				    "-W",
				    "-f",
				    "${db:Status-Abbrev}\t${Version}",
				    package,
				    NULL};
	_cleanup_free_ char *said = NULL;
	bool whole;
	int status;

	if (command_run(&(const struct command){.argv = argv,
						.env = dpkg_env,
						.seconds = REMOVE_SECONDS,
						.apart = true},
			&said, &status) < 0)
		return false;
	/* "hi": installed, and held back. */
	whole = status == 0 && (strncmp(said, "ii \t", 4) == 0 || strncmp(said, "hi \t", 4) == 0);
	return version ? whole && str_eq(said + 4, version)
		       : status != 0 || said[0] == '\0' || said[1] == 'n' || said[1] == 'c';
}

const char *dpkg_differs(const struct changes *changes, enum side side)
{
	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->items[i];

		if (!is_installed(change->package, side_of(change, side)))
			return change->package;
	}
	return NULL;
}

uint64_t dpkg_size(const char *path)
{
	const char *const argv[] = {"/usr/bin/dpkg-deb", "-f", path, "Installed-Size", NULL};
	_cleanup_free_ char *said = NULL;
	int64_t size;
	int status;

	if (command_run(&(const struct command){.argv = argv,
						.env = dpkg_env,
						.seconds = REMOVE_SECONDS,
						.apart = true},
			&said, &status) < 0 ||
	    status != 0)
		return 0;
	said[strcspn(said, "\n")] = '\0';
	return str_to_int(said, 0, 1 << 30, &size) == 0 ? (uint64_t)size * 1024 : 0;
}

static bool is_free(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 || (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
}

int dpkg_wait(void)
{
	uint64_t until = clock_now() + DPKG_LOCK_TIMEOUT * USEC_PER_SEC;

	while (!is_free("/var/lib/dpkg/lock-frontend") || !is_free("/var/lib/dpkg/lock")) {
		if (clock_now() > until)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

/* --- what to go back to ----------------------------------------------------------------------- */

static int save_one(const struct store *store, const char *package, const char *version,
		    const char *folder, FILE *errors)
{
	char target[NAME_MAX_BYTES], kept[NAME_MAX_BYTES];

	snprintf(target, sizeof(target), "%s/%s.deb", folder, package);
	snprintf(kept, sizeof(kept), "kept/%s_%s.deb", package, version);
	if (linkat(store->dir, kept, store->dir, target, 0) == 0)
		return 0;
	return repack(store, package, target, errors);
}

int dpkg_save(const struct store *store, const struct changes *changes, enum side side,
	      const char *folder, FILE *errors)
{
	int r = store_remove(store, folder);

	if (r == 0)
		r = store_folder(store, folder, 0700, 0);
	if (r < 0)
		fprintf(errors, "%s: %s\n", store_file(store, folder), strerror(-r));
	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		const char *version = side_of(&changes->items[i], side);

		if (version)
			r = save_one(store, changes->items[i].package, version, folder, errors);
	}
	return r < 0 ? -EINVAL : 0;
}

/* --- putting it in place ---------------------------------------------------------------------- */

struct arguments {
	const char **argv;
	char **paths;
	size_t n, n_paths;
};

static void arguments_finish(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->n_paths; i++)
		free(arguments->paths[i]);
	free(arguments->paths);
	free(arguments->argv);
}

static int arguments_init(struct arguments *arguments, size_t n)
{
	*arguments = (struct arguments){.argv = calloc(n + 16, sizeof(char *)),
					.paths = calloc(n + 1, sizeof(char *))};
	return arguments->argv && arguments->paths ? 0 : -ENOMEM;
}

static int run(const struct arguments *arguments, int seconds, int copy, FILE *errors)
{
	_cleanup_free_ char *said = NULL;
	char sentence[1024];
	int status, r = command_run(&(const struct command){.argv = arguments->argv,
							    .env = dpkg_env,
							    .seconds = seconds,
							    .copy = copy},
				    &said, &status);

	if (r == 0 && status == 0)
		return 0;
	explain_dpkg(said ? said : "", sentence, sizeof(sentence));
	fprintf(errors, "%s\n",
		r < 0                   ? strerror(-r)
		: status == COMMAND_CUT ? "dpkg did not come to an end"
					: sentence);
	return -EINVAL;
}

static int install(const struct store *store, const struct changes *changes, enum side side,
		   const char *folder, int copy, FILE *errors)
{
	static const char *const words[] = {DPKG, "--force-downgrade", "--force-confdef",
					    "--force-confold", "--install"};
	struct arguments arguments;
	int r = arguments_init(&arguments, changes->n);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(words); i++)
		arguments.argv[arguments.n++] = words[i];
	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		char *path;

		if (!side_of(&changes->items[i], side))
			continue;
		if (asprintf(&path, "%s/%s/%s.deb", store->path, folder,
			     changes->items[i].package) < 0) {
			r = -ENOMEM;
			break;
		}
		arguments.paths[arguments.n_paths++] = path;
		arguments.argv[arguments.n++] = path;
	}
	if (r == 0 && arguments.n_paths > 0)
		r = run(&arguments, DPKG_TIMEOUT, copy, errors);
	arguments_finish(&arguments);
	return r;
}

static int purge(const struct changes *changes, enum side side, int copy, FILE *errors)
{
	struct arguments arguments;
	size_t n = 0;
	int r = arguments_init(&arguments, changes->n);

	if (r == 0) {
		arguments.argv[arguments.n++] = DPKG;
		arguments.argv[arguments.n++] = "--purge";
	}
	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		const struct change *change = &changes->items[i];

		if (side_of(change, side) || is_installed(change->package, NULL))
			continue;
		arguments.argv[arguments.n++] = change->package;
		n++;
	}
	if (r == 0 && n > 0)
		r = run(&arguments, REMOVE_SECONDS, copy, errors);
	arguments_finish(&arguments);
	return r;
}

int dpkg_put(const struct store *store, const struct changes *changes, enum side side,
	     const char *folder, int copy, FILE *errors)
{
	static const char *configure[] = {
		DPKG, "--force-confdef", "--force-confold", "--configure", "-a", NULL};
	const struct arguments rest = {.argv = configure};
	const char *differs;
	int r = dpkg_wait();

	if (r < 0) {
		fputs("another program has been installing packages for too long\n", errors);
		return -EINVAL;
	}
	r = install(store, changes, side, folder, copy, errors);
	if (r == 0)
		r = purge(changes, side, copy, errors);
	if (r == 0)
		r = run(&rest, DPKG_TIMEOUT, copy, errors);
	differs = r == 0 ? dpkg_differs(changes, side) : NULL;
	if (differs) {
		fprintf(errors, "%s is not what it should be\n", differs);
		r = -EINVAL;
	}
	return r < 0 ? -EINVAL : 0;
}
