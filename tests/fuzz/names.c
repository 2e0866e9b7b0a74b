/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-resolve says about three names, and the file of names. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/limits.h"
#include "net/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(struct names *names, const char *name)
{
	_cleanup_networks_ struct network_list list = {0};
	bool stale;

	(void)names_lookup(names, name, &list, &stale);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_names_ struct names read = {0};
	_cleanup_free_ char *text = strndup((const char *)data, size);
	FILE *nowhere = fopen("/dev/null", "w");
	bool changed = false;
	size_t n;

	if (!text || !nowhere)
		abort();
	want(&names, "one.example");
	want(&names, "two.example");
	want(&names, "three.example");
	if (names_write_wanted(&names, nowhere, &n) < 0 || n != 3)
		abort();
	if (names_take_answer(&names, data, size, &changed) == 0) {
		for (size_t i = 0; i < names.n; i++) {
			const struct network_list *list = &names.items[i].addresses;

			if (list->n > NAME_ADDRESSES_MAX)
				abort();
			for (size_t k = 0; k < list->n; k++) {
				if (list->items[k].bits != network_width(list->items[k].family))
					abort();
			}
		}
	}
	if (names_read(&read, text) == 0)
		names_write(&read, nowhere);
	fclose(nowhere);
	return 0;
}
