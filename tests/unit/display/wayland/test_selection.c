/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clipboard and primary selection between two clients, by the library that browsers use. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <wayland-client.h>

#include "base/attr.h"
#include "base/fd.h"
#include "display/wayland/compositor.h"
#include "primary-selection-unstable-v1-client-protocol.h"
#include "xdg-shell-client-protocol.h"

#define SIDE 64
#define MIME "text/plain;charset=utf-8"
#define TEXT "marked in one window"

struct server {
	struct wl_display *display;
	struct compositor *compositor;
};

/* One of the two protocols, as a client uses it. */
struct kind {
	const char *name;
	void *(*create_source)(void *manager);
	void (*offer)(void *source, const char *mime);
	void (*destroy_source)(void *source);
	void *(*get_device)(void *manager, struct wl_seat *seat);
	void (*set_selection)(void *device, void *source);
	void (*receive)(void *offer, const char *mime, int fd);
};

struct app {
	struct wl_display *display;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct xdg_wm_base *wm_base;
	struct wl_seat *seat;
	struct wl_data_device_manager *clipboard;
	struct zwp_primary_selection_device_manager_v1 *primary;
	struct wl_surface *surface;
	void *device, *source;
	void *fresh; /* an offer that was told of, perhaps with this type: */
	bool fresh_has_mime;
	void *selection; /* the offer that is selected */
	unsigned int selections, cancelled, asked;
	int asked_fd; /* of the last send */
};

struct pair {
	struct server server;
	const struct kind *kind;
	struct app owner, other;
};

/* ---- what clients are told ----------------------------------------------------------------- */

static void told_offer(struct app *app, void *offer)
{
	app->fresh = offer;
	app->fresh_has_mime = false;
}

static void told_mime(struct app *app, const char *mime)
{
	app->fresh_has_mime = app->fresh_has_mime || strcmp(mime, MIME) == 0;
}

static void told_selection(struct app *app, void *offer)
{
	/* It was introduced before. */
	assert_true(!offer || offer == app->fresh);
	app->selection = offer;
	app->selections++;
}

static void told_send(struct app *app, const char *mime, int fd)
{
	assert_string_equal(mime, MIME);
	app->asked++;
	fd_close(app->asked_fd);
	app->asked_fd = fd;
}

static void told_cancelled(struct app *app)
{
	app->cancelled++;
}

/* ---- clipboard ----------------------------------------------------------------------------- */

static void data_mime(void *data, struct wl_data_offer *offer, const char *mime)
{
	(void)offer;
	told_mime(data, mime);
}

static const struct wl_data_offer_listener data_offer_listener = {.offer = data_mime};

static void data_offer(void *data, struct wl_data_device *device, struct wl_data_offer *offer)
{
	(void)device;
	told_offer(data, offer);
	wl_data_offer_add_listener(offer, &data_offer_listener, data);
}

static void data_selection(void *data, struct wl_data_device *device, struct wl_data_offer *offer)
{
	(void)device;
	told_selection(data, offer);
}

static const struct wl_data_device_listener data_device_listener = {
	.data_offer = data_offer,
	.selection = data_selection,
};

static void data_send(void *data, struct wl_data_source *source, const char *mime, int fd)
{
	(void)source;
	told_send(data, mime, fd);
}

static void data_cancelled(void *data, struct wl_data_source *source)
{
	(void)source;
	told_cancelled(data);
}

static const struct wl_data_source_listener data_source_listener = {
	.send = data_send,
	.cancelled = data_cancelled,
};

static void *data_create_source(void *manager)
{
	return wl_data_device_manager_create_data_source(manager);
}

static void data_source_add(void *source, const char *mime)
{
	wl_data_source_offer(source, mime);
}

static void data_destroy_source(void *source)
{
	wl_data_source_destroy(source);
}

static void *data_get_device(void *manager, struct wl_seat *seat)
{
	return wl_data_device_manager_get_data_device(manager, seat);
}

static void data_set_selection(void *device, void *source)
{
	wl_data_device_set_selection(device, source, 1);
}

static void data_receive(void *offer, const char *mime, int fd)
{
	wl_data_offer_receive(offer, mime, fd);
}

