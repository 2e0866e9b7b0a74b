/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/lent.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "ctl/answer.h"
#include "ipc/message.h"
#include "monitor/caller.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"

int lent_create(const struct command_call *call, struct lent_cell **ret_lent)
{
	struct monitor *monitor = call->monitor;
	struct lent_cell *lent = calloc(1, sizeof(*lent));
	int r;

	if (!lent)
		return -ENOMEM;
	r = registry_take_slot(&monitor->registry, &lent->slot);
	if (r < 0) {
		free(lent);
		return r;
	}
	lent->monitor = monitor;
	lent->call = *call;
	lent->call.caller = NULL;
	lent->call.arguments = NULL;
	lent->call.n_arguments = 0;
	wl_list_insert(&monitor->lent, &lent->link);
	/* Whatever path is open to some group is open here: all of them are to be tried. */
	netd_create_cell(monitor->netd, lent->slot, UINT32_MAX);
	log_event(LOG_INFO, "network.lent", LOG_INT("slot", lent->slot),
		  LOG_INT("by_uid", call->caller->uid));
	*ret_lent = lent;
	return 0;
}

void lent_destroy(struct lent_cell *lent)
{
	if (!lent)
		return;
	wl_list_remove(&lent->link);
	netd_remove_cell(lent->monitor->netd, lent->slot);
	registry_give_slot(&lent->monitor->registry, lent->slot);
	free(lent);
}

static void answer(struct lent_cell *lent, bool ok, const char *reason, const char *resolv_conf,
		   int netns)
{
	const struct command_call *call = &lent->call;
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	if (ok) {
		answer_begin(&body);
		answer_add(&body, (const struct answer_field[]){
					  {"slot", ANSWER_NUMBER, .number = lent->slot},
					  {"resolv_conf", ANSWER_STR, .str = resolv_conf},
					  {NULL},
				  });
		call->answer_fds(call->data, &body, &netns, 1);
		answer_done(&body, "");
	} else {
		answer_failed(&body, ANSWER_STATUS_FAILED, reason);
	}
	call->answer(call->data, &body);
	buf_finish(&body);
}

bool lent_net(struct monitor *monitor, uint32_t slot, bool ok, const char *reason,
	      const char *resolv_conf, int netns)
{
	struct lent_cell *lent;

	wl_list_for_each (lent, &monitor->lent, link) {
		if (lent->slot != slot)
			continue;
		if (!lent->answered)
			answer(lent, ok, reason, resolv_conf, netns);
		lent->answered = true;
		return true;
	}
	return false;
}
