/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the bench wants to know of a display, in its log: built with -Dbench-hooks=true only, never in
 * a release. Without, all of this is nothing.
 *
 * Lines are lazaret-display's with the event bench.hooks and the field `words`, each of them
 *
 *	f HASH	the picture of which the viewer then has all: XXH3-64 of the pixels in rows without
 *		gaps, 0x00RRGGBB in host order
 *	p HASH	the same, when only a part of it went into the update
 *	k US	a key was pressed, monotonic microseconds
 *	d US	the browser's first commit with damage after that
 *
 * without the blank. They are gathered, since the reader of a log takes few lines a second.
 */
#ifndef LAZARET_DISPLAY_HOOKS_H
#define LAZARET_DISPLAY_HOOKS_H

#include <stdbool.h>

#include "rfb/pixel_format.h"

#ifdef BENCH_HOOKS
/* An update was made of `picture`, which stays as it is until hooks_sent(). */
void hooks_built(const struct picture *picture, bool whole);
/* It was written: time to hash it. */
void hooks_sent(void);
void hooks_key(void);
void hooks_damaged(void);
/* The viewer is gone: what was gathered is written. */
void hooks_flush(void);
#else
static inline void hooks_built(const struct picture *picture, bool whole)
{
	(void)picture;
	(void)whole;
}
static inline void hooks_sent(void)
{
}
static inline void hooks_key(void)
{
}
static inline void hooks_damaged(void)
{
}
static inline void hooks_flush(void)
{
}
#endif

#endif
