/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/screen.h"

#include <errno.h>
#include <newt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "menu/limits.h"
#include "menu/text.h"

#define KEY_CANCEL 3 /* Ctrl-C, which the terminal does not make a signal of */
#define FIELDS_MAX 32
#define BUTTONS_MAX 4
#define LABEL_MAX 28

static char head_line[256];
static bool running;

/* --- the terminal ----------------------------------------------------------------------------- */

static void draw_head(void)
{
	newtCls();
	newtDrawRootText(1, 0, head_line);
	newtPopHelpLine();
	newtPushHelpLine(_("Arrows, Tab: move   Enter: choose   Esc: back"));
}

int screen_start(const char *head)
{
	int columns = 0, rows = 0;

	if (newtInit() < 0)
		return -ENOTTY;
	running = true;
	newtGetScreenSize(&columns, &rows);
	if (columns < MENU_COLUMNS_MIN || rows < MENU_ROWS_MIN) {
		screen_stop();
		return -ENOTTY;
	}
	str_copy(head_line, sizeof(head_line), head);
	draw_head();
	return 0;
}

void screen_stop(void)
{
	if (running)
		newtFinished();
	running = false;
}

void screen_suspend(void)
{
	newtSuspend();
}

void screen_resume(void)
{
	newtResume();
	draw_head();
}

/* --- a page ----------------------------------------------------------------------------------- */

struct page {
	int width, height; /* inside the frame */
	newtComponent form;
};

/* As large as the terminal allows; a terminal that is too small gets one that does not fit. */
static void page_open(struct page *page, const char *title)
{
	int columns, rows;

	newtGetScreenSize(&columns, &rows);
	page->width = MAX(columns, MENU_COLUMNS_MIN) - 4;
	/* The first line, the frame and its shadow, the last line. */
	page->height = MAX(rows, MENU_ROWS_MIN) - 5;
	newtOpenWindow(2, 2, (unsigned int)page->width, (unsigned int)page->height, title);
	page->form = newtForm(NULL, NULL, 0);
	newtFormAddHotKey(page->form, NEWT_KEY_ESCAPE);
	newtFormAddHotKey(page->form, NEWT_KEY_F12);
	newtFormAddHotKey(page->form, KEY_CANCEL);
	newtFormAddHotKey(page->form, NEWT_KEY_F5);
	newtFormAddHotKey(page->form, NEWT_KEY_RESIZE);
}

static void page_close(struct page *page)
{
	newtFormDestroy(page->form);
	newtPopWindow();
}

enum outcome { OUTCOME_COMPONENT, OUTCOME_READY, OUTCOME_RESIZED, OUTCOME_END };

/* What came of it; *ret_code is SCREEN_* at the end of the page. */
static enum outcome page_run(const struct page *page, struct newtExitStruct *exit, int *ret_code)
{
	newtFormRun(page->form, exit);
	switch (exit->reason) {
	case NEWT_EXIT_COMPONENT:
		return OUTCOME_COMPONENT;
	case NEWT_EXIT_FDREADY:
	case NEWT_EXIT_TIMER:
		return OUTCOME_READY;
	case NEWT_EXIT_HOTKEY:
		if (exit->u.key == NEWT_KEY_RESIZE)
			return OUTCOME_RESIZED;
		*ret_code = exit->u.key == NEWT_KEY_F5 ? SCREEN_AGAIN : SCREEN_BACK;
		return OUTCOME_END;
	case NEWT_EXIT_ERROR:
		break;
	}
	*ret_code = SCREEN_GONE;
	return OUTCOME_END;
}

/* From the beginning: newt's picture of the screen does not grow. */
static void resized(void)
{
	newtFinished();
	(void)newtInit();
	draw_head();
}

/* A text of its own height, at most `most` lines: then it scrolls. Returns the lines. */
static int add_text(const struct page *page, int top, int most, const char *text)
{
	newtComponent box;
	int lines;

	if (!text || !text[0] || most < 1)
		return 0;
	box = newtTextbox(1, top, page->width - 2, most, NEWT_FLAG_WRAP);
	newtTextboxSetText(box, text);
	lines = newtTextboxGetNumLines(box);
	if (lines > most) {
		newtComponentDestroy(box);
		box = newtTextbox(1, top, page->width - 3, most, NEWT_FLAG_WRAP | NEWT_FLAG_SCROLL);
		newtTextboxSetText(box, text);
	}
	newtFormAddComponent(page->form, box);
	return MIN(lines, most);
}

