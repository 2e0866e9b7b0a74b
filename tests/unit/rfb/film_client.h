/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open H.264 for clients of libvncclient, which lacks it: decoded by libavcodec, counted here. */
#ifndef LAZARET_TESTS_RFB_FILM_CLIENT_H
#define LAZARET_TESTS_RFB_FILM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct film_client_seen {
	int frames; /* rectangles of encoding 50 */
	int resets; /* of those, ones with a flag */
	int keys; /* with parameter sets */
	int broken; /* that were no whole frame for their rectangle, or for no decoder */
	int x, y, width, height; /* the last one */
	size_t bytes; /* their data */
};

/* Clients made from now on list Open H.264, or no longer. Forgets what was seen. */
void film_client_install(bool on);

const struct film_client_seen *film_client_seen(void);

#endif
