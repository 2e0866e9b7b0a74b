/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is: lists are fetched beside those that are here, and take their place when all is well. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/apt.h"
#include "update/command.h"
#include "update/explain.h"
#include "update/limits.h"
#include "update/verify.h"
#include "update/work.h"

#define APT_GET "/usr/bin/apt-get"
#define NAME_MAX_BYTES 1200
#define SHA256_BYTES 32

/* --- the lists -------------------------------------------------------------------------------- */

/* The dates of what was seen, by source; those that are no longer configured are forgotten. */
static int verify_all(const struct work *work, const struct apt *apt, FILE *errors)
{
	json_object *before = store_get(work->store, "lists"), *after = json_object_new_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < apt->sources.n; i++) {
		char name[NAME_MAX_BYTES];
		json_object *known = NULL;
		int64_t date = 0;

		source_name(&apt->sources.items[i], name, sizeof(name));
		(void)json_object_object_get_ex(before, name, &known);
		r = verify_source(apt, &apt->sources.items[i], json_object_get_int64(known), &date,
				  errors);
		json_object_object_add(after, name, json_object_new_int64(date));
	}
	if (r == 0)
		store_set(work->store, "lists", after);
	else
		json_object_put(after);
	return r;
}

static int copy_lists(const struct work *work)
{
	const char *const argv[] = {"/bin/cp", "-a", store_file(work->store, "lists"),
				    store_file(work->store, "lists.new"), NULL};
	int status, r = store_remove(work->store, "lists.new");

	if (r == 0)
		r = command_run(&(const struct command){.argv = argv, .seconds = FETCH_TIMEOUT},
				NULL, &status);
	if (r == 0 && status != 0)
		r = -EIO;
	return r;
}

/* In place of the old ones, at once. */
static int exchange_lists(const struct store *store)
{
	if (renameat2(store->dir, "lists.new", store->dir, "lists", RENAME_EXCHANGE) < 0)
		return -errno;
	return store_remove(store, "lists.new");
}

