/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user list, export and report: what there is, changing nothing. */
#include <csv.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/user.h"
#include "ctl/user_check.h"
#include "ctl/user_files.h"
#include "ctl/user_select.h"

#define ARGUMENTS_MAX 32
#define GROUPS_TEXT_MAX 2048
#define NAME_TEXT_MAX 256
#define DAYS_MAX 36500

static const char *state_of(const struct account_entry *entry)
{
	if (user_is_expired(entry))
		return "expired";
	if (entry->password == PASSWORD_LOCKED)
		return "locked";
	if (entry->password == PASSWORD_NONE)
		return "no password";
	if (entry->max >= 0 && entry->changed > 0 && entry->changed + entry->max < user_today())
		return "password expired";
	return "active";
}

/* The first field of GECOS, fit to be shown. */
static void full_name(const struct account_entry *entry, char out[NAME_TEXT_MAX])
{
	(void)str_sanitize(out, NAME_TEXT_MAX, entry->full_name, strcspn(entry->full_name, ","));
}

static void format_groups(const struct user_store *store, const struct account_entry *entry,
			  bool ours, char out[GROUPS_TEXT_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < entry->n_groups && len < GROUPS_TEXT_MAX; i++) {
		if (ours && accounts_group_objection(&store->accounts, entry->groups[i]))
			continue;
		len += (size_t)snprintf(out + len, GROUPS_TEXT_MAX - len, "%s%s", len ? " " : "",
					entry->groups[i]);
	}
}

static void format_login(long when, char *out, size_t size)
{
	time_t at = when;
	struct tm tm;

	if (when <= 0 || !gmtime_r(&at, &tm) || strftime(out, size, "%Y-%m-%dT%H:%MZ", &tm) == 0)
		snprintf(out, size, "never");
}

/* Whom the arguments select: both are ended by the caller, also when it fails. */
static int open_selected(const char *socket, size_t n, char *const *arguments,
			 struct user_store *store, struct account_entry ***ret_entries,
			 size_t *ret_n)
{
	const char *words[ARGUMENTS_MAX];
	struct user_select select;
	int status;

	for (size_t i = 0; i < MIN(n, (size_t)ARGUMENTS_MAX); i++)
		words[i] = arguments[i];
	status = user_select_parse(&select, MIN(n, (size_t)ARGUMENTS_MAX), words);
	if (status == ANSWER_STATUS_OK && (select.preview || select.yes)) {
		fputs("lazaretctl: this changes nothing, so there is no --preview and no --yes\n",
		      stderr);
		status = ANSWER_STATUS_USAGE;
	}
	if (status == ANSWER_STATUS_OK)
		status = user_store_open(store, socket, false);
	if (status == ANSWER_STATUS_OK)
		status = user_select_find(&select, store, ret_entries, ret_n);
	return status;
}

/* --- list ------------------------------------------------------------------------------------- */

static json_object *to_json(const struct user_store *store, const struct account_entry *entry)
{
	char name[NAME_TEXT_MAX], day[USER_DATE_MAX], login[32];
	json_object *item = json_object_new_object(), *groups = json_object_new_array();

	full_name(entry, name);
	user_date_format(entry->expires, day);
	format_login(user_last_login(store, entry), login, sizeof(login));
	for (size_t i = 0; i < entry->n_groups; i++)
		json_object_array_add(groups, json_object_new_string(entry->groups[i]));
	json_object_object_add(item, "user", json_object_new_string(entry->name));
	json_object_object_add(item, "name", json_object_new_string(name));
	json_object_object_add(item, "uid", json_object_new_int64(entry->uid));
	json_object_object_add(item, "state", json_object_new_string(state_of(entry)));
	json_object_object_add(item, "expires", json_object_new_string(day));
	json_object_object_add(item, "last_login", json_object_new_string(login));
	json_object_object_add(item, "groups", groups);
	return item;
}

static void print_json(json_object *all)
{
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
	json_object_put(all);
}

static void list_json(const struct user_store *store, struct account_entry *const *entries,
		      size_t n)
{
	json_object *all = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(all, to_json(store, entries[i]));
	print_json(all);
}

static void list_text(const struct user_store *store, struct account_entry *const *entries,
		      size_t n)
{
	printf("%-20s %-16s %-10s %-17s %-24s %s\n", "user", "state", "expires", "last login",
	       "name", "groups");
	for (size_t i = 0; i < n; i++) {
		char name[NAME_TEXT_MAX], day[USER_DATE_MAX], login[32], groups[GROUPS_TEXT_MAX];

		full_name(entries[i], name);
		user_date_format(entries[i]->expires, day);
		format_login(user_last_login(store, entries[i]), login, sizeof(login));
		format_groups(store, entries[i], false, groups);
		printf("%-20s %-16s %-10s %-17s %-24s %s\n", entries[i]->name, state_of(entries[i]),
		       day, login, name, groups);
	}
	printf("%zu users.\n", n);
}

int user_list(bool json, const char *socket, size_t n, char *const *arguments)
{
	_cleanup_user_store_ struct user_store store = {.lock = -1, .journal = -1};
	_cleanup_free_ struct account_entry **entries = NULL;
	size_t count = 0;
	int status = open_selected(socket, n, arguments, &store, &entries, &count);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (json)
		list_json(&store, entries, count);
	else
		list_text(&store, entries, count);
	return ANSWER_STATUS_OK;
}

/* --- export ----------------------------------------------------------------------------------- */

static void put_field(const char *text, const char *end)
{
	if (text[strcspn(text, "\",;")])
		(void)csv_fwrite(stdout, text, strlen(text));
	else
		fputs(text, stdout);
	fputs(end, stdout);
}

