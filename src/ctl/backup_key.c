/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The password of the repository, and what is needed to reach a server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup.h"
#include "ctl/backup_impl.h"
#include "ctl/input.h"
#include "ctl/program.h"
#include "ctl/public_key.h"

#define PASSWORD "password"
#define SECRET_MAX 1024

/* 32 letters out of 32: 160 bits, and none that looks like another one on paper. */
static int make_password(const struct backup *backup)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char bytes[32];
	char out[sizeof(bytes) + sizeof(bytes) / 4 + 1];
	size_t at = 0;
	int r;

	if (faccessat(backup->dir, PASSWORD, F_OK, 0) == 0)
		return ANSWER_STATUS_OK;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return backup_refuse("the kernel has no random numbers");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i > 0 && i % 4 == 0)
			out[at++] = '-';
		out[at++] = letters[bytes[i] % 32];
	}
	out[at] = '\0';
	r = fd_write_file_atomic(backup->dir, PASSWORD, 0600, out, at);
	mem_wipe(out, sizeof(out));
	mem_wipe(bytes, sizeof(bytes));
	if (r < 0)
		return backup_refuse("the password cannot be written: %s", strerror(-r));
	fputs("lazaretctl: a password for the backups was made. Without it they are worth nothing: "
	      "one of "
	      "the role security notes it now (lazaretctl backup key show), off this machine\n",
	      stderr);
	return ANSWER_STATUS_OK;
}

static int make_known_hosts(const struct backup *backup)
{
	const char *text = conf_str(backup->conf, CONF_BACKUP_SERVER_KEY);
	static struct public_key key;
	char line[PUBLIC_KEY_LINE_MAX + 128];
	const char *why;
	int len, r;

	if (!text[0])
		return backup_refuse(
			"the server's host key is not known: root sets backup-server-key "
			"to the line of its /etc/ssh/ssh_host_ed25519_key.pub");
	if (public_key_parse(text, strlen(text), &key, &why) < 0)
		return backup_refuse("backup-server-key: %s", why);
	len = snprintf(line, sizeof(line), "server %s %s\n", key.type, key.data);
	r = fd_write_file_atomic(backup->dir, "known_hosts", 0600, line, (size_t)len);
	return r < 0 ? backup_refuse("known_hosts: %s", strerror(-r)) : ANSWER_STATUS_OK;
}

static int make_ssh_key(const struct backup *backup)
{
	char path[PATH_MAX + 8];
	_cleanup_free_ char *said = NULL, *out = NULL;
	int status = 0, r;

	snprintf(path, sizeof(path), "%s/ssh_key", backup->path);
	if (access(path, F_OK) == 0)
		return ANSWER_STATUS_OK;
	r = program_run(
		&(const struct program){.argv = (const char *const[]){"/usr/bin/ssh-keygen", "-q",
								      "-t", "ed25519", "-N", "",
								      "-C", "lazaret-backup", "-f",
								      path, NULL},
					.max = 4096},
		&status, &out, &said);
	return r < 0 || status != 0 ? backup_refuse("ssh-keygen cannot make a key")
				    : ANSWER_STATUS_OK;
}

int backup_key_make(const struct backup *backup)
{
	int status = make_password(backup);

	if (status == ANSWER_STATUS_OK && !backup->local)
		status = make_ssh_key(backup);
	return status == ANSWER_STATUS_OK && !backup->local ? make_known_hosts(backup) : status;
}

int backup_key_show(void)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_secret_ char *text = NULL;
	size_t len;
	int status = backup_open(&backup);

	if (status == ANSWER_STATUS_OK)
		status = make_password(&backup);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (fd_read_file(backup.dir, PASSWORD, SECRET_MAX, &text, &len) < 0)
		return backup_refuse("the password cannot be read");
	puts(text);
	return ANSWER_STATUS_OK;
}

int backup_key_set(void)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_secret_ char *secret = NULL;
	int status = backup_open(&backup), r;

	if (status != ANSWER_STATUS_OK)
		return status;
	if (input_read_secret("Password of the backups: ", &secret) < 0)
		return ANSWER_STATUS_FAILED;
	if (strlen(secret) < 12)
		return backup_refuse("the password of the backups needs 12 characters");
	r = fd_write_file_atomic(backup.dir, PASSWORD, 0600, secret, strlen(secret));
	return r < 0 ? backup_refuse("the password cannot be written: %s", strerror(-r))
		     : ANSWER_STATUS_OK;
}

int backup_key_ssh(void)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_free_ char *text = NULL;
	size_t len;
	int status = backup_open(&backup);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (backup.local)
		return backup_refuse("backups go to a folder of this host: no key is needed");
	status = make_ssh_key(&backup);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (fd_read_file(backup.dir, "ssh_key.pub", PUBLIC_KEY_LINE_MAX, &text, &len) < 0)
		return backup_refuse("the key cannot be read");
	fputs(text, stdout);
	return ANSWER_STATUS_OK;
}
