/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-util.h>

#include "base/mem.h"

#define BUCKETS 4096 /* a power of two */

struct entry {
	struct wl_list bucket, used; /* used: the latest first */
	uint8_t digest[CHECK_DIGEST_LEN];
	struct check_scan scans[CHECK_SCANNERS];
	size_t len;
	uint8_t facts[]; /* check_facts_put() */
};

struct check_cache {
	struct wl_list buckets[BUCKETS];
	struct wl_list used;
	size_t n, max;
};

struct check_cache *check_cache_create(void)
{
	struct check_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		wl_list_init(&cache->buckets[i]);
	wl_list_init(&cache->used);
	return cache;
}

static void forget(struct check_cache *cache, struct entry *entry)
{
	wl_list_remove(&entry->bucket);
	wl_list_remove(&entry->used);
	cache->n--;
	free(entry);
}

void check_cache_resize(struct check_cache *cache, size_t max)
{
	cache->max = max;
	while (cache->n > max) {
		struct entry *oldest = wl_container_of(cache->used.prev, oldest, used);

		forget(cache, oldest);
	}
}

void check_cache_clear(struct check_cache *cache)
{
	size_t max = cache->max;

	check_cache_resize(cache, 0);
	cache->max = max;
}

void check_cache_destroy(struct check_cache *cache)
{
	if (!cache)
		return;
	check_cache_clear(cache);
	free(cache);
}

size_t check_cache_count(const struct check_cache *cache)
{
	return cache->n;
}

static struct wl_list *bucket_of(struct check_cache *cache, const uint8_t *digest)
{
	return &cache->buckets[((size_t)digest[0] << 8 | digest[1]) % BUCKETS];
}

static struct entry *find(struct check_cache *cache, const uint8_t *digest)
{
	struct entry *entry;

	wl_list_for_each (entry, bucket_of(cache, digest), bucket) {
		if (memcmp(entry->digest, digest, CHECK_DIGEST_LEN) == 0)
			return entry;
	}
	return NULL;
}

static struct entry *make(const struct check_facts *facts)
{
	struct entry *entry = NULL;
	struct buf out;

	buf_init(&out, CHECK_FACTS_MAX);
	check_facts_put(facts, &out);
	if (!buf_error(&out))
		entry = calloc(1, sizeof(*entry) + buf_len(&out));
	if (entry) {
		entry->len = buf_len(&out);
		memcpy(entry->facts, buf_data(&out), entry->len);
		memcpy(entry->scans, facts->scans, sizeof(entry->scans));
	}
	buf_finish(&out);
	return entry;
}

void check_cache_put(struct check_cache *cache, const uint8_t digest[CHECK_DIGEST_LEN],
		     const struct check_facts *facts)
{
	struct entry *entry = find(cache, digest);

	if (entry)
		forget(cache, entry);
	entry = cache->max > 0 ? make(facts) : NULL;
	if (!entry)
		return;
	memcpy(entry->digest, digest, CHECK_DIGEST_LEN);
	wl_list_insert(bucket_of(cache, digest), &entry->bucket);
	wl_list_insert(&cache->used, &entry->used);
	cache->n++;
	check_cache_resize(cache, cache->max);
}

int check_cache_get(struct check_cache *cache, const uint8_t digest[CHECK_DIGEST_LEN],
		    struct check_facts *ret_facts)
{
	struct entry *entry = find(cache, digest);
	struct cursor c;
	int r;

	if (!entry)
		return -ENOENT;
	c = cursor_over(entry->facts, entry->len);
	r = check_facts_get(&c, ret_facts);
	if (r < 0)
		return r;
	memcpy(ret_facts->scans, entry->scans, sizeof(entry->scans));
	wl_list_remove(&entry->used);
	wl_list_insert(&cache->used, &entry->used);
	return 0;
}
