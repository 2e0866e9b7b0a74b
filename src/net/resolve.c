/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-resolve: asks the host's name servers for names, once, and ends. It reads what comes from a
 * network, so it has no privilege, and writes nothing but addresses (names.h) into a pipe.
 *
 *	descriptor 3	where to write
 *	descriptor 4	the names, one a line
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "net/limits.h"
#include "net/names.h"
#include "net/resolve.h"
#include "wire/buf.h"

#define ACCOUNT "lazaret-resolve"
#define ACCOUNT_ELSE "nobody"
/* All names together; then what is left counts as unanswered. */
#define DEADLINE (25 * USEC_PER_SEC)
#define MEMORY_MAX (256ull << 20)

static void put_address(struct buf *out, const struct sockaddr *address, uint32_t *count)
{
	struct network network;

	if (*count == NAME_ADDRESSES_MAX || network_from_sockaddr(address, &network) < 0)
		return;
	buf_put_u8(out, network.family == AF_INET ? 4 : 6);
	buf_put(out, network.addr, network_width(network.family) / 8);
	++*count;
}

static enum names_status status_of(int error)
{
	return error == EAI_NONAME || error == EAI_NODATA ? NAMES_UNKNOWN : NAMES_SILENT;
}

static void resolve(uint32_t line, const char *name, struct buf *out)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	uint32_t count = 0;
	size_t place;
	int error = getaddrinfo(name, NULL, &hints, &all);

	buf_put_u32(out, line);
	buf_put_u8(out, error == 0 ? NAMES_FOUND : status_of(error));
	place = buf_len(out);
	buf_put_u32(out, 0);
	for (struct addrinfo *one = all; error == 0 && one; one = one->ai_next)
		put_address(out, one->ai_addr, &count);
	buf_patch_u32(out, place, count);
	if (all)
		freeaddrinfo(all);
}

static int resolve_all(char *names)
{
	uint64_t deadline = clock_now() + DEADLINE;
	struct buf out;
	uint32_t line = 0;
	char *name;
	int r = 0;

	while (r == 0 && (name = strsep(&names, "\n"))) {
		if (!name[0])
			continue;
		if (line >= NAMES_MAX || clock_now() > deadline)
			break;
		buf_init(&out, NAME_ADDRESSES_MAX * 17 + 16);
		resolve(line++, name, &out);
		r = buf_error(&out);
		if (r == 0)
			r = fd_write_all(SPAWN_FD_CHANNEL, buf_data(&out), buf_len(&out));
		buf_finish(&out);
	}
	return r;
}

static int give_up_privilege(void)
{
	struct confine spec = {
		.max_files = 64,
		.max_memory = MEMORY_MAX,
		.no_processes = true,
	};
	const char *step = "account";
	int r = 0;

	/* Somebody without privilege who looks at an export has none to give up. */
	if (geteuid() == 0) {
		r = confine_lookup(ACCOUNT, &spec.uid, &spec.gid);
		if (r == -ENOENT)
			r = confine_lookup(ACCOUNT_ELSE, &spec.uid, &spec.gid);
		if (r == 0)
			r = confine(&spec, &step);
	}
	if (r == 0) {
		step = "filter";
		r = resolve_filter();
	}
	if (r < 0)
		log_event(LOG_ERROR, "resolve.unconfined", LOG_STR("step", step), LOG_ERR(r));
	return r;
}

int main(void)
{
	_cleanup_free_ char *names = NULL;
	size_t len;
	int r;

	log_init("lazaret-resolve");
	(void)signal(SIGPIPE, SIG_IGN);
	/*
	 * Files and DNS only: what neighbours on the link answer (mDNS, LLMNR) must not decide about
	 * a packet filter, and no module is loaded that could.
	 */
	(void)__nss_configure_lookup("hosts", "files dns");
	(void)setenv("RES_OPTIONS", "timeout:2 attempts:2", 1);
	r = fd_read_all(SPAWN_FD_CONFIG, NAMES_FILE_MAX, &names, &len);
	if (r == 0)
		r = give_up_privilege();
	if (r == 0)
		r = resolve_all(names);
	return r < 0 ? 1 : 0;
}
