/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * restic, where it can do no harm: it reads a repository that somebody else may have written, and as
 * root it could write anything. It sees the repository, its password and what is backed up, and can
 * write the repository or the one folder that is restored into.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup_impl.h"
#include "ctl/program.h"

#define WORDS_MAX (3 * 2 * BACKUP_HOMES_MAX + 128)
#define OUTPUT_MAX (16 << 20)

struct line {
	const char *words[WORDS_MAX];
	size_t n;
	char texts[16][PATH_MAX + 256];
	size_t n_texts;
};

static void put(struct line *line, const char *const *words)
{
	for (; *words && line->n + 1 < WORDS_MAX; words++)
		line->words[line->n++] = *words;
}
#define PUT(line, ...) put((line), (const char *const[]){__VA_ARGS__, NULL})

static const char *PRINTF(2, 3) text(struct line *line, const char *fmt, ...)
{
	char *out = line->texts[line->n_texts++ % ARRAY_LEN(line->texts)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, sizeof(line->texts[0]), fmt, args);
	va_end(args);
	return out;
}

static void put_room(struct line *line, const struct backup *backup)
{
	PUT(line, "/usr/bin/bwrap", "--die-with-parent", "--new-session", "--unshare-pid",
	    "--unshare-ipc", "--unshare-uts", "--hostname", "lazaret", "--clearenv", "--setenv",
	    "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv", "GOMAXPROCS", "2",
	    "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib",
	    "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/sbin", "/sbin", "--proc",
	    "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/etc");
	PUT(line, "--ro-bind", text(line, "%s/password", backup->path), "/secret/password",
	    "--bind", text(line, "%s/cache", backup->path), "/cache");
}

static void put_server(struct line *line, const struct backup *backup)
{
	static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
					    "/etc/passwd", "/etc/gai.conf"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		PUT(line, "--ro-bind-try", files[i], files[i]);
	PUT(line, "--ro-bind", text(line, "%s/ssh_key", backup->path), "/secret/ssh_key",
	    "--ro-bind", text(line, "%s/known_hosts", backup->path), "/secret/known_hosts");
}

static void put_rights(struct line *line, const struct restic *restic)
{
	PUT(line, "--cap-drop", "ALL");
	if (restic->target)
		/* No device nodes: for those there would have to be CAP_MKNOD. */
		PUT(line, "--cap-add", "CAP_DAC_OVERRIDE", "--cap-add", "CAP_CHOWN", "--cap-add",
		    "CAP_FOWNER");
	else
		PUT(line, "--cap-add", "CAP_DAC_READ_SEARCH");
}

static void put_repository(struct line *line, const struct backup *backup)
{
	if (backup->local) {
		/* restic writes a lock even to read. */
		PUT(line, "--unshare-net", "--bind", backup->local, "/repository", "--",
		    "/usr/bin/restic", "--repo", "/repository");
		return;
	}
	put_server(line, backup);
	PUT(line, "--", "/usr/bin/restic", "--repo", text(line, "sftp:server:%s", backup->folder),
	    "-o",
	    text(line,
		 "sftp.command=ssh -F none -p %u -i /secret/ssh_key -o BatchMode=yes -o "
		 "IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o "
		 "UserKnownHostsFile=/secret/known_hosts -o GlobalKnownHostsFile=none -o "
		 "ConnectTimeout=20 -o ServerAliveInterval=20 -o ForwardAgent=no -o "
		 "HostKeyAlias=server -l %s %s -s sftp",
		 backup->port, backup->user, backup->host));
}

static void make_line(struct line *line, const struct backup *backup, const struct restic *restic)
{
	line->n = line->n_texts = 0;
	put_room(line, backup);
	for (size_t i = 0; restic->sources && restic->sources[i]; i += 2)
		PUT(line, "--ro-bind", restic->sources[i], restic->sources[i + 1]);
	if (restic->target)
		PUT(line, "--bind", restic->target, "/target");
	put_rights(line, restic);
	put_repository(line, backup);
	PUT(line, "--password-file", "/secret/password", "--cache-dir", "/cache", "--quiet");
	if (!restic->change)
		PUT(line, "--no-lock");
	put(line, restic->words);
	line->words[line->n] = NULL;
}

