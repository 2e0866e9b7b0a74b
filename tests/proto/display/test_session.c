/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Viewers that are replaced, that vanish, and that send nonsense: the session stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "page.h"
#include "vnc.h"

#define TIMEOUT_MS 10000
#define PANEL 0xffffffu

static const struct vnc_options options = {.encodings = "tight copyrect", .quality = -1};

struct both {
	struct vnc *vnc;
	struct page *page;
};

static bool shows_page(void *data)
{
	struct both *both = data;

	return vnc_shows(both->vnc, both->page->pixels, both->page->width, both->page->height);
}

static bool shows_panel(void *data)
{
	return vnc_pixel(data, 640, 400) == PANEL;
}

static bool said_detached(void *data)
{
	return ((struct harness *)data)->heard.detached > 0;
}

static void paint(struct page *page, uint32_t colour)
{
	const int all[1][4] = {{0, 0, page->width, page->height}};

	for (int i = 0; i < page->width * page->height; i++)
		page->pixels[i] = colour;
	page_commit(page, all, 1);
}

static void wait_for_page(struct harness *harness, struct page *page, struct vnc *vnc)
{
	struct harness_source sources[] = {page_source(page), vnc_source(vnc)};
	struct both both = {vnc, page};

	assert_true(harness_pump(harness, sources, 2, shows_page, &both, TIMEOUT_MS));
}

static void the_earlier_viewer_is_told(void **state)
{
	struct harness harness;
	struct page page;
	struct vnc first, second;
	struct harness_source sources[1];

	(void)state;
	harness_start(&harness, harness_program, NULL);
	page_open(&page, &harness);
	vnc_open(&first, &harness, &options);
	paint(&page, 0x336699);
	wait_for_page(&harness, &page, &first);
	vnc_open(&second, &harness, &options);
	wait_for_page(&harness, &page, &second);
	sources[0] = vnc_source(&first);
	assert_true(harness_pump(&harness, sources, 1, shows_panel, &first, TIMEOUT_MS));
	assert_string_equal(harness.heard.text,
			    "Your session was continued on another workstation (192.0.2.1).");
	assert_int_equal(harness.heard.detached, 0);
	assert_int_equal(harness.heard.first_picture, 1);
	vnc_close(&first);
	vnc_close(&second);
	assert_true(harness_pump(&harness, NULL, 0, said_detached, &harness, TIMEOUT_MS));
	page_close(&page);
	harness_stop(&harness);
}

/* A stream that the display serves, after `len` bytes that nobody checked. */
static int attach_with(struct harness *harness, const uint8_t *bytes, size_t len)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(send(fds[0], bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	harness_attach(harness, fds[1], "192.0.2.66");
	close(fds[1]);
	return fds[0];
}

static void nonsense_ends_only_its_viewer(void **state)
{
	static const uint8_t types[] = {0, 2, 3, 4, 5, 6, 150, 248, 251, 255};
	struct harness harness;
	struct page page;
	struct vnc vnc;
	uint8_t bytes[4096];

	(void)state;
	harness_start(&harness, harness_program, NULL);
	page_open(&page, &harness);
	srandom(4711);
	for (int i = 0; i < 200; i++) {
		int fd;

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)random();
		bytes[0] = types[i % (int)sizeof(types)];
		fd = attach_with(&harness, bytes, sizeof(bytes));
		(void)harness_pump(&harness, NULL, 0, NULL, NULL, 5);
		close(fd);
		assert_true(harness_alive(&harness));
	}
	vnc_open(&vnc, &harness, &options);
	paint(&page, 0x998877);
	wait_for_page(&harness, &page, &vnc);
	vnc_close(&vnc);
	page_close(&page);
	harness_stop(&harness);
}

static void a_gateway_may_vanish_within_an_update(void **state)
{
	/* SetEncodings Raw; a request for everything */
	static const uint8_t ask[] = {2, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 5, 0, 3, 0x20};
	struct harness harness;
	struct page page;
	struct vnc vnc;
	char some[5000];

	(void)state;
	harness_start(&harness, harness_program, NULL);
	page_open(&page, &harness);
	for (int i = 0; i < 20; i++) {
		int fd = attach_with(&harness, ask, sizeof(ask));

		assert_int_equal(recv(fd, some, sizeof(some), MSG_WAITALL), (ssize_t)sizeof(some));
		close(fd);
		assert_true(harness_alive(&harness));
	}
	vnc_open(&vnc, &harness, &options);
	paint(&page, 0x102030);
	wait_for_page(&harness, &page, &vnc);
	vnc_close(&vnc);
	page_close(&page);
	harness_stop(&harness);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_earlier_viewer_is_told),
		cmocka_unit_test(nonsense_ends_only_its_viewer),
		cmocka_unit_test(a_gateway_may_vanish_within_an_update),
	};

	if (argc < 2)
		return 2;
	harness_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
