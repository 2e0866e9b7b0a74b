/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"

#include <string.h>

void mem_wipe(void *p, size_t len)
{
	if (p && len > 0)
		explicit_bzero(p, len);
}

void mem_wipe_free(void *p, size_t len)
{
	mem_wipe(p, len);
	free(p);
}

void mem_wipe_strp(char **s)
{
	if (*s)
		mem_wipe_free(*s, strlen(*s));
	*s = NULL;
}
