/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing, and the way back. Before anything is changed, the packages that are installed lie in the folder
 * "before.new", there is room to install them again, and the state says what is being done: so whoever comes
 * next can take back what was cut off, whenever that was.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/apt.h"
#include "update/command.h"
#include "update/dpkg.h"
#include "update/explain.h"
#include "update/limits.h"
#include "update/work.h"

#define RESERVE "reserve"
#define LOOK_MS 100

/* --- room ------------------------------------------------------------------------------------- */

static uint64_t free_bytes(const char *path)
{
	struct statvfs status;

	return statvfs(path, &status) < 0 ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
}

/* What the files of one side take when they are installed. */
static uint64_t installed_size(const struct work *work, const struct changes *changes,
			       enum side side, const char *folder)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->items[i];
		char name[640];

		if (!side_of(change, side))
			continue;
		if (folder)
			snprintf(name, sizeof(name), "%s/%s.deb", folder, change->package);
		else
			snprintf(name, sizeof(name), "cache/archives/%s", change->file);
		sum += dpkg_size(store_file(work->store, name));
	}
	return sum;
}

/* Takes the room that going back needs, so that a full disk cannot prevent it. */
static int reserve(const struct work *work, uint64_t forward, uint64_t back, FILE *errors)
{
	const char *path = store_file(work->store, RESERVE);
	uint64_t need = forward + back + SPACE_MARGIN;
	uint64_t left = MIN(free_bytes("/usr"), free_bytes(work->store->path));
	_cleanup_fd_ int fd = -1;
	char text[32], have[32];
	int r;

	if (left < need) {
		changes_format_size(need, text, sizeof(text));
		changes_format_size(left, have, sizeof(have));
		fprintf(errors,
			"the disk has no room: %s have to be free, to install and to be able to "
			"go back, and there are %s\n",
			text, have);
		return -EINVAL;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)(back + SPACE_MARGIN / 2));
	if (r > 0) {
		(void)unlink(path);
		fprintf(errors, "the disk has no room to be able to go back: %s\n", strerror(r));
	}
	return r > 0 ? -EINVAL : 0;
}

static void release(const struct work *work)
{
	(void)!store_remove(work->store, RESERVE);
}

/* --- the daemon ------------------------------------------------------------------------------- */

static bool daemon_answers(const struct work *work)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0 || snprintf(address.sun_path, sizeof(address.sun_path), "%s/control",
			       conf_str(work->store->conf, CONF_RUNTIME_DIR)) >=
			      (int)sizeof(address.sun_path))
		return false;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* One that answered before has to answer again. */
