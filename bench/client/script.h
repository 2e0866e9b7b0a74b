/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands, a line each, one after the other: the next begins when the one before has answered.
 * Meanwhile the connection is served.
 */
#ifndef LAZARET_BENCH_SCRIPT_H
#define LAZARET_BENCH_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "bench/client/client.h"
#include "wire/buf.h"

#define SCRIPT_LINE_MAX 65536 /* bytes */
#define SCRIPT_WORDS_MAX 32
#define SCRIPT_WORD_MAX 40 /* bytes of an unknown command that are repeated */
#define SCRIPT_NEVER UINT64_MAX

struct script;

/* What a command that takes time is doing. Times are monotonic microseconds. */
struct task {
	/* At `next`, or SCRIPT_NEVER: only updates matter. */
	void (*step)(struct script *script, uint64_t now);
	/* After each update; NULL: they do not matter. */
	void (*updated)(struct script *script, uint64_t time);
	uint64_t next, started, deadline;

	int x, y, x2, y2; /* of the pointer */
	unsigned int button; /* that turns the wheel */
	uint64_t interval;
	unsigned int done, count;
	uint64_t rest; /* for "still" */
	uint32_t colour;
	int tolerance;
	struct box box;
	uint32_t *keys; /* of "type" */
	bool waiting; /* for the box to change, since `sent` */
	uint64_t sent, due;
	unsigned int lost;
};

struct command {
	const char *word, *arguments;
	int min, max; /* words after the first; max -1: any number */
	/* `words` has `count` of them, the first is the command's own. 0: done; 1: script->task goes
	 * on; or -EINVAL after script_fail(). */
	int (*run)(struct script *script, char **words, int count);
};

/* Ends with a row without word. */
extern const struct command script_commands[];

struct script {
	struct client *client;
	struct buf lines; /* that were read and not begun */
	bool ended; /* no more will come */
	bool quit;
	const struct command *running;
	char word[SCRIPT_WORD_MAX]; /* its own, for the answer */
	bool busy; /* `task` goes on */
	struct task task;
	char error[256];
	uint32_t random;
};

void script_init(struct script *script, struct client *client);
void script_finish(struct script *script);

/* Reads from a descriptor that is ready. */
void script_read(struct script *script, int fd);
/* Begins what can begin and does what is due. 0, or a negative errno: the connection is broken. */
NODISCARD int script_run(struct script *script);
/* When script_run() has something to do; SCRIPT_NEVER for not by itself. */
uint64_t script_next(const struct script *script);
bool script_is_over(const struct script *script);

/* --- for commands --------------------------------------------------------------------------- */

/* Sets the error of the answer; returns -EINVAL. */
int script_fail(struct script *script, const char *format, ...) PRINTF(2, 3);
/* Begins the report of the answer; keys may follow, and report_end(). */
void script_begin_answer(const struct script *script);
/* The task is at its end, and answers. */
void script_end_task(struct script *script);
/* A number of a command; 0 or -EINVAL after script_fail(). */
NODISCARD int script_number(struct script *script, const char *word, int64_t min, int64_t max,
			    int64_t *ret_value);
NODISCARD int script_int(struct script *script, const char *word, int min, int max, int *ret_value);

/* Tasks (tasks.c) */
int task_wheel(struct script *script, char **words, int count);
int task_drag(struct script *script, char **words, int count);
int task_type(struct script *script, char **words, int count);
int task_latency_click(struct script *script, char **words, int count);
int task_still(struct script *script, char **words, int count);
int task_colour(struct script *script, char **words, int count);

#endif
