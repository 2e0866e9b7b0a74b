/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory: cleanup attributes, ownership transfer, secrets.
 *
 *	_cleanup_free_ char *name = strdup(x);
 *	...
 *	*ret_name = STEAL(name);	the caller owns it now, `name` is NULL
 */
#ifndef LAZARET_BASE_MEM_H
#define LAZARET_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#include "base/attr.h"

#define STEAL(p)                             \
	__extension__({                      \
		__typeof__(p) _stolen = (p); \
		(p) = NULL;                  \
		_stolen;                     \
	})

static inline void mem_freep(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

#define _cleanup_free_ CLEANUP(mem_freep)

/* Overwrites `len` bytes in a way the compiler does not remove. NULL is allowed with len 0. */
void mem_wipe(void *p, size_t len);

/* Wipes, then frees. NULL is allowed. */
void mem_wipe_free(void *p, size_t len);

/* A string that holds a secret: wiped when it goes out of scope. */
void mem_wipe_strp(char **s);
#define _cleanup_secret_ CLEANUP(mem_wipe_strp)

#endif
