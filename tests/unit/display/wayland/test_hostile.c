/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a hostile client does, its neighbour does not notice. Each test has two clients: one with a
 * green window, which must go on, and one that misbehaves, which must be the only one to pay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "display/wayland/client.h"
#include "display/wayland/surface.h"
#include "wire_client.h"

#define GREEN 0x00ff00u
#define RED 0xff0000u

/* A client with the usual globals bound, and perhaps a window. */
struct app {
	struct wire wire;
	uint32_t compositor, subcompositor, shm, wm_base, seat, devices;
	uint32_t surface, xdg_surface, toplevel, pool, buffer;
	int fd;
};

struct scene_pair {
	struct server server;
	struct app good, bad;
};

static void app_connect(struct app *app, struct server *server)
{
	memset(app, 0, sizeof(*app));
	app->fd = -1;
	wire_connect(&app->wire, server);
	app->compositor = wire_bind(&app->wire, "wl_compositor", 4);
	app->subcompositor = wire_bind(&app->wire, "wl_subcompositor", 0);
	app->shm = wire_bind(&app->wire, "wl_shm", 0);
	app->wm_base = wire_bind(&app->wire, "xdg_wm_base", 0);
	app->seat = wire_bind(&app->wire, "wl_seat", 0);
	app->devices = wire_bind(&app->wire, "wl_data_device_manager", 0);
	assert_true(app->compositor && app->subcompositor && app->shm && app->wm_base);
	assert_true(app->seat && app->devices);
}

static uint32_t new_surface(struct app *app)
{
	wire_send(&app->wire, app->compositor, 0, 1, app->wire.next_id);
	return app->wire.next_id++;
}

/* Up to the acknowledged first configure. */
static void open_window(struct app *app)
{
	struct wire *wire = &app->wire;

	app->surface = new_surface(app);
	app->xdg_surface = wire->xdg_surface = wire->next_id++;
	wire_send(wire, app->wm_base, 2, 2, app->xdg_surface, app->surface);
	app->toplevel = wire->next_id++;
	wire_send(wire, app->xdg_surface, 1, 1, app->toplevel);
	wire_send(wire, app->surface, 6, 0);
	wire_pump(wire);
	assert_int_not_equal(wire->configure_serial, 0);
	wire_send(wire, app->xdg_surface, 4, 1, wire->configure_serial);
}

static void show(struct app *app, uint32_t buffer)
{
	wire_send(&app->wire, app->surface, 1, 3, buffer, 0, 0);
	wire_send(&app->wire, app->surface, 2, 4, 0, 0, 640, 480);
	wire_send(&app->wire, app->surface, 6, 0);
	wire_pump(&app->wire);
}

static void fill_window(struct app *app, uint32_t colour)
{
	app->fd = wire_file(640 * 480 * 4, colour);
	app->pool = wire_pool(&app->wire, app->shm, app->fd, 640 * 480 * 4);
	app->buffer = wire_buffer(&app->wire, app->pool, 640, 480);
	show(app, app->buffer);
}

static int set_up(void **state)
{
	struct scene_pair *pair = calloc(1, sizeof(*pair));

	server_start(&pair->server);
	app_connect(&pair->good, &pair->server);
	open_window(&pair->good);
	fill_window(&pair->good, GREEN);
	assert_int_equal(server_pixel(&pair->server, 320, 240), GREEN);
	app_connect(&pair->bad, &pair->server);
	*state = pair;
	return 0;
}

/* The neighbour is there and can still draw. */
static void assert_good(struct scene_pair *pair)
{
	uint32_t *pixels;

	wire_pump(&pair->good.wire);
	assert_false(pair->good.wire.closed);
	assert_false(pair->good.wire.has_error);
	pixels = mmap(NULL, 640 * 480 * 4, PROT_READ | PROT_WRITE, MAP_SHARED, pair->good.fd, 0);
	assert_true(pixels != MAP_FAILED);
	pixels[0] ^= 0x010000;
	show(&pair->good, pair->good.buffer);
	assert_false(pair->good.wire.closed);
	munmap(pixels, 640 * 480 * 4);
}