static const struct kind clipboard = {
	"clipboard",     data_create_source, data_source_add, data_destroy_source,
	data_get_device, data_set_selection, data_receive,
};

/* ---- primary selection --------------------------------------------------------------------- */

static void primary_mime(void *data, struct zwp_primary_selection_offer_v1 *offer, const char *mime)
{
	(void)offer;
	told_mime(data, mime);
}

static const struct zwp_primary_selection_offer_v1_listener primary_offer_listener = {
	.offer = primary_mime};

static void primary_offer(void *data, struct zwp_primary_selection_device_v1 *device,
			  struct zwp_primary_selection_offer_v1 *offer)
{
	(void)device;
	told_offer(data, offer);
	zwp_primary_selection_offer_v1_add_listener(offer, &primary_offer_listener, data);
}

static void primary_selection(void *data, struct zwp_primary_selection_device_v1 *device,
			      struct zwp_primary_selection_offer_v1 *offer)
{
	(void)device;
	told_selection(data, offer);
}

static const struct zwp_primary_selection_device_v1_listener primary_device_listener = {
	.data_offer = primary_offer,
	.selection = primary_selection,
};

static void primary_send(void *data, struct zwp_primary_selection_source_v1 *source,
			 const char *mime, int fd)
{
	(void)source;
	told_send(data, mime, fd);
}

static void primary_cancelled(void *data, struct zwp_primary_selection_source_v1 *source)
{
	(void)source;
	told_cancelled(data);
}

static const struct zwp_primary_selection_source_v1_listener primary_source_listener = {
	.send = primary_send,
	.cancelled = primary_cancelled,
};

static void *primary_create_source(void *manager)
{
	return zwp_primary_selection_device_manager_v1_create_source(manager);
}

static void primary_source_add(void *source, const char *mime)
{
	zwp_primary_selection_source_v1_offer(source, mime);
}

static void primary_destroy_source(void *source)
{
	zwp_primary_selection_source_v1_destroy(source);
}

static void *primary_get_device(void *manager, struct wl_seat *seat)
{
	return zwp_primary_selection_device_manager_v1_get_device(manager, seat);
}

static void primary_set_selection(void *device, void *source)
{
	zwp_primary_selection_device_v1_set_selection(device, source, 1);
}

static void primary_receive(void *offer, const char *mime, int fd)
{
	zwp_primary_selection_offer_v1_receive(offer, mime, fd);
}

static const struct kind primary = {
	"primary selection", primary_create_source, primary_source_add, primary_destroy_source,
	primary_get_device,  primary_set_selection, primary_receive,
};

/* ---- clients ------------------------------------------------------------------------------- */

/* Both ends speak until nothing is left to say. */
static void pump(struct pair *pair)
{
	struct app *apps[] = {&pair->owner, &pair->other};

	for (int turn = 0; turn < 16; turn++) {
		for (size_t i = 0; i < ARRAY_LEN(apps); i++) {
			if (!apps[i]->display)
				continue;
			wl_display_flush(apps[i]->display);
			while (wl_display_prepare_read(apps[i]->display) != 0)
				wl_display_dispatch_pending(apps[i]->display);
			wl_display_read_events(apps[i]->display);
			wl_display_dispatch_pending(apps[i]->display);
			assert_int_equal(wl_display_get_error(apps[i]->display), 0);
		}
		wl_event_loop_dispatch(wl_display_get_event_loop(pair->server.display), 0);
		wl_display_flush_clients(pair->server.display);
	}
}

static void handle_global(void *data, struct wl_registry *registry, uint32_t name,
			  const char *interface, uint32_t version)
{
	struct app *app = data;
	const struct {
		const struct wl_interface *interface;
		void *place;
	} wanted[] = {
		{&wl_compositor_interface, &app->compositor},
		{&wl_shm_interface, &app->shm},
		{&xdg_wm_base_interface, &app->wm_base},
		{&wl_seat_interface, &app->seat},
		{&wl_data_device_manager_interface, &app->clipboard},
		{&zwp_primary_selection_device_manager_v1_interface, &app->primary},
	};

	(void)version;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		void *proxy;

		if (strcmp(interface, wanted[i].interface->name) != 0)
			continue;
		proxy = wl_registry_bind(registry, name, wanted[i].interface, 1);
		memcpy(wanted[i].place, &proxy, sizeof(proxy));
	}
}

