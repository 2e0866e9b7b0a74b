/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trial cell: proof, before anybody is served, that the browser's own sandbox works here. */
#ifndef LAZARET_CELL_CHECK_H
#define LAZARET_CELL_CHECK_H

/*
 * `lazaret-cell --check UID GID [DATA]`: exit code 0 when it was seen, 1 otherwise; why is logged.
 * `data` is cell_spec.data, or NULL.
 */
int check_main(const char *uid, const char *gid, const char *data);

#endif
