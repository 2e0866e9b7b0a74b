/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ipc/channel.h"
#include "lock/check_cache.h"
#include "lock/checkd.h"
#include "lock/clamd.h"
#include "lock/quarantine.h"

struct request {
	struct checkd *checkd;
	struct ipc_channel *channel;
	char *words[CHECK_ADMIN_WORDS_MAX];
	size_t n;
};

/* --- answers ---------------------------------------------------------------------------------- */

struct record {
	struct buf body;
	uint16_t n;
};

static void record_begin(struct record *record)
{
	buf_init(&record->body, IPC_BODY_MAX);
	buf_put_u8(&record->body, 1);
	buf_put_u16(&record->body, 0);
	record->n = 0;
}

static void add_number(struct record *record, const char *key, uint64_t value)
{
	buf_put_str(&record->body, key);
	buf_put_u8(&record->body, 1);
	buf_put_u64(&record->body, value);
	record->n++;
}

static void add_text(struct record *record, const char *key, const char *value)
{
	buf_put_str(&record->body, key);
	buf_put_u8(&record->body, 0);
	buf_put_str(&record->body, value);
	record->n++;
}

static int send_body(const struct request *request, struct buf *body)
{
	int r = buf_error(body);

	if (r == 0)
		r = ipc_channel_send(request->channel, IPC_CHECK_ADMIN_ANSWER, body, NULL, 0);
	buf_finish(body);
	return r;
}

static int record_send(const struct request *request, struct record *record)
{
	if (!buf_error(&record->body))
		buf_patch_u16(&record->body, 1, record->n);
	return send_body(request, &record->body);
}

static int finish(const struct request *request, bool failed, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u8(&body, 0);
	buf_put_u8(&body, failed);
	buf_put_str(&body, sentence);
	return send_body(request, &body);
}

/* --- status ----------------------------------------------------------------------------------- */

static void add_counts(const struct checkd *checkd, struct record *record)
{
	static const char *const results[] = {"passed", "refused", "quarantined"};
	static const char *const directions[] = {"up", "down"};
	const struct check_stats *stats = &checkd->stats;
	char key[64];

	for (int d = 0; d < 2; d++) {
		for (int r = 0; r < 3; r++) {
			snprintf(key, sizeof(key), "%s_%s", results[r], directions[d]);
			add_number(record, key, stats->files[r][d]);
		}
		snprintf(key, sizeof(key), "bytes_%s", directions[d]);
		add_number(record, key, stats->bytes[d]);
	}
	for (int rule = 0; rule < POLICY_RULES; rule++) {
		char *dash;

		snprintf(key, sizeof(key), "refused_by_%s",
			 policy_rule_name((enum policy_rule)rule));
		while ((dash = strchr(key, '-')))
			*dash = '_';
		add_number(record, key, stats->rules[rule]);
	}
}

static int run_status(const struct request *request)
{
	const struct checkd *checkd = request->checkd;
	int64_t age = clamd_age(checkd->clamd);
	unsigned int waiting = 0, released = 0;
	const struct quarantine_item *item;
	struct record record;
	int r;

	wl_list_for_each (item, quarantine_items(checkd->quarantine), link) {
		waiting += item->state == QUARANTINE_WAITING;
		released += item->state == QUARANTINE_RELEASED;
	}
	record_begin(&record);
	add_text(&record, "scanner", clamd_state(checkd->clamd));
	add_text(&record, "scanner_version", clamd_version(checkd->clamd));
	if (age >= 0)
		add_number(&record, "signature_age", (uint64_t)age);
	add_text(&record, "second_scanner", conf_str(checkd->conf, CONF_LOCK_SECOND_SCANNER));
	add_number(&record, "connections", checkd->n_connections);
	add_number(&record, "checks_running", checkd->n_children);
	add_number(&record, "checks_waiting", checkd->n_waiting);
	add_number(&record, "quarantine_waiting", waiting);
	add_number(&record, "quarantine_released", released);
	add_number(&record, "quarantine_bytes", quarantine_bytes(checkd->quarantine));
	add_number(&record, "cache_entries", check_cache_count(checkd->cache));
	add_number(&record, "cache_hits", checkd->stats.cache_hits);
	add_counts(checkd, &record);
	r = record_send(request, &record);
	return r < 0 ? r : finish(request, false, "");
}

/* --- the quarantine --------------------------------------------------------------------------- */

static int send_item(const struct request *request, const struct quarantine_item *item, bool whole)
{
	char since[32], digest[CHECK_DIGEST_TEXT];
	struct record record;

	clock_format(item->since, since, sizeof(since));
	record_begin(&record);
	add_text(&record, "id", item->id);
	add_text(&record, "state", item->state == QUARANTINE_RELEASED ? "released" : "waiting");
	add_text(&record, "since", since);
	add_text(&record, "user", item->user);
	add_text(&record, "direction", item->direction == CHECK_UP ? "up" : "down");
	add_number(&record, "size", item->size);
	add_text(&record, "type", item->type);
	add_text(&record, "rule", item->rule);
	add_text(&record, "name", item->name);
	if (whole) {
		add_number(&record, "uid", item->uid);
		add_text(&record, "address", item->address);
		add_text(&record, "sha256", check_digest_format(item->digest, digest));
		add_text(&record, "released_by", item->by);
	}
	return record_send(request, &record);
}