/* --- lists ------------------------------------------------------------------------------------ */

int screen_choose(const struct screen_list *list, size_t at)
{
	enum outcome outcome;
	int code = SCREEN_BACK;

	do {
		struct newtExitStruct exit;
		newtComponent box;
		struct page page;
		int top, rows;

		page_open(&page, list->title);
		top = add_text(&page, 0, MAX(page.height / 2, page.height - (int)list->n - 1),
			       list->text);
		top += top > 0 && page.height - top > 2;
		rows = MIN(page.height - top, (int)MAX(list->n, (size_t)1));
		box = newtListbox(1, top, rows,
				  NEWT_FLAG_RETURNEXIT |
					  ((int)list->n > rows ? NEWT_FLAG_SCROLL : 0));
		for (size_t i = 0; i < list->n; i++)
			newtListboxAppendEntry(box, list->items[i], (void *)(uintptr_t)(i + 1));
		newtListboxSetWidth(box, page.width - 2);
		newtListboxSetCurrent(box, (int)at);
		newtFormAddComponent(page.form, box);
		newtFormSetCurrent(page.form, box);
		outcome = page_run(&page, &exit, &code);
		at = (uintptr_t)newtListboxGetCurrent(box);
		at -= at > 0;
		if (outcome == OUTCOME_COMPONENT)
			code = list->n > 0 ? (int)at : SCREEN_BACK;
		page_close(&page);
		if (outcome == OUTCOME_RESIZED)
			resized();
	} while (outcome == OUTCOME_RESIZED ||
		 (outcome == OUTCOME_END && code == SCREEN_AGAIN && !list->refresh));
	return code;
}

/* --- texts ------------------------------------------------------------------------------------ */

int screen_show(const char *title, const char *text)
{
	enum outcome outcome;
	int code = SCREEN_BACK;

	do {
		struct newtExitStruct exit;
		struct page page;

		page_open(&page, title);
		add_text(&page, 0, page.height - 2, text);
		newtFormAddComponent(page.form, newtCompactButton(1, page.height - 1, _("Back")));
		outcome = page_run(&page, &exit, &code);
		page_close(&page);
		if (outcome == OUTCOME_RESIZED)
			resized();
	} while (outcome == OUTCOME_RESIZED || (outcome == OUTCOME_END && code == SCREEN_AGAIN));
	return code == SCREEN_GONE ? SCREEN_GONE : SCREEN_BACK;
}

bool screen_ask(const char *title, const char *text, const char *yes)
{
	const char *const buttons[] = {yes, _("Back")};
	const struct screen_form form = {
		.title = title, .text = text, .buttons = buttons, .n_buttons = 2};

	return screen_fill(&form) == 0;
}

/* --- forms ------------------------------------------------------------------------------------ */

struct built {
	newtComponent fields[FIELDS_MAX], buttons[BUTTONS_MAX], first;
};

static int label_width(const struct screen_form *form, int width)
{
	int widest = 0;

	for (size_t i = 0; i < form->n_fields; i++) {
		int n = 0;

		for (const char *c = form->fields[i].label; *c; c++)
			n += (*c & 0xc0) != 0x80;
		if (!form->fields[i].is_flag)
			widest = MAX(widest, n);
	}
	return MIN(widest, MIN(LABEL_MAX, width / 2));
}

static newtComponent make_field(const struct screen_field *field, int top, int left, int width,
				newtComponent area)
{
	char label[LABEL_MAX * 4 + 1];
	newtComponent entry;

	if (field->is_flag)
		return newtCheckbox(1, top, field->label, field->value ? '*' : ' ', " *", NULL);
	/* Cut at a character. */
	str_copy(label, sizeof(label), field->label);
	newtFormAddComponent(area, newtLabel(1, top, label));
	entry = newtEntry(left + 2, top, field->value ? field->value : "", width - left - 4, NULL,
			  NEWT_FLAG_SCROLL | NEWT_FLAG_RETURNEXIT |
				  (field->hidden ? NEWT_FLAG_PASSWORD : 0));
	return entry;
}

/* More than fit are a form in the form, which scrolls; of that Tab leads out, arrows go through it. */
static newtComponent open_area(const struct page *page, int top, int rows)
{
	newtComponent bar = newtVerticalScrollbar(page->width - 1, top, rows, NEWT_COLORSET_WINDOW,
						  NEWT_COLORSET_ACTCHECKBOX);
	newtComponent area = newtForm(bar, NULL, 0);

	newtFormSetHeight(area, rows);
	newtFormSetWidth(area, page->width - 1);
	newtFormAddComponents(page->form, area, bar, NULL);
	return area;
}

