/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The browsers' managed policies: a fixed part from our data folder (chromium.json, firefox.json)
 * and what depends on the cell: proxy, download folder, start page, WebRTC.
 */
#ifndef LAZARET_CELL_POLICY_H
#define LAZARET_CELL_POLICY_H

#include "cell/cell.h"

/* Where the browser looks for it inside. */
const char *policy_path(enum cell_browser browser);

/*
 * The whole document as text, which the caller frees. `data` is the folder of the fixed part.
 * -ENOENT, -EBADMSG (the fixed part is no JSON object), -ENOMEM.
 */
NODISCARD int policy_text(const struct cell_spec *spec, const char *data, char **ret_text);

#endif