/* The queue of a channel is bounded; what does not fit is said to be missing. */
#define LIST_MAX 1000

static int run_list(const struct request *request)
{
	const struct quarantine_item *item;
	unsigned int n = 0;
	int r = 0;

	wl_list_for_each (item, quarantine_items(request->checkd->quarantine), link) {
		r = send_item(request, item, false);
		if (r < 0 || ++n == LIST_MAX)
			break;
	}
	/* Who reads too slowly gets what had room. */
	if (r < 0 && r != -ENOBUFS)
		return r;
	return finish(request, false, r < 0 || n == LIST_MAX ? "There are more." : "");
}

static int no_such(const struct request *request)
{
	return finish(request, true,
		      "there is no such file in quarantine; lazaretctl lock list has them all");
}

static int run_show(const struct request *request)
{
	const struct quarantine_item *item = quarantine_find(request->checkd->quarantine,
							     request->words[1]);
	int r;

	if (!item)
		return no_such(request);
	r = send_item(request, item, true);
	return r < 0 ? r : finish(request, false, "");
}

void check_admin_tell(struct checkd *checkd, const struct quarantine_item *item, bool released)
{
	static const char *const texts[2][2] = {
		{"The file \"%s\" was not released and has been deleted.",
		 "Die Datei „%s“ wurde nicht freigegeben und ist gelöscht worden."},
		{"The file \"%s\" was released. Transfer it once more, and it will pass.",
		 "Die Datei „%s“ wurde freigegeben. Wenn Sie sie noch einmal übertragen, kommt sie "
		 "durch."},
	};
	bool german = conf_int(checkd->conf, CONF_LANGUAGE) == CONF_LANGUAGE_DE;
	const char *format = texts[released][german];
	const char *place = strstr(format, "%s");
	char sentence[512];

	snprintf(sentence, sizeof(sentence), "%.*s%s%s", (int)(place - format), format, item->name,
		 place + 2);
	checkd_notify(checkd, item->uid, sentence);
}

static void write_log(const char *event, const struct quarantine_item *item, const char *by)
{
	char digest[CHECK_DIGEST_TEXT];

	log_event(LOG_INFO, event, LOG_STR("id", item->id), LOG_STR("by", by),
		  LOG_STR("name", item->name), LOG_INT("size", item->size),
		  LOG_STR("sha256", check_digest_format(item->digest, digest)),
		  LOG_STR("type", item->type), LOG_STR("user", item->user));
}

static int run_release(const struct request *request)
{
	struct checkd *checkd = request->checkd;
	const struct quarantine_item *item = quarantine_find(checkd->quarantine, request->words[1]);

	if (!item)
		return no_such(request);
	if (str_eq(item->user, request->words[2]))
		return finish(request, true, "nobody releases a file of his own");
	if (quarantine_release(checkd->quarantine, request->words[1], request->words[2]) < 0)
		return finish(request, true, "the release could not be written down");
	write_log("quarantine.released", item, request->words[2]);
	check_admin_tell(checkd, item, true);
	return finish(request, false, "Released: it passes when it is transferred once more.");
}

static int run_drop(const struct request *request)
{
	struct checkd *checkd = request->checkd;
	const struct quarantine_item *item = quarantine_find(checkd->quarantine, request->words[1]);

	if (!item)
		return no_such(request);
	write_log("quarantine.dropped", item, request->words[2]);
	check_admin_tell(checkd, item, false);
	return quarantine_drop(checkd->quarantine, request->words[1]) < 0
		       ? no_such(request)
		       : finish(request, false, "Dropped.");
}

static int dispatch(const struct request *request)
{
	static const struct {
		const char *word;
		size_t n;
		int (*run)(const struct request *request);
	} commands[] = {
		{"status", 1, run_status},   {"list", 1, run_list}, {"show", 2, run_show},
		{"release", 3, run_release}, {"drop", 3, run_drop},
	};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (request->n == commands[i].n && str_eq(request->words[0], commands[i].word))
			return commands[i].run(request);
	}
	return -EPROTO;
}

int check_admin(struct checkd *checkd, struct ipc_channel *channel, struct cursor *body)
{
	struct request request = {.checkd = checkd, .channel = channel};
	uint32_t n = cursor_u32(body);
	int r = n >= 1 && n <= CHECK_ADMIN_WORDS_MAX ? 0 : -EPROTO;

	while (r == 0 && request.n < n) {
		char *word = cursor_str(body, CHECK_ADMIN_WORD_MAX);

		if (!word)
			r = -EPROTO;
		else
			request.words[request.n++] = word;
	}
	if (r == 0)
		r = cursor_done(body) ? dispatch(&request) : -EPROTO;
	for (size_t i = 0; i < request.n; i++)
		free(request.words[i]);
	return r;
}
