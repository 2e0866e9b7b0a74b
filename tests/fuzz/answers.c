/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of answers for lazaret-setup, and the configuration that comes of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "setup/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Answers that are good make a text that can be read: none of them gets out of its option. */
static void try_config(const struct answers *answers, FILE *errors)
{
	char *config = answers_config(answers);
	struct conf *conf = conf_create();

	if (!config || !conf)
		abort();
	/* A value may still be none; but nothing may be there that was not asked for. */
	if (conf_read_text(conf, "config", config, errors) == 0 &&
	    conf_origin(conf, CONF_ROLE_CONFIG))
		__builtin_trap();
	conf_destroy(conf);
	free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *said = NULL;
	struct answers answers;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	if (!text || !errors || answers_init(&answers) < 0)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (answers_parse(&answers, "answers", text, errors) == 0 &&
	    answers_check(&answers, errors) == 0)
		try_config(&answers, errors);
	answers_finish(&answers);
	fclose(errors);
	free(said);
	free(text);
	return 0;
}
