/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server, or a person, can make grow. lazaret-update(8) has them. */
#ifndef LAZARET_UPDATE_LIMITS_H
#define LAZARET_UPDATE_LIMITS_H

/* Bytes of a signed list of a repository; Debian's have 200 KB. */
#define RELEASE_MAX (4u << 20)
/* Packages that one update changes. */
#define CHANGES_MAX 8192
/* Bytes that are kept of what a program said. */
#define OUTPUT_MAX (8u << 20)
/* Sources: our repository and those of the distribution. */
#define SOURCES_MAX 17

/* Seconds. */
#define TUNNEL_TIMEOUT 60
#define FETCH_TIMEOUT 300
#define APT_TIMEOUT (2 * 3600)
#define DPKG_TIMEOUT 3600
#define DPKG_LOCK_TIMEOUT 600
#define DAEMON_TIMEOUT 60
/* A time of the schedule that was missed by more is left out. */
#define SCHEDULE_GRACE (4 * 3600)
/* A list may be so much younger than our clock. */
#define CLOCK_GRACE 3600

/* Free space that has to be left over, bytes. */
#define SPACE_MARGIN (32ull << 20)

#endif
