/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The font machinery is large and reads many files, so it lives here and not in the display: a
 * process of its own for each text, with a uid without rights, no network, and a filter that lets
 * it read files and write one.
 */
#include "display/text/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pango/pangocairo.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/cursor.h"

#define TEXT_FILES_MAX 64
#define TEXT_MEMORY_MAX (UINT64_C(2) << 30)

/* Pixels */
#define PADDING_STRIP 8
#define PADDING_PANEL 32

struct look {
	const char *font;
	int padding;
	PangoAlignment alignment;
	double background[3], ink[3];
};

static const struct look looks[] = {
	[DISPLAY_NOTICE_STRIP] =
		{"Sans 11", PADDING_STRIP, PANGO_ALIGN_LEFT, {1.0, 0.93, 0.66}, {0.10, 0.10, 0.10}},
	[DISPLAY_NOTICE_FAREWELL] = {"Sans 15",
				     PADDING_PANEL,
				     PANGO_ALIGN_CENTER,
				     {0.97, 0.97, 0.97},
				     {0.10, 0.10, 0.12}},
};

struct request {
	uid_t uid;
	gid_t gid;
	uint8_t where;
	uint32_t width;
	char *text;
};

static int read_request(struct request *request)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *text = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(TEXT_FD_REQUEST, TEXT_REQUEST_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	request->uid = cursor_u32(&c);
	request->gid = cursor_u32(&c);
	request->where = cursor_u8(&c);
	request->width = cursor_u32(&c);
	text = cursor_str(&c, TEXT_BYTES_MAX);
	if (!text || !cursor_done(&c) || request->uid == 0 || request->gid == 0 ||
	    request->where >= ARRAY_LEN(looks) || request->width < TEXT_WIDTH_MIN ||
	    request->width > TEXT_WIDTH_MAX)
		return -EPROTO;
	/* Control characters and what turns the direction of writing do not belong in a notice. */
	request->text = malloc(3 * len + 1);
	if (!request->text)
		return -ENOMEM;
	(void)str_sanitize(request->text, 3 * len + 1, text, strlen(text));
	return 0;
}

/* Reading only: O_ACCMODE and O_CREAT, O_TRUNC out of the flags. */
#define OPEN_WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_PATH)

#define ALLOW(name)                                         \
	{                                                   \
		.nr = __NR_##name, .action = CONFINE_ALLOW, \
	}
#define ALLOW_IF(name, i, m, v)                                          \
	{                                                                \
		.nr = __NR_##name, .action = CONFINE_ALLOW, .n_args = 1, \
		.args = {{                                               \
			.index = (i),                                    \
			.mask = (m),                                     \
			.value = (v),                                    \
		}},                                                      \
	}
#define SOFTLY_IF(name, i, m, v)                                          \
	{                                                                 \
		.nr = __NR_##name, .action = CONFINE_EACCES, .n_args = 1, \
		.args = {{                                                \
			.index = (i),                                     \
			.mask = (m),                                      \
			.value = (v),                                     \
		}},                                                       \
	}
#define SOFTLY(name)                                         \
	{                                                    \
		.nr = __NR_##name, .action = CONFINE_EACCES, \
	}

static const struct confine_call calls[] = {
	ALLOW_IF(openat, 2, OPEN_WRITING, 0),
	ALLOW(read),
	ALLOW(pread64),
	ALLOW(write),
	ALLOW(lseek),
	ALLOW(close),
	ALLOW(fstat),
	ALLOW(newfstatat),
	ALLOW(fstatfs),
	ALLOW(statfs),
	ALLOW(access),
	ALLOW(faccessat2),
	ALLOW(readlink),
	ALLOW(readlinkat),
	ALLOW(getdents64),
	ALLOW(getcwd),
	ALLOW(fcntl),
	ALLOW(uname),
	ALLOW(sysinfo),
	ALLOW(getuid),
	ALLOW(geteuid),
	ALLOW(getgid),
	ALLOW(getegid),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW(prlimit64),
	ALLOW(sched_getaffinity),
	ALLOW(clock_gettime),
	ALLOW_IF(mmap, 2, PROT_EXEC, 0),
	ALLOW_IF(mprotect, 2, PROT_EXEC, 0),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(brk),
	ALLOW(futex),
	ALLOW(getrandom),
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
	ALLOW(tgkill),
	ALLOW(exit),
	ALLOW(exit_group),
	/* Pango loads its fonts in a thread; glibc falls back to the call whose flags can be seen */
	ALLOW_IF(clone, 0, CLONE_THREAD, CLONE_THREAD),
	{.nr = __NR_clone3, .action = CONFINE_ENOSYS},
	ALLOW(set_robust_list),
	ALLOW(rseq),
	ALLOW(set_tid_address),
	ALLOW(prctl),
	ALLOW(sched_yield),
	ALLOW(fadvise64),
	/* Where no cache of the fonts is up to date, fontconfig tries to write one. */
	SOFTLY_IF(openat, 2, O_ACCMODE, O_WRONLY),
	SOFTLY_IF(openat, 2, O_ACCMODE, O_RDWR),
	SOFTLY_IF(openat, 2, O_CREAT, O_CREAT),
	SOFTLY(mkdir),
	SOFTLY(chmod),
	SOFTLY(link),
	SOFTLY(unlink),
	SOFTLY(rename),
	SOFTLY(utimensat),
	/* libraries try these and can do without */
	SOFTLY(socket),
	SOFTLY(ioctl),
	SOFTLY(getpeername),
};

