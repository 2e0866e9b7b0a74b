/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/contract_impl.h"
#include "net/limits.h"
#include "wire/cursor.h"

void names_finish(struct names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->items[i].name);
		network_list_finish(&names->items[i].addresses);
	}
	free(names->items);
	*names = (struct names){0};
}

static struct names_entry *find(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcasecmp(names->items[i].name, name) == 0)
			return &names->items[i];
	}
	return NULL;
}

/* NULL when out of memory or too many. */
static struct names_entry *enter(struct names *names, const char *name)
{
	struct names_entry *items;
	char *copy;

	if (names->n >= NAMES_MAX)
		return NULL;
	items = reallocarray(names->items, names->n + 1, sizeof(*items));
	if (!items)
		return NULL;
	names->items = items;
	copy = strdup(name);
	if (!copy)
		return NULL;
	items[names->n] = (struct names_entry){.name = copy, .status = NAMES_SILENT};
	return &items[names->n++];
}

int names_lookup(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	struct names *names = data;
	struct names_entry *entry = find(names, name);

	*ret_stale = false;
	if (!entry)
		entry = enter(names, name);
	if (!entry)
		return -ENOMEM;
	entry->wanted = true;
	if (entry->addresses.n == 0)
		return entry->status == NAMES_UNKNOWN ? -ENOENT : -EAGAIN;
	*ret_stale = entry->tried && entry->status != NAMES_FOUND;
	return network_list_add_all(list, &entry->addresses);
}

void names_forget_wanted(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		names->items[i].wanted = false;
}

bool names_lack(const struct names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct names_entry *entry = &names->items[i];

		if (entry->wanted && !entry->tried && entry->addresses.n == 0)
			return true;
	}
	return false;
}

int names_write_wanted(struct names *names, FILE *out, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct names_entry *entry = &names->items[i];

		entry->line = 0;
		if (!entry->wanted)
			continue;
		fprintf(out, "%s\n", entry->name);
		entry->line = ++n;
	}
	if (ferror(out))
		return -ENOMEM;
	*ret_n = n;
	return 0;
}

/* --- answers ------------------------------------------------------------------------------------ */

/* Of one name; indexed by the line. */
struct found {
	bool heard;
	enum names_status status;
	struct network_list addresses;
};

static int read_addresses(struct cursor *c, uint32_t count, struct network_list *list)
{
	for (uint32_t i = 0; i < count; i++) {
		struct network address = {0};
		uint8_t version = cursor_u8(c);
		const uint8_t *bytes;
		int r;

		address.family = version == 4 ? AF_INET : AF_INET6;
		address.bits = (uint8_t)network_width(address.family);
		bytes = cursor_bytes(c, address.bits / 8);
		if (!bytes || (version != 4 && version != 6))
			return -EPROTO;
		memcpy(address.addr, bytes, address.bits / 8);
		r = network_list_add(list, &address);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_answer(struct cursor *c, struct found *found, size_t n)
{
	while (cursor_left(c) > 0) {
		uint32_t line = cursor_u32(c);
		uint8_t status = cursor_u8(c);
		uint32_t count = cursor_u32(c);
		int r;

		if (cursor_failed(c) || line >= n || status >= NAMES_STATUS_COUNT ||
		    count > NAME_ADDRESSES_MAX || found[line].heard ||
		    (status == NAMES_FOUND) != (count > 0))
			return -EPROTO;
		found[line].heard = true;
		found[line].status = status;
		r = read_addresses(c, count, &found[line].addresses);
		if (r < 0)
			return r;
		network_list_sort(&found[line].addresses);
	}
	return 0;
}

static bool equal(const struct network_list *a, const struct network_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (network_compare(&a->items[i], &b->items[i]) != 0)
			return false;
	}
	return true;
}

static bool take(struct names_entry *entry, struct found *found)
{
	entry->tried = true;
	entry->status = found->heard ? found->status : NAMES_SILENT;
	if (entry->status != NAMES_FOUND || equal(&entry->addresses, &found->addresses))
		return false;
	network_list_finish(&entry->addresses);
	entry->addresses = found->addresses;
	found->addresses = (struct network_list){0};
	return true;
}

int names_take_answer(struct names *names, const void *data, size_t len, bool *ret_changed)
{
	_cleanup_free_ struct found *found = calloc(names->n + 1, sizeof(*found));
	struct cursor c = cursor_over(data, len);
	size_t n = 0;
	int r;

	if (!found)
		return -ENOMEM;
	for (size_t i = 0; i < names->n; i++)
		n = MAX(n, names->items[i].line);
	r = read_answer(&c, found, n);
	if (r == 0) {
		*ret_changed = false;
		for (size_t i = 0; i < names->n; i++) {
			struct names_entry *entry = &names->items[i];

			if (entry->line > 0 && take(entry, &found[entry->line - 1]))
				*ret_changed = true;
		}
	}
	for (size_t i = 0; i < n; i++)
		network_list_finish(&found[i].addresses);
	return r;
}

/* --- the file ----------------------------------------------------------------------------------- */

static int read_line(struct names *names, char *line)
{
	const char *name = strsep(&line, " ");
	struct names_entry *entry;
	const char *address;

	if (!contract_is_name(name) || !line || find(names, name))
		return 0;
	entry = enter(names, name);
	if (!entry)
		return -ENOMEM;
	while ((address = strsep(&line, " "))) {
		struct network network;
		int r;

		if (network_parse(address, &network) < 0 ||
		    network.bits != network_width(network.family) ||
		    entry->addresses.n >= NAME_ADDRESSES_MAX)
			continue;
		r = network_list_add(&entry->addresses, &network);
		if (r < 0)
			return r;
	}
	network_list_sort(&entry->addresses);
	return 0;
}

int names_read(struct names *names, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;

	if (!copy)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n"))) {
		int r = read_line(names, line);

		if (r < 0)
			return r;
	}
	return 0;
}

void names_write(const struct names *names, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < names->n; i++) {
		const struct names_entry *entry = &names->items[i];

		if (entry->addresses.n == 0 || !entry->wanted)
			continue;
		fputs(entry->name, out);
		for (size_t k = 0; k < entry->addresses.n; k++)
			fprintf(out, " %s", network_format(&entry->addresses.items[k], text));
		fputc('\n', out);
	}
}
