/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands, and those of them that are done at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "bench/client/message.h"
#include "bench/client/report.h"
#include "bench/client/script.h"

static int run_begin(struct script *script, char **words, int count)
{
	struct client *client = script->client;

	(void)count;
	measurement_begin(&client->measurement, words[1], &client->connection, &client->decoder);
	return 0;
}

static int run_end(struct script *script, char **words, int count)
{
	struct client *client = script->client;

	(void)words;
	(void)count;
	if (!client->measurement.open)
		return script_fail(script, "no measurement has begun");
	measurement_stop(&client->measurement);
	client_compare_kept(client);
	script_begin_answer(script);
	measurement_report(&client->measurement, &client->connection, &client->decoder);
	report_end();
	script->running = NULL;
	return 0;
}

static int run_pointer(struct script *script, char **words, int count)
{
	int x = 0, y = 0, mask = 0;
	int r = script_int(script, words[1], 0, UINT16_MAX, &x);

	(void)count;
	if (r == 0)
		r = script_int(script, words[2], 0, UINT16_MAX, &y);
	if (r == 0)
		r = script_int(script, words[3], 0, 255, &mask);
	if (r == 0)
		message_pointer(client_out(script->client), (unsigned int)mask, x, y);
	return r;
}

static int run_click(struct script *script, char **words, int count)
{
	struct buf *out = client_out(script->client);
	int x = 0, y = 0;
	int r = script_int(script, words[1], 0, UINT16_MAX, &x);

	(void)count;
	if (r == 0)
		r = script_int(script, words[2], 0, UINT16_MAX, &y);
	if (r < 0)
		return r;
	message_pointer(out, 0, x, y);
	message_pointer(out, MESSAGE_BUTTON_LEFT, x, y);
	message_pointer(out, 0, x, y);
	return 0;
}

/* Decimal, or hexadecimal with 0x in front. */
static int read_keysym(struct script *script, const char *word, uint32_t *ret_keysym)
{
	char *end;
	unsigned long value = strtoul(word, &end, 0);

	if (word[0] < '0' || word[0] > '9' || *end || value > UINT32_MAX)
		return script_fail(script, "\"%.40s\" is no keysym: give its number", word);
	*ret_keysym = (uint32_t)value;
	return 0;
}

static int run_key(struct script *script, char **words, int count)
{
	uint32_t keysyms[SCRIPT_WORDS_MAX];

	for (int i = 1; i < count; i++) {
		int r = read_keysym(script, words[i], &keysyms[i]);

		if (r < 0)
			return r;
	}
	for (int i = 1; i < count; i++)
		message_key(client_out(script->client), true, keysyms[i]);
	for (int i = count - 1; i >= 1; i--)
		message_key(client_out(script->client), false, keysyms[i]);
	return 0;
}

static int run_barcode(struct script *script, char **words, int count)
{
	struct client *client = script->client;
	struct barcode barcode = {0};
	int r = script_int(script, words[1], 0, UINT16_MAX, &barcode.x);

	(void)count;
	if (r == 0)
		r = script_int(script, words[2], 0, UINT16_MAX, &barcode.y);
	if (r == 0)
		r = script_int(script, words[3], 1, UINT16_MAX, &barcode.cell);
	if (r == 0)
		r = script_int(script, words[4], 1, BARCODE_COLUMNS_MAX, &barcode.columns);
	if (r < 0)
		return r;
	if (!barcode_fits(&barcode, client->decoder.fb.width, client->decoder.fb.height))
		return script_fail(script,
				   "%d cells of %d pixels do not fit into the picture there",
				   2 * barcode.columns, barcode.cell);
	client->barcode = barcode;
	client->barcode_on = true;
	client->code = BARCODE_NONE;
	return 0;
}

/* Without words after the file's the whole picture is meant. */
static int read_region(struct script *script, char **words, int count, struct frames_region *region)
{
	const int max = UINT16_MAX;
	int r;

	/* The word "region" may stand before the numbers. */
	if (count == 5 && strcasecmp(words[0], "region") == 0)
		words++;
	else if (count != 4)
		return script_fail(script, "after the file comes X Y W H or nothing");
	r = script_int(script, words[0], 0, max, &region->x);
	if (r == 0)
		r = script_int(script, words[1], 0, max, &region->y);
	if (r == 0)
		r = script_int(script, words[2], 1, FRAMES_SIDE_MAX, &region->width);
	if (r == 0)
		r = script_int(script, words[3], 1, FRAMES_SIDE_MAX, &region->height);
	return r;
}

