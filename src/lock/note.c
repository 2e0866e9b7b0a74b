/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Explanations beside refused files: in the view only, and in memory only. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lock/lockd.h"

#define SUFFIX ".refused.txt"

/* NAME.refused.txt, of a long name only as much as fits, without half of a character. */
static void note_name(const char *file, char out[NAME_MAX + 1])
{
	size_t len = strlen(file);

	if (len > NAME_MAX - strlen(SUFFIX)) {
		len = NAME_MAX - strlen(SUFFIX);
		while (len > 0 && ((unsigned char)file[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, file, len);
	memcpy(out + len, SUFFIX, sizeof(SUFFIX));
}

void note_drop(struct note *note)
{
	struct lockd *lockd = note->lockd;

	wl_list_remove(&note->link);
	lockd->n_notes--;
	note->node->note = NULL;
	tree_unpin(&lockd->tree, note->node);
	free(note->text);
	free(note);
}

void note_expire(struct lockd *lockd)
{
	uint64_t now = clock_wall();
	struct note *note, *next;

	wl_list_for_each_safe (note, next, &lockd->notes, link) {
		if (note->since + LOCK_NOTE_SECONDS * USEC_PER_SEC > now && note->since <= now)
			return;
		note_drop(note);
	}
}

void note_put(struct lockd *lockd, struct node *file, const char *text)
{
	char name[NAME_MAX + 1];
	struct note *note;
	struct node *node;

	if (!file->parent || !text || !text[0])
		return;
	note_drop_for(lockd, file);
	note_expire(lockd);
	note_name(file->name, name);
	if (lockd->n_notes >= LOCK_NOTES_MAX)
		note_drop(wl_container_of(lockd->notes.next, note, link));
	note = calloc(1, sizeof(*note));
	if (!note)
		return;
	note->text = strdup(text);
	if (!note->text || tree_get(&lockd->tree, file->parent, name, false, &node) < 0) {
		free(note->text);
		free(note);
		return;
	}
	note->lockd = lockd;
	note->node = node;
	note->since = clock_wall();
	node->note = note;
	lockd->n_notes++;
	wl_list_insert(lockd->notes.prev, &note->link);
}

void note_drop_for(struct lockd *lockd, struct node *file)
{
	char name[NAME_MAX + 1];
	struct node *node;

	if (!file->parent || lockd->n_notes == 0)
		return;
	note_name(file->name, name);
	node = tree_find(&lockd->tree, file->parent, name);
	if (node && node->note)
		note_drop(node->note);
}

void note_status(const struct note *note, struct stat *ret_status)
{
	const time_t since = (time_t)(note->since / USEC_PER_SEC);

	*ret_status = (struct stat){
		.st_ino = (ino_t)(uintptr_t)note,
		.st_mode = S_IFREG | 0400,
		.st_nlink = 1,
		.st_size = (off_t)strlen(note->text),
		.st_mtim = {.tv_sec = since},
		.st_ctim = {.tv_sec = since},
		.st_atim = {.tv_sec = since},
	};
}

void note_finish(struct lockd *lockd)
{
	struct note *note, *next;

	wl_list_for_each_safe (note, next, &lockd->notes, link)
		note_drop(note);
}
