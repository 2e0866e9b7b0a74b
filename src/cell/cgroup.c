/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/cgroup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/* Where processes that are in the base go: in version 2 a group that passes controllers on to its
 * parts has no processes itself. */
#define LEAF "hold"
/* The unit whose group is ours to divide, beside the monitor's own: systemd puts the new process of
 * a restarted unit into the unit's group itself, which the kernel refuses while parts of that group
 * have controllers. So the parts lie in another unit, which is not restarted. */
#define CELLS_UNIT "-cells.service"
#define KILL_ROUNDS 64
#define WAIT_BATCH 64
#define FILE_MAX 65536

/* The hierarchies of version 1 that we use; version 2 has one, which takes the first place. */
enum { MEMORY, PIDS, CPU, FREEZER, HIERARCHIES };
static const char *const v1_names[HIERARCHIES] = {"memory", "pids", "cpu", "freezer"};

static const struct cgroup_host kernel = {"/sys/fs/cgroup", "/proc/self/cgroup", 0};
static const struct cgroup_host *host = &kernel;

struct cgroup_base {
	int version;
	int n; /* hierarchies */
	bool delegated;
	char paths[HIERARCHIES][CGROUP_PATH_MAX];
};

struct cgroup {
	int version;
	int n;
	bool inner; /* has subs: its controllers are passed on */
	char paths[HIERARCHIES][CGROUP_PATH_MAX];
	char *join;
};

void cgroup_use_host(const struct cgroup_host *other)
{
	host = other ? other : &kernel;
}

static bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > CGROUP_NAME_MAX || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

static int path_join(char out[CGROUP_PATH_MAX], const char *a, const char *b)
{
	int n = snprintf(out, CGROUP_PATH_MAX, "%s/%s", a, b);

	return n < 0 || n >= CGROUP_PATH_MAX ? -ENAMETOOLONG : 0;
}

static int file_write(const char *dir, const char *file, const char *text)
{
	char path[CGROUP_PATH_MAX];
	_cleanup_fd_ int fd = -1;
	int r = path_join(path, dir, file);

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* One write: the kernel takes a value whole or not at all. */
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int file_write_u64(const char *dir, const char *file, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return file_write(dir, file, text);
}

static int file_read(const char *dir, const char *file, char **ret_text)
{
	char path[CGROUP_PATH_MAX];
	size_t len;
	int r = path_join(path, dir, file);

	return r < 0 ? r : fd_read_file(AT_FDCWD, path, FILE_MAX, ret_text, &len);
}

/* The number behind "key " at the start of a line; key NULL: the file is one number. */
static uint64_t file_number(const char *dir, const char *file, const char *key)
{
	_cleanup_free_ char *text = NULL;
	size_t key_len = key ? strlen(key) : 0;

	if (file_read(dir, file, &text) < 0)
		return 0;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!key)
			return strtoull(line, NULL, 10);
		if (strncmp(line, key, key_len) == 0 && line[key_len] == ' ')
			return strtoull(line + key_len + 1, NULL, 10);
	}
	return 0;
}

static bool is_v2(void)
{
	struct statfs fs;
	_cleanup_free_ char *controllers = NULL;

	if (host->version != 0)
		return host->version == 2;
	return statfs(host->mount_point, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC &&
	       file_read(host->mount_point, "cgroup.controllers", &controllers) == 0 &&
	       strstr(controllers, "memory") && strstr(controllers, "pids");
}

/* Version 2: the path of this process below the mount point, from the line "0::/path". */
static int own_group(char out[CGROUP_PATH_MAX])
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	char *start, *end;
	int r = fd_read_file(AT_FDCWD, host->self, FILE_MAX, &text, &len);

	if (r < 0)
		return r;
	start = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!start)
		return -ENOTSUP;
	start = strchr(start, '/');
	if (!start)
		return -ENOTSUP;
	end = strchr(start, '\n');
	if (end)
		*end = '\0';
	r = snprintf(out, CGROUP_PATH_MAX, "%s%s", host->mount_point,
		     str_eq(start, "/") ? "" : start);
	return r < 0 || r >= CGROUP_PATH_MAX ? -ENAMETOOLONG : 0;
}

