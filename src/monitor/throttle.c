/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/throttle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wayland-util.h>

#include "base/clock.h"
#include "base/str.h"
#include "monitor/handover.h"
#include "monitor/limits.h"

#define BUCKETS 1024
#define EXPIRY (THROTTLE_EXPIRY * USEC_PER_SEC)
/* Stands for all accounts of an address that has too many; no account may be named so. */
#define ANY_ACCOUNT "\n"

struct entry {
	struct wl_list bucket; /* throttle.buckets[] */
	struct wl_list age; /* throttle.ages, oldest first */
	struct address_key address;
	uint64_t account; /* keyed hash of the name: fixed size, whatever was typed */
	unsigned int failures;
	unsigned int running; /* attempts begun and not ended */
	uint64_t not_before; /* monotonic us: the next attempt */
	uint64_t touched;
};

struct throttle {
	struct wl_list buckets[BUCKETS];
	struct wl_list ages;
	size_t count;
	uint64_t cap;
	uint64_t seed;
};

struct throttle *throttle_create(void)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));

	if (!throttle)
		return NULL;
	/* An attacker who knew the seed could make names collide. */
	if (getrandom(&throttle->seed, sizeof(throttle->seed), 0) != sizeof(throttle->seed)) {
		free(throttle);
		return NULL;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		wl_list_init(&throttle->buckets[i]);
	wl_list_init(&throttle->ages);
	return throttle;
}

static void forget(struct throttle *throttle, struct entry *entry)
{
	wl_list_remove(&entry->bucket);
	wl_list_remove(&entry->age);
	throttle->count--;
	free(entry);
}

void throttle_destroy(struct throttle *throttle)
{
	struct entry *entry, *next;

	if (!throttle)
		return;
	wl_list_for_each_safe (entry, next, &throttle->ages, age)
		forget(throttle, entry);
	free(throttle);
}

void throttle_set_cap(struct throttle *throttle, uint64_t cap)
{
	throttle->cap = cap;
}

size_t throttle_count(const struct throttle *throttle)
{
	return throttle->count;
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		hash ^= p[i];
		hash *= UINT64_C(0x100000001b3);
		hash ^= hash >> 29;
	}
	return hash;
}

static struct wl_list *bucket_of(struct throttle *throttle, const struct address_key *address)
{
	uint64_t hash = mix(throttle->seed, address->bytes, sizeof(address->bytes));

	return &throttle->buckets[hash % BUCKETS];
}

/* *ret_others: how many accounts of this address are in the table. */
static struct entry *find(struct throttle *throttle, const struct address_key *address,
			  uint64_t account, unsigned int *ret_others)
{
	struct entry *entry, *found = NULL;

	*ret_others = 0;
	wl_list_for_each (entry, bucket_of(throttle, address), bucket) {
		if (!address_key_eq(&entry->address, address))
			continue;
		++*ret_others;
		if (entry->account == account)
			found = entry;
	}
	return found;
}

static uint64_t any_account(const struct throttle *throttle)
{
	return mix(throttle->seed, ANY_ACCOUNT, strlen(ANY_ACCOUNT));
}

static struct entry *lookup(struct throttle *throttle, const struct address_key *address,
			    const char *account, uint64_t *ret_hash)
{
	uint64_t hash = mix(throttle->seed, account, strlen(account));
	unsigned int others;
	struct entry *entry = find(throttle, address, hash, &others);

	if (!entry && others >= THROTTLE_ACCOUNTS_PER_ADDRESS) {
		hash = any_account(throttle);
		entry = find(throttle, address, hash, &others);
	}
	*ret_hash = hash;
	return entry;
}

static void expire(struct throttle *throttle, uint64_t now)
{
	struct entry *entry, *next;

	wl_list_for_each_safe (entry, next, &throttle->ages, age) {
		if (now - entry->touched < EXPIRY && throttle->count < THROTTLE_ENTRIES_MAX)
			break;
		forget(throttle, entry);
	}
}

static struct entry *remember(struct throttle *throttle, const struct address_key *address,
			      uint64_t account)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->address = *address;
	entry->account = account;
	wl_list_insert(bucket_of(throttle, address), &entry->bucket);
	wl_list_insert(throttle->ages.prev, &entry->age);
	throttle->count++;
	return entry;
}

static void touch(struct throttle *throttle, struct entry *entry, uint64_t now)
{
	entry->touched = now;
	wl_list_remove(&entry->age);
	wl_list_insert(throttle->ages.prev, &entry->age);
}

/* The wait after `n` failures. */
static uint64_t step(const struct throttle *throttle, unsigned int n)
{
	if (n == 0)
		return 0;
	return MIN(USEC_PER_SEC << MIN(n - 1, 30u), throttle->cap);
}

uint64_t throttle_begin(struct throttle *throttle, const struct address_key *address,
			const char *account, uint64_t now, struct throttle_ticket *ret_ticket)
{
	uint64_t hash, when;
	struct entry *entry = lookup(throttle, address, account, &hash);

	*ret_ticket = (struct throttle_ticket){*address, hash};
	if (!entry) {
		expire(throttle, now);
		entry = remember(throttle, address, hash);
	}
	/* Without memory to remember them, all attempts are slow. */
	if (!entry)
		return now + throttle->cap;
	when = MAX(now, entry->not_before);
	entry->running++;
	entry->not_before = when + step(throttle, entry->failures + entry->running);
	touch(throttle, entry, now);
	return when;
}

void throttle_end(struct throttle *throttle, const struct throttle_ticket *ticket,
		  enum throttle_outcome outcome, uint64_t now)
{
	unsigned int others;
	struct entry *entry = find(throttle, &ticket->address, ticket->account, &others);

	if (!entry)
		return;
	if (entry->running > 0)
		entry->running--;
	touch(throttle, entry, now);
	if (outcome == THROTTLE_FAILED) {
		if (entry->failures < 64)
			entry->failures++;
		entry->not_before = MAX(entry->not_before, now + step(throttle, entry->failures));
	} else if (outcome == THROTTLE_SUCCEEDED && entry->account != any_account(throttle)) {
		/* In the common entry one good password must not pay for many bad ones. */
		entry->failures = 0;
		entry->not_before = 0;
	}
	if (entry->failures == 0 && entry->running == 0)
		forget(throttle, entry);
}

int throttle_save(const struct throttle *throttle, struct handover *handover)
{
	const struct entry *entry;

	handover->throttle_seed = throttle->seed;
	wl_list_for_each (entry, &throttle->ages, age) {
		struct handover_failure *part = handover_add(&handover->failures,
							     &handover->n_failures, sizeof(*part));

		if (!part)
			return -ENOMEM;
		part->address = entry->address;
		part->account = entry->account;
		part->failures = entry->failures;
		part->running = entry->running;
		part->not_before = entry->not_before;
		part->touched = entry->touched;
	}
	return 0;
}

int throttle_restore(struct throttle *throttle, const struct handover *handover)
{
	if (handover->n_failures > THROTTLE_ENTRIES_MAX)
		return -E2BIG;
	throttle->seed = handover->throttle_seed;
	for (uint32_t i = 0; i < handover->n_failures; i++) {
		const struct handover_failure *part = &handover->failures[i];
		struct entry *entry = remember(throttle, &part->address, part->account);

		if (!entry)
			return -ENOMEM;
		entry->failures = MIN(part->failures, 64u);
		entry->running = part->running;
		entry->not_before = part->not_before;
		entry->touched = part->touched;
	}
	return 0;
}
