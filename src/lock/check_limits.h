/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person, a file or a scanner can make grow in lazaret-checkd, and how far: lazaret-checkd(8). */
#ifndef LAZARET_LOCK_CHECK_LIMITS_H
#define LAZARET_LOCK_CHECK_LIMITS_H

/* Connections to the socket: one a person with a file transfer, and lazaretctl. */
#define CHECK_CONNECTIONS_MAX 4096
/* Bytes of the configuration as checkd gets it. */
#define CHECK_CONFIG_MAX (4 << 20)
/* Bytes of a user's name. */
#define CHECK_USER_MAX 255
/* Bytes of a MIME type, of a signature's name. */
#define CHECK_TYPE_MAX 127
#define CHECK_SIGNATURE_MAX 255
/* Different types that one file and what is in it may have; one more is too large to scan. */
#define CHECK_TYPES_MAX 128
/* Bytes of the findings about one file. */
#define CHECK_FACTS_MAX 49152
/* Files up to so many bytes are hashed by checkd itself, to ask the cache; larger ones elsewhere. */
#define CHECK_HASH_HERE_MAX (1u << 20)
/* Reasons of one refusal. */
#define CHECK_REASONS_MAX 24
/* Persons whose day is counted. */
#define CHECK_COUNTERS_MAX 65536
/* Files in quarantine. */
#define CHECK_QUARANTINE_MAX 10000
/* Bytes of an answer of clamd. */
#define CLAMD_ANSWER_MAX 4096

#endif
