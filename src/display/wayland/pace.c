/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When clients may draw the next frame.
 *
 * A frame callback is answered as soon as its commit was taken: holding it back to a clock costs
 * three to five times the latency at the same rate. The rate follows from the refresh interval in
 * presentation feedback. A client that goes by callbacks alone (Firefox, GTK) would run free, so
 * each surface has a bucket of answers: three at once, then one per four fifths of the interval.
 */
#include <errno.h>

#include "base/attr.h"
#include "base/clock.h"
#include "display/wayland/surface.h"

#define TOKENS_FULL 3
#define REFRESH_NS_MIN 4000000u
#define REFRESH_NS_MAX 4000000000u

void pace_surface_init(struct surface *surface)
{
	surface->tokens = TOKENS_FULL;
	surface->token_time = clock_now();
}

static uint64_t token_interval(const struct compositor *compositor)
{
	return MAX(compositor->refresh_ns / 1000u / 5u * 4u, 1u);
}

static void refill(struct surface *surface, uint64_t now)
{
	uint64_t interval = token_interval(surface->compositor);
	uint64_t count = (now - surface->token_time) / interval;

	if (count >= TOKENS_FULL - (uint64_t)surface->tokens) {
		surface->tokens = TOKENS_FULL;
		surface->token_time = now;
		return;
	}
	surface->tokens += (int)count;
	surface->token_time += count * interval;
}

static void send_done(struct surface *surface, uint64_t now)
{
	struct wl_resource *callback, *next;

	wl_resource_for_each_safe(callback, next, &surface->current.callbacks)
	{
		wl_callback_send_done(callback, (uint32_t)(now / USEC_PER_MSEC));
		wl_resource_destroy(callback);
	}
}

/* One timer for all surfaces that wait for a token; off while none does. */
static void arm(struct compositor *compositor, uint64_t wait)
{
	wl_event_source_timer_update(compositor->pace_timer,
				     (int)MAX((wait + 999) / USEC_PER_MSEC, 1u));
}

static bool answer_callbacks(struct surface *surface, uint64_t now)
{
	if (wl_list_empty(&surface->current.callbacks))
		return true;
	refill(surface, now);
	if (surface->tokens <= 0)
		return false;
	surface->tokens--;
	send_done(surface, now);
	return true;
}

void pace_answer(struct surface *surface)
{
	struct compositor *compositor = surface->compositor;
	uint64_t now;

	if (!compositor->visible)
		return;
	presentation_answer(surface, false);
	now = clock_now();
	if (!answer_callbacks(surface, now))
		arm(compositor, surface->token_time + token_interval(compositor) - now);
}

static void answer_all(struct compositor *compositor)
{
	uint64_t now = clock_now(), wait = UINT64_MAX, interval = token_interval(compositor);
	struct surface *surface;

	wl_list_for_each (surface, &compositor->surfaces, link) {
		presentation_answer(surface, false);
		if (!answer_callbacks(surface, now))
			wait = MIN(wait, surface->token_time + interval - now);
	}
	if (wait != UINT64_MAX)
		arm(compositor, wait);
}

static int handle_timer(void *data)
{
	struct compositor *compositor = data;

	if (compositor->visible)
		answer_all(compositor);
	return 0;
}

void compositor_set_refresh(struct compositor *compositor, uint32_t interval_ns)
{
	compositor->refresh_ns = CLAMP(interval_ns, REFRESH_NS_MIN, REFRESH_NS_MAX);
	if (compositor->visible)
		answer_all(compositor);
}

void compositor_set_visible(struct compositor *compositor, bool visible)
{
	bool was = compositor->visible;

	compositor->visible = visible;
	if (visible && !was)
		answer_all(compositor);
}

int pace_init(struct compositor *compositor)
{
	compositor->pace_timer = wl_event_loop_add_timer(compositor->loop, handle_timer,
							 compositor);
	return compositor->pace_timer ? 0 : -ENOMEM;
}

void pace_finish(struct compositor *compositor)
{
	if (compositor->pace_timer)
		wl_event_source_remove(compositor->pace_timer);
}
