/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl viewer-config: what viewers are rolled out with. */
#ifndef LAZARET_CTL_VIEWER_CONFIG_H
#define LAZARET_CTL_VIEWER_CONFIG_H

#include <stddef.h>

/* Prints the connection file, or the root that it names. An enum answer_status. */
int viewer_config(size_t n, char *const *arguments);

#endif
