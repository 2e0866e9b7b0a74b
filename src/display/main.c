/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-display: start, in the order that every child of ours keeps, and loop. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "display/display.h"
#include "display/filter.h"
#include "display/limits.h"
#include "display/notice.h"
#include "display/viewer.h"
#include "ipc/launch.h"

struct start {
	struct conf *conf;
	uid_t uid;
	gid_t gid;
	char *session_id;
};

static int read_start(struct start *start)
{
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	int r = launch_read(CONFIG_BYTES_MAX, &data, &c);

	if (r == 0)
		r = conf_get(&c, &start->conf);
	if (r < 0)
		return r;
	start->uid = cursor_u32(&c);
	start->gid = cursor_u32(&c);
	start->session_id = cursor_str(&c, SESSION_ID_MAX);
	if (!start->session_id || !cursor_done(&c) || start->uid == 0 || start->gid == 0)
		return -EPROTO;
	return 0;
}

static int handle_terminate(int sig, void *data)
{
	struct display *display = data;

	(void)sig;
	display->running = false;
	return 0;
}

static int set_up(struct display *display, const struct start *start)
{
	const struct conf *conf = start->conf;
	int r;

	display->language = (enum conf_language)conf_int(conf, CONF_LANGUAGE);
	display->video = (enum conf_video)conf_int(conf, CONF_VIDEO);
	display->max_width = (int)conf_int(conf, CONF_MAX_WIDTH);
	display->max_height = (int)conf_int(conf, CONF_MAX_HEIGHT);
	log_set_level((enum log_level)conf_int(conf, CONF_LOG_LEVEL));
	wl_list_init(&display->farewells);
	wl_list_init(&display->notice_requests);
	display->wl = wl_display_create();
	if (!display->wl)
		return -ENOMEM;
	display->loop = wl_display_get_event_loop(display->wl);
	if (!wl_event_loop_add_signal(display->loop, SIGTERM, handle_terminate, display))
		return -ENOMEM;
	display->running = true;
	r = parent_connect(display, SPAWN_FD_CHANNEL);
	if (r < 0)
		return r;
	r = screen_init(display, conf_str(conf, CONF_KEYBOARD_LAYOUT));
	if (r < 0)
		return r;
	return wl_display_add_socket_fd(display->wl, SPAWN_FD_FIRST) < 0 ? -ENOMEM : 0;
}

static int shut_in(const struct start *start, const char **ret_step)
{
	const struct confine spec = {
		.uid = start->uid,
		.gid = start->gid,
		.empty_root = true,
		.no_network = true,
		.own_ipc = true,
		.max_files = FILES_MAX,
		.no_processes = true,
		.calls = filter_calls,
		.n_calls = filter_n_calls,
	};

	return confine(&spec, ret_step);
}

static void loop(struct display *display)
{
	while (display->running) {
		/* What idle callbacks tell clients has to leave before we sleep. */
		wl_event_loop_dispatch_idle(display->loop);
		wl_display_flush_clients(display->wl);
		if (display->running && wl_event_loop_dispatch(display->loop, -1) < 0 &&
		    errno != EINTR)
			display->running = false;
	}
}

static void tear_down(struct display *display)
{
	struct viewer *viewer, *next;

	display->running = false;
	viewer_destroy(display->current);
	wl_list_for_each_safe (viewer, next, &display->farewells, link)
		viewer_destroy(viewer);
	notice_finish(display);
	screen_finish(display);
	ipc_channel_destroy(display->parent);
	wl_display_destroy(display->wl);
}

int main(void)
{
	struct display display = {0};
	struct start start = {0};
	const char *step = "configuration";
	int r;

	log_init("lazaret-display");
	/* Pictures and large updates go back to the system when they are freed; left to itself malloc
	 * would soon keep such blocks for the next time. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	signal(SIGPIPE, SIG_IGN);
	r = read_start(&start);
	if (r == 0) {
		step = "compositor";
		r = set_up(&display, &start);
	}
	if (r == 0)
		r = shut_in(&start, &step);
	if (r < 0) {
		log_event(LOG_ERROR, "display.start-failed", LOG_STR("step", step), LOG_ERR(r));
		return EXIT_FAILURE;
	}
	log_event(LOG_INFO, "display.started", LOG_STR("session", start.session_id));
	conf_destroy(start.conf);
	free(start.session_id);
	parent_tell(&display, IPC_DISPLAY_READY, NULL);
	loop(&display);
	tear_down(&display);
	return EXIT_SUCCESS;
}
