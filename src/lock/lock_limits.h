/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person or his cell can make grow in lazaret-lockd, and how far. Listed in lazaret-lockd(8). */
#ifndef LAZARET_LOCK_LOCK_LIMITS_H
#define LAZARET_LOCK_LOCK_LIMITS_H

/* Bytes of what the parent hands over at the start. */
#define LOCKD_CONFIG_MAX 65536
/* Files and folders that are open at the same time; more are refused as "too many open files". */
#define LOCK_HANDLES_MAX 1024
/* Uploads that broke off and wait to be resumed; the oldest goes. */
#define LOCK_BROKEN_MAX 64
/* Explanations beside refused files (NAME.refused.txt), and how long they stay; the oldest goes. */
#define LOCK_NOTES_MAX 256
#define LOCK_NOTE_SECONDS 86400
/* Names of files and folders that are known at the same time. */
#define LOCK_NODES_MAX 1000000
/* Levels of folders, and bytes of a path. */
#define LOCK_DEPTH_MAX 100
#define LOCK_PATH_MAX 4096
/* A large copy that passed stays for who opens the file again, so many of them; seconds. */
#define LOCK_COPY_SECONDS 120
#define LOCK_KEPT_MAX 64
/* Files up to this are copied at once, and not kept; bytes. */
#define LOCK_SMALL (256 << 10)
/* Copies of small files lie in memory as far as there is so much, otherwise on the disk; bytes. */
#define LOCK_MEMORY_MAX (16 << 20)
/* Threads for what waits for the disk: two for a copy that is hashed while it is made. */
#define LOCK_THREADS 4
/* Objects that are not offered and said so once each: so many are remembered, and said in a minute. */
#define LOCK_HIDDEN_KNOWN 256
#define LOCK_HIDDEN_RATE 20

#endif