static int fetch_lists(const struct work *work, const struct apt *apt, FILE *errors)
{
	char lists[STORE_PATH_MAX + 32], sentence[1024];
	const char *const argv[] = {APT_GET, "update", "-o", lists, NULL};
	_cleanup_free_ char *said = NULL;
	int status, r = copy_lists(work);

	snprintf(lists, sizeof(lists), "Dir::State::lists=%s/",
		 store_file(work->store, "lists.new"));
	if (r == 0)
		r = apt_run(apt, argv, APT_TIMEOUT, 0, &said, &status);
	if (r == 0 && status != 0) {
		explain_fetch(said, sentence, sizeof(sentence));
		fprintf(errors, "the lists: %s\n", sentence);
		(void)!store_remove(work->store, "lists.new");
		return -EINVAL;
	}
	if (r == 0)
		r = exchange_lists(work->store);
	if (r < 0)
		fprintf(errors, "the lists: %s\n", strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

/* --- the plan --------------------------------------------------------------------------------- */

static int make_plan(const struct apt *apt, struct changes *ret_plan, FILE *errors)
{
	char archives[STORE_PATH_MAX + 64], sentence[1024];
	const char *const simulate[] = {APT_GET, "-s", "--with-new-pkgs", "upgrade", NULL};
	const char *const uris[] = {APT_GET,  "--print-uris",    "-qq",     "-o",
				    archives, "--with-new-pkgs", "upgrade", NULL};
	_cleanup_free_ char *simulated = NULL, *files = NULL;
	int status, r;

	/* Nothing is there: it names the files that it has, too. */
	snprintf(archives, sizeof(archives), "Dir::Cache::archives=%s/",
		 store_file(apt->store, "none"));
	r = apt_run(apt, simulate, APT_TIMEOUT, 0, &simulated, &status);
	if (r == 0 && status != 0) {
		explain_dpkg(simulated, sentence, sizeof(sentence));
		fprintf(errors, "the plan: %s\n", sentence);
		return -EINVAL;
	}
	if (r == 0)
		r = apt_run(apt, uris, APT_TIMEOUT, 0, &files, &status);
	if (r == 0 && status != 0)
		r = -EIO;
	if (r == 0)
		r = changes_parse(simulated, files, apt->sources.items[0].url, ret_plan);
	if (r < 0)
		fprintf(errors, "the plan cannot be made of what apt says: %s\n", strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

int work_plan(const struct work *work, struct changes *ret_changes)
{
	json_object *plan = store_get(work->store, "plan");

	if (!plan || json_object_array_length(plan) == 0)
		return -ENOENT;
	return changes_from_json(plan, ret_changes);
}

static int print_plan(const struct work *work, const struct changes *plan)
{
	if (work->json) {
		fprintf(work->out, "%s\n",
			json_object_to_json_string_ext(store_get(work->store, "plan"),
						       JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
		return WORK_DONE;
	}
	if (plan->n == 0) {
		fputs("Everything is up to date.\n", work->out);
		return WORK_DONE;
	}
	fputs("This would change:\n", work->out);
	changes_print(plan, work->out);
	return WORK_DONE;
}

/* Of packages that were installed or are planned no longer nothing is kept. */
static void drop_archives(const struct work *work, const struct changes *plan)
{
	if (!work_plan_is_here(work, plan))
		(void)!store_remove(work->store, "cache/archives");
}

int work_check(const struct work *work)
{
	_cleanup_free_ char *said = NULL;
	_cleanup_changes_ struct changes plan = {0};
	_cleanup_apt_ struct apt apt = {0};
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int r;

	if (!errors)
		return work_fail(work, "check", "%s", strerror(ENOMEM));
	r = apt_open(&apt, work->store, true, errors);
	if (r == 0)
		r = verify_all(work, &apt, errors);
	if (r == 0)
		r = fetch_lists(work, &apt, errors);
	if (r == 0)
		r = make_plan(&apt, &plan, errors);
	fclose(errors);
	if (r < 0)
		return work_fail(work, "check", "%s", said);
	store_set_now(work->store, "checked");
	store_set(work->store, "plan", changes_to_json(&plan));
	store_set(work->store, "kept-back", json_object_new_int64((int64_t)plan.n_kept));
	store_drop(work->store, "error");
	drop_archives(work, &plan);
	r = store_save(work->store);
	if (r < 0)
		return work_fail(work, "check", "what was found cannot be kept: %s", strerror(-r));
	log_event(LOG_INFO, "update.checked", LOG_INT("packages", plan.n));
	return print_plan(work, &plan);
}

/* --- the packages ----------------------------------------------------------------------------- */

static bool has_sum(int fd, const char *sha256)
{
	static char buffer[65536];
	unsigned char sum[SHA256_BYTES];
	char text[2 * SHA256_BYTES + 1];
	gnutls_hash_hd_t hash;
	ssize_t n;

	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return false;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		gnutls_hash(hash, buffer, (size_t)n);
	gnutls_hash_deinit(hash, sum);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
	return n == 0 && str_eq(text, sha256);
}

static bool is_here(const struct store *store, const struct change *change)
{
	char name[512];
	_cleanup_fd_ int fd = -1;
	struct stat status;

	if (!change->file || !change->sha256)
		return false;
	snprintf(name, sizeof(name), "cache/archives/%s", change->file);
	fd = openat(store->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_uid == 0 && (uint64_t)status.st_size == change->size &&
	       has_sum(fd, change->sha256);
}

bool work_plan_is_here(const struct work *work, const struct changes *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (!is_here(work->store, &plan->items[i]))
			return false;
	}
	return true;
}

/* What apt puts aside when it is not what it should be; what is only not all yet, it goes on with. */
static void drop_failed(const struct store *store)
{
	DIR *dir = opendir(store_file(store, "cache/archives/partial"));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);

		if (n > 7 && str_eq(entry->d_name + n - 7, ".FAILED"))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static int download(const struct apt *apt, FILE *errors)
{
	const char *const argv[] = {APT_GET,           "-y",      "--download-only",
				    "--with-new-pkgs", "upgrade", NULL};
	_cleanup_free_ char *said = NULL;
	char sentence[1024];
	int status, r = apt_run(apt, argv, APT_TIMEOUT, 0, &said, &status);

	if (r < 0)
		fprintf(errors, "%s\n", strerror(-r));
	if (r == 0 && status == 0)
		return 0;
	if (r == 0) {
		explain_fetch(said, sentence, sizeof(sentence));
		fprintf(errors, "%s\n", sentence);
	}
	drop_failed(apt->store);
	return -EINVAL;
}

int work_download(const struct work *work)
{
	_cleanup_free_ char *said = NULL;
	_cleanup_changes_ struct changes plan = {0};
	_cleanup_apt_ struct apt apt = {0};
	size_t len;
	FILE *errors;
	int r = work_plan(work, &plan);

	if (r == -ENOENT) {
		fputs("There is nothing to download; lazaretctl update check looks for more.\n",
		      work->out);
		return WORK_DONE;
	}
	errors = r == 0 ? open_memstream(&said, &len) : NULL;
	if (!errors)
		return work_fail(work, "download", "%s", strerror(r < 0 ? -r : ENOMEM));
	r = apt_open(&apt, work->store, true, errors);
	if (r == 0)
		r = download(&apt, errors);
	fclose(errors);
	if (r < 0)
		return work_fail(work, "download", "%s", said);
	if (!work_plan_is_here(work, &plan))
		return work_fail(
			work, "download",
			"what is there now is not what was checked: lazaretctl update check "
			"looks again");
	store_set_now(work->store, "downloaded");
	store_drop(work->store, "error");
	r = store_save(work->store);
	if (r < 0)
		return work_fail(work, "download", "%s", strerror(-r));
	log_event(LOG_INFO, "update.downloaded", LOG_INT("packages", plan.n));
	fprintf(work->out, "Downloaded: %zu package%s. lazaretctl update install installs.\n",
		plan.n, plan.n == 1 ? "" : "s");
	return WORK_DONE;
}
