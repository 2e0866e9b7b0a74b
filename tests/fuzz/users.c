/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A list of users from an administrator's workstation. Whatever it is: each row is whole or has a
 * sentence, lines count up, and what becomes a word of a program that root runs is fit for it.
 */
#include <stdint.h>
#include <string.h>

#include "ctl/csv_rows.h"
#include "ctl/user_wish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wish(const struct user_wish *wish)
{
	if (user_name_objection(wish->user) || wish->name[strcspn(wish->name, ":\n")] ||
	    wish->groups[strcspn(wish->groups, ":\n ")] || wish->groups[0] == '-')
		__builtin_trap();
	if (wish->password == USER_PASSWORD_HASH && wish->secret[strcspn(wish->secret, ":\n")])
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_rows rows = {0};
	struct user_header header;
	struct user_wish wish;
	char why[512] = "";
	size_t line = 0;

	if (csv_rows_read((const char *)data, size, &rows) < 0)
		return 0;
	for (size_t i = 0; i < rows.n; i++) {
		if (rows.rows[i].line <= line || (!rows.rows[i].error && rows.rows[i].n == 0))
			__builtin_trap();
		line = rows.rows[i].line;
	}
	if (rows.n > 0 && user_header_read(&rows.rows[0], &header, why, sizeof(why)) == 0) {
		for (size_t i = 1; i < rows.n; i++) {
			why[0] = '\0';
			if (user_wish_read(&rows.rows[i], &header, &wish, why, sizeof(why)) == 0)
				check_wish(&wish);
			else if (!why[0])
				__builtin_trap();
		}
	} else if (rows.n > 0 && !why[0]) {
		__builtin_trap();
	}
	csv_rows_finish(&rows);
	return 0;
}
