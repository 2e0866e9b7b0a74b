/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-probe: stands in one zone of a site and tries what is reachable from there: the ports of
 * the system that should be open, those that should not, and, on a workstation, the Internet.
 *
 * It needs nothing but libc and the table of paths:
 *
 *	cc -D_GNU_SOURCE -Isrc -o lazaret-probe src/probe/[a-z]*.c
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "probe/probe.h"

#ifndef LAZARET_VERSION
#define LAZARET_VERSION "of unknown version"
#endif

static void print_usage(FILE *out)
{
	fputs("usage: lazaret-probe --zone ZONE --system ADDRESS [--system ADDRESS...] "
	      "[OPTION...]\n"
	      "\n"
	      "Tries from this machine which ports of the system are reachable, and says what is "
	      "not\n"
	      "as the network contract has it.\n"
	      "\n"
	      "  -z, --zone ZONE         where this machine stands: workstations, administration,\n"
	      "                          monitoring, dns or internet\n"
	      "  -s, --system ADDRESS    of the system; once for IPv4, once for IPv6\n"
	      "  -o, --on PATH,...       optional paths that are switched on: sftp, admin,\n"
	      "                          cluster-dns, snmp, nrpe (lazaretctl paths list)\n"
	      "      --viewer-port PORT  of the option port (5900)\n"
	      "      --admin-port PORT   of the option admin-port (22)\n"
	      "  -i, --internet TARGET   ADDRESS[:PORT][/udp] that must not be reached from a\n"
	      "                          workstation, instead of some public name servers\n"
	      "      --no-internet       do not try the Internet\n"
	      "  -a, --all-ports         try every TCP port of the system\n"
	      "  -t, --timeout MS        for an answer (2500)\n"
	      "  -p, --parallel N        attempts at the same time (256)\n"
	      "  -v, --verbose           list what is shut as it should be, too\n"
	      "  -j, --json              for scripts\n"
	      "  -h, --help  -V, --version\n"
	      "\n"
	      "Exit status: 0 all is as the contract says, 1 something is not, 2 wrong usage,\n"
	      "3 it could not be tried.\n",
	      out);
}

static bool usage_error(const char *what, const char *value)
{
	fprintf(stderr, "lazaret-probe: %s \"%s\"; see lazaret-probe --help\n", what, value);
	return false;
}

static bool switch_on(struct options *options, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ","), i = 0;

		while (i < n_rows && (!is_incoming(&rows[i]) || strlen(rows[i].name) != len ||
				      strncmp(rows[i].name, list, len) != 0))
			i++;
		if (i == n_rows)
			return usage_error("there is no incoming path", list);
		options->on[i] = true;
		list += len + (list[len] == ',');
	}
	return true;
}

static bool take_zone(struct options *options, const char *name)
{
	for (size_t i = 0; i < N_ZONES; i++) {
		if (strcmp(zone_names[i], name) == 0) {
			options->zone = (enum zone)i;
			return true;
		}
	}
	return usage_error("there is no zone", name);
}

static bool take_system(struct options *options, const char *name)
{
	size_t n;

	if (options->n_systems == SYSTEMS_MAX)
		return usage_error("too many systems:", name);
	if (!resolve(name, &options->systems[options->n_systems], SYSTEMS_MAX - options->n_systems,
		     &n))
		return usage_error("no address:", name);
	options->n_systems += n;
	return true;
}

static bool take_number(const char *text, unsigned long low, unsigned long high, const char *what,
			unsigned int *ret_value)
{
	unsigned long value;

	if (!parse_number(text, low, high, &value))
		return usage_error(what, text);
	*ret_value = (unsigned int)value;
	return true;
}

static bool take_option(struct options *options, int option, const char *value)
{
	unsigned int number = 0;
	bool ok = true;

	switch (option) {
	case 'z':
		return take_zone(options, value);
	case 's':
		return take_system(options, value);
	case 'o':
		return switch_on(options, value);
	case 'i':
		if (options->n_targets == TARGETS_MAX)
			return usage_error("too many targets:", value);
		options->targets[options->n_targets++] = value;
		return true;
	case 'P':
		ok = take_number(value, 1, 65535, "no port:", &number);
		options->viewer_port = (uint16_t)number;
		return ok;
	case 'A':
		ok = take_number(value, 1, 65535, "no port:", &number);
		options->admin_port = (uint16_t)number;
		return ok;
	case 't':
		return take_number(value, 50, 60000,
				   "no time from 50 to 60000 ms:", &options->timeout_ms);
	case 'p':
		return take_number(value, 1, PARALLEL_MAX,
				   "no count from 1 to 4096:", &options->parallel);
	case 'N':
		options->internet = false;
		return true;
	case 'a':
		options->all_ports = true;
		return true;
	case 'v':
		options->verbose = true;
		return true;
	case 'j':
		options->json = true;
		return true;
	default:
		fputs("see lazaret-probe --help\n", stderr);
		return false;
	}
}

static bool parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"zone", required_argument, NULL, 'z'},
		{"system", required_argument, NULL, 's'},
		{"on", required_argument, NULL, 'o'},
		{"viewer-port", required_argument, NULL, 'P'},
		{"admin-port", required_argument, NULL, 'A'},
		{"internet", required_argument, NULL, 'i'},
		{"no-internet", no_argument, NULL, 'N'},
		{"all-ports", no_argument, NULL, 'a'},
		{"timeout", required_argument, NULL, 't'},
		{"parallel", required_argument, NULL, 'p'},
		{"verbose", no_argument, NULL, 'v'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "z:s:o:i:at:p:vjhV", longs, NULL)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			exit(EXIT_AGREES);
		}
		if (option == 'V') {
			puts("lazaret-probe " LAZARET_VERSION);
			exit(EXIT_AGREES);
		}
		if (!take_option(options, option, optarg))
			return false;
	}
	if (optind < argc)
		return usage_error("unexpected argument", argv[optind]);
	if (options->zone == N_ZONES || options->n_systems == 0) {
		fputs("lazaret-probe: --zone and --system are needed; see lazaret-probe --help\n",
		      stderr);
		return false;
	}
	return true;
}

/* So many sockets at once as the system gives us. */
static void fit_limits(struct options *options)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < options->parallel + 16)
		options->parallel = limit.rlim_cur > 17 ? (unsigned int)limit.rlim_cur - 16 : 1;
}

int main(int argc, char **argv)
{
	struct options options = {.zone = N_ZONES,
				  .viewer_port = 5900,
				  .admin_port = 22,
				  .timeout_ms = 2500,
				  .parallel = 256,
				  .internet = true};
	struct plan plan = {0};
	struct counts counts;

	for (size_t i = 0; i < n_rows; i++)
		options.on[i] = !rows[i].optional;
	if (!parse_options(argc, argv, &options))
		return EXIT_USAGE;
	options.internet = options.internet && options.zone == ZONE_WORKSTATIONS;
	fit_limits(&options);
	if (!plan_make(&plan, &options))
		return EXIT_USAGE;
	if (!try_all(&plan, &options)) {
		fprintf(stderr, "lazaret-probe: %s\n", strerror(errno));
		return EXIT_BROKEN;
	}
	if (options.json)
		print_json(&plan, &options);
	else
		print_text(&plan, &options);
	counts = count(&plan);
	free(plan.attempts);
	if (fflush(stdout) != 0)
		return EXIT_BROKEN;
	return counts.wrong == 0 ? EXIT_AGREES : EXIT_DIFFERS;
}
