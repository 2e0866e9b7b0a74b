/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From RGB to what video coders take: luma of each pixel, chroma of each two by two (4:2:0, sited in
 * their middle). Matrix of BT.601, full range (0 to 255), as JPEG has it (ITU-T T.871): decoders that
 * do not look at what a stream says about its colours take it for that.
 */
#ifndef LAZARET_RFB_YUV_H
#define LAZARET_RFB_YUV_H

#include <pixman.h>
#include <stdint.h>

#include "rfb/pixel_format.h"

struct yuv_planes {
	uint8_t *planes[3]; /* Y, Cb, Cr */
	int strides[3]; /* bytes */
};

/* `box` has even sides and lies inside the picture; the planes have room for its size. */
void yuv_convert(const struct picture *picture, const pixman_box32_t *box,
		 const struct yuv_planes *to);

#endif