static int start_recording(struct script *script, char **words, int count, bool codes_only)
{
	struct client *client = script->client;
	struct frames_region region = {0};
	int r = count > 2 ? read_region(script, words + 2, count - 2, &region) : 0;

	if (r < 0)
		return r;
	r = recording_start(&client->recording, words[1], count > 2 ? &region : NULL, codes_only,
			    &client->decoder.fb);
	if (r == -EBUSY)
		return script_fail(script, "a recording is under way: record-stop ends it");
	if (r == -EINVAL)
		return script_fail(script, "the region is not inside the picture");
	return r < 0 ? script_fail(script, "%.100s: %s", words[1], strerror(-r)) : 0;
}

static int run_record(struct script *script, char **words, int count)
{
	return start_recording(script, words, count, false);
}

static int run_record_codes(struct script *script, char **words, int count)
{
	if (!script->client->barcode_on)
		return script_fail(script, "say first where the numbers are: barcode");
	return start_recording(script, words, count, true);
}

static int run_record_stop(struct script *script, char **words, int count)
{
	struct client *client = script->client;
	int r = recording_stop(&client->recording, &client->decoder.fb);

	(void)words;
	(void)count;
	if (r == -ENOENT)
		return script_fail(script, "no recording is under way");
	if (r < 0)
		return script_fail(script, "the recording is not whole: %s", strerror(-r));
	script_begin_answer(script);
	report_int("frames", client->recording.frames);
	report_end();
	script->running = NULL;
	return 0;
}

static int run_compare(struct script *script, char **words, int count)
{
	struct client *client = script->client;
	int r;

	(void)count;
	if (str_eq(words[1], "off")) {
		compare_close(&client->compare);
		return 0;
	}
	if (!client->barcode_on)
		return script_fail(script, "say first where the numbers are: barcode");
	r = compare_open(&client->compare, words[1]);
	if (r == -EPROTO)
		return script_fail(script, "%.100s: broken, or no recording with numbers",
				   words[1]);
	return r < 0 ? script_fail(script, "%.100s: %s", words[1], strerror(-r)) : 0;
}

static int run_hash(struct script *script, char **words, int count)
{
	(void)count;
	if (!str_eq(words[1], "on") && !str_eq(words[1], "off"))
		return script_fail(script, "hash on, or hash off");
	script->client->hash = str_eq(words[1], "on");
	return 0;
}

static void write_ppm(FILE *file, const struct framebuffer *fb)
{
	size_t count = (size_t)fb->width * (size_t)fb->height;

	fprintf(file, "P6\n%d %d\n255\n", fb->width, fb->height);
	for (size_t i = 0; i < count; i++) {
		uint32_t pixel = fb->pixels[i];

		putc((int)(pixel >> 16 & 0xff), file);
		putc((int)(pixel >> 8 & 0xff), file);
		putc((int)(pixel & 0xff), file);
	}
}

static int run_shot(struct script *script, char **words, int count)
{
	FILE *file = fopen(words[1], "we");
	bool failed;

	(void)count;
	if (!file)
		return script_fail(script, "%.100s: %s", words[1], strerror(errno));
	write_ppm(file, &script->client->decoder.fb);
	failed = ferror(file) != 0;
	if (fclose(file) != 0 || failed)
		return script_fail(script, "%.100s: cannot be written", words[1]);
	return 0;
}

static int run_quit(struct script *script, char **words, int count)
{
	(void)words;
	(void)count;
	script->quit = true;
	return 0;
}

const struct command script_commands[] = {
	{"begin", "NAME", 1, 1, run_begin},
	{"end", "", 0, 0, run_end},
	{"pointer", "X Y MASK", 3, 3, run_pointer},
	{"wheel", "X Y COUNT INTERVAL_US", 4, 4, task_wheel},
	{"drag", "X1 Y1 X2 Y2 STEPS INTERVAL_US", 6, 6, task_drag},
	{"key", "KEYSYM...", 1, -1, run_key},
	{"type", "TEXT INTERVAL_US X Y W H", 6, 6, task_type},
	{"click", "X Y", 2, 2, run_click},
	{"latency-click", "X Y BX BY BW BH", 6, 6, task_latency_click},
	{"still", "MS [TIMEOUT_MS]", 1, 2, task_still},
	{"colour", "X Y RRGGBB [TIMEOUT_MS [TOLERANCE]]", 3, 5, task_colour},
	{"barcode", "X Y CELL COLUMNS", 4, 4, run_barcode},
	{"record", "FILE [X Y W H]", 1, 6, run_record},
	{"record-codes", "FILE [X Y W H]", 1, 6, run_record_codes},
	{"record-stop", "", 0, 0, run_record_stop},
	{"compare", "FILE|off", 1, 1, run_compare},
	{"hash", "on|off", 1, 1, run_hash},
	{"shot", "FILE", 1, 1, run_shot},
	{"quit", "", 0, 0, run_quit},
	{0},
};
