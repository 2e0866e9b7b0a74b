/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/cell_rules.h"

#include <string.h>

static const char *const denied4[] = {
#define DENIED4(network, what) network,
#define DENIED6(network, what)
#include "net/denied.def"
#undef DENIED4
#undef DENIED6
};

static const char *const denied6[] = {
#define DENIED4(network, what)
#define DENIED6(network, what) network,
#include "net/denied.def"
#undef DENIED4
#undef DENIED6
};

static void put_set(FILE *out, const char *name, int family, const char *const *texts, size_t n,
		    const struct network_list *list)
{
	char text[NETWORK_TEXT_MAX];
	const char *separator = "\n\t\telements = { ";

	fprintf(out, "\tset %s%c {\n\t\ttype ipv%c_addr; flags interval; auto-merge", name,
		family == AF_INET ? '4' : '6', family == AF_INET ? '4' : '6');
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%s", separator, texts[i]);
		separator = ", ";
	}
	for (size_t i = 0; list && i < list->n; i++) {
		if (list->items[i].family != family)
			continue;
		fprintf(out, "%s%s", separator, network_format(&list->items[i], text));
		separator = ", ";
	}
	fprintf(out, "%s\n\t}\n", separator[0] == ',' ? " }" : "");
}

static void put_sets(const struct cell_rules *rules, FILE *out)
{
	put_set(out, "denied", AF_INET, denied4, ARRAY_LEN(denied4), NULL);
	put_set(out, "denied", AF_INET6, denied6, ARRAY_LEN(denied6), NULL);
	put_set(out, "onlink", AF_INET, NULL, 0, &rules->on_link);
	put_set(out, "onlink", AF_INET6, NULL, 0, &rules->on_link);
	put_set(out, "dns", AF_INET, NULL, 0, &rules->dns);
	put_set(out, "dns", AF_INET6, NULL, 0, &rules->dns);
	put_set(out, "allow", AF_INET, NULL, 0, &rules->allow);
	put_set(out, "allow", AF_INET6, NULL, 0, &rules->allow);
}

/* What a cell may open; `refuse` ends what is not allowed. */
static void put_permissions(const struct cell_rules *rules, const char *refuse, FILE *out)
{
	static const char v[] = {'4', '6'};
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		const char *ip = v[i] == '4' ? "ip" : "ip6";

		fprintf(out, "\t\t%s daddr @dns%c udp dport 53 accept\n", ip, v[i]);
		fprintf(out, "\t\t%s daddr @dns%c tcp dport 53 accept\n", ip, v[i]);
		if (!rules->proxy.family)
			fprintf(out, "\t\t%s daddr @allow%c tcp dport { 80, 443 } accept\n", ip,
				v[i]);
	}
	if (rules->proxy.family) {
		fprintf(out, "\t\t%s daddr %s tcp dport %u accept\n",
			rules->proxy.family == AF_INET ? "ip" : "ip6",
			network_format(&rules->proxy, text), rules->proxy_port);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(v); i++) {
			const char *ip = v[i] == '4' ? "ip" : "ip6";

			fprintf(out, "\t\t%s daddr @denied%c counter %s\n", ip, v[i], refuse);
			fprintf(out, "\t\t%s daddr @onlink%c counter %s\n", ip, v[i], refuse);
		}
		fprintf(out, "\t\ttcp dport { 80, 443 } accept\n");
	}
	fprintf(out, "\t\tcounter %s\n", refuse);
}

static void put_masquerade(const struct cell_rules *rules, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	fputs("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy "
	      "accept\n",
	      out);
	fprintf(out, "\t\toifname != \"lzc*\" ip saddr %s masquerade\n",
		network_format(&rules->block, text));
	if (rules->block6.family)
		fprintf(out, "\t\toifname != \"lzc*\" ip6 saddr %s masquerade\n",
			network_format(&rules->block6, text));
	fputs("\t}\n", out);
}

void cell_rules_host(const struct cell_rules *rules, FILE *out)
{
	fputs("table " CELL_RULES_TABLE " { }\ndelete table " CELL_RULES_TABLE
	      "\ntable " CELL_RULES_TABLE " {\n",
	      out);
	put_sets(rules, out);
	fputs("\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy accept\n"
	      "\t\tiifname \"lzc*\" jump from-cell\n"
	      "\t\toifname \"lzc*\" jump to-cell\n",
	      out);
	if (rules->only_cells)
		fputs("\t\tcounter drop comment \"nothing but cells\"\n", out);
	fputs("\t}\n"
	      "\tchain from-cell {\n"
	      "\t\tfib saddr . iif oif missing counter drop comment \"forged sender\"\n"
	      "\t\toifname \"lzc*\" counter drop comment \"another cell\"\n"
	      "\t\tct state invalid counter drop\n"
	      "\t\tct state { established, related } accept\n",
	      out);
	put_permissions(rules, "drop", out);
	fputs("\t}\n"
	      "\tchain to-cell {\n"
	      "\t\tct state { established, related } accept\n"
	      "\t\tcounter drop\n"
	      "\t}\n"
	      "\tchain input {\n"
	      "\t\ttype filter hook input priority filter; policy accept\n"
	      "\t\tiifname \"lzc*\" jump cell-to-host\n"
	      "\t}\n"
	      "\tchain cell-to-host {\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	      "\t\tcounter drop comment \"no service of the host\"\n"
	      "\t}\n"
	      "\tchain output {\n"
	      "\t\ttype filter hook output priority filter; policy accept\n"
	      "\t\toifname \"lzc*\" jump host-to-cell\n"
	      "\t}\n"
	      "\tchain host-to-cell {\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	      "\t\tct state { established, related } accept\n"
	      "\t\tcounter drop\n"
	      "\t}\n",
	      out);
	put_masquerade(rules, out);
	fputs("}\n", out);
}

void cell_rules_cell(const struct cell_rules *rules, FILE *out)
{
	fputs("table " CELL_RULES_TABLE " {\n", out);
	put_sets(rules, out);
	fputs("\tchain output {\n"
	      "\t\ttype filter hook output priority filter; policy drop\n"
	      "\t\toifname \"lo\" accept\n"
	      "\t\tct state { established, related } accept\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n",
	      out);
	/* At once, so that a page says "refused" instead of loading for minutes. */
	put_permissions(rules, "reject with icmpx admin-prohibited", out);
	fputs("\t}\n"
	      "\tchain input {\n"
	      "\t\ttype filter hook input priority filter; policy drop\n"
	      "\t\tiifname \"lo\" accept\n"
	      "\t\tct state { established, related } accept\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	      "\t\tcounter drop\n"
	      "\t}\n"
	      "}\n",
	      out);
}