static int tear_down(void **state)
{
	struct scene_pair *pair = *state;
	struct compositor *compositor = pair->server.compositor;

	assert_good(pair);
	wire_close(&pair->bad.wire);
	assert_int_equal(compositor->client_count, 1);
	/* All that the bad one held is given back: only the green window is left. */
	assert_int_equal(compositor->pixel_bytes, 640 * 480 * 4);
	assert_int_equal(server_pixel(&pair->server, 320, 240), GREEN);
	wire_close(&pair->good.wire);
	assert_int_equal(compositor->client_count, 0);
	assert_int_equal(compositor->pixel_bytes, 0);
	assert_true(wl_list_empty(&compositor->surfaces));
	if (pair->good.fd >= 0)
		close(pair->good.fd);
	if (pair->bad.fd >= 0)
		close(pair->bad.fd);
	server_stop(&pair->server);
	free(pair);
	return 0;
}

static void assert_ended(struct app *app)
{
	wire_pump(&app->wire);
	assert_true(app->wire.closed);
}

/* ---- malformed bytes ----------------------------------------------------------------------- */

static void attack_bytes(struct scene_pair *pair, const uint32_t *words, size_t len)
{
	wire_close(&pair->bad.wire);
	app_connect(&pair->bad, &pair->server);
	wire_write(&pair->bad.wire, words, len, -1);
	assert_ended(&pair->bad);
	assert_good(pair);
}

static void test_malformed(void **state)
{
	struct scene_pair *pair = *state;
	uint32_t surface = pair->bad.compositor;

	/* An object that is not there, an opcode that is not, sizes that lie. */
	attack_bytes(pair, (uint32_t[]){77777, 8u << 16}, 8);
	attack_bytes(pair, (uint32_t[]){0, 8u << 16}, 8);
	attack_bytes(pair, (uint32_t[]){surface, 8u << 16 | 99}, 8);
	attack_bytes(pair, (uint32_t[]){surface, 8u << 16}, 8);
	attack_bytes(pair, (uint32_t[]){surface, 4u << 16, 0, 0}, 16);
	attack_bytes(pair, (uint32_t[]){0xff000000, 12u << 16, 5}, 12);
	/* A new object's number that is taken, is far off, or is the server's. */
	attack_bytes(pair, (uint32_t[]){surface, 12u << 16, 1}, 12);
	attack_bytes(pair, (uint32_t[]){surface, 12u << 16, 0x00fffff0}, 12);
	attack_bytes(pair, (uint32_t[]){surface, 12u << 16, 0xff000001}, 12);
	/* A string that says to be longer than its message; a bind to nothing. */
	attack_bytes(pair, (uint32_t[]){2, 24u << 16, 1, 0x7fffffff, 0x6c77, 0}, 24);
	attack_bytes(pair, (uint32_t[]){2, 28u << 16, 9999, 3, 0x6c77, 1, 50}, 28);
	attack_bytes(pair, (uint32_t[]){2, 28u << 16, 1, 3, 0x6c77, 99, 50}, 28);
}

static void test_noise(void **state)
{
	struct scene_pair *pair = *state;
	uint32_t words[256];
	unsigned int seed = 7;

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 256; i++)
			words[i] = (uint32_t)rand_r(&seed) ^ (uint32_t)rand_r(&seed) << 16;
		words[0] %= 12;
		words[1] = 16u << 16 | (words[1] & 15);
		wire_write(&pair->bad.wire, words, sizeof(words), -1);
		wire_pump(&pair->bad.wire);
		if (!pair->bad.wire.closed)
			continue;
		wire_close(&pair->bad.wire);
		app_connect(&pair->bad, &pair->server);
	}
	assert_good(pair);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void test_surfaces(void **state)
{
	struct scene_pair *pair = *state;
	int count = 0;

	while (count < 10000 &&
	       wire_send(&pair->bad.wire, pair->bad.compositor, 0, 1, pair->bad.wire.next_id++)) {
		if (++count == SURFACES_MAX) {
			wire_pump(&pair->bad.wire);
			assert_false(pair->bad.wire.closed);
		}
	}
	assert_ended(&pair->bad);
	assert_true(count >= SURFACES_MAX);
	assert_int_equal(wl_list_length(&pair->server.compositor->surfaces), 1);
}

