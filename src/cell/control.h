/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between lazaret-session and the launcher inside the cell: SOCK_SEQPACKET, one letter and, for
 * CONTROL_OPEN, the address behind it.
 */
#ifndef LAZARET_CELL_CONTROL_H
#define LAZARET_CELL_CONTROL_H

/* to the launcher */
#define CONTROL_OPEN 'U'
#define CONTROL_STOP 'Q'
/* from the launcher */
#define CONTROL_STARTED 'S'
#define CONTROL_OPENED 'O'

#endif