static bool daemon_is_back(const struct work *work, bool before)
{
	uint64_t until = clock_now() + DAEMON_TIMEOUT * USEC_PER_SEC;

	while (before && !daemon_answers(work)) {
		if (clock_now() > until)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return true;
}

/* --- one step, and back ----------------------------------------------------------------------- */

struct step {
	const struct work *work;
	const char *what; /* "install", "undo" */
	const struct changes *changes;
	enum side target; /* where to; back is the other one */
	int output; /* a descriptor */
	bool daemon; /* answered before */
};

static enum side back_of(enum side target)
{
	return target == SIDE_TO ? SIDE_FROM : SIDE_TO;
}

static int open_output(const struct work *work)
{
	int fd = openat(work->store->dir, "output",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* What is said there is to help; without it things go on. */
	return fd < 0 ? 0 : fd;
}

/* From here on it is known what to take back. */
static int begin(const struct step *step)
{
	const struct store *store = step->work->store;
	json_object *running = json_object_new_object();

	json_object_object_add(running, "what", json_object_new_string(step->what));
	json_object_object_add(running, "changes", changes_to_json(step->changes));
	store_set(store, "running", running);
	return store_save(store);
}

/* The versions that were tried are not tried again by themselves. */
static void hold(const struct work *work, const struct changes *changes, enum side side)
{
	json_object *held = json_object_new_array();

	for (size_t i = 0; i < changes->n; i++) {
		const char *version = side_of(&changes->items[i], side);
		char text[600];

		if (!version)
			continue;
		snprintf(text, sizeof(text), "%s %s", changes->items[i].package, version);
		json_object_array_add(held, json_object_new_string(text));
	}
	store_set(work->store, "held", held);
}

/* Back to the versions before; the sentence ends with what came of that. */
static int go_back(const struct step *step, const char *why)
{
	const struct work *work = step->work;
	_cleanup_free_ char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int r;

	if (!errors)
		return work_fail(work, step->what, "%s", strerror(ENOMEM));
	fprintf(work->out, "%s; going back to the versions before.\n", why);
	fflush(work->out);
	release(work);
	r = dpkg_put(work->store, step->changes, back_of(step->target), "before.new", step->output,
		     errors);
	fclose(errors);
	said[strcspn(said, "\n")] = '\0';
	if (r < 0) {
		log_event(LOG_ERROR, "update.broken", LOG_STR("reason", said));
		return work_fail(work, step->what,
				 "%s. Going back did not work either: %s. The packages of the "
				 "versions before are in %s, what dpkg said is in %s; lazaretctl "
				 "update undo tries again",
				 why, said, store_file(work->store, "before.new"),
				 store_file(work->store, "output"));
	}
	hold(work, step->changes, step->target);
	store_drop(work->store, "running");
	if (!daemon_is_back(work, step->daemon))
		return work_fail(
			work, step->what,
			"%s. The versions before are installed again, but lazaretd does not "
			"answer",
			why);
	return work_fail(work, step->what, "%s. The versions before are installed again", why);
}

static void invert(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		struct change *change = &changes->items[i];
		char *from = change->from;

		change->from = change->to;
		change->to = from;
	}
}

/* The way back stays, for undo. */
static int finish(const struct step *step, struct changes *changes)
{
	const struct work *work = step->work;
	const struct store *store = work->store;
	int r;

	release(work);
	r = store_remove(store, "before");
	if (r == 0 && renameat(store->dir, "before.new", store->dir, "before") < 0)
		r = -errno;
	if (step->target == SIDE_FROM)
		invert(changes);
	store_drop(store, "running");
	store_drop(store, "error");
	store_drop(store, "plan");
	store_set(store, "previous", changes_to_json(changes));
	store_set_now(store, step->target == SIDE_TO ? "installed" : "undone");
	if (r == 0)
		r = store_save(store);
	if (r < 0)
		return work_fail(work, step->what,
				 "it is installed, but what was done cannot be kept: %s",
				 strerror(-r));
	log_event(LOG_INFO, "update.installed", LOG_STR("what", step->what),
		  LOG_INT("packages", changes->n));
	for (size_t i = 0; i < changes->n; i++)
		fprintf(work->out, "%s: %s -> %s\n", changes->items[i].package,
			changes->items[i].from ? changes->items[i].from : "(new)",
			changes->items[i].to ? changes->items[i].to : "(removed)");
	return WORK_DONE;
}

/* What was cut off is taken back first. */
int work_recover(const struct work *work)
{
	json_object *running = store_get(work->store, "running"), *value = NULL;
	_cleanup_changes_ struct changes changes = {0};
	struct step step = {.work = work, .what = "install", .changes = &changes};
	int r;

	if (!running)
		return WORK_DONE;
	(void)json_object_object_get_ex(running, "changes", &value);
	r = changes_from_json(value, &changes);
	if (r < 0)
		return work_fail(work, "install",
				 "an installation was cut off, and what it was is "
				 "not known any more: dpkg --audit tells");
	(void)json_object_object_get_ex(running, "what", &value);
	step.target = str_eq(json_object_get_string(value), "undo") ? SIDE_FROM : SIDE_TO;
	step.output = open_output(work);
	return go_back(&step, "an installation was cut off");
}

/* --- install ---------------------------------------------------------------------------------- */

static int run_apt(const struct step *step, FILE *errors)
{
	const char *const argv[] = {"/usr/bin/apt-get", "-y",      "--no-download",
				    "--with-new-pkgs",  "upgrade", NULL};
	_cleanup_apt_ struct apt apt = {0};
	_cleanup_free_ char *said = NULL;
	char sentence[1024];
	const char *differs;
	int status, r = apt_open(&apt, step->work->store, false, errors);

	if (r < 0)
		return r;
	r = apt_run(&apt, argv, DPKG_TIMEOUT, step->output, &said, &status);
	if (r < 0) {
		fprintf(errors, "%s", strerror(-r));
		return r;
	}
	differs = status == 0 ? dpkg_differs(step->changes, SIDE_TO) : NULL;
	if (status == 0 && !differs)
		return 0;
	if (differs)
		fprintf(errors, "%s was not installed in the version that was planned", differs);
	else if (status == COMMAND_CUT)
		fputs("the installation did not come to an end", errors);
	else {
		explain_dpkg(said, sentence, sizeof(sentence));
		fputs(sentence, errors);
	}
	return -EINVAL;
}

/* What is installed now is what a later update goes back to. */
static void keep_archives(const struct work *work, const struct changes *plan)
{
	(void)!store_folder(work->store, "kept", 0700, 0);
	for (size_t i = 0; i < plan->n; i++) {
		const struct change *change = &plan->items[i];
		char from[640], to[1200], old[1200];

		snprintf(from, sizeof(from), "cache/archives/%s", change->file);
		snprintf(to, sizeof(to), "kept/%s_%s.deb", change->package, change->to);
		(void)!renameat(work->store->dir, from, work->store->dir, to);
		if (!change->from)
			continue;
		snprintf(old, sizeof(old), "kept/%s_%s.deb", change->package, change->from);
		(void)unlinkat(work->store->dir, old, 0);
	}
}

static int prepare(const struct step *step, FILE *errors)
{
	const struct work *work = step->work;
	const struct changes *changes = step->changes;
	const char *folder = step->target == SIDE_FROM ? "before" : NULL;
	enum side back = back_of(step->target);
	const char *differs = dpkg_differs(changes, back);
	int r;

	if (differs) {
		fprintf(errors,
			"%s was changed otherwise since: lazaretctl update check looks again\n",
			differs);
		return -EINVAL;
	}
	r = dpkg_save(work->store, changes, back, "before.new", errors);
	if (r == 0)
		r = reserve(work, installed_size(work, changes, step->target, folder),
			    installed_size(work, changes, back, "before.new"), errors);
	if (r == 0) {
		r = begin(step);
		if (r < 0)
			fprintf(errors, "what is to be done cannot be written down: %s\n",
				strerror(-r));
	}
	return r < 0 ? -EINVAL : 0;
}

/* Prepares, does, and looks at what came of it. */
static int run_step(struct step *step, struct changes *changes)
{
	const struct work *work = step->work;
	_cleanup_free_ char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int r;

	if (!errors)
		return work_fail(work, step->what, "%s", strerror(ENOMEM));
	step->changes = changes;
	step->output = open_output(work);
	step->daemon = daemon_answers(work);
	r = prepare(step, errors);
	if (r < 0) {
		fclose(errors);
		release(work);
		return work_fail(work, step->what, "%s", said);
	}
	if (step->target == SIDE_TO)
		r = run_apt(step, errors);
	else
		r = dpkg_put(work->store, changes, SIDE_FROM, "before", step->output, errors);
	if (r == 0 && !daemon_is_back(work, step->daemon)) {
		fputs("lazaretd does not answer any more", errors);
		r = -EINVAL;
	}
	fclose(errors);
	said[strcspn(said, "\n")] = '\0';
	if (r < 0)
		return go_back(step, said);
	if (step->target == SIDE_TO) {
		keep_archives(work, changes);
		store_drop(work->store, "held");
	} else {
		hold(work, changes, SIDE_TO);
	}
	return finish(step, changes);
}

int work_install(const struct work *work)
{
	_cleanup_changes_ struct changes plan = {0};
	struct step step = {.work = work, .what = "install", .target = SIDE_TO};
	int r = work_plan(work, &plan);

	if (r == -ENOENT) {
		fputs("There is nothing to install; lazaretctl update check looks for more.\n",
		      work->out);
		return WORK_DONE;
	}
	if (r < 0)
		return work_fail(work, "install", "%s", strerror(-r));
	if (!work_plan_is_here(work, &plan))
		return work_fail(
			work, "install",
			"not all packages lie here, whole: lazaretctl update download comes "
			"first");
	fputs("This changes:\n", work->out);
	changes_print(&plan, work->out);
	fputs("It goes on if this connection breaks; lazaretctl update status tells what came of "
	      "it.\n",
	      work->out);
	fflush(work->out);
	return run_step(&step, &plan);
}

int work_undo(const struct work *work)
{
	_cleanup_changes_ struct changes previous = {0};
	struct step step = {.work = work, .what = "undo", .target = SIDE_FROM};
	int r = changes_from_json(store_get(work->store, "previous"), &previous);

	if (r < 0)
		return work_fail(work, "undo", "%s", strerror(-r));
	if (previous.n == 0) {
		fputs("There is no installation to take back.\n", work->out);
		return WORK_DONE;
	}
	return run_step(&step, &previous);
}
