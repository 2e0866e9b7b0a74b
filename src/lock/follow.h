/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thread writes a file from its beginning to its end, another one hashes what is there already. */
#ifndef LAZARET_LOCK_FOLLOW_H
#define LAZARET_LOCK_FOLLOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "lock/check_digest.h"

struct follow {
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t more;
	uint64_t there; /* bytes that are written and will not change */
	bool over; /* there will be no more of them */
};

void follow_init(struct follow *follow);
void follow_finish(struct follow *follow);

/* The writer: so many bytes are there; that was all, whether it is whole or not. */
void follow_say(struct follow *follow, uint64_t there);
void follow_end(struct follow *follow);

/* The follower: waits until the end. -ECANCELED, -ENOMEM, or what reading failed with. */
NODISCARD int follow_digest(struct follow *follow, int fd, atomic_bool *cancelled,
			    uint8_t ret_digest[CHECK_DIGEST_LEN]);

#endif
