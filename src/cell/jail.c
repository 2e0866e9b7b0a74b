/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cell/browser.h"
#include "cell/filter.h"
#include "cell/limits.h"
#include "cell/pin.h"
#include "cell/policy.h"
#include "wire/buf.h"

/* What programs need of the host's /etc: nothing that names accounts, hosts or secrets. */
static const char *const etc_shared[] = {
	"alternatives", "fonts",     "gtk-3.0",    "ld.so.cache", "ld.so.conf",
	"ld.so.conf.d", "localtime", "mime.types", "ssl/certs",   "ca-certificates",
};

#define LAUNCHER "/run/lazaret/lazaret-browser"

struct args {
	struct buf buf;
	int error;
};

static void arg(struct args *args, const char *s)
{
	buf_put(&args->buf, s, strlen(s) + 1);
}

static void arg_u64(struct args *args, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	arg(args, text);
}

#define ARGS(a, ...)                                             \
	do {                                                     \
		const char *const list_[] = {__VA_ARGS__};       \
		for (size_t i_ = 0; i_ < ARRAY_LEN(list_); i_++) \
			arg((a), list_[i_]);                     \
	} while (0)

static void arg_fd(struct args *args, int fd)
{
	int r = fd < 0 ? fd : fd_set_cloexec(fd, false);

	if (r < 0 && args->error == 0)
		args->error = r;
	arg_u64(args, (uint64_t)MAX(fd, 0));
}

/* A generated file: read-only, belongs to nobody's disk. */
static void file(struct args *args, const char *path, const char *text)
{
	ARGS(args, "--perms", "0444", "--ro-bind-data");
	arg_fd(args, fd_memfd("cell-file", text, strlen(text)));
	arg(args, path);
}

static void tmpfs(struct args *args, const char *path, const char *perms, uint64_t size)
{
	ARGS(args, "--perms", perms, "--size");
	arg_u64(args, size);
	ARGS(args, "--tmpfs", path);
}

static void accounts(struct args *args, const struct cell_spec *spec)
{
	char text[512];
	uint8_t id[16];
	size_t n = 0;

	snprintf(text, sizeof(text), "%s:x:%u:%u::/home/%s:/usr/sbin/nologin\n", spec->user,
		 (unsigned int)spec->uid, (unsigned int)spec->gid, spec->user);
	file(args, "/etc/passwd", text);
	snprintf(text, sizeof(text), "%s:x:%u:\n", spec->user, (unsigned int)spec->gid);
	file(args, "/etc/group", text);
	file(args, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
	file(args, "/etc/hosts",
	     "127.0.0.1 localhost " CELL_HOST_NAME "\n::1 localhost " CELL_HOST_NAME "\n");
	file(args, "/etc/host.conf", "multi on\n");
	file(args, "/etc/resolv.conf", spec->resolv_conf ? spec->resolv_conf : "");
	/* Fresh every time: nothing ties one session of a user to the next by it. */
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		args->error = -EIO;
	for (size_t i = 0; i < sizeof(id); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x", id[i]);
	snprintf(text + n, sizeof(text) - n, "\n");
	file(args, "/etc/machine-id", text);
}

/* The private session bus: no service is ever started by name, nothing outside is reachable. */
static void session_bus(struct args *args, uid_t uid)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "<busconfig><type>session</type><listen>unix:path=/run/user/%u/bus</listen>"
		 "<auth>EXTERNAL</auth><policy context=\"default\"><allow send_destination=\"*\" "
		 "eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow "
		 "own=\"*\"/></policy></busconfig>",
		 (unsigned int)uid);
	file(args, "/run/lazaret/bus.conf", text);
}

static void system_tree(struct args *args)
{
	ARGS(args, "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink",
	     "usr/sbin", "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64",
	     "/lib64", "--proc", "/proc", "--dev", "/dev");
	for (size_t i = 0; i < ARRAY_LEN(etc_shared); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/etc/%s", etc_shared[i]);
		ARGS(args, "--ro-bind-try", path, path);
	}
}

static void pin_entry(void *data, enum pin_kind kind, const char *path, const char *target)
{
	struct args *args = data;

	switch (kind) {
	case PIN_ROOT:
		tmpfs(args, path, "0755", PIN_TREE_SIZE);
		break;
	case PIN_FOLDER:
		ARGS(args, "--perms", "0755", "--dir", path);
		break;
	case PIN_FILE:
		ARGS(args, "--ro-bind", path, path);
		break;
	case PIN_LINK:
		ARGS(args, "--symlink", target, path);
		break;
	}
}

/*
 * The browser goes on from the files it began with, whatever the package manager puts in their place:
 * a mount of a file holds the file, one of its folder would show the new ones.
 */
static void browser_tree(struct args *args, enum cell_browser browser)
{
	const char *folder = browser == CELL_FIREFOX ? BROWSER_FIREFOX_DIR : BROWSER_CHROMIUM_DIR;
	int r = pin_walk(folder, pin_entry, args);

	if (r == 0)
		ARGS(args, "--remount-ro", folder);
	else if (r != -ENOENT && args->error == 0)
		args->error = r;
}

/*
 * A file that is not there any more under its name cannot be mounted: its descriptor belongs to another
 * mount namespace. So one that is held is copied, which is less than the profile's first page. Opened
 * anew, for the place to read at is one for all who share a descriptor.
 */
