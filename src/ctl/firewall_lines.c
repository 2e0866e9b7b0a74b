/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/firewall_impl.h"

/* Lines beyond which differences are not aligned but shown as one block. */
#define ALIGN_MAX 2000

void lines_finish(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->items[i]);
	free(lines->items);
	*lines = (struct lines){0};
}

static int add(struct lines *lines, const char *block, const char *text, size_t len)
{
	char *line;

	if ((lines->n & (lines->n - 1)) == 0) {
		char **items = reallocarray(lines->items, lines->n ? lines->n * 2 : 1,
					    sizeof(*items));

		if (!items)
			return -ENOMEM;
		lines->items = items;
	}
	if (asprintf(&line, "%s%s%.*s", block, len > 0 ? ": " : "", (int)len, text) < 0)
		return -ENOMEM;
	lines->items[lines->n++] = line;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Elements between "{" and "}", separated by commas; those of a map, too. */
static int add_elements(struct lines *lines, const char *block, const char *text, size_t len)
{
	size_t first = lines->n;

	while (len > 0) {
		size_t part = 0;
		int r;

		while (part < len && text[part] != ',')
			part++;
		while (part > 0 && strchr(" \t\n", text[0])) {
			text++;
			len--;
			part--;
		}
		r = part > 0 ? add(lines, block, text, part) : 0;
		if (r < 0)
			return r;
		text += part + (part < len);
		len -= part + (part < len);
	}
	qsort(lines->items + first, lines->n - first, sizeof(*lines->items), compare);
	for (size_t i = first; i < lines->n; i++) {
		char *item = lines->items[i];
		size_t n = strlen(item);

		while (n > 0 && strchr(" \t\n", item[n - 1]))
			item[--n] = '\0';
	}
	return 0;
}

/* A block of the table: "set NAME", with what stands in it. */
struct block {
	char name[128];
	bool volatile_elements;
};

static void enter(struct block *block, const char *line, size_t len)
{
	while (len > 0 && strchr(" {", line[len - 1]))
		len--;
	snprintf(block->name, sizeof(block->name), "%.*s", (int)len, line);
	/* Which cells there are is no matter of the contract. */
	block->volatile_elements = strncmp(block->name, "set cells-", 10) == 0;
}

/* The length of a line, of "elements = { … }" up to its closing brace. */
static size_t measure(const char *line)
{
	if (strncmp(line, "elements = {", 12) == 0) {
		const char *end = strchr(line, '}');

		return end ? (size_t)(end - line) + 1 : strlen(line);
	}
	return strcspn(line, "\n");
}

static int read_line(struct lines *lines, struct block *block, const char *line, size_t len)
{
	static const char head[] = "elements = {";
	bool opens = len > 0 && line[len - 1] == '{';

	if (len == 0 || (len == 1 && line[0] == '}'))
		return 0;
	if (opens) {
		enter(block, line, len);
		return add(lines, block->name, "", 0);
	}
	if (strncmp(line, head, sizeof(head) - 1) == 0) {
		size_t skip = sizeof(head) - 1;

		if (block->volatile_elements)
			return 0;
		return add_elements(lines, block->name, line + skip, len - skip - 1);
	}
	if (strncmp(line, "flags ", 6) == 0 && memmem(line, len, "dynamic", 7))
		block->volatile_elements = true;
	return add(lines, block->name, line, len);
}

int lines_read(const char *listing, struct lines *ret_lines)
{
	_cleanup_lines_ struct lines lines = {0};
	struct block block = {.name = ""};

	while (*listing) {
		size_t len;
		int r;

		listing += strspn(listing, " \t\n");
		len = measure(listing);
		r = read_line(&lines, &block, listing, len);
		if (r < 0)
			return r;
		listing += len;
	}
	*ret_lines = lines;
	lines = (struct lines){0};
	return 0;
}

char *lines_reload_text(const char *table, const char *listing)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool dynamic = false;

	if (!out)
		return NULL;
	fprintf(out, "table inet %s { }\ndelete table inet %s\n", table, table);
	while (*listing) {
		const char *line = listing + strspn(listing, " \t");
		size_t indent = (size_t)(line - listing), len = measure(line);

		if (strncmp(line, "set ", 4) == 0)
			dynamic = false;
		if (strncmp(line, "flags ", 6) == 0 && memmem(line, len, "dynamic", 7))
			dynamic = true;
		/* How fast each sender was is counted anew. */
		if (!dynamic || strncmp(line, "elements", 8) != 0)
			fprintf(out, "%.*s\n", (int)(indent + len), listing);
		listing = line + len;
		listing += *listing == '\n';
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static size_t print_side(char sign, const char *indent, char *const *items, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%c %s\n", indent, sign, items[i]);
	return n;
}

/* Longest common subsequence, by the table of its lengths from each pair of places on. */
static size_t align(char *const *a, size_t n, char *const *b, size_t m, const char *indent,
		    FILE *out)
{
	size_t width = m + 1, i = 0, k = 0, count = 0;
	uint16_t *longest = calloc((n + 1) * width, sizeof(*longest));

	if (!longest)
		return print_side('-', indent, a, n, out) + print_side('+', indent, b, m, out);
	for (size_t x = n; x-- > 0;) {
		for (size_t y = m; y-- > 0;)
			longest[x * width + y] =
				str_eq(a[x], b[y])
					? (uint16_t)(longest[(x + 1) * width + y + 1] + 1)
					: MAX(longest[(x + 1) * width + y],
					      longest[x * width + y + 1]);
	}
	while (i < n || k < m) {
		if (i < n && k < m && str_eq(a[i], b[k])) {
			i++;
			k++;
		} else if (k == m ||
			   (i < n && longest[(i + 1) * width + k] >= longest[i * width + k + 1])) {
			count += print_side('-', indent, &a[i++], 1, out);
		} else {
			count += print_side('+', indent, &b[k++], 1, out);
		}
	}
	free(longest);
	return count;
}

size_t lines_diff(const struct lines *from, const struct lines *to, const char *indent, FILE *out)
{
	size_t head = 0, tail = 0, n, m;

	while (head < MIN(from->n, to->n) && str_eq(from->items[head], to->items[head]))
		head++;
	while (tail < MIN(from->n, to->n) - head &&
	       str_eq(from->items[from->n - 1 - tail], to->items[to->n - 1 - tail]))
		tail++;
	n = from->n - head - tail;
	m = to->n - head - tail;
	if (n > ALIGN_MAX || m > ALIGN_MAX)
		return print_side('-', indent, from->items + head, n, out) +
		       print_side('+', indent, to->items + head, m, out);
	return align(from->items + head, n, to->items + head, m, indent, out);
}
