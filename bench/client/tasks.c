/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that take time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "bench/client/message.h"
#include "bench/client/report.h"
#include "bench/client/script.h"

#define COUNT_MAX 100000
#define INTERVAL_MAX (60 * (int)USEC_PER_SEC)
#define KEY_PATIENCE USEC_PER_SEC /* until a key counts as lost */
#define CLICK_PATIENCE (20 * USEC_PER_SEC)
#define DEFAULT_TIMEOUT_MS 60000
#define TIMEOUT_MS_MAX 3600000
#define KEYSYM_UNICODE 0x01000000
#define LATIN1_MAX 0xff

static int read_point(struct script *script, char **words, int *ret_x, int *ret_y)
{
	int r = script_int(script, words[0], 0, UINT16_MAX, ret_x);

	return r < 0 ? r : script_int(script, words[1], 0, UINT16_MAX, ret_y);
}

static int read_box(struct script *script, char **words, struct box *ret_box)
{
	int width = 0, height = 0;
	int r = read_point(script, words, &ret_box->x1, &ret_box->y1);

	if (r == 0)
		r = script_int(script, words[2], 1, UINT16_MAX, &width);
	if (r == 0)
		r = script_int(script, words[3], 1, UINT16_MAX, &height);
	ret_box->x2 = ret_box->x1 + width;
	ret_box->y2 = ret_box->y1 + height;
	return r;
}

static int read_interval(struct script *script, const char *word, uint64_t *ret_interval)
{
	int interval = 0;
	int r = script_int(script, word, 0, INTERVAL_MAX, &interval);

	*ret_interval = (uint64_t)interval;
	return r;
}

static int read_timeout(struct script *script, const char *word, uint64_t *ret_deadline)
{
	int ms = DEFAULT_TIMEOUT_MS;
	int r = word ? script_int(script, word, 1, TIMEOUT_MS_MAX, &ms) : 0;

	*ret_deadline = script->task.started + (uint64_t)ms * USEC_PER_MSEC;
	return r;
}

/* --- wheel and drag ----------------------------------------------------------------------------- */

/* Paced from the start, so that being late once does not move what follows. */
static void pace(struct script *script)
{
	struct task *task = &script->task;

	task->done++;
	task->next = task->started + task->interval * task->done;
}

static void step_wheel(struct script *script, uint64_t now)
{
	struct task *task = &script->task;
	struct buf *out = client_out(script->client);

	(void)now;
	message_pointer(out, task->button, task->x, task->y);
	message_pointer(out, 0, task->x, task->y);
	pace(script);
	if (task->done == task->count)
		script_end_task(script);
}

int task_wheel(struct script *script, char **words, int count)
{
	struct task *task = &script->task;
	int notches = 0;
	int r = read_point(script, words + 1, &task->x, &task->y);

	(void)count;
	if (r == 0)
		r = script_int(script, words[3], -COUNT_MAX, COUNT_MAX, &notches);
	if (r == 0)
		r = read_interval(script, words[4], &task->interval);
	if (r < 0 || notches == 0)
		return r;
	task->button = notches < 0 ? MESSAGE_WHEEL_UP : MESSAGE_WHEEL_DOWN;
	task->count = (unsigned int)abs(notches);
	task->step = step_wheel;
	step_wheel(script, task->started);
	return task->done < task->count;
}

static void step_drag(struct script *script, uint64_t now)
{
	struct task *task = &script->task;
	struct buf *out = client_out(script->client);
	int done, count = (int)task->count, x, y;

	(void)now;
	pace(script);
	done = (int)task->done;
	x = task->x + (task->x2 - task->x) * done / count;
	y = task->y + (task->y2 - task->y) * done / count;
	message_pointer(out, MESSAGE_BUTTON_LEFT, x, y);
	if (done < count)
		return;
	message_pointer(out, 0, x, y);
	script_end_task(script);
}

