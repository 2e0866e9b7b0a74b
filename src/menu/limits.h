/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the menu holds; lazaret-menu(8) says the same. */
#ifndef LAZARET_MENU_LIMITS_H
#define LAZARET_MENU_LIMITS_H

/* Bytes of the output of a command that are shown. */
#define MENU_OUTPUT_MAX (512 << 10)
/* Arguments that a row of the command table may have. */
#define MENU_ARGUMENTS_MAX 16
/* Lines and columns that a terminal must have. */
#define MENU_ROWS_MIN 10
#define MENU_COLUMNS_MIN 40

#endif
