/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl firewall export --for operator: the packet filter around the system. */
#ifndef LAZARET_CTL_OPERATOR_H
#define LAZARET_CTL_OPERATOR_H

#include <stddef.h>

/*
 * Writes it to standard output in that format (exporter.h), from the named files or, when n is 0,
 * the default one. Names of hosts are resolved now, by whoever runs the command. Returns an exit
 * status; what is wrong was said on standard error.
 */
int operator_export(const char *format, size_t n, char *const *files);
/* A line for each format, on standard output. */
void operator_list_formats(void);

#endif
