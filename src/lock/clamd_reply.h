/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clamd answers (clamd(8), "z" commands): lines that end with a NUL. */
#ifndef LAZARET_LOCK_CLAMD_REPLY_H
#define LAZARET_LOCK_CLAMD_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "lock/check_facts.h"

struct clamd_version {
	char text[128]; /* of engine and signatures, made fit to be shown */
	uint64_t signed_at; /* wall us, when the signatures were made; 0: it does not say */
};

/* The answer to zFILDES, its NUL not counted. -EPROTO: it is none; then *ret_scan is not written. */
NODISCARD int clamd_reply_scan(const char *text, size_t len, struct check_scan *ret_scan);
/* The answer to zVERSION, "ClamAV 1.4.6/27820/Tue Nov 24 09:27:11 2026" or only the first part. */
NODISCARD int clamd_reply_version(const char *text, size_t len, struct clamd_version *ret_version);

#endif
