/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/client/decoder.h"
#include "rfb/protocol.h"

#define DEFAULT_ENCODINGS "tight copyrect zrle raw"
#define WORD_MAX 32

static const char usage[] =
	"usage: bench-client [--ca FILE --user NAME --password-file FILE] [--encodings LIST]\n"
	"	[--quality 0-9] [--compress 0-9] [--no-fence] [--no-continuous] [--cursor]\n"
	"	[--resize WxH] [--read-rate BYTES_PER_S] HOST PORT\n"
	"LIST: words of tight, copyrect, h264, zrle, raw in order of preference, in quotes\n";

static const struct {
	const char *word;
	int32_t number;
} encoding_words[] = {
	{"tight", RFB_ENCODING_TIGHT}, {"copyrect", RFB_ENCODING_COPY_RECT},
	{"zrle", RFB_ENCODING_ZRLE},   {"raw", RFB_ENCODING_RAW},
	{"h264", RFB_ENCODING_H264},
};

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "bench-client: %s: \"%s\"\n%s", what, value, usage);
	return -EINVAL;
}

static void add(struct options *options, int32_t encoding)
{
	if (options->n_encodings < OPTIONS_ENCODINGS_MAX)
		options->encodings[options->n_encodings++] = encoding;
}

static int add_word(struct options *options, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(encoding_words); i++) {
		if (str_eq(encoding_words[i].word, word)) {
			add(options, encoding_words[i].number);
			return 0;
		}
	}
	return complain("not an encoding", word);
}

static int add_words(struct options *options, const char *list)
{
	while (*(list += strspn(list, " ,"))) {
		size_t len = strcspn(list, " ,");
		char word[WORD_MAX];
		int r;

		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		r = add_word(options, word);
		if (r < 0)
			return r;
		list += len;
	}
	return 0;
}

/* What is no way to code pixels, after those that are. */
static void add_pseudo(struct options *options)
{
	add(options, RFB_ENCODING_LAST_RECT);
	add(options, RFB_ENCODING_DESKTOP_SIZE);
	add(options, RFB_ENCODING_EXTENDED_DESKTOP_SIZE);
	if (options->cursor) {
		add(options, RFB_ENCODING_CURSOR_WITH_ALPHA);
		add(options, RFB_ENCODING_CURSOR);
	}
	if (!options->no_fence)
		add(options, RFB_ENCODING_FENCE);
	if (!options->no_continuous)
		add(options, RFB_ENCODING_CONTINUOUS_UPDATES);
	if (options->quality >= 0)
		add(options, RFB_ENCODING_JPEG_QUALITY_LOW + options->quality);
	if (options->compress >= 0)
		add(options, RFB_ENCODING_COMPRESS_LEVEL_LOW + options->compress);
}

/* The first line of the file. */
static int read_password(struct options *options, const char *path)
{
	size_t len;
	int r = fd_read_file(AT_FDCWD, path, OPTIONS_PASSWORD_MAX, &options->password, &len);

	if (r < 0)
		return complain("cannot read the password's file", path);
	options->password[strcspn(options->password, "\r\n")] = '\0';
	return 0;
}

static int read_level(const char *text, int *ret_level)
{
	int64_t level;

	if (str_to_int(text, 0, 9, &level) < 0)
		return complain("not a level from 0 to 9", text);
	*ret_level = (int)level;
	return 0;
}

static int read_size(struct options *options, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	char *x = copy ? strchr(copy, 'x') : NULL;
	int64_t width, height;

	if (!x)
		return complain("not a size like 1920x1080", text);
	*x = '\0';
	if (str_to_int(copy, 1, RFB_SIDE_MAX, &width) < 0 ||
	    str_to_int(x + 1, 1, RFB_SIDE_MAX, &height) < 0)
		return complain("not a size from 1x1 to 4096x4096", text);
	options->width = (int)width;
	options->height = (int)height;
	return 0;
}

static int read_rate(struct options *options, const char *text)
{
	int64_t rate;

	if (str_to_int(text, 1000, INT64_C(1) << 40, &rate) < 0)
		return complain("not a rate of 1000 bytes a second or more", text);
	options->read_rate = (uint64_t)rate;
	return 0;
}

enum option_id {
	OPTION_CA = 1,
	OPTION_USER,
	OPTION_PASSWORD_FILE,
	OPTION_ENCODINGS,
	OPTION_QUALITY,
	OPTION_COMPRESS,
	OPTION_NO_FENCE,
	OPTION_NO_CONTINUOUS,
	OPTION_CURSOR,
	OPTION_RESIZE,
	OPTION_READ_RATE,
};

static const struct option long_options[] = {
	{"ca", required_argument, NULL, OPTION_CA},
	{"user", required_argument, NULL, OPTION_USER},
	{"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
	{"encodings", required_argument, NULL, OPTION_ENCODINGS},
	{"quality", required_argument, NULL, OPTION_QUALITY},
	{"compress", required_argument, NULL, OPTION_COMPRESS},
	{"no-fence", no_argument, NULL, OPTION_NO_FENCE},
	{"no-continuous", no_argument, NULL, OPTION_NO_CONTINUOUS},
	{"cursor", no_argument, NULL, OPTION_CURSOR},
	{"resize", required_argument, NULL, OPTION_RESIZE},
	{"read-rate", required_argument, NULL, OPTION_READ_RATE},
	{NULL, 0, NULL, 0},
};

static int take_option(struct options *options, int id, const char *value)
{
	switch (id) {
	case OPTION_CA:
		options->ca = value;
		return 0;
	case OPTION_USER:
		options->user = value;
		return 0;
	case OPTION_PASSWORD_FILE:
		return read_password(options, value);
	case OPTION_ENCODINGS:
		options->n_encodings = 0;
		return add_words(options, value);
	case OPTION_QUALITY:
		return read_level(value, &options->quality);
	case OPTION_COMPRESS:
		return read_level(value, &options->compress);
	case OPTION_NO_FENCE:
		options->no_fence = true;
		return 0;
	case OPTION_NO_CONTINUOUS:
		options->no_continuous = true;
		return 0;
	case OPTION_CURSOR:
		options->cursor = true;
		return 0;
	case OPTION_RESIZE:
		return read_size(options, value);
	case OPTION_READ_RATE:
		return read_rate(options, value);
	default:
		fputs(usage, stderr);
		return -EINVAL;
	}
}

int options_parse(struct options *options, int argc, char **argv)
{
	int id, r;

	*options = (struct options){.quality = -1, .compress = -1};
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		r = take_option(options, id, optarg);
		if (r < 0)
			return r;
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	if (!options->ca != !options->user || !options->ca != !options->password) {
		fputs("bench-client: --ca, --user and --password-file go together\n", stderr);
		return -EINVAL;
	}
	if (options->n_encodings == 0 && add_words(options, DEFAULT_ENCODINGS) < 0)
		return -EINVAL;
	add_pseudo(options);
	options->host = argv[optind];
	options->port = argv[optind + 1];
	return 0;
}

void options_finish(struct options *options)
{
	mem_wipe_strp(&options->password);
}
