/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The questions as pages on a terminal. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "menu/clean.h"
#include "menu/screen.h"
#include "menu/text.h"
#include "setup/setup.h"

#define PAGES_MAX 16

/* Where pages begin; the end of the last one closes the list. */
static size_t find_pages(int starts[PAGES_MAX + 1])
{
	const char *last = NULL;
	size_t n = 0;

	for (int i = 0; i < ANSWERS_COUNT && n < PAGES_MAX; i++) {
		const char *title = answer_row((enum answer_id)i)->page;

		if (!last || !str_eq(last, title))
			starts[n++] = i;
		last = title;
	}
	starts[n] = ANSWERS_COUNT;
	return n;
}

/* Index of the button. */
static int ask_page(struct setup *setup, int start, int end)
{
	const struct answer_row *row = answer_row((enum answer_id)start);
	struct screen_field fields[ANSWERS_COUNT] = {0};
	const char *const buttons[] = {_("Next"), _("Back")};
	const struct screen_form form = {.title = _(row->page),
					 .text = _(row->page_text),
					 .fields = fields,
					 .n_fields = (size_t)(end - start),
					 .buttons = buttons,
					 .n_buttons = 2};
	int chosen;

	for (int i = start; i < end; i++) {
		const char *value = answers_get(&setup->answers, (enum answer_id)i);

		row = answer_row((enum answer_id)i);
		fields[i - start].label = _(row->label);
		fields[i - start].hidden = row->kind == ANSWER_SECRET;
		fields[i - start].value = value[0] ? strdup(value) : NULL;
	}
	chosen = screen_fill(&form);
	for (int i = start; i < end; i++) {
		const char *value = fields[i - start].value;

		(void)!answers_set(&setup->answers, (enum answer_id)i, value ? value : "");
		mem_wipe_strp(&fields[i - start].value);
	}
	return chosen;
}

/* What the check says, or the summary; true: it shall be done. */
static bool confirm(const struct setup *setup, int *ret_code)
{
	const char *const buttons[] = {_("Set up"), _("Back")};
	struct screen_form form = {
		.title = _("This will be done"), .buttons = buttons, .n_buttons = 2};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool good;

	*ret_code = SCREEN_BACK;
	if (!out)
		return false;
	good = setup_check(setup, out) == 0 && setup_may(setup, out) == 0;
	if (good)
		setup_summary(setup, out);
	fclose(out);
	text = clean_steal(text);
	form.text = text;
	*ret_code = good ? screen_fill(&form) : screen_show(_("This has to be mended"), text);
	free(text);
	return good && *ret_code == 0;
}

bool dialog_ask(struct setup *setup)
{
	int starts[PAGES_MAX + 1], code = 0;
	size_t n = find_pages(starts), at = 0;

	for (;;) {
		if (at == n) {
			if (confirm(setup, &code))
				return true;
			at--;
		} else {
			code = ask_page(setup, starts[at], starts[at + 1]);
			if (code == 0) {
				at++;
				continue;
			}
			if (at == 0 && code != SCREEN_GONE)
				return false;
			at -= at > 0;
		}
		if (code == SCREEN_GONE)
			return false;
	}
}
