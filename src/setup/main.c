/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-setup: from the installed package to the first login; see lazaret-setup(8). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "menu/screen.h"
#include "menu/text.h"
#include "setup/setup.h"

#define STATUS_USAGE 2

static void usage(FILE *out)
{
	fputs("usage: lazaret-setup [--force] [--no-start] [--language en|de]\n"
	      "       lazaret-setup --answers FILE [--check] [--force] [--no-start]\n"
	      "       lazaret-setup --example | --help | --version\n\n"
	      "  --answers FILE  take the answers from a file (-: standard input) instead of a "
	      "dialog\n"
	      "  --check         say what would be done, and do nothing\n"
	      "  --force         replace a configuration that is there\n"
	      "  --no-start      do not enable and start the service\n"
	      "  --example       print a file of answers\n",
	      out);
}

static void print_example(void)
{
	const char *page = NULL;

	puts("# Answers for lazaret-setup --answers. Lists have blanks between their words.");
	for (int i = 0; i < ANSWERS_COUNT; i++) {
		const struct answer_row *row = answer_row((enum answer_id)i);

		if (!page || !str_eq(page, row->page))
			printf("\n# %s. %s\n", row->page, row->page_text);
		page = row->page;
		printf("%s%s = %.*s\n", row->given[0] ? "" : "#", row->name,
		       (int)(row->kind == ANSWER_CHOICE ? strcspn(row->given, ",")
							: strlen(row->given)),
		       row->given);
	}
}

static int read_answers(struct answers *answers, const char *file)
{
	bool stdin_wanted = str_eq(file, "-");
	_cleanup_fd_ int fd = stdin_wanted ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
	_cleanup_secret_ char *text = NULL;
	size_t len;
	int r = fd < 0 ? -errno : fd_read_all(fd, ANSWERS_FILE_MAX, &text, &len);

	if (r < 0) {
		fprintf(stderr, "lazaret-setup: %s: %s\n", file, strerror(-r));
		return r;
	}
	return answers_parse(answers, file, text, stderr);
}

static int without_dialog(struct setup *setup, const char *file, bool check_only)
{
	int r = read_answers(&setup->answers, file);

	if (r == 0)
		r = setup_check(setup, stderr);
	if (r == 0)
		r = setup_may(setup, stderr);
	if (r < 0) {
		fputs("lazaret-setup: nothing was done\n", stderr);
		return 1;
	}
	setup_summary(setup, stdout);
	putchar('\n');
	fflush(stdout);
	return check_only || setup_do(setup) == 0 ? 0 : 1;
}

static int with_dialog(struct setup *setup)
{
	bool wanted;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    screen_start("Lazaret " LAZARET_VERSION) < 0) {
		fputs("lazaret-setup: this is no terminal for a dialog; --answers FILE takes the "
		      "answers from a file\n",
		      stderr);
		return STATUS_USAGE;
	}
	wanted = dialog_ask(setup);
	screen_stop();
	if (!wanted) {
		puts("Nothing was done.");
		return 1;
	}
	return setup_do(setup) == 0 ? 0 : 1;
}

/* Where lazaretctl and the catalogues lie, from where we do. */
static int find_folders(char *folder, size_t size, char *locale, size_t locale_size)
{
	ssize_t len = readlink("/proc/self/exe", folder, size - 1);
	char *slash;

	if (len < 0)
		return -errno;
	folder[len] = '\0';
	slash = strrchr(folder, '/');
	*slash = '\0';
	if ((size_t)snprintf(locale, locale_size, "%s/../share/locale", folder) >= locale_size ||
	    !str_copy(slash, size - (size_t)(slash - folder), "/../bin"))
		return -ENAMETOOLONG;
	return 0;
}

static int run(struct setup *setup, const char *file, bool check_only)
{
	int status;

	if (geteuid() != 0 && !check_only) {
		fputs("lazaret-setup: only root can set up the system\n", stderr);
		return 1;
	}
	if (answers_init(&setup->answers) < 0)
		return 1;
	status = file ? without_dialog(setup, file, check_only) : with_dialog(setup);
	answers_finish(&setup->answers);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"answers", required_argument, NULL, 'a'},
		{"check", no_argument, NULL, 'c'},
		{"force", no_argument, NULL, 'f'},
		{"no-start", no_argument, NULL, 'n'},
		{"language", required_argument, NULL, 'l'},
		{"example", no_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	static struct setup setup = {.start = true};
	const char *file = NULL, *language = getenv("LANG");
	static char locale[5000];
	bool check_only = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		switch (c) {
		case 'a':
			file = optarg;
			break;
		case 'c':
			check_only = true;
			break;
		case 'f':
			setup.force = true;
			break;
		case 'n':
			setup.start = false;
			break;
		case 'l':
			language = optarg;
			break;
		case 'e':
			print_example();
			return 0;
		case 'V':
			puts("lazaret-setup " LAZARET_VERSION);
			return 0;
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : STATUS_USAGE;
		}
	}
	if (optind < argc || (check_only && !file)) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (find_folders(setup.folder, sizeof(setup.folder), locale, sizeof(locale)) < 0)
		return 1;
	text_init(locale, text_of(language));
	return run(&setup, file, check_only);
}