static int shut_in(const struct request *request)
{
	const char *step = "";
	const struct confine spec = {
		.uid = request->uid,
		.gid = request->gid,
		.no_network = true,
		.own_ipc = true,
		.max_files = TEXT_FILES_MAX,
		.max_memory = TEXT_MEMORY_MAX,
		.calls = calls,
		.n_calls = ARRAY_LEN(calls),
	};
	int r = confine(&spec, &step);

	if (r < 0)
		log_event(LOG_ERROR, "text.start-failed", LOG_STR("step", step), LOG_ERR(r));
	return r;
}

static PangoLayout *lay_out(cairo_t *cairo, const struct request *request)
{
	const struct look *look = &looks[request->where];
	PangoLayout *layout = pango_cairo_create_layout(cairo);
	PangoFontDescription *font = pango_font_description_from_string(look->font);
	int width = MAX((int)request->width - 2 * look->padding, 1);

	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_width(layout, width * PANGO_SCALE);
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_alignment(layout, look->alignment);
	pango_layout_set_text(layout, request->text, -1);
	return layout;
}

/* Layout needs a surface for its resolution and hints; this one is never painted on. */
static int measure(const struct request *request)
{
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
	cairo_t *cairo = cairo_create(surface);
	PangoLayout *layout = lay_out(cairo, request);
	int height;

	pango_layout_get_pixel_size(layout, NULL, &height);
	g_object_unref(layout);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
	return CLAMP(height + 2 * looks[request->where].padding, 1, TEXT_HEIGHT_MAX);
}

static cairo_surface_t *draw(const struct request *request)
{
	const struct look *look = &looks[request->where];
	cairo_surface_t *surface = cairo_image_surface_create(
		CAIRO_FORMAT_RGB24, (int)request->width, measure(request));
	cairo_t *cairo = cairo_create(surface);
	PangoLayout *layout = lay_out(cairo, request);

	cairo_set_source_rgb(cairo, look->background[0], look->background[1], look->background[2]);
	cairo_paint(cairo);
	cairo_set_source_rgb(cairo, look->ink[0], look->ink[1], look->ink[2]);
	cairo_move_to(cairo, look->padding, look->padding);
	pango_cairo_show_layout(cairo, layout);
	g_object_unref(layout);
	cairo_destroy(cairo);
	cairo_surface_flush(surface);
	return surface;
}

static int write_picture(cairo_surface_t *surface, uint32_t width)
{
	const unsigned char *row = cairo_image_surface_get_data(surface);
	int stride = cairo_image_surface_get_stride(surface);
	int r = row ? 0 : -ENOMEM;

	for (int y = 0; r == 0 && y < cairo_image_surface_get_height(surface); y++, row += stride)
		r = fd_write_all(TEXT_FD_PICTURE, row, (size_t)width * sizeof(uint32_t));
	return r;
}

int main(void)
{
	struct request request = {0};
	cairo_surface_t *surface;
	int r;

	log_init("lazaret-text");
	/* Said once before the filter, so that the clock's files are read. */
	log_event(LOG_DEBUG, "text.started");
	r = read_request(&request);
	if (r < 0) {
		log_event(LOG_ERROR, "text.request", LOG_ERR(r));
		return EXIT_FAILURE;
	}
	if (shut_in(&request) < 0)
		return EXIT_FAILURE;
	surface = draw(&request);
	r = write_picture(surface, request.width);
	cairo_surface_destroy(surface);
	free(request.text);
	if (r < 0)
		log_event(LOG_ERROR, "text.failed", LOG_ERR(r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