static const struct wl_registry_listener registry_listener = {.global = handle_global};

static void handle_configure(void *data, struct xdg_surface *surface, uint32_t serial)
{
	struct app *app = data;
	int fd = memfd_create("pixels", MFD_CLOEXEC);
	struct wl_shm_pool *pool;

	assert_int_equal(ftruncate(fd, SIDE * SIDE * 4), 0);
	pool = wl_shm_create_pool(app->shm, fd, SIDE * SIDE * 4);
	wl_surface_attach(
		app->surface,
		wl_shm_pool_create_buffer(pool, 0, SIDE, SIDE, SIDE * 4, WL_SHM_FORMAT_XRGB8888), 0,
		0);
	xdg_surface_ack_configure(surface, serial);
	wl_surface_commit(app->surface);
	wl_shm_pool_destroy(pool);
	close(fd);
}

static const struct xdg_surface_listener surface_listener = {.configure = handle_configure};

static void connect_app(struct pair *pair, struct app *app)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_non_null(wl_client_create(pair->server.display, sockets[0]));
	app->display = wl_display_connect_to_fd(sockets[1]);
	app->asked_fd = -1;
	assert_non_null(app->display);
	wl_registry_add_listener(wl_display_get_registry(app->display), &registry_listener, app);
	pump(pair);
	assert_true(app->compositor && app->shm && app->wm_base && app->seat);
	assert_true(app->clipboard && app->primary);
}

/* Takes the keyboard with it. */
static void open_window(struct pair *pair, struct app *app)
{
	struct xdg_surface *surface;

	app->surface = wl_compositor_create_surface(app->compositor);
	surface = xdg_wm_base_get_xdg_surface(app->wm_base, app->surface);
	xdg_surface_add_listener(surface, &surface_listener, app);
	xdg_surface_get_toplevel(surface);
	wl_surface_commit(app->surface);
	pump(pair);
}

static void *manager_of(const struct pair *pair, const struct app *app)
{
	return pair->kind == &clipboard ? (void *)app->clipboard : (void *)app->primary;
}

static void get_device(struct pair *pair, struct app *app)
{
	app->device = pair->kind->get_device(manager_of(pair, app), app->seat);
	if (pair->kind == &clipboard)
		wl_data_device_add_listener(app->device, &data_device_listener, app);
	else
		zwp_primary_selection_device_v1_add_listener(app->device, &primary_device_listener,
							     app);
	pump(pair);
}

static void *make_source(struct pair *pair, struct app *app)
{
	void *source = pair->kind->create_source(manager_of(pair, app));

	if (pair->kind == &clipboard)
		wl_data_source_add_listener(source, &data_source_listener, app);
	else
		zwp_primary_selection_source_v1_add_listener(source, &primary_source_listener, app);
	pair->kind->offer(source, MIME);
	return source;
}

static void select_text(struct pair *pair)
{
	pair->owner.source = make_source(pair, &pair->owner);
	pair->kind->set_selection(pair->owner.device, pair->owner.source);
	pump(pair);
}

/* The text that comes out of an offer; "" when nobody writes. */
static void read_offer(struct pair *pair, void *offer, const char *mime, char text[64])
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	pair->kind->receive(offer, mime, fds[1]);
	close(fds[1]);
	pump(pair);
	if (pair->owner.asked_fd >= 0)
		assert_int_equal(write(pair->owner.asked_fd, TEXT, strlen(TEXT)), strlen(TEXT));
	pair->owner.asked_fd = fd_close(pair->owner.asked_fd);
	/* Whoever had the other end has closed it. */
	n = read(fds[0], text, 63);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(n > 0 ? read(fds[0], text + n, 1) : 0, 0);
	close(fds[0]);
}

