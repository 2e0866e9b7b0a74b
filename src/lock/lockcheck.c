/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-lockcheck: looks into one file, says what it is (lockcheck.h), and ends. */
#include "lock/lockcheck.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "lock/check_digest.h"

static int read_config(struct lockcheck_config *ret_config)
{
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(SPAWN_FD_CONFIG, LOCKCHECK_CONFIG_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	return lockcheck_get(&c, ret_config);
}

/* Everything that is read of the system is read here, before the first byte of the file. */
static int prepare(struct check_inspect *inspect)
{
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	tzset();
	inspect->magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
	if (!inspect->magic)
		return -ENOMEM;
	return magic_load(inspect->magic, NULL) < 0 ? -ENOENT : 0;
}

static int shut_in(const struct lockcheck_config *config)
{
	const struct confine spec = {
		.uid = config->uid,
		.gid = config->gid,
		.empty_root = true,
		.max_files = 16,
		.max_memory = config->memory,
		.no_processes = true,
	};
	struct rlimit cpu = {config->seconds, config->seconds};
	const char *step = "processor time";
	int r = setrlimit(RLIMIT_CPU, &cpu) < 0 ? -errno : confine(&spec, &step);

	/* Another uid has made the kernel forget it. */
	if (r == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() == 1))
		r = -ESRCH;
	if (r == 0) {
		step = "filter";
		r = lockcheck_filter();
	}
	if (r < 0)
		log_event(LOG_ERROR, "lockcheck.unconfined", LOG_STR("step", step), LOG_ERR(r));
	return r;
}

static int say_digest(uint64_t size)
{
	uint8_t digest[CHECK_DIGEST_LEN];
	int r = check_digest_fd(LOCKCHECK_FD_FILE, size, digest);

	return r < 0 ? r : fd_write_all(SPAWN_FD_CHANNEL, digest, sizeof(digest));
}

static int say_facts(const struct check_facts *facts)
{
	struct buf out;
	int r;

	buf_init(&out, CHECK_FACTS_MAX);
	check_facts_put(facts, &out);
	r = buf_error(&out);
	if (r == 0)
		r = fd_write_all(SPAWN_FD_CHANNEL, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return r;
}

int main(void)
{
	static struct check_facts facts;
	struct check_inspect inspect = {.facts = &facts};
	struct lockcheck_config config;
	int r;

	log_init("lazaret-lockcheck");
	r = read_config(&config);
	if (r == 0)
		r = prepare(&inspect);
	if (r < 0) {
		log_event(LOG_ERROR, "lockcheck.unprepared", LOG_ERR(r));
		return EXIT_FAILURE;
	}
	if (shut_in(&config) < 0)
		return EXIT_FAILURE;
	inspect.limits = config.limits;
	inspect.size = config.size;
	r = say_digest(config.size);
	if (r == 0)
		r = check_inspect_file(&inspect, LOCKCHECK_FD_FILE);
	if (r == 0)
		r = say_facts(&facts);
	/* Not by way of what libraries do at their end. */
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
