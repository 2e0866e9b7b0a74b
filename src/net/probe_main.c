/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-pathprobe: one attempt. Takes its job from descriptor 4 and, for a cell, the network
 * namespace from 5; gives up files and privilege, becomes the account that uses the path, and only
 * then opens a socket. Writes what came of it to descriptor 3 and exits.
 */
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "net/probe_talk.h"
#include "net/resolve.h"

#define RESOLVE_ACCOUNT "lazaret-resolve"
#define UID_NOBODY 65534
#define MEMORY_MAX (UINT64_C(1) << 30)

static int read_job(struct probe_job *job)
{
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(SPAWN_FD_CONFIG, PROBE_JOB_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	return probe_job_get(&c, job);
}

/* Names of the host go the way that the daemon's go: files and DNS. */
static void resolve_on_host(const struct probe_job *job, struct probe_result *result)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	int r = getaddrinfo(job->name, NULL, &hints, &all);

	for (const struct addrinfo *one = all;
	     r == 0 && one && result->n_addresses < PROBE_ADDRESSES_MAX; one = one->ai_next) {
		if (network_from_sockaddr(one->ai_addr, &result->addresses[result->n_addresses]) ==
		    0)
			result->n_addresses++;
	}
	if (all)
		freeaddrinfo(all);
	result->verdict = result->n_addresses > 0 ? PROBE_WORKS : PROBE_UNRESOLVED;
	if (r != 0)
		str_copy(result->detail, sizeof(result->detail),
			 r == EAI_NONAME ? "there is no such name" : gai_strerror(r));
}

/* Where root uses the path, it opens the socket; who talks is nobody, or who resolves the daemon's names. */
static void put_off_root(const struct probe_job *job, bool names_of_host, struct confine *spec)
{
	if (job->check != PROBE_RESOLVE)
		probe_link_prepare(job);
	if (names_of_host && confine_lookup(RESOLVE_ACCOUNT, &spec->uid, &spec->gid) == 0)
		return;
	spec->uid = UID_NOBODY;
	spec->gid = UID_NOBODY;
}

/* From here on we are nobody with nothing but, maybe, a network. */
static int give_up(const struct probe_job *job, const char **ret_step)
{
	bool names_of_host = job->check == PROBE_RESOLVE && !job->in_cell;
	struct confine spec = {
		.uid = job->uid,
		.gid = job->gid,
		.empty_root = !names_of_host,
		.own_ipc = true,
		.max_files = 64,
		.max_memory = MEMORY_MAX,
		.no_processes = true,
	};

	int r;

	if (spec.uid == 0)
		put_off_root(job, names_of_host, &spec);
	r = confine(&spec, ret_step);
	if (r == 0 && names_of_host) {
		*ret_step = "filter";
		r = resolve_filter();
	}
	return r;
}

static void attempt(const struct probe_job *job, struct probe_result *result)
{
	struct probe_library *library = NULL;
	const char *step = "library";
	uint64_t started;
	int r = 0;

	if (job->in_cell && setns(SPAWN_FD_FIRST, CLONE_NEWNET) < 0) {
		step = "the cell's network";
		r = -errno;
	}
	if (r == 0)
		r = probe_library_create(job, &library);
	if (r == 0)
		r = give_up(job, &step);
	if (r < 0) {
		result->verdict = PROBE_UNTRIED;
		snprintf(result->detail, sizeof(result->detail), "%s: %s", step, strerror(-r));
	} else {
		started = clock_now();
		if (job->check != PROBE_RESOLVE)
			probe_talk(library, job, result);
		else if (job->in_cell)
			probe_talk_resolve(job, result);
		else
			resolve_on_host(job, result);
		result->ms = (uint32_t)((clock_now() - started) / USEC_PER_MSEC);
	}
	probe_library_destroy(library);
}

int main(void)
{
	struct probe_result result = {.verdict = PROBE_UNTRIED};
	struct probe_job job;
	char detail[PROBE_DETAIL_MAX + 1];
	struct buf out;
	int r = read_job(&job);

	if (r < 0) {
		fputs("lazaret-pathprobe: started by lazaretctl paths probe, not by hand\n",
		      stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)__nss_configure_lookup("hosts", "files dns");
	attempt(&job, &result);
	str_sanitize(detail, sizeof(detail), result.detail,
		     strnlen(result.detail, sizeof(result.detail)));
	memcpy(result.detail, detail, sizeof(detail));
	buf_init(&out, PROBE_RESULT_MAX);
	probe_result_put(&result, &out);
	r = buf_error(&out);
	if (r == 0)
		r = fd_write_all(SPAWN_FD_CHANNEL, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return r < 0 ? 1 : 0;
}
