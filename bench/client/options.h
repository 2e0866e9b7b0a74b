/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line. */
#ifndef LAZARET_BENCH_OPTIONS_H
#define LAZARET_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define OPTIONS_ENCODINGS_MAX 64
#define OPTIONS_PASSWORD_MAX 1024 /* bytes of the file */

struct options {
	const char *host, *port;
	const char *ca, *user; /* NULL: security type None */
	char *password;
	int32_t encodings[OPTIONS_ENCODINGS_MAX]; /* as SetEncodings lists them */
	size_t n_encodings;
	int quality, compress; /* -1: not told */
	bool no_fence, no_continuous, cursor;
	int width, height; /* to be asked for; 0: as it comes */
	uint64_t read_rate; /* bytes a second; 0: no limit */
};

/* 0, or -EINVAL after a word on standard error. */
NODISCARD int options_parse(struct options *options, int argc, char **argv);
void options_finish(struct options *options);

#endif