/* Created and destroyed, they may be as many as one likes. */
static void test_surfaces_in_turn(void **state)
{
	struct scene_pair *pair = *state;

	for (int i = 0; i < 3 * SURFACES_MAX; i++)
		wire_send(&pair->bad.wire, new_surface(&pair->bad), 0, 0);
	wire_pump(&pair->bad.wire);
	assert_false(pair->bad.wire.closed);
}

static void test_callbacks(void **state)
{
	struct scene_pair *pair = *state;
	uint32_t surface = new_surface(&pair->bad);

	for (int i = 0; i < CALLBACKS_MAX; i++)
		wire_send(&pair->bad.wire, surface, 3, 1, pair->bad.wire.next_id++);
	wire_pump(&pair->bad.wire);
	assert_false(pair->bad.wire.closed);
	wire_send(&pair->bad.wire, surface, 3, 1, pair->bad.wire.next_id++);
	assert_ended(&pair->bad);
}

static void test_objects(void **state)
{
	struct scene_pair *pair = *state;
	int count = 0;

	/* wl_registry objects have no limit of their own. */
	while (count < 4 * OBJECTS_MAX &&
	       wire_send(&pair->bad.wire, 1, 1, 1, pair->bad.wire.next_id++))
		if (++count % 64 == 0)
			wire_pump(&pair->bad.wire);
	assert_ended(&pair->bad);
	assert_true(count <= OBJECTS_MAX + 64);
}