int task_drag(struct script *script, char **words, int count)
{
	struct task *task = &script->task;
	int steps = 0;
	int r = read_point(script, words + 1, &task->x, &task->y);

	(void)count;
	if (r == 0)
		r = read_point(script, words + 3, &task->x2, &task->y2);
	if (r == 0)
		r = script_int(script, words[5], 1, 10000, &steps);
	if (r == 0)
		r = read_interval(script, words[6], &task->interval);
	if (r < 0)
		return r;
	task->count = (unsigned int)steps;
	task->step = step_drag;
	message_pointer(client_out(script->client), 0, task->x, task->y);
	message_pointer(client_out(script->client), MESSAGE_BUTTON_LEFT, task->x, task->y);
	task->next = task->started + task->interval;
	return 1;
}

/* --- what waits for a box to change ------------------------------------------------------------- */

/* The time is taken before the bytes leave. */
static void send_and_watch(struct script *script, uint64_t patience)
{
	struct task *task = &script->task;

	framebuffer_watch(&script->client->decoder.fb, &task->box);
	task->waiting = true;
	task->sent = clock_now();
	task->next = task->sent + patience;
	/* An error shows again when the loop flushes. */
	if (client_flush(script->client) < 0)
		return;
}

static bool box_answered(struct script *script, uint64_t time)
{
	struct task *task = &script->task;
	struct client *client = script->client;

	if (!task->waiting || !client->decoder.fb.box_changed)
		return false;
	task->waiting = false;
	framebuffer_unwatch(&client->decoder.fb);
	series_add(&client->measurement.latencies, (double)(time - task->sent), 0);
	return true;
}

static void box_lost(struct script *script)
{
	script->task.waiting = false;
	script->task.lost++;
	script->client->measurement.lost++;
	framebuffer_unwatch(&script->client->decoder.fb);
}

/* 75 to 125 % of the interval. */
static uint64_t jitter(struct script *script, uint64_t interval)
{
	script->random = script->random * 1664525 + 1013904223;
	return interval * 3 / 4 + interval / 2 * (script->random >> 16) / 65535;
}

static void end_type(struct script *script)
{
	script_begin_answer(script);
	report_int("keys", script->task.count);
	report_int("lost", script->task.lost);
	report_end();
	script->running = NULL;
	script_end_task(script);
}

static void step_type(struct script *script, uint64_t now)
{
	struct task *task = &script->task;
	struct buf *out = client_out(script->client);

	(void)now;
	if (task->waiting)
		box_lost(script);
	if (task->done == task->count) {
		end_type(script);
		return;
	}
	message_key(out, true, task->keys[task->done]);
	message_key(out, false, task->keys[task->done]);
	task->done++;
	send_and_watch(script, MAX(KEY_PATIENCE, task->interval));
	task->due = task->sent + jitter(script, task->interval);
}

static void type_updated(struct script *script, uint64_t time)
{
	struct task *task = &script->task;

	/* The last has nothing after it to wait for. */
	if (box_answered(script, time))
		task->next = task->done == task->count ? time : task->due;
}

static uint32_t keysym_of(uint32_t scalar)
{
	return scalar <= LATIN1_MAX ? scalar : scalar | KEYSYM_UNICODE;
}

static int read_text(struct script *script, const char *text)
{
	struct task *task = &script->task;
	size_t len = strlen(text), n;
	uint32_t scalar;

	task->keys = calloc(len + 1, sizeof(*task->keys));
	if (!task->keys)
		return script_fail(script, "out of memory");
	for (; (n = str_utf8_decode(text, len, &scalar)) > 0; text += n, len -= n)
		task->keys[task->count++] = keysym_of(scalar);
	if (len == 0 && task->count > 0)
		return 0;
	free(task->keys);
	task->keys = NULL;
	return script_fail(script, "the text is empty or not UTF-8");
}

int task_type(struct script *script, char **words, int count)
{
	struct task *task = &script->task;
	int r = read_interval(script, words[2], &task->interval);

	(void)count;
	if (r == 0)
		r = read_box(script, words + 3, &task->box);
	if (r == 0)
		r = read_text(script, words[1]);
	if (r < 0)
		return r;
	task->step = step_type;
	task->updated = type_updated;
	step_type(script, task->started);
	return 1;
}