static int move_all(const char *from, const char *to)
{
	/* A process that forks while we read appears in the next round. */
	for (int round = 0; round < KILL_ROUNDS; round++) {
		_cleanup_free_ char *text = NULL;
		int r = file_read(from, "cgroup.procs", &text);

		if (r < 0)
			return r;
		if (text[0] == '\0')
			return 0;
		for (char *line = text; *line;) {
			char *end = strchr(line, '\n');

			if (end)
				*end = '\0';
			r = file_write(to, "cgroup.procs", line);
			if (r < 0 && r != -ESRCH)
				return r;
			line = end ? end + 1 : line + strlen(line);
		}
	}
	return -EBUSY;
}

/* Asks for each controller by itself: one that the kernel lacks must not cost us the others. */
static int controllers_pass_on(const char *dir)
{
	static const char *const wanted[] = {"+memory", "+pids", "+cpu"};
	int worst = 0;

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int r = file_write(dir, "cgroup.subtree_control", wanted[i]);

		if (r < 0 && worst == 0)
			worst = r;
	}
	return worst;
}

static int dir_make(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Version 2, under systemd: the group of the unit "<name>-cells", in the slice that we are in. */
static int delegated_group(char out[CGROUP_PATH_MAX], const char *name)
{
	char unit[CGROUP_NAME_MAX + sizeof(CELLS_UNIT)], own[CGROUP_PATH_MAX], *slash;
	int r = own_group(own);

	if (r < 0)
		return r;
	slash = strrchr(own, '/');
	if (slash)
		*slash = '\0';
	snprintf(unit, sizeof(unit), "%s" CELLS_UNIT, name);
	return path_join(out, own, unit);
}

static int base_v2(struct cgroup_base *base, const char *name, bool delegated, bool setup)
{
	char *path = base->paths[0], leaf[CGROUP_PATH_MAX];
	int r = delegated ? delegated_group(path, name) : path_join(path, host->mount_point, name);

	base->version = 2;
	base->n = 1;
	if (r == 0 && setup && !delegated)
		r = controllers_pass_on(host->mount_point);
	if (r == 0 && setup && !delegated)
		r = dir_make(path);
	if (r < 0)
		return r;
	if (access(path, F_OK) < 0)
		return -errno;
	if (!setup)
		return 0;
	r = path_join(leaf, path, LEAF);
	if (r == 0)
		r = dir_make(leaf);
	if (r == 0)
		r = move_all(path, leaf);
	return r < 0 ? r : controllers_pass_on(path);
}

static int base_v1(struct cgroup_base *base, const char *name, bool setup)
{
	base->version = 1;
	base->n = HIERARCHIES;
	for (int i = 0; i < HIERARCHIES; i++) {
		int n = snprintf(base->paths[i], CGROUP_PATH_MAX, "%s/%s/%s", host->mount_point,
				 v1_names[i], name);
		struct statfs fs;
		char mount[CGROUP_PATH_MAX];
		int r;

		if (n < 0 || n >= CGROUP_PATH_MAX)
			return -ENAMETOOLONG;
		snprintf(mount, sizeof(mount), "%s/%s", host->mount_point, v1_names[i]);
		if (statfs(mount, &fs) < 0 ||
		    (host->version == 0 && fs.f_type != CGROUP_SUPER_MAGIC))
			return -ENOTSUP;
		r = setup ? dir_make(base->paths[i]) : 0;
		if (r < 0)
			return r;
		if (access(base->paths[i], F_OK) < 0)
			return -errno;
	}
	/* So that a limit of a session holds for its parts together. Fails, and does not matter,
	 * where the kernel has no other mode. */
	if (setup)
		(void)file_write(base->paths[MEMORY], "memory.use_hierarchy", "1");
	return 0;
}

int cgroup_base_open(const char *name, bool delegated, bool setup, struct cgroup_base **ret_base)
{
	_cleanup_free_ struct cgroup_base *base = NULL;
	int r;

	if (!name_valid(name))
		return -EINVAL;
	base = calloc(1, sizeof(*base));
	if (!base)
		return -ENOMEM;
	base->delegated = delegated;
	r = is_v2() ? base_v2(base, name, delegated, setup) : base_v1(base, name, setup);
	if (r < 0)
		return r;
	*ret_base = STEAL(base);
	return 0;
}

void cgroup_base_close(struct cgroup_base *base)
{
	free(base);
}

int cgroup_base_version(const struct cgroup_base *base)
{
	return base->version;
}

int cgroup_base_remove(struct cgroup_base *base)
{
	char leaf[CGROUP_PATH_MAX];
	int worst = 0;

	for (int i = 0; i < base->n; i++) {
		if (base->version == 2 && !base->delegated &&
		    path_join(leaf, base->paths[i], LEAF) == 0) {
			(void)move_all(leaf, host->mount_point);
			(void)rmdir(leaf);
		}
		if (rmdir(base->paths[i]) < 0 && errno != ENOENT && worst == 0)
			worst = -errno;
	}
	return worst;
}

int cgroup_base_list(const struct cgroup_base *base, int (*visit)(const char *name, void *data),
		     void *data)
{
	/* All of version 1's hierarchies have the same names; a half-removed one counts. */
	for (int i = 0; i < base->n; i++) {
		DIR *dir = opendir(base->paths[i]);
		struct dirent *entry;
		int r = 0;

		if (!dir)
			return -errno;
		while (r == 0 && (entry = readdir(dir))) {
			if (strncmp(entry->d_name, "s-", 2) == 0 && entry->d_type == DT_DIR)
				r = visit(entry->d_name, data);
		}
		closedir(dir);
		if (r != 0)
			return r;
	}
	return 0;
}

static int make_join(struct cgroup *cgroup)
{
	size_t size = (size_t)cgroup->n * (CGROUP_PATH_MAX + 16), len = 0;

	cgroup->join = malloc(size);
	if (!cgroup->join)
		return -ENOMEM;
	for (int i = 0; i < cgroup->n; i++) {
		int n = snprintf(cgroup->join + len, size - len, "%s%s/cgroup.procs",
				 i > 0 ? "\n" : "", cgroup->paths[i]);

		len += (size_t)MAX(n, 0);
	}
	return 0;
}

static int group_at(const struct cgroup_base *base, const char *name, const char *sub, bool make,
		    struct cgroup **ret_cgroup)
{
	_cleanup_free_ struct cgroup *cgroup = NULL;
	int r;

	if (!name_valid(name) || (sub && !name_valid(sub)))
		return -EINVAL;
	cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup)
		return -ENOMEM;
	cgroup->version = base->version;
	cgroup->n = base->n;
	for (int i = 0; i < base->n; i++) {
		char *path = cgroup->paths[i], parent[CGROUP_PATH_MAX];

		r = path_join(parent, base->paths[i], name);
		if (r == 0 && make)
			r = dir_make(parent);
		if (r == 0 && sub && make && base->version == 2)
			r = controllers_pass_on(parent);
		if (r == 0)
			r = path_join(path, sub ? parent : base->paths[i], sub ? sub : name);
		if (r == 0 && sub && make)
			r = dir_make(path);
		if (r == 0 && access(path, F_OK) < 0)
			r = -errno;
		if (r < 0)
			return r;
	}
	r = make_join(cgroup);
	if (r < 0)
		return r;
	*ret_cgroup = STEAL(cgroup);
	return 0;
}