/* What restic says when something is wrong, in our words with what to do. */
static int explain(const char *said)
{
	static const struct {
		const char *mark, *sentence;
	} rows[] = {
		{"wrong password",
		 "the password does not open this repository: it is that of another machine, or "
		 "was "
		 "changed (lazaretctl backup key set - with the password of the repository)"},
		{"Host key verification failed",
		 "the server has another host key than backup-server-key says: find out why before "
		 "that is changed"},
		{"Permission denied (publickey",
		 "the server does not take our key: lazaretctl backup key ssh prints it"},
		{"Is there a repository",
		 "there is no repository of backups there yet: lazaretctl backup run makes one"},
		{"unable to open config file", "there is no repository of backups there yet, or "
					       "its beginning is lost: lazaretctl "
					       "backup run makes one"},
		{"repository contains errors", "something of the repository was lost or changed: "
					       "restore an earlier copy of it, or "
					       "make a new one (another backup-repository)"},
		{"LoadIndex returned errors",
		 "something of the repository was lost or changed: restic rebuild-index may mend "
		 "it; "
		 "otherwise make a new one (another backup-repository)"},
		{"Could not resolve hostname", "the server's name has no address (path dns)"},
		{"Connection timed out", "the server does not answer: it has to be one of the "
					 "hosts of path \"update\", the "
					 "one that this host may reach over SSH"},
		{"Connection refused", "the server was reached, and no SSH server listens there"},
		{"repository is already locked",
		 "the repository is locked by another backup; if none runs, restic unlock there"},
		/* Last: restic does not always pass on what ssh has said. */
		{"unable to start the sftp session",
		 "the server ended the connection before it served: it has another host key than "
		 "backup-server-key says, does not take our key (lazaretctl backup key ssh prints "
		 "it), or "
		 "no SSH server listens there"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strstr(said, rows[i].mark))
			return backup_refuse("%s", rows[i].sentence);
	}
	return backup_refuse("the repository cannot be used: %.400s", said);
}

static void show(const char *said)
{
	char shown[BACKUP_TEXT_MAX];

	while (*said) {
		size_t n = strcspn(said, "\n");

		str_sanitize(shown, sizeof(shown), said, n);
		if (shown[0])
			fprintf(stderr, "restic: %s\n", shown);
		said += n + (said[n] == '\n');
	}
}

int restic_run(const struct backup *backup, const struct restic *restic, char **ret_out)
{
	struct line *line = calloc(1, sizeof(*line));
	_cleanup_free_ char *said = NULL, *out = NULL;
	int status = 0, r;

	if (!line)
		return backup_refuse("out of memory");
	(void)mkdirat(backup->dir, "cache", 0700);
	make_line(line, backup, restic);
	r = program_run(&(const struct program){.argv = line->words, .max = OUTPUT_MAX}, &status,
			&out, &said);
	free(line);
	if (r < 0)
		return backup_refuse("restic cannot be run: %s", strerror(-r));
	if (status != 0) {
		show(said);
		return explain(said);
	}
	*ret_out = STEAL(out);
	return ANSWER_STATUS_OK;
}

/* --- snapshots -------------------------------------------------------------------------------- */

static bool is_id(const char *word)
{
	size_t len = strlen(word);

	return len >= 6 && len <= 64 && !word[strspn(word, "0123456789abcdef")];
}

static int take(json_object *list, const char *word, char ret_id[65], char ret_time[40])
{
	size_t found = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);
		const char *id = json_object_get_string(json_object_object_get(item, "id"));
		const char *when = json_object_get_string(json_object_object_get(item, "time"));

		if (!id || !when || !is_id(id) ||
		    (!str_eq(word, "latest") && strncmp(id, word, strlen(word)) != 0))
			continue;
		/* They are in the order of their times. */
		str_copy(ret_id, 65, id);
		str_copy(ret_time, 40, when);
		found++;
	}
	if (found == 0 || (found > 1 && !str_eq(word, "latest"))) {
		(void)backup_refuse("%s backup \"%s\"; lazaretctl backup list",
				    found ? "there is more than one" : "there is no", word);
		return ANSWER_STATUS_NOT_FOUND;
	}
	return ANSWER_STATUS_OK;
}

int restic_find(const struct backup *backup, const char *word, char ret_id[65], char ret_time[40])
{
	static const char *const words[] = {"snapshots", "--json", "--tag", "lazaret", NULL};
	_cleanup_free_ char *out = NULL;
	json_object *list;
	int status;

	if (!str_eq(word, "latest") && !is_id(word)) {
		(void)backup_refuse(
			"\"%s\" is no backup: \"latest\", or at least 6 digits of an id "
			"(lazaretctl backup list)",
			word);
		return ANSWER_STATUS_USAGE;
	}
	status = restic_run(backup, &(const struct restic){.words = words}, &out);
	if (status != ANSWER_STATUS_OK)
		return status;
	list = json_tokener_parse(out);
	status = json_object_is_type(list, json_type_array)
			 ? take(list, word, ret_id, ret_time)
			 : backup_refuse("restic does not say which snapshots there are");
	json_object_put(list);
	return status;
}
