/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The floor of a scroll: what the pixels cost that no shift of the picture before explains, each
 * coded once by the coder that the engine uses, with nothing for copies and headers of messages.
 *
 * It is found without the engine: in each column of cells all vertical shifts are tried, the best is
 * taken, and what differs from the picture before, shifted or not, has to be coded.
 */
#ifndef LAZARET_BENCH_FLOOR_H
#define LAZARET_BENCH_FLOOR_H

#include <stdint.h>

#include "rfb/pixel_format.h"
#include "rfb/update.h"

struct floor;

/* Ends the program without memory. */
struct floor *floor_create(int width, int height, const struct update_client *client);
void floor_destroy(struct floor *floor);

/* The next frame; top bytes are 0. Returns its bytes; 0 for the first, which is taken as known. */
uint64_t floor_add(struct floor *floor, const struct picture *now);

#endif
