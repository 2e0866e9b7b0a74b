/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitor's side of lazaret-keyd: hands it certificate and key, and channels for gateways. */
#ifndef LAZARET_MONITOR_KEYD_H
#define LAZARET_MONITOR_KEYD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct handover;
struct keyd;
struct monitor;

NODISCARD int keyd_create(struct monitor *monitor, struct keyd **ret_keyd);
/* Across an execution of ourselves, which starts another one. */
NODISCARD int keyd_save(const struct keyd *keyd, struct handover *handover);
void keyd_destroy(struct keyd *keyd);
void keyd_stop(struct keyd *keyd);
bool keyd_stopped(const struct keyd *keyd);

/* Opens the files of the configuration and has them loaded. The answer is logged when it comes; a
 * failure leaves what was loaded before. */
NODISCARD int keyd_load(struct keyd *keyd);
/* A key is loaded: gateways can be started. */
bool keyd_ready(const struct keyd *keyd);
/* The certificate chain that is loaded, PEM; NULL: none. */
const char *keyd_chain(const struct keyd *keyd);

/* How many days it lasts, negative when it has ended. False: there is none. */
bool keyd_days(const struct keyd *keyd, int64_t *ret_days);

/* A channel for one gateway: its end of it, the caller's. Negative errno. */
NODISCARD int keyd_open_channel(struct keyd *keyd);

#endif
