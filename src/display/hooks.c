/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/hooks.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"

#define LINE_INTERVAL (200 * USEC_PER_MSEC)
#define ROW_MAX 4096 /* pixels */

static char words[LOG_VALUE_MAX - 16];
static size_t words_len;
static uint64_t last_line;
static struct {
	struct picture picture;
	bool due, whole;
} built;
static bool key_waits;

void hooks_flush(void)
{
	const struct log_field fields[] = {LOG_STR("words", words), {0}};

	if (words_len == 0)
		return;
	log_write(LOG_INFO, "bench.hooks", fields);
	words_len = 0;
	words[0] = '\0';
	last_line = clock_now();
}

static void add(const char *word)
{
	size_t len = strlen(word);

	if (words_len + len + 2 > sizeof(words))
		hooks_flush();
	if (words_len > 0)
		words[words_len++] = ' ';
	memcpy(words + words_len, word, len + 1);
	words_len += len;
	if (clock_now() > last_line + LINE_INTERVAL)
		hooks_flush();
}

static uint64_t hash_picture(const struct picture *picture)
{
	static uint32_t row[ROW_MAX];
	static XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (int y = 0; y < picture->height; y++) {
		const uint32_t *from = picture->pixels + (size_t)y * (size_t)picture->stride;

		for (int x = 0; x < picture->width; x++)
			row[x] = from[x] & 0xffffff;
		XXH3_64bits_update(&state, row, (size_t)picture->width * sizeof(*row));
	}
	return XXH3_64bits_digest(&state);
}

void hooks_built(const struct picture *picture, bool whole)
{
	built.picture = *picture;
	built.whole = whole;
	built.due = picture->width <= ROW_MAX;
}

void hooks_sent(void)
{
	char word[32];

	if (!built.due)
		return;
	built.due = false;
	snprintf(word, sizeof(word), "%c%016" PRIx64, built.whole ? 'f' : 'p',
		 hash_picture(&built.picture));
	add(word);
}

static void add_time(char kind)
{
	char word[32];

	snprintf(word, sizeof(word), "%c%" PRIu64, kind, clock_now());
	add(word);
}

void hooks_key(void)
{
	key_waits = true;
	add_time('k');
}

void hooks_damaged(void)
{
	if (!key_waits)
		return;
	key_waits = false;
	add_time('d');
}
