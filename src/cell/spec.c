/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/spec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cell/limits.h"
#include "wire/cursor.h"

#define SPEC_VERSION 1

bool spec_url_valid(const char *url)
{
	size_t len = strlen(url);

	if (len > CELL_URL_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (url[i] <= ' ' || url[i] > '~')
			return false;
	}
	return str_eq(url, "about:blank") || str_eq(url, CELL_START_URL) ||
	       (strncmp(url, "http://", 7) == 0 && len > 7) ||
	       (strncmp(url, "https://", 8) == 0 && len > 8);
}

static bool user_valid(const char *user)
{
	size_t len = strlen(user);

	return len >= 1 && len <= CELL_USER_MAX && user[0] != '-' && user[0] != '.' &&
	       strspn(user, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

static bool path_valid(const char *path, bool optional)
{
	if (!path)
		return optional;
	return path[0] == '/' && strlen(path) < PATH_MAX && !strstr(path, "/../") &&
	       (strlen(path) < 3 || !str_eq(path + strlen(path) - 3, "/.."));
}

static bool proxy_valid(const char *proxy)
{
	return strlen(proxy) <= CELL_PROXY_MAX && strncmp(proxy, "http://", 7) == 0 &&
	       !strpbrk(proxy, "@ ;,\"'\t\n");
}

int spec_check(const struct cell_spec *spec)
{
	bool ok = spec->uid != 0 && spec->gid != 0 && spec->uid != (uid_t)-1 &&
		  spec->gid != (gid_t)-1 && spec->user && user_valid(spec->user) &&
		  path_valid(spec->home, true) && path_valid(spec->transfer, true) &&
		  path_valid(spec->wayland, spec->command != NULL) &&
		  path_valid(spec->libexec, true) && path_valid(spec->data, true) &&
		  (spec->browser == CELL_CHROMIUM || spec->browser == CELL_FIREFOX) &&
		  (!spec->proxy || proxy_valid(spec->proxy)) &&
		  (!spec->start_url || spec_url_valid(spec->start_url)) &&
		  (!spec->resolv_conf || strlen(spec->resolv_conf) <= CELL_RESOLV_MAX) &&
		  (!spec->join || strlen(spec->join) <= CELL_JOIN_MAX) &&
		  (!spec->lang || strspn(spec->lang, "abcdefghijklmnopqrstuvwxyz"
						     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						     "0123456789_.-@") == strlen(spec->lang)) &&
		  (!spec->command || spec->command[0]);

	return ok ? 0 : -EINVAL;
}

/* NULL and "" are different things to us. */
static void put_opt(struct buf *buf, const char *s)
{
	buf_put_u8(buf, s != NULL);
	if (s)
		buf_put_str(buf, s);
}

static const char *get_opt(struct cursor *c, size_t max)
{
	return cursor_u8(c) ? cursor_str(c, max) : NULL;
}

void spec_write(const struct cell_spec *spec, struct buf *buf)
{
	uint32_t argc = 0;

	buf_put_u32(buf, SPEC_VERSION);
	buf_put_u32(buf, spec->uid);
	buf_put_u32(buf, spec->gid);
	put_opt(buf, spec->user);
	put_opt(buf, spec->home);
	buf_put_u64(buf, spec->home_size);
	put_opt(buf, spec->transfer);
	put_opt(buf, spec->wayland);
	buf_put_u8(buf, spec->netns >= 0);
	put_opt(buf, spec->resolv_conf);
	put_opt(buf, spec->proxy);
	buf_put_u8(buf, spec->webrtc_udp);
	buf_put_u8(buf, (uint8_t)spec->browser);
	put_opt(buf, spec->start_url);
	buf_put_u8(buf, spec->wipe_profile);
	buf_put_u8(buf, spec->parked);
	put_opt(buf, spec->lang);
	put_opt(buf, spec->tz);
	put_opt(buf, spec->join);
	buf_put_u32(buf, spec->limits.nofile);
	buf_put_u32(buf, spec->limits.nproc);
	buf_put_u64(buf, spec->limits.shm_size);
	buf_put_u64(buf, spec->limits.tmp_size);
	put_opt(buf, spec->libexec);
	buf_put_u8(buf, spec->launcher_fd > 0);
	put_opt(buf, spec->data);
	while (spec->command && spec->command[argc])
		argc++;
	buf_put_u32(buf, argc);
	for (uint32_t i = 0; i < argc; i++)
		buf_put_str(buf, spec->command[i]);
}

static int read_command(struct cursor *c, const char *const **ret_command)
{
	uint32_t argc = cursor_u32(c);
	const char **command;

	if (cursor_failed(c) || argc > CELL_ARGS_MAX)
		return -EPROTO;
	if (argc == 0)
		return 0;
	command = calloc(argc + 1, sizeof(*command));
	if (!command)
		return -ENOMEM;
	for (uint32_t i = 0; i < argc; i++)
		command[i] = cursor_str(c, CELL_ARG_MAX);
	*ret_command = command;
	return 0;
}

int spec_read(const void *data, size_t len, struct cell_spec *ret_spec)
{
	struct cursor c = cursor_over(data, len);
	struct cell_spec spec = {0};
	int r;

	if (cursor_u32(&c) != SPEC_VERSION)
		return -EPROTO;
	spec.uid = cursor_u32(&c);
	spec.gid = cursor_u32(&c);
	spec.user = get_opt(&c, CELL_USER_MAX);
	spec.home = get_opt(&c, PATH_MAX);
	spec.home_size = cursor_u64(&c);
	spec.transfer = get_opt(&c, PATH_MAX);
	spec.wayland = get_opt(&c, PATH_MAX);
	spec.netns = cursor_u8(&c) ? SPEC_NETNS_FD : -1;
	spec.resolv_conf = get_opt(&c, CELL_RESOLV_MAX);
	spec.proxy = get_opt(&c, CELL_PROXY_MAX);
	spec.webrtc_udp = cursor_u8(&c);
	spec.browser = (enum cell_browser)cursor_u8(&c);
	spec.start_url = get_opt(&c, CELL_URL_MAX);
	spec.wipe_profile = cursor_u8(&c);
	spec.parked = cursor_u8(&c);
	spec.lang = get_opt(&c, 64);
	spec.tz = get_opt(&c, 64);
	spec.join = get_opt(&c, CELL_JOIN_MAX);
	spec.limits.nofile = cursor_u32(&c);
	spec.limits.nproc = cursor_u32(&c);
	spec.limits.shm_size = cursor_u64(&c);
	spec.limits.tmp_size = cursor_u64(&c);
	spec.libexec = get_opt(&c, PATH_MAX);
	spec.launcher_fd = cursor_u8(&c) ? SPEC_LAUNCHER_FD : 0;
	spec.data = get_opt(&c, PATH_MAX);
	r = read_command(&c, &spec.command);
	if (r < 0)
		return r;
	if (!cursor_done(&c))
		return -EPROTO;
	r = spec_check(&spec);
	if (r < 0)
		return r;
	*ret_spec = spec;
	return 0;
}
