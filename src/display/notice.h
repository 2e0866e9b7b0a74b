/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices to the person. Their text is drawn by lazaret-text, which the session runs for us: we
 * have no fonts. A strip stands above the browser's window; a farewell is all that a viewer sees
 * who is about to be closed.
 */
#ifndef LAZARET_DISPLAY_NOTICE_H
#define LAZARET_DISPLAY_NOTICE_H

#include <stdint.h>

#include "base/attr.h"
#include "ipc/message.h"

struct display;
struct viewer;

/* Takes DISPLAY_NOTICE: 0, or -EPROTO if it is malformed. */
NODISCARD int notice_take(struct display *display, struct ipc_message *message);

/* The viewer goes; the answer that it waits for will find nobody. */
void notice_forget(struct viewer *viewer);

/* Forgets all that is asked for. */
void notice_finish(struct display *display);

#endif
