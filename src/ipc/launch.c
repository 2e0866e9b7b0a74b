/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/launch.h"

#include "base/fd.h"
#include "base/spawn.h"

int launch_read(size_t max, char **ret_data, struct cursor *ret_cursor)
{
	char *data;
	size_t len;
	int r = fd_read_all(SPAWN_FD_CONFIG, max, &data, &len);

	if (r < 0)
		return r;
	fd_close(SPAWN_FD_CONFIG);
	*ret_cursor = cursor_over(data, len);
	*ret_data = data;
	return 0;
}