static void launcher(struct args *args, const struct cell_spec *spec, const char *libexec)
{
	char path[CELL_PROXY_MAX + 4096];
	int fd;

	if (spec->launcher_fd <= 0) {
		snprintf(path, sizeof(path), "%s/lazaret-browser", libexec);
		ARGS(args, "--ro-bind-try", path, LAUNCHER);
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", spec->launcher_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ARGS(args, "--perms", "0555", "--ro-bind-data");
	arg_fd(args, fd < 0 ? -errno : fd);
	arg(args, LAUNCHER);
}

static void own_tree(struct args *args, const struct cell_spec *spec, const char *libexec,
		     const char *data)
{
	char path[CELL_PROXY_MAX + 4096], runtime[64], home[64];
	uint64_t shm = spec->limits.shm_size ? spec->limits.shm_size : CELL_SHM_SIZE;
	uint64_t tmp = spec->limits.tmp_size ? spec->limits.tmp_size : CELL_TMP_SIZE;

	snprintf(runtime, sizeof(runtime), "/run/user/%u", (unsigned int)spec->uid);
	snprintf(home, sizeof(home), "/home/%s", spec->user);
	tmpfs(args, "/dev/shm", "1777", shm);
	/* Over the terminals: nothing in a cell has a use for one, and the number that a machine has
	 * is bounded for all cells together. */
	tmpfs(args, "/dev/pts", "0755", 4096);
	tmpfs(args, "/tmp", "1777", tmp);
	tmpfs(args, runtime, "0700", CELL_RUNTIME_SIZE);
	if (spec->home)
		ARGS(args, "--bind", spec->home, home);
	else
		tmpfs(args, home, "0700", spec->home_size ? spec->home_size : CELL_HOME_SIZE);
	snprintf(path, sizeof(path), "%s/transfer", home);
	if (spec->transfer)
		ARGS(args, "--bind", spec->transfer, path);
	else
		ARGS(args, "--perms", "0700", "--dir", path);
	if (spec->wayland) {
		snprintf(path, sizeof(path), "%s/wayland-0", runtime);
		ARGS(args, "--ro-bind", spec->wayland, path);
	}
	launcher(args, spec, libexec);
	snprintf(path, sizeof(path), "%s/start", data);
	ARGS(args, "--ro-bind-try", path, "/run/lazaret/start");
}

static void environment(struct args *args, const struct cell_spec *spec)
{
	char runtime[64], home[64], bus[64];

	snprintf(runtime, sizeof(runtime), "/run/user/%u", (unsigned int)spec->uid);
	snprintf(home, sizeof(home), "/home/%s", spec->user);
	snprintf(bus, sizeof(bus), "unix:path=/run/user/%u/bus", (unsigned int)spec->uid);
	arg(args, "--clearenv");
	ARGS(args, "--setenv", "PATH", "/usr/bin", "--setenv", "HOME", home, "--setenv", "USER",
	     spec->user, "--setenv", "LOGNAME", spec->user, "--setenv", "XDG_RUNTIME_DIR", runtime,
	     "--setenv", "XDG_SESSION_TYPE", "wayland", "--setenv", "WAYLAND_DISPLAY", "wayland-0",
	     "--setenv", "DBUS_SESSION_BUS_ADDRESS", bus, "--setenv", "LANG",
	     spec->lang ? spec->lang : "C.UTF-8", "--setenv", "TZ", spec->tz ? spec->tz : "UTC",
	     /* No settings daemon, no portal, no accessibility bus: there is none. */
	     "--setenv", "GSETTINGS_BACKEND", "memory", "--setenv", "GTK_USE_PORTAL", "0",
	     "--setenv", "NO_AT_BRIDGE", "1", "--setenv", "MOZ_ENABLE_WAYLAND", "1", "--setenv",
	     "CHROME_WRAPPER", "/run/lazaret/lazaret-browser", "--chdir", home);
}

int jail_prepare(const struct cell_spec *spec, const char *libexec, const char *data,
		 const char *policy, int *ret_args_fd)
{
	struct args args = {.error = 0};
	int r, fd;

	buf_init(&args.buf, CELL_SPEC_MAX);
	/* The user namespace comes first of all: without setuid it is what allows the others. */
	ARGS(&args, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
	     "--unshare-cgroup", "--hostname", CELL_HOST_NAME, "--die-with-parent",
	     "--new-session");
	/* The writable mounts come before what is generated, so that nothing in them can stand in
	 * the place of a policy. */
	system_tree(&args);
	browser_tree(&args, spec->browser);
	own_tree(&args, spec, libexec, data);
	accounts(&args, spec);
	session_bus(&args, spec->uid);
	file(&args, policy_path(spec->browser), policy);
	environment(&args, spec);
	ARGS(&args, "--remount-ro", "/dev/pts", "--remount-ro", "/dev", "--remount-ro", "/");
	arg(&args, "--seccomp");
	arg_fd(&args, filter_memfd());
	r = args.error ? args.error : buf_error(&args.buf);
	fd = r < 0 ? r : fd_memfd("cell-args", buf_data(&args.buf), buf_len(&args.buf));
	buf_finish(&args.buf);
	if (fd < 0)
		return fd;
	r = fd_set_cloexec(fd, false);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	*ret_args_fd = fd;
	return 0;
}