/* The component that has the focus at first is set. */
static void add_fields(const struct page *page, const struct screen_form *form, int top, int rows,
		       struct built *built)
{
	int n = (int)form->n_fields, left = label_width(form, page->width);
	newtComponent area = n > rows ? open_area(page, top, rows) : page->form;

	for (int i = 0; i < n; i++) {
		built->fields[i] = make_field(&form->fields[i], top + i, left, page->width - 1,
					      area);
		newtFormAddComponent(area, built->fields[i]);
	}
	if (n > 0)
		built->first = n > rows ? area : built->fields[0];
}

static void add_buttons(const struct page *page, const struct screen_form *form,
			struct built *built)
{
	int left = 1;

	for (size_t i = 0; i < form->n_buttons; i++) {
		int width = 0, ignored;

		built->buttons[i] = newtCompactButton(left, page->height - 1, form->buttons[i]);
		newtComponentGetSize(built->buttons[i], &width, &ignored);
		newtFormAddComponent(page->form, built->buttons[i]);
		left += width + 1;
	}
}

static void keep_values(const struct screen_form *form, const struct built *built)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		struct screen_field *field = &form->fields[i];
		const char *value = field->is_flag
					    ? (newtCheckboxGetValue(built->fields[i]) == '*' ? "x"
											     : "")
					    : newtEntryGetValue(built->fields[i]);

		mem_wipe_strp(&field->value);
		field->value = value && value[0] ? strdup(value) : NULL;
	}
}

static int which(const struct screen_form *form, const struct built *built, newtComponent component)
{
	for (size_t i = 0; i < form->n_buttons; i++) {
		if (built->buttons[i] == component)
			return (int)i;
	}
	/* Enter in a field. */
	return 0;
}

static enum outcome fill_once(const struct screen_form *form, int *ret_code)
{
	struct newtExitStruct exit;
	struct built built = {0};
	enum outcome outcome;
	struct page page;
	int top, rows;

	page_open(&page, form->title);
	rows = page.height - 2;
	top = add_text(&page, 0, rows - MIN((int)form->n_fields, rows / 2 + 1), form->text);
	top += top > 0 && top + (int)form->n_fields < rows;
	add_fields(&page, form, top, rows - top, &built);
	add_buttons(&page, form, &built);
	newtFormSetCurrent(page.form, built.first ? built.first : built.buttons[0]);
	outcome = page_run(&page, &exit, ret_code);
	keep_values(form, &built);
	if (outcome == OUTCOME_COMPONENT)
		*ret_code = which(form, &built, exit.u.co);
	page_close(&page);
	return outcome;
}

int screen_fill(const struct screen_form *form)
{
	enum outcome outcome;
	int code = SCREEN_BACK;

	if (form->n_fields > FIELDS_MAX || form->n_buttons > BUTTONS_MAX)
		return SCREEN_BACK;
	do {
		outcome = fill_once(form, &code);
		if (outcome == OUTCOME_RESIZED)
			resized();
	} while (outcome == OUTCOME_RESIZED || (outcome == OUTCOME_END && code == SCREEN_AGAIN));
	return code;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static const char *wait_text;

void screen_wait_begin(const char *text)
{
	wait_text = text;
}

int screen_wait(const int *fds, size_t n)
{
	enum outcome outcome;
	int code = SCREEN_BACK;

	do {
		struct newtExitStruct exit;
		struct page page;

		page_open(&page, "");
		add_text(&page, 0, page.height - 2, wait_text);
		newtFormAddComponent(page.form,
				     newtCompactButton(1, page.height - 1, _("Stop it")));
		for (size_t i = 0; i < n; i++)
			newtFormWatchFd(page.form, fds[i], NEWT_FD_READ);
		outcome = page_run(&page, &exit, &code);
		if (outcome == OUTCOME_READY)
			code = exit.u.watch;
		if (outcome == OUTCOME_COMPONENT)
			code = SCREEN_BACK;
		page_close(&page);
		if (outcome == OUTCOME_RESIZED)
			resized();
	} while (outcome == OUTCOME_RESIZED || (outcome == OUTCOME_END && code == SCREEN_AGAIN));
	return code;
}

void screen_wait_end(void)
{
	wait_text = NULL;
}