int user_export(const char *socket, size_t n, char *const *arguments)
{
	_cleanup_user_store_ struct user_store store = {.lock = -1, .journal = -1};
	_cleanup_free_ struct account_entry **entries = NULL;
	size_t count = 0;
	int status = open_selected(socket, n, arguments, &store, &entries, &count);

	if (status != ANSWER_STATUS_OK)
		return status;
	fputs("user,name,password,groups,expires\r\n", stdout);
	for (size_t i = 0; i < count; i++) {
		char name[NAME_TEXT_MAX], groups[GROUPS_TEXT_MAX], day[USER_DATE_MAX];

		full_name(entries[i], name);
		format_groups(&store, entries[i], true, groups);
		user_date_format(entries[i]->expires, day);
		put_field(entries[i]->name, ",");
		/* Hashes are a matter of the backup, not of whoever may list users. */
		put_field(user_full_name_objection(name) ? "" : name, ",,");
		put_field(groups, ",");
		put_field(day, "\r\n");
	}
	return ANSWER_STATUS_OK;
}

/* --- report ----------------------------------------------------------------------------------- */

struct report {
	int64_t days, inactive, full; /* of which too many, or per cent */
	const struct user_store *store;
	json_object *lists[4]; /* of REPORT_NAMES */
};

static const char *const report_keys[] = {"expiring", "password_expiring", "inactive",
					  "nearly_full"};
static const char *const report_titles[] = {
	"Accounts that have expired or soon will:", "Passwords that have expired or soon will:",
	"Without a session for long:", "Home nearly full:"};

static void note(json_object *list, const struct account_entry *entry, const char *key,
		 const char *text)
{
	json_object *item = json_object_new_object();

	json_object_object_add(item, "user", json_object_new_string(entry->name));
	json_object_object_add(item, key, json_object_new_string(text));
	json_object_array_add(list, item);
}

static void note_files(const struct report *report, const struct account_entry *entry)
{
	struct user_files files;
	char text[96];

	user_files_look(report->store->state, entry->uid, &files);
	if (files.size == 0 || files.used * 100 < files.size * (uint64_t)report->full)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " MiB", files.used >> 20,
		 files.size >> 20);
	note(report->lists[3], entry, "used", text);
}

static void look_at(const struct report *report, const struct account_entry *entry)
{
	long until = user_today() + (long)report->days;
	long idle = user_idle_days(report->store, entry);
	char text[USER_DATE_MAX + 16];

	user_date_format(entry->expires, text);
	if (entry->expires >= 0 && entry->expires <= until)
		note(report->lists[0], entry, "expires", text);
	if (entry->password == PASSWORD_SET && entry->max >= 0 && entry->changed > 0 &&
	    entry->changed + entry->max <= until) {
		user_date_format(entry->changed + entry->max, text);
		note(report->lists[1], entry, "expires", text);
	}
	if (idle >= report->inactive) {
		format_login(user_last_login(report->store, entry), text, sizeof(text));
		note(report->lists[2], entry, "last_login", text);
	}
	note_files(report, entry);
}

static void print_list(const char *title, json_object *list)
{
	puts(title);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object_object_foreach(json_object_array_get_idx(list, i), key, value)
		{
			printf(str_eq(key, "user") ? "  %-24s" : " %s\n",
			       json_object_get_string(value));
		}
	}
	if (json_object_array_length(list) == 0)
		puts("  nobody");
}

static int take_option(struct report *report, const char *word, const char *value)
{
	int64_t *into = str_eq(word, "--days")       ? &report->days
			: str_eq(word, "--inactive") ? &report->inactive
			: str_eq(word, "--full")     ? &report->full
						     : NULL;

	if (into && value && str_to_int(value, 0, DAYS_MAX, into) == 0)
		return ANSWER_STATUS_OK;
	fprintf(stderr, "lazaretctl: %s %s\n", word,
		into ? "needs a number" : "is not understood; see lazaretctl --help");
	return ANSWER_STATUS_USAGE;
}

static void print_report(const struct report *report, bool json)
{
	json_object *all = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(report->lists); i++) {
		if (json)
			json_object_object_add(all, report_keys[i], report->lists[i]);
		else
			print_list(report_titles[i], report->lists[i]);
	}
	if (json) {
		print_json(all);
		return;
	}
	json_object_put(all);
	for (size_t i = 0; i < ARRAY_LEN(report->lists); i++)
		json_object_put(report->lists[i]);
}

int user_report(bool json, const char *socket, size_t n, char *const *arguments)
{
	_cleanup_user_store_ struct user_store store = {.lock = -1, .journal = -1};
	struct report report = {.days = 30, .inactive = 90, .full = 90, .store = &store};
	int status = ANSWER_STATUS_OK;

	for (size_t i = 0; i < n && status == ANSWER_STATUS_OK; i += 2)
		status = take_option(&report, arguments[i], i + 1 < n ? arguments[i + 1] : NULL);
	if (status == ANSWER_STATUS_OK)
		status = user_store_open(&store, socket, false);
	if (status != ANSWER_STATUS_OK)
		return status;
	for (size_t i = 0; i < ARRAY_LEN(report.lists); i++)
		report.lists[i] = json_object_new_array();
	for (size_t i = 0; i < store.accounts.n; i++) {
		if (store.accounts.entries[i].is_user)
			look_at(&report, &store.accounts.entries[i]);
	}
	print_report(&report, json);
	return ANSWER_STATUS_OK;
}