static void test_clients(void **state)
{
	struct scene_pair *pair = *state;
	static struct wire more[CLIENTS_MAX];
	int count = CLIENTS_MAX - 2, ends[2];

	for (int i = 0; i < count; i++)
		wire_connect(&more[i], &pair->server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	wl_client_create(pair->server.display, ends[0]);
	server_run(&pair->server);
	assert_int_equal(pair->server.compositor->client_count, CLIENTS_MAX);
	assert_int_equal(read(ends[1], more, 1), 0);
	close(ends[1]);
	for (int i = 0; i < count; i++)
		wire_close(&more[i]);
}

static void test_region_bomb(void **state)
{
	struct scene_pair *pair = *state;
	uint32_t region = pair->bad.wire.next_id++;

	wire_send(&pair->bad.wire, pair->bad.compositor, 1, 1, region);
	/* A chess board does not merge. */
	for (uint32_t y = 0; y < 100; y++)
		for (uint32_t x = 0; x < 100; x++)
			if (!wire_send(&pair->bad.wire, region, 1, 4, x * 2, y * 2, 1, 1))
				break;
	assert_ended(&pair->bad);
}

static void test_huge_coordinates(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	uint32_t surface = new_surface(bad), region = bad->wire.next_id++;

	wire_send(&bad->wire, bad->compositor, 1, 1, region);
	wire_send(&bad->wire, region, 1, 4, INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX);
	wire_send(&bad->wire, region, 1, 4, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
	wire_send(&bad->wire, region, 2, 4, 5, 5, INT32_MAX, INT32_MIN);
	wire_send(&bad->wire, surface, 2, 4, INT32_MIN, INT32_MAX, INT32_MAX, INT32_MAX);
	wire_send(&bad->wire, surface, 9, 4, INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN);
	wire_send(&bad->wire, surface, 4, 1, region);
	wire_send(&bad->wire, surface, 5, 1, region);
	wire_send(&bad->wire, surface, 6, 0);
	wire_pump(&bad->wire);
	assert_false(bad->wire.closed);
}

/* ---- buffers ------------------------------------------------------------------------------- */

static void test_truncated_pool(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;

	open_window(bad);
	bad->fd = wire_file(640 * 480 * 4, RED);
	bad->pool = wire_pool(&bad->wire, bad->shm, bad->fd, 640 * 480 * 4);
	bad->buffer = wire_buffer(&bad->wire, bad->pool, 640, 480);
	show(bad, bad->buffer);
	assert_int_equal(server_pixel(&pair->server, 320, 240), RED);
	assert_int_equal(ftruncate(bad->fd, 0), 0);
	show(bad, bad->buffer);
	assert_ended(bad);
	assert_int_equal(server_pixel(&pair->server, 320, 240), GREEN);
}

/* Resizing browsers destroy an attached buffer and its pool: what was committed stays visible. */
static void test_buffer_gone(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;

	open_window(bad);
	fill_window(bad, RED);
	wire_send(&bad->wire, bad->buffer, 0, 0);
	wire_send(&bad->wire, bad->pool, 1, 0);
	assert_int_equal(ftruncate(bad->fd, 0), 0);
	wire_pump(&bad->wire);
	assert_false(bad->wire.closed);
	assert_int_equal(server_pixel(&pair->server, 320, 240), RED);
	/* Destroyed between attach and commit: the old content stays. */
	bad->pool = wire_pool(&bad->wire, bad->shm, wire_file(4096, 0), 4096);
	bad->buffer = wire_buffer(&bad->wire, bad->pool, 4, 4);
	wire_send(&bad->wire, bad->surface, 1, 3, bad->buffer, 0, 0);
	wire_send(&bad->wire, bad->buffer, 0, 0);
	wire_send(&bad->wire, bad->surface, 6, 0);
	wire_pump(&bad->wire);
	assert_false(bad->wire.closed);
	assert_int_equal(server_pixel(&pair->server, 320, 240), RED);
}

static void test_giant_pool(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;

	bad->fd = wire_file((size_t)1 << 30, 0);
	wire_pool(&bad->wire, bad->shm, bad->fd, 1u << 30);
	assert_ended(bad);
}

static void test_giant_buffer(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	int width = BUFFER_SIDE_MAX + 1;

	open_window(bad);
	bad->fd = wire_file(1 << 20, 0);
	bad->pool = wire_pool(&bad->wire, bad->shm, bad->fd, 1 << 20);
	show(bad, wire_buffer(&bad->wire, bad->pool, width, 4));
	assert_ended(bad);
}

/* Many surfaces with sparse pictures: the copies are counted. */
static void test_pixel_bytes(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	size_t size = 4096 * 4096 * 4;

	bad->fd = wire_file(size, 0);
	bad->pool = wire_pool(&bad->wire, bad->shm, bad->fd, (uint32_t)size);
	bad->buffer = wire_buffer(&bad->wire, bad->pool, 4096, 4096);
	for (int i = 0; i < 32 && !bad->wire.closed; i++) {
		uint32_t surface = new_surface(bad);

		wire_send(&bad->wire, surface, 1, 3, bad->buffer, 0, 0);
		wire_send(&bad->wire, surface, 6, 0);
		wire_pump(&bad->wire);
		assert_true(pair->server.compositor->pixel_bytes <=
			    CLIENT_PIXEL_BYTES_MAX + 640 * 480 * 4);
	}
	assert_ended(bad);
}

static void test_pools(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	int count = 0;

	bad->fd = wire_file(4096, 0);
	while (count < 4 * POOLS_MAX && !bad->wire.closed) {
		wire_pool(&bad->wire, bad->shm, bad->fd, 4096);
		wire_pump(&bad->wire);
		count++;
	}
	assert_ended(bad);
	assert_true(count <= POOLS_MAX);
}

/* ---- trees and roles ----------------------------------------------------------------------- */

static void get_subsurface(struct app *app, uint32_t surface, uint32_t parent)
{
	wire_send(&app->wire, app->subcompositor, 1, 3, app->wire.next_id++, surface, parent);
}

static void test_cyclic_subsurfaces(void **state)
{
	struct scene_pair *pair = *state;
	uint32_t a = new_surface(&pair->bad), b = new_surface(&pair->bad);

	get_subsurface(&pair->bad, a, b);
	wire_pump(&pair->bad.wire);
	assert_false(pair->bad.wire.closed);
	get_subsurface(&pair->bad, b, a);
	assert_ended(&pair->bad);
}

static void test_deep_subsurfaces(void **state)
{
	struct scene_pair *pair = *state;
	uint32_t child = new_surface(&pair->bad);

	/* Built from the leaf up, where each step looks harmless. */
	for (int i = 1; i < SUBSURFACE_DEPTH_MAX; i++) {
		uint32_t parent = new_surface(&pair->bad);

		get_subsurface(&pair->bad, child, parent);
		child = parent;
	}
	wire_pump(&pair->bad.wire);
	assert_false(pair->bad.wire.closed);
	get_subsurface(&pair->bad, child, new_surface(&pair->bad));
	assert_ended(&pair->bad);
}

static void test_orders_of_destruction(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	uint32_t child = new_surface(bad), subsurface, cursor = new_surface(bad), pointer;

	/* The wl_surface before its xdg_surface and toplevel. */
	open_window(bad);
	fill_window(bad, RED);
	wire_send(&bad->wire, bad->surface, 0, 0);
	wire_send(&bad->wire, bad->toplevel, 2, 6, 2, 0x61, 0, 0, 0, 0);
	wire_send(&bad->wire, bad->toplevel, 0, 0);
	wire_send(&bad->wire, bad->xdg_surface, 0, 0);
	wire_pump(&bad->wire);
	wire_close(&bad->wire);

	/* A parent before its subsurface; a cursor while it is one. */
	app_connect(bad, &pair->server);
	child = new_surface(bad);
	cursor = new_surface(bad);
	open_window(bad);
	fill_window(bad, RED);
	subsurface = bad->wire.next_id;
	get_subsurface(bad, child, bad->surface);
	pointer = bad->wire.next_id++;
	wire_send(&bad->wire, bad->seat, 0, 1, pointer);
	compositor_pointer_motion(pair->server.compositor, 100, 100);
	wire_send(&bad->wire, pointer, 0, 4, 0, cursor, 0, 0);
	wire_send(&bad->wire, cursor, 1, 3, bad->buffer, 0, 0);
	wire_send(&bad->wire, cursor, 6, 0);
	wire_send(&bad->wire, cursor, 0, 0);
	wire_send(&bad->wire, child, 1, 3, bad->buffer, 0, 0);
	wire_send(&bad->wire, child, 6, 0);
	wire_send(&bad->wire, bad->toplevel, 0, 0);
	wire_send(&bad->wire, bad->xdg_surface, 0, 0);
	wire_send(&bad->wire, bad->surface, 0, 0);
	wire_send(&bad->wire, child, 6, 0);
	wire_send(&bad->wire, subsurface, 5, 0);
	wire_send(&bad->wire, subsurface, 0, 0);
	wire_send(&bad->wire, child, 0, 0);
	wire_pump(&bad->wire);
	assert_false(bad->wire.closed);
}

static void test_buffer_before_configure(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;

	bad->surface = new_surface(bad);
	bad->xdg_surface = bad->wire.next_id++;
	wire_send(&bad->wire, bad->wm_base, 2, 2, bad->xdg_surface, bad->surface);
	wire_send(&bad->wire, bad->xdg_surface, 1, 1, bad->wire.next_id++);
	fill_window(bad, RED);
	assert_ended(bad);
	assert_int_equal(server_pixel(&pair->server, 320, 240), GREEN);
}

static void test_two_roles(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;

	open_window(bad);
	get_subsurface(bad, bad->surface, new_surface(bad));
	assert_ended(bad);
}

static void test_popup_without_parent(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	uint32_t surface = new_surface(bad), xdg = bad->wire.next_id++, positioner;

	positioner = bad->wire.next_id++;
	wire_send(&bad->wire, bad->wm_base, 2, 2, xdg, surface);
	wire_send(&bad->wire, bad->wm_base, 1, 1, positioner);
	wire_send(&bad->wire, positioner, 1, 2, 10, 10);
	wire_send(&bad->wire, positioner, 2, 4, 0, 0, 1, 1);
	/* Its own parent. */
	wire_send(&bad->wire, xdg, 2, 3, bad->wire.next_id++, xdg, positioner);
	assert_ended(bad);
}

/* ---- clipboard ----------------------------------------------------------------------------- */

static void test_mime_types(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	uint32_t source = bad->wire.next_id++;

	wire_send(&bad->wire, bad->devices, 0, 1, source);
	for (uint32_t i = 0; i < MIME_TYPES_MAX; i++)
		wire_send(&bad->wire, source, 0, 2, 4, 0x00303030 + (i & 7) + ((i >> 3) << 8));
	wire_pump(&bad->wire);
	assert_false(bad->wire.closed);
	wire_send(&bad->wire, source, 0, 2, 4, 0x007a7a7a);
	assert_ended(bad);
}

struct fetched {
	int calls, error;
};

static void handle_fetched(void *data, const char *text, size_t len, int error)
{
	struct fetched *fetched = data;

	(void)text;
	(void)len;
	fetched->calls++;
	fetched->error = error;
}

/* The owner of the clipboard dies while its text is being fetched. */
static void test_fetch_from_the_dead(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;
	uint32_t source = bad->wire.next_id++, device = bad->wire.next_id++;
	struct fetched fetched = {0};

	wire_send(&bad->wire, bad->devices, 0, 1, source);
	wire_send(&bad->wire, bad->devices, 1, 2, device, bad->seat);
	wire_send(&bad->wire, source, 0, 4, 11, 0x74786574, 0x616c702f, 0x00006e69);
	wire_send(&bad->wire, device, 1, 2, source, 0);
	wire_pump(&bad->wire);
	assert_false(bad->wire.closed);
	assert_int_equal(compositor_fetch_text(pair->server.compositor, handle_fetched, &fetched),
			 0);
	assert_int_equal(fetched.calls, 0);
	wire_close(&bad->wire);
	assert_int_equal(fetched.calls, 1);
	assert_int_equal(fetched.error, -ECANCELED);
	assert_int_equal(compositor_fetch_text(pair->server.compositor, handle_fetched, &fetched),
			 -ENOENT);
	app_connect(bad, &pair->server);
}

/* ---- a client that does not read ----------------------------------------------------------- */

static void test_reads_nothing(void **state)
{
	struct scene_pair *pair = *state;
	struct app *bad = &pair->bad;

	open_window(bad);
	fill_window(bad, RED);
	wire_send(&bad->wire, bad->seat, 0, 1, bad->wire.next_id++);
	wire_pump(&bad->wire);
	/* Nothing waits for it, and what is kept for it is the socket's and libwayland's buffer. */
	for (int i = 0; i < 200000; i++)
		compositor_pointer_motion(pair->server.compositor, i % 640, 10 + i % 400);
	assert_good(pair);
	/* When it reads at last, it finds its connection ended for it. */
	assert_ended(bad);
}

#define HOSTILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	void *state = NULL;
	const struct CMUnitTest tests[] = {
		HOSTILE(test_malformed),
		HOSTILE(test_noise),
		HOSTILE(test_surfaces),
		HOSTILE(test_surfaces_in_turn),
		HOSTILE(test_callbacks),
		HOSTILE(test_objects),
		HOSTILE(test_clients),
		HOSTILE(test_region_bomb),
		HOSTILE(test_huge_coordinates),
		HOSTILE(test_buffer_gone),
		HOSTILE(test_giant_pool),
		HOSTILE(test_giant_buffer),
		HOSTILE(test_pixel_bytes),
		HOSTILE(test_pools),
		HOSTILE(test_cyclic_subsurfaces),
		HOSTILE(test_deep_subsurfaces),
		HOSTILE(test_orders_of_destruction),
		HOSTILE(test_buffer_before_configure),
		HOSTILE(test_two_roles),
		HOSTILE(test_popup_without_parent),
		HOSTILE(test_mime_types),
		HOSTILE(test_fetch_from_the_dead),
		HOSTILE(test_reads_nothing),
	};

	/* cmocka takes SIGBUS for itself while its tests run, and this one lives by libwayland's
	 * handler; a failed assertion here ends the program with an error. */
	set_up(&state);
	test_truncated_pool(&state);
	tear_down(&state);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