static int set_up(void **state, const struct kind *kind)
{
	static const struct compositor_impl impl = {0};
	struct compositor_config config = {.width = 640, .height = 480, .scale120 = 120};
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	pair->kind = kind;
	pair->server.display = config.display = wl_display_create();
	assert_int_equal(compositor_create(&config, &impl, pair, &pair->server.compositor), 0);
	connect_app(pair, &pair->owner);
	connect_app(pair, &pair->other);
	open_window(pair, &pair->owner);
	get_device(pair, &pair->owner);
	get_device(pair, &pair->other);
	*state = pair;
	return 0;
}

static int set_up_clipboard(void **state)
{
	return set_up(state, &clipboard);
}

static int set_up_primary(void **state)
{
	return set_up(state, &primary);
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	fd_close(pair->owner.asked_fd);
	wl_display_disconnect(pair->owner.display);
	wl_display_disconnect(pair->other.display);
	compositor_destroy(pair->server.compositor);
	wl_display_destroy(pair->server.display);
	free(pair);
	return 0;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_passes(void **state)
{
	struct pair *pair = *state;
	char text[64];

	select_text(pair);
	/* Told to the client with the keyboard only. */
	assert_non_null(pair->owner.selection);
	assert_int_equal(pair->other.selections, 0);
	open_window(pair, &pair->other);
	assert_non_null(pair->other.selection);
	assert_true(pair->other.fresh_has_mime);
	read_offer(pair, pair->other.selection, MIME, text);
	assert_string_equal(text, TEXT);
	assert_int_equal(pair->owner.asked, 1);
	/* As often as it is wanted. */
	read_offer(pair, pair->other.selection, MIME, text);
	assert_string_equal(text, TEXT);
}

static void test_type_that_was_not_offered(void **state)
{
	struct pair *pair = *state;
	char text[64];

	select_text(pair);
	open_window(pair, &pair->other);
	read_offer(pair, pair->other.selection, "text/html", text);
	assert_string_equal(text, "");
	assert_int_equal(pair->owner.asked, 0);
}

static void test_replaced(void **state)
{
	struct pair *pair = *state;
	void *first;
	char text[64];

	select_text(pair);
	open_window(pair, &pair->other);
	first = pair->other.selection;
	select_text(pair);
	assert_int_equal(pair->owner.cancelled, 1);
	assert_ptr_not_equal(pair->other.selection, first);
	read_offer(pair, pair->other.selection, MIME, text);
	assert_string_equal(text, TEXT);
}

static void test_source_goes(void **state)
{
	struct pair *pair = *state;
	void *offer;
	char text[64];

	select_text(pair);
	open_window(pair, &pair->other);
	offer = pair->other.selection;
	pair->kind->destroy_source(pair->owner.source);
	pump(pair);
	assert_null(pair->other.selection);
	/* What is left of the offer leads nowhere, at once. */
	read_offer(pair, offer, MIME, text);
	assert_string_equal(text, "");
	assert_int_equal(pair->owner.asked, 0);
}

static void test_owner_dies(void **state)
{
	struct pair *pair = *state;
	struct wl_display *display = pair->owner.display;
	char text[64];
	void *offer;

	select_text(pair);
	open_window(pair, &pair->other);
	offer = pair->other.selection;
	pair->owner.display = NULL;
	wl_display_disconnect(display);
	pump(pair);
	assert_null(pair->other.selection);
	read_offer(pair, offer, MIME, text);
	assert_string_equal(text, "");
	connect_app(pair, &pair->owner);
}

/* A device that comes late, of the client with the keyboard, is told what is selected. */
static void test_late_device(void **state)
{
	struct pair *pair = *state;
	unsigned int before;

	select_text(pair);
	before = pair->owner.selections;
	get_device(pair, &pair->owner);
	assert_int_equal(pair->owner.selections, before + 1);
	assert_true(pair->owner.fresh_has_mime);
}

#define BOTH(name)                                                          \
	cmocka_unit_test_setup_teardown(name, set_up_clipboard, tear_down), \
		cmocka_unit_test_setup_teardown(name, set_up_primary, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_passes),     BOTH(test_type_that_was_not_offered),
		BOTH(test_replaced),   BOTH(test_source_goes),
		BOTH(test_owner_dies), BOTH(test_late_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
