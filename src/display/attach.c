/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who looks at the session, and who did until a moment ago. */
#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "display/display.h"
#include "display/limits.h"
#include "display/texts.h"
#include "display/viewer.h"

void display_update_visible(struct display *display)
{
	screen_set_visible(display, display->current && !display->current->stalled);
}

/* The current viewer makes room and is told why. */
static struct viewer *dismiss(struct display *display, const char *sentence)
{
	struct viewer *viewer = display->current;

	display->current = NULL;
	wl_list_insert(display->farewells.prev, &viewer->link);
	display->n_farewells++;
	viewer_say_goodbye(viewer, sentence);
	compositor_keyboard_release_all(display->screen.compositor);
	if (display->n_farewells > FAREWELLS_MAX) {
		struct viewer *oldest = wl_container_of(display->farewells.next, oldest, link);

		viewer_end(oldest, "too many farewells");
	}
	return viewer;
}

void display_say_goodbye(struct display *display, const char *sentence)
{
	if (!display->current)
		return;
	dismiss(display, sentence)->detached = true;
	display_update_visible(display);
}

static int check_stream(int fd)
{
	int type, domain;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	return type == SOCK_STREAM && domain == AF_UNIX ? 0 : -EPROTOTYPE;
}

int display_attach(struct display *display, int fd, const char *address)
{
	_cleanup_fd_ int owned = fd;
	char sentence[REASON_MAX];
	struct viewer *viewer;
	int r = check_stream(fd);

	if (r == 0)
		r = viewer_create(display, FD_STEAL(owned), address, &viewer);
	if (r < 0)
		return r;
	if (display->current) {
		text_format(sentence, sizeof(sentence), TEXT_TAKEN_OVER, display->language,
			    address);
		(void)dismiss(display, sentence);
	}
	display->current = viewer;
	display->screen.dirty = true;
	display_update_visible(display);
	log_event(LOG_INFO, "viewer.attached", LOG_STR("address", address));
	return 0;
}