int cgroup_create(const struct cgroup_base *base, const char *name, const char *sub,
		  const struct cgroup_limits *limits, struct cgroup **ret_cgroup)
{
	CLEANUP(cgroup_closep) struct cgroup *cgroup = NULL;
	int r = group_at(base, name, sub, true, &cgroup);

	if (r == 0 && limits)
		r = cgroup_set_limits(cgroup, limits);
	if (r < 0)
		return r;
	*ret_cgroup = STEAL(cgroup);
	return 0;
}

int cgroup_open(const struct cgroup_base *base, const char *name, const char *sub,
		struct cgroup **ret_cgroup)
{
	return group_at(base, name, sub, false, ret_cgroup);
}

void cgroup_close(struct cgroup *cgroup)
{
	if (!cgroup)
		return;
	free(cgroup->join);
	free(cgroup);
}

static int limits_v2(const char *path, const struct cgroup_limits *limits)
{
	char text[64];
	int r = 0;

	if (limits->memory_max) {
		r = file_write_u64(path, "memory.max", limits->memory_max);
		if (r < 0)
			return r;
		r = file_write(path, "memory.swap.max", "0");
		if (r == -ENOENT) /* a kernel without swap accounting */
			r = 0;
	}
	if (r == 0 && limits->pids_max)
		r = file_write_u64(path, "pids.max", limits->pids_max);
	if (r == 0 && limits->cpu_weight)
		r = file_write_u64(path, "cpu.weight", limits->cpu_weight);
	if (r == 0 && limits->cpu_max_percent) {
		snprintf(text, sizeof(text), "%" PRIu64 " 100000",
			 (uint64_t)limits->cpu_max_percent * 1000);
		r = file_write(path, "cpu.max", text);
	}
	return r;
}

