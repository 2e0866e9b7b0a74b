/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What came of it, for people and for scripts. */
#include "probe/probe.h"

#include <stdio.h>

static const char *const found_names[] = {"not tried", "open",     "wrong", "closed",
					  "filtered",  "rejected", "broken"};

bool agrees(const struct attempt *attempt)
{
	if (attempt->want_open)
		return attempt->found == FOUND_OPEN;
	return attempt->found == FOUND_FILTERED || attempt->found == FOUND_REJECTED;
}

static const char *explain(const struct attempt *attempt)
{
	if (agrees(attempt))
		return "";
	if (attempt->found == FOUND_BROKEN)
		return "could not be tried";
	if (!attempt->want_open && attempt->internet)
		return "the Internet can be reached past the system: shut this way in the site's "
		       "packet filter";
	if (!attempt->want_open && attempt->found == FOUND_CLOSED)
		return "nothing listens there, but packets get through: shut it in the packet "
		       "filter";
	if (!attempt->want_open)
		return "open, and must not be: shut it in the packet filter";
	if (attempt->found == FOUND_CLOSED)
		return "the way is open, but the service does not run";
	if (attempt->found == FOUND_WRONG)
		return "something else answers there";
	return "does not get through: open it in the site's packet filter, and put this machine's "
	       "network into the zone";
}

struct counts count(const struct plan *plan)
{
	struct counts counts = {0};

	for (size_t i = 0; i < plan->n; i++) {
		counts.wrong += !agrees(&plan->attempts[i]);
		counts.open += agrees(&plan->attempts[i]) && plan->attempts[i].want_open;
		counts.shut += agrees(&plan->attempts[i]) && !plan->attempts[i].want_open;
	}
	return counts;
}

void print_text(const struct plan *plan, const struct options *options)
{
	struct counts counts = count(plan);
	char address[ADDRESS_MAX];
	const char *said = "";

	printf("%-6s  %-5s  %-39s  %5s  %-11s  %-6s  %-8s  %6s\n", "", "proto", "address", "port",
	       "path", "wanted", "found", "ms");
	for (size_t i = 0; i < plan->n; i++) {
		const struct attempt *attempt = &plan->attempts[i];
		const char *why = explain(attempt);

		if (agrees(attempt) && !attempt->want_open && !attempt->internet &&
		    !options->verbose)
			continue;
		format_address(&attempt->to.any, address);
		printf("%-6s  %-5s  %-39s  %5u  %-11s  %-6s  %-8s  %6u%s%s\n",
		       agrees(attempt) ? "ok" : "WRONG",
		       attempt->proto == PROTO_TCP ? "tcp" : "udp", address, attempt->port,
		       attempt->internet ? "(Internet)"
		       : attempt->path   ? attempt->path
					 : "-",
		       attempt->want_open ? "open" : "shut", found_names[attempt->found],
		       attempt->ms, attempt->note[0] ? "  " : "", attempt->note);
		/* Said once for neighbours that fail alike. */
		if (why[0] && why != said)
			printf("        %s\n", why);
		said = why;
	}
	printf("\nZone %s: %zu open and %zu shut as the contract says", zone_names[options->zone],
	       counts.open, counts.shut);
	if (counts.wrong > 0)
		printf("; %zu NOT as it says.\n", counts.wrong);
	else
		puts(".");
}

/* Notes are printable ASCII or strerror(); quotes and backslashes are escaped. */
static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text >= ' ')
			putchar(*text);
	}
	putchar('"');
}

void print_json(const struct plan *plan, const struct options *options)
{
	struct counts counts = count(plan);
	char address[ADDRESS_MAX];

	printf("{\n  \"zone\": \"%s\",\n  \"agrees\": %s,\n  \"open\": %zu,\n  \"shut\": %zu,\n"
	       "  \"wrong\": %zu,\n  \"tried\": [",
	       zone_names[options->zone], counts.wrong == 0 ? "true" : "false", counts.open,
	       counts.shut, counts.wrong);
	for (size_t i = 0; i < plan->n; i++) {
		const struct attempt *attempt = &plan->attempts[i];

		format_address(&attempt->to.any, address);
		printf("%s\n    {\"address\": \"%s\", \"protocol\": \"%s\", \"port\": %u, "
		       "\"path\": ",
		       i > 0 ? "," : "", address, attempt->proto == PROTO_TCP ? "tcp" : "udp",
		       attempt->port);
		if (attempt->path)
			print_quoted(attempt->path);
		else
			fputs("null", stdout);
		printf(", \"internet\": %s, \"wanted\": \"%s\", \"found\": \"%s\", "
		       "\"agrees\": %s, \"ms\": %u, \"note\": ",
		       attempt->internet ? "true" : "false", attempt->want_open ? "open" : "shut",
		       found_names[attempt->found], agrees(attempt) ? "true" : "false",
		       attempt->ms);
		print_quoted(attempt->note);
		fputs(", \"remedy\": ", stdout);
		print_quoted(explain(attempt));
		putchar('}');
	}
	puts("\n  ]\n}");
}
