/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What apt says of packages whose names and versions a repository chooses: two texts, up to a NUL each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "update/changes.h"
#include "update/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct changes *changes)
{
	_cleanup_changes_ struct changes again = {0};
	json_object *array = changes_to_json(changes);

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->items[i];

		/* They become names of files. */
		if (strchr(change->package, '/') || strchr(change->file, '/') || !change->to ||
		    strchr(change->to, '/') || change->package[0] == '-' ||
		    change->package[0] == '.')
			__builtin_trap();
	}
	if (array && (changes_from_json(array, &again) < 0 || again.n != changes->n))
		__builtin_trap();
	json_object_put(array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_changes_ struct changes changes = {0};
	_cleanup_free_ char *text = calloc(1, size + 2);
	char sentence[256];

	memcpy(text, data, size);
	explain_fetch(text, sentence, sizeof(sentence));
	explain_ssh(text, sentence, sizeof(sentence));
	explain_dpkg(text, sentence, sizeof(sentence));
	if (changes_parse(text, text + strlen(text) + 1, "http://u", &changes) == 0)
		check(&changes);
	return 0;
}
