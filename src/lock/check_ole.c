/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_ole.h"

#include <string.h>

#include "base/attr.h"

/* MS-CFB 2.6.1: the name in UTF-16LE, its length in bytes with its NUL, the type of the object. */
#define NAME_BYTES 64
#define LENGTH_AT 64
#define TYPE_AT 66

static const uint8_t signature[8] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

static bool is_named(const uint8_t *entry, const char *name)
{
	size_t len = strlen(name);
	size_t said = (size_t)entry[LENGTH_AT] | (size_t)entry[LENGTH_AT + 1] << 8;

	if (said != 2 * (len + 1))
		return false;
	for (size_t i = 0; i <= len; i++) {
		if ((entry[2 * i] | 0x20) != (name[i] | 0x20) || entry[2 * i + 1] != 0)
			return false;
	}
	return true;
}

static void look(struct check_ole *ole)
{
	static const char *const macros[] = {"VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros"};
	static const char *const encrypted[] = {"EncryptedPackage", "EncryptedSummary"};
	const uint8_t *entry = ole->entry;

	/* Storage or stream. */
	if (entry[TYPE_AT] != 1 && entry[TYPE_AT] != 2)
		return;
	for (size_t i = 0; i < ARRAY_LEN(macros); i++)
		ole->macros = ole->macros || is_named(entry, macros[i]);
	for (size_t i = 0; i < ARRAY_LEN(encrypted); i++)
		ole->encrypted = ole->encrypted || is_named(entry, encrypted[i]);
}

void check_ole_feed(struct check_ole *ole, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t n = MIN(len, CHECK_OLE_ENTRY - ole->have);

		memcpy(ole->entry + ole->have, data, n);
		ole->have += n;
		data += n;
		len -= n;
		if (ole->have < CHECK_OLE_ENTRY)
			return;
		if (ole->fed == 0)
			ole->is_ole = memcmp(ole->entry, signature, sizeof(signature)) == 0;
		if (ole->is_ole)
			look(ole);
		ole->fed += CHECK_OLE_ENTRY;
		ole->have = 0;
	}
}
