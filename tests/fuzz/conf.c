/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file, and the copy that children read. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_conf_ struct conf *copy = NULL;
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct cursor c = cursor_over(data, size);
	FILE *errors = fopen("/dev/null", "w");

	if (!conf || !text || !errors)
		abort();
	if (conf_read_text(conf, "fuzz", text, errors) == 0)
		(void)!conf_check(conf, errors);
	(void)!conf_get(&c, &copy);
	fclose(errors);
	return 0;
}
