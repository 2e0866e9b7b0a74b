/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site, or what answers its questions, can make grow. */
#ifndef LAZARET_NET_LIMITS_H
#define LAZARET_NET_LIMITS_H

#define NETWORKS_MAX 65536 /* networks of a path or zone, names resolved */
#define NAME_ADDRESSES_MAX 4096 /* addresses that one name may have */
#define NAMES_MAX 16384 /* names that are resolved */
#define NAMES_FILE_MAX (16 << 20) /* bytes of the file of names, and of an answer about them */
#define PORTS_MAX 128 /* ports and ranges of a path */
#define NOTES_MAX 256 /* remarks about one contract */
#define CELLS_MAX 65536 /* slots of cells */
#define SITE_COPY_MAX (4 << 20) /* bytes of the configuration that netd gets */

#endif