static int limits_v1(char (*paths)[CGROUP_PATH_MAX], const struct cgroup_limits *limits)
{
	int r = 0;

	if (limits->memory_max) {
		r = file_write_u64(paths[MEMORY], "memory.limit_in_bytes", limits->memory_max);
		if (r < 0)
			return r;
		/* Memory and swap together: no more than the memory alone. */
		r = file_write_u64(paths[MEMORY], "memory.memsw.limit_in_bytes",
				   limits->memory_max);
		if (r == -ENOENT || r == -EACCES || r == -EOPNOTSUPP)
			r = file_write(paths[MEMORY], "memory.swappiness", "0");
	}
	if (r == 0 && limits->pids_max)
		r = file_write_u64(paths[PIDS], "pids.max", limits->pids_max);
	if (r == 0 && limits->cpu_weight) /* 100 of version 2 is 1024 shares */
		r = file_write_u64(paths[CPU], "cpu.shares",
				   MAX((uint64_t)limits->cpu_weight * 1024 / 100, 2));
	if (r == 0 && limits->cpu_max_percent) {
		r = file_write(paths[CPU], "cpu.cfs_period_us", "100000");
		if (r == 0)
			r = file_write_u64(paths[CPU], "cpu.cfs_quota_us",
					   (uint64_t)limits->cpu_max_percent * 1000);
	}
	return r;
}

int cgroup_set_limits(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	if (limits->cpu_weight > 10000)
		return -EINVAL;
	return cgroup->version == 2 ? limits_v2(cgroup->paths[0], limits)
				    : limits_v1(cgroup->paths, limits);
}

const char *cgroup_join_text(const struct cgroup *cgroup)
{
	return cgroup->join;
}

static int join_each(const char *text, const char *pid)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char path[CGROUP_PATH_MAX + 16];
		_cleanup_fd_ int fd = -1;

		if (len == 0 || len >= sizeof(path) || text[0] != '/')
			return -EINVAL;
		memcpy(path, text, len);
		path[len] = '\0';
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (write(fd, pid, strlen(pid)) < 0)
			return -errno;
		text += len;
		text += *text == '\n';
	}
	return 0;
}

int cgroup_join_files(const char *text)
{
	return join_each(text, "0");
}

int cgroup_add(const struct cgroup *cgroup, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return join_each(cgroup->join, text);
}

int cgroup_usage(const struct cgroup *cgroup, struct cgroup_usage *ret_usage)
{
	const char *memory = cgroup->paths[MEMORY];
	bool v2 = cgroup->version == 2;
	const char *pids = cgroup->paths[v2 ? 0 : PIDS];
	struct cgroup_usage usage = {0};

	if (access(memory, F_OK) < 0)
		return -errno;
	usage.memory = file_number(memory, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
	usage.memory_peak = file_number(memory, v2 ? "memory.peak" : "memory.max_usage_in_bytes",
					NULL);
	usage.pids = file_number(pids, "pids.current", NULL);
	usage.pids_refused = file_number(pids, "pids.events", "max");
	usage.oom_kills = file_number(memory, v2 ? "memory.events" : "memory.oom_control",
				      "oom_kill");
	*ret_usage = usage;
	return 0;
}

/* Calls `visit` for the group's directory and each below it, deepest first. */
static int walk(const char *path, int (*visit)(const char *path, void *data), void *data)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir))) {
		char child[CGROUP_PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		r = path_join(child, path, entry->d_name);
		if (r == 0)
			r = walk(child, visit, data);
	}
	closedir(dir);
	return r != 0 ? r : visit(path, data);
}

static int visit_populated(const char *path, void *data)
{
	_cleanup_free_ char *text = NULL;

	(void)data;
	return file_read(path, "cgroup.procs", &text) == 0 && text[0] != '\0';
}

