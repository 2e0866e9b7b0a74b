/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are looked into, with small limits: what we make of what libmagic and libarchive say. The
 * input is the file.
 */
#include <stdlib.h>
#include <string.h>

#include "lock/check_inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static magic_t load(void)
{
	magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);

	if (!magic || magic_load(magic, NULL) < 0)
		abort();
	return magic;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct check_facts facts;
	static magic_t magic;
	struct check_inspect inspect = {
		.limits = {.depth = 4,
			   .members = 64,
			   .unpacked = 8 << 20,
			   .ratio = 50,
			   .memory = 4 << 20},
		.facts = &facts,
		.size = size,
	};

	if (!magic)
		magic = load();
	inspect.magic = magic;
	memset(&facts, 0, sizeof(facts));
	check_inspect_bytes(&inspect, data, size, NULL, 1);
	if (facts.n < 1 || facts.n > CHECK_TYPES_MAX || inspect.held != 0)
		abort();
	for (size_t i = 0; i < facts.n; i++) {
		if (!check_type_valid(facts.facts[i].type))
			abort();
	}
	/* What was too much is said. */
	if (inspect.stopped != check_facts_has(&facts, CHECK_TYPE_TOO_LARGE) && inspect.stopped)
		abort();
	return 0;
}