static void step_click(struct script *script, uint64_t now)
{
	(void)now;
	if (script->task.waiting) {
		box_lost(script);
		script_fail(script, "nothing changed in the box within 20 s");
	}
	script_end_task(script);
}

static void click_updated(struct script *script, uint64_t time)
{
	if (!box_answered(script, time))
		return;
	script_begin_answer(script);
	report_int("latency_us", time - script->task.sent);
	report_end();
	script->running = NULL;
	script_end_task(script);
}

int task_latency_click(struct script *script, char **words, int count)
{
	struct task *task = &script->task;
	struct buf *out = client_out(script->client);
	int r = read_point(script, words + 1, &task->x, &task->y);

	(void)count;
	if (r == 0)
		r = read_box(script, words + 3, &task->box);
	if (r < 0)
		return r;
	task->step = step_click;
	task->updated = click_updated;
	message_pointer(out, MESSAGE_BUTTON_LEFT, task->x, task->y);
	message_pointer(out, 0, task->x, task->y);
	send_and_watch(script, CLICK_PATIENCE);
	return 1;
}

/* --- what waits for the picture ----------------------------------------------------------------- */

static void step_still(struct script *script, uint64_t now)
{
	struct task *task = &script->task;
	uint64_t since = MAX(script->client->last_change, task->started);

	if (now >= since + task->rest) {
		script_end_task(script);
	} else if (now >= task->deadline) {
		script_fail(script, "pixels kept changing until the time was up");
		script_end_task(script);
	} else {
		task->next = MIN(since + task->rest, task->deadline);
	}
}

/* What was still before it began does not count: a command before it may be about to show. */
int task_still(struct script *script, char **words, int count)
{
	struct task *task = &script->task;
	int ms = 0;
	int r = script_int(script, words[1], 1, TIMEOUT_MS_MAX, &ms);

	if (r == 0)
		r = read_timeout(script, count > 2 ? words[2] : NULL, &task->deadline);
	if (r < 0)
		return r;
	task->rest = (uint64_t)ms * USEC_PER_MSEC;
	task->step = step_still;
	task->next = MIN(task->started + task->rest, task->deadline);
	return 1;
}

static bool near(uint32_t a, uint32_t b, int tolerance)
{
	for (int shift = 0; shift < 24; shift += 8) {
		if (abs((int)(a >> shift & 0xff) - (int)(b >> shift & 0xff)) > tolerance)
			return false;
	}
	return true;
}

static void colour_updated(struct script *script, uint64_t time)
{
	const struct framebuffer *fb = &script->client->decoder.fb;
	const struct task *task = &script->task;

	(void)time;
	/* The size may have changed meanwhile. */
	if (task->x < fb->width && task->y < fb->height &&
	    near(fb->pixels[(size_t)task->y * (size_t)fb->width + (size_t)task->x], task->colour,
		 task->tolerance))
		script_end_task(script);
}

static void step_colour(struct script *script, uint64_t now)
{
	const struct framebuffer *fb = &script->client->decoder.fb;
	const struct task *task = &script->task;

	(void)now;
	if (task->x < fb->width && task->y < fb->height)
		script_fail(script, "the pixel is %06x, not %06x",
			    fb->pixels[(size_t)task->y * (size_t)fb->width + (size_t)task->x],
			    task->colour);
	else
		script_fail(script, "the pixel is outside the picture");
	script_end_task(script);
}

int task_colour(struct script *script, char **words, int count)
{
	struct task *task = &script->task;
	char *end;
	int r = read_point(script, words + 1, &task->x, &task->y);

	if (r == 0)
		r = read_timeout(script, count > 4 ? words[4] : NULL, &task->deadline);
	if (r == 0 && count > 5)
		r = script_int(script, words[5], 0, 255, &task->tolerance);
	if (r < 0)
		return r;
	task->colour = (uint32_t)strtoul(words[3], &end, 16);
	if (strlen(words[3]) != 6 || *end)
		return script_fail(script, "\"%.40s\" is no colour RRGGBB", words[3]);
	task->step = step_colour;
	task->updated = colour_updated;
	task->next = task->deadline;
	script->busy = true;
	colour_updated(script, task->started);
	return script->busy;
}