bool cgroup_populated(const struct cgroup *cgroup)
{
	return walk(cgroup->paths[0], visit_populated, NULL) > 0;
}

static int visit_signal(const char *path, void *data)
{
	_cleanup_free_ char *text = NULL;
	bool *any = data;

	if (file_read(path, "cgroup.procs", &text) < 0)
		return 0;
	for (char *line = text; *line;) {
		char *end;
		long pid = strtol(line, &end, 10);

		if (pid > 1) {
			*any = true;
			kill((pid_t)pid, SIGKILL);
		}
		line = *end ? end + 1 : end;
	}
	return 0;
}

static int visit_kill_v2(const char *path, void *data)
{
	(void)data;
	return file_write(path, "cgroup.kill", "1");
}

/*
 * Version 1 has no kill of its own: freeze, so that nothing forks while we count; signal all;
 * thaw, so that the signals are taken.
 */
static int kill_v1(const struct cgroup *cgroup)
{
	const char *freezer = cgroup->paths[FREEZER];
	int r = 0;

	(void)file_write(freezer, "freezer.state", "FROZEN");
	/* Freezing is asynchronous: signals sent meanwhile reach what is there, the rest later. */
	for (int round = 0; r == 0 && round < KILL_ROUNDS; round++) {
		_cleanup_free_ char *state = NULL;
		bool any = false;

		for (int i = 0; r == 0 && i < cgroup->n; i++)
			r = walk(cgroup->paths[i], visit_signal, &any);
		if (file_read(freezer, "freezer.state", &state) < 0 ||
		    strncmp(state, "FROZEN", 6) == 0)
			break;
	}
	if (r == 0) {
		bool any;

		for (int i = 0; r == 0 && i < cgroup->n; i++)
			r = walk(cgroup->paths[i], visit_signal, &any);
	}
	(void)file_write(freezer, "freezer.state", "THAWED");
	return r;
}

int cgroup_kill(const struct cgroup *cgroup)
{
	/* cgroup.kill works downwards; calling it for the parts as well does no harm. */
	return cgroup->version == 2 ? walk(cgroup->paths[0], visit_kill_v2, NULL) : kill_v1(cgroup);
}

struct waiting {
	struct pollfd fds[WAIT_BATCH];
	nfds_t n;
};

static int visit_pidfds(const char *path, void *data)
{
	_cleanup_free_ char *text = NULL;
	struct waiting *waiting = data;

	if (file_read(path, "cgroup.procs", &text) < 0)
		return 0;
	for (char *line = text; *line && waiting->n < WAIT_BATCH;) {
		char *end;
		long pid = strtol(line, &end, 10);
		int fd = pid > 0 ? fd_pidfd_open((pid_t)pid) : -1;

		if (fd >= 0)
			waiting->fds[waiting->n++] = (struct pollfd){.fd = fd, .events = POLLIN};
		line = *end ? end + 1 : end;
	}
	return 0;
}

int cgroup_wait_empty(const struct cgroup *cgroup, uint64_t timeout)
{
	uint64_t deadline = clock_now() + timeout;

	while (cgroup_populated(cgroup)) {
		struct waiting waiting = {.n = 0};
		uint64_t now = clock_now();
		int r;

		if (now >= deadline)
			return -ETIMEDOUT;
		r = walk(cgroup->paths[0], visit_pidfds, &waiting);
		/* Each that ends wakes us; a zombie that nobody reaps counts as ended, but is still
		 * listed, so the wait is bounded. */
		if (r == 0 && waiting.n > 0)
			(void)poll(&waiting.fds[waiting.n - 1], 1,
				   (int)MIN((deadline - now) / USEC_PER_MSEC + 1, 20));
		for (nfds_t i = 0; i < waiting.n; i++)
			fd_close(waiting.fds[i].fd);
		if (r < 0)
			return r;
	}
	return 0;
}

static int visit_remove(const char *path, void *data)
{
	(void)data;
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_remove(const struct cgroup *cgroup)
{
	for (int i = 0; i < cgroup->n; i++) {
		int r = walk(cgroup->paths[i], visit_remove, NULL);

		if (r < 0)
			return r;
	}
	return 0;
}
