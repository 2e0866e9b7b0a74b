/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log: one line an event, a stable event name, key=value fields.
 *
 *	log_event(LOG_INFO, "login.refused", LOG_STR("user", name), LOG_INT("attempts", n));
 *
 * gives on standard error
 *
 *	2026-11-24T03:55:31.123Z lazaretd[712] info login.refused user="alice" attempts=3
 *
 * Event names are `area.what`, listed in lazaret-events(7). String values are made fit to be shown
 * (base/str.h), quoted, and cut at LOG_VALUE_MAX bytes, so foreign text cannot forge a line.
 * Processes without privilege write to a pipe; their parent reads it with base/logpipe.h, which
 * adds who said it. Library code logs at debug only and returns errors.
 */
#ifndef LAZARET_BASE_LOG_H
#define LAZARET_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* Before the version in a program's file. */
#define LOG_VERSION_MARK "lazaret program, version "

#define LOG_VALUE_MAX 512
#define LOG_LINE_MAX 2048

enum log_level {
	LOG_ERROR, /* something is broken; somebody must act */
	LOG_WARN, /* refused, limited, unexpected; the system goes on */
	LOG_INFO, /* what an operator wants to see of a normal day */
	LOG_DEBUG,
	LOG_AUDIT, /* what administrators do: logged whatever the level is */
};

struct log_field {
	const char *key; /* NULL ends the list */
	const char *str; /* NULL: use num */
	int64_t num;
	bool is_error; /* num is a negative errno, printed as its text */
};

#define LOG_STR(k, v)                  \
	{                              \
		.key = (k), .str = (v) \
	}
#define LOG_INT(k, v)                           \
	{                                       \
		.key = (k), .num = (int64_t)(v) \
	}
#define LOG_ERR(e)                                           \
	{                                                    \
		.key = "error", .num = (e), .is_error = true \
	}

/* `program` must live for ever; call once at start. Level comes from set_level, default info. */
void log_init(const char *program);
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "error", "warn", "info", "debug", "audit" */
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *event, const struct log_field *fields);
#define log_event(level, event, ...) \
	log_write((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

/*
 * A line of another process, which `role` and `pid` name whatever it says of itself; the time is
 * now. A line that log_write() made keeps level, event and fields; any other one is the event
 * process.output at the level `raw`. `text` is sanitized here. See logpipe.h.
 */
void log_relay(const char *role, int pid, enum log_level raw, const char *text);

#endif
