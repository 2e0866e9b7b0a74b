/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether an OLE2 file (MS-CFB: .doc, .xls, what is inside .docm) has macros or is encrypted. Directory
 * entries are 128 bytes at multiples of 128; all of the file is looked at for them, not only where its
 * tables lead, so that tables which two readers take differently hide nothing. Streaming, with a fixed
 * amount of memory.
 */
#ifndef LAZARET_LOCK_CHECK_OLE_H
#define LAZARET_LOCK_CHECK_OLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_OLE_ENTRY 128

struct check_ole {
	uint8_t entry[CHECK_OLE_ENTRY];
	size_t have;
	uint64_t fed; /* bytes so far */
	bool is_ole; /* begins as one; otherwise nothing is looked at */
	bool macros, encrypted;
};

/* Zeroed memory is a beginning. The next bytes of the file, in order. */
void check_ole_feed(struct check_ole *ole, const uint8_t *data, size_t len);

#endif
