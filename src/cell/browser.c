/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/browser.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define CACHE ".cache"
#define DEPTH_MAX 64

/*
 * The program itself instead of the distribution's wrapper, which costs 100 ms and reads shell
 * fragments. Features: the omnibox popup as a page of its own costs 1.5 s of CPU at each start.
 * Never --no-sandbox, never a sandbox switch.
 */
static const char *const chromium_flags[] = {
	BROWSER_CHROMIUM_DIR "/chromium",
	"--ozone-platform=wayland",
	"--disable-gpu",
	"--no-first-run",
	"--no-default-browser-check",
	"--no-service-autorun",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-domain-reliability",
	"--disable-breakpad",
	"--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,"
	"SpareRendererForSitePerProcess,MediaRouter,OptimizationHints,GlobalMediaControls",
	"--password-store=basic",
	"--start-maximized",
	"--hide-crash-restore-bubble",
	NULL,
};

static const char *const firefox_flags[] = {
	BROWSER_FIREFOX_DIR "/firefox-esr",
	"--profile",
	".mozilla/lazaret",
	NULL,
};

static const char firefox_preferences[] =
	"user_pref(\"browser.shell.checkDefaultBrowser\", false);\n"
	"user_pref(\"browser.sessionstore.resume_from_crash\", false);\n"
	"user_pref(\"browser.tabs.inTitlebar\", 0);\n"
	"user_pref(\"gfx.webrender.compositor.force-enabled\", false);\n"
	"user_pref(\"gfx.webrender.software\", true);\n"
	"user_pref(\"layers.acceleration.disabled\", true);\n"
	"user_pref(\"toolkit.startup.max_resumed_crashes\", -1);\n";

static int prepare_folder(const char *path, int home)
{
	char part[256];

	for (size_t i = 1; i <= strlen(path); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		if (i >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(home, part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Alone in our PID namespace, so no living process can have the profile: a lock that is left is
 * the trace of a kill, and would stop the start (exit 21). */
static int prepare_chromium(const struct browser_impl *browser, int home)
{
	static const char *const leftovers[] = {"SingletonLock", "SingletonCookie",
						"SingletonSocket"};
	_cleanup_fd_ int profile = -1;
	int r = prepare_folder(browser->profile, home);

	if (r < 0)
		return r;
	profile = openat(home, browser->profile, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (profile < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(leftovers); i++) {
		if (unlinkat(profile, leftovers[i], 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int prepare_firefox(const struct browser_impl *browser, int home)
{
	_cleanup_fd_ int profile = -1;
	int r = prepare_folder(browser->profile, home);

	if (r < 0)
		return r;
	profile = openat(home, browser->profile, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (profile < 0)
		return -errno;
	if ((unlinkat(profile, "lock", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(profile, ".parentlock", 0) < 0 && errno != ENOENT))
		return -errno;
	return fd_write_file_atomic(profile, "user.js", 0600, firefox_preferences,
				    strlen(firefox_preferences));
}

static const struct browser_impl browsers[] = {
	{"chromium", chromium_flags, ".config/chromium", prepare_chromium},
	{"firefox", firefox_flags, ".mozilla/lazaret", prepare_firefox},
};

const struct browser_impl *browser_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(browsers); i++) {
		if (str_eq(browsers[i].name, name))
			return &browsers[i];
	}
	return NULL;
}

/* Links are removed, never followed; what is mounted stays. */
static int remove_tree(int dir, const char *name, int depth)
{
	struct dirent *entry;
	DIR *stream;
	int fd, r = 0;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(stream))) {
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			r = remove_tree(dirfd(stream), entry->d_name, depth + 1);
	}
	closedir(stream);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int browser_wipe(const struct browser_impl *browser, int home)
{
	int r = remove_tree(home, browser->profile, 0);

	return r == 0 ? remove_tree(home, CACHE, 0) : r;
}

void browser_command(const struct browser_impl *browser, const char *url,
		     const char *ret_argv[BROWSER_ARGS_MAX])
{
	size_t n = 0;

	while (browser->flags[n]) {
		ret_argv[n] = browser->flags[n];
		n++;
	}
	ret_argv[n++] = url;
	ret_argv[n] = NULL;
}
