/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiler attributes used in every contract of this code base. */
#ifndef LAZARET_BASE_ATTR_H
#define LAZARET_BASE_ATTR_H

/* The caller must look at the result; the default for our own calls that can fail. */
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
/* Runs `fn(&variable)` when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CLAMP(v, lo, hi) ((v) < (lo) ? (lo) : (v) > (hi) ? (hi) : (v))

#endif
