/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/command.h"
#include "update/explain.h"
#include "update/limits.h"
#include "update/release.h"

#define HELPER "/usr/lib/apt/apt-helper"
#define DATE_MAX 32

static const char *format_date(int64_t seconds, char *out)
{
	time_t at = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&at, &tm) || strftime(out, DATE_MAX, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		str_copy(out, DATE_MAX, "?");
	return out;
}

static int refuse(const struct source *source, FILE *errors, const char *sentence)
{
	fprintf(errors, "%s, suite %s: %s\n", source->url, source->suite, sentence);
	return -EINVAL;
}

/* A file that another account has written. */
static int read_foreign(const char *path, char **ret_text, size_t *ret_len)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EPROTO;
	return fd_read_all(fd, RELEASE_MAX, ret_text, ret_len);
}

static int fetch(const struct apt *apt, const struct source *source, const char *file, FILE *errors)
{
	char url[sizeof(source->url) + sizeof(source->suite) + 32], sentence[1024];
	const char *const argv[] = {HELPER, "-q", "download-file", url, file, NULL};
	_cleanup_free_ char *said = NULL;
	int status, r;

	snprintf(url, sizeof(url), "%s/dists/%s/InRelease", source->url, source->suite);
	(void)unlink(file);
	r = apt_run(apt, argv, FETCH_TIMEOUT, 0, &said, &status);
	if (r < 0)
		return refuse(source, errors, strerror(-r));
	if (status == 0)
		return 0;
	explain_fetch(said, sentence, sizeof(sentence));
	return refuse(source, errors, sentence);
}

/* --- the signature ---------------------------------------------------------------------------- */

static bool has(const char *said, const char *what)
{
	return strstr(said, what) != NULL;
}

/* What gpgv's lines for programs mean (doc/DETAILS of GnuPG); NULL: a key of ours has signed it. */
static const char *judge(const char *said)
{
	if (has(said, "[GNUPG:] BADSIG"))
		return "the list was changed after it was signed; nothing of it is used";
	if (has(said, "[GNUPG:] REVKEYSIG"))
		return "the key that signs the list was revoked; nothing of it is used";
	if (has(said, "[GNUPG:] GOODSIG") && has(said, "[GNUPG:] VALIDSIG"))
		return NULL;
	if (has(said, "[GNUPG:] EXPKEYSIG"))
		return "the key that signs the list has expired: install the operator's new one; "
		       "nothing of the list is used";
	if (has(said, "[GNUPG:] EXPSIG"))
		return "the signature of the list has expired; nothing of it is used";
	if (has(said, "[GNUPG:] NO_PUBKEY"))
		return "the list is signed with a key that this system does not trust; nothing of "
		       "it is used. If the operator has a new key, put it into the keyring "
		       "(update-keyring, update-debian-keyring)";
	return "the list has no signature that could be checked; nothing of it is used";
}

/* The signed part goes to `plain`. As the account that fetches: what came is not root's to take apart. */
static int check_signature(const struct apt *apt, const struct source *source, const char *file,
			   const char *plain, FILE *errors)
{
	char uid[32], gid[32];
	const char *const argv[] = {"/usr/bin/setpriv",
				    uid,
				    gid,
				    "--clear-groups",
				    "--no-new-privs",
				    "--inh-caps=-all",
				    "/usr/bin/gpgv",
				    "--quiet",
				    "--status-fd",
				    "1",
				    "--homedir",
				    store_file(apt->store, "none"),
				    "--keyring",
				    source->keyring,
				    "--output",
				    plain,
				    file,
				    NULL};
	_cleanup_free_ char *said = NULL;
	const char *wrong;
	int status, r;

	snprintf(uid, sizeof(uid), "--reuid=%u", apt->uid);
	snprintf(gid, sizeof(gid), "--regid=65534");
	(void)unlink(plain);
	r = apt_run(apt, argv, FETCH_TIMEOUT, 0, &said, &status);
	if (r < 0)
		return refuse(source, errors, strerror(-r));
	wrong = judge(said);
	return wrong ? refuse(source, errors, wrong) : 0;
}

static int check_guise(const struct source *source, const char *file, FILE *errors)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = read_foreign(file, &text, &len);

	if (r == -EFBIG)
		return refuse(source, errors, "what came instead of the list is too large for one");
	if (r < 0)
		return refuse(source, errors, strerror(-r));
	switch (release_guise(text, len)) {
	case RELEASE_SIGNED:
		return 0;
	case RELEASE_HTML:
		return refuse(source, errors,
			      "a web page came instead of the list, as networks show that want a "
			      "login; nothing of it is used");
	case RELEASE_OTHER:
		break;
	}
	return refuse(source, errors,
		      "what came is no signed list: compare update-url with the server; nothing of "
		      "it is used");
}

/* --- its time --------------------------------------------------------------------------------- */

static int check_time(const struct source *source, const struct release *release, int64_t at_least,
		      FILE *errors)
{
	char said[512], one[DATE_MAX], other[DATE_MAX];
	int64_t now = time(NULL);

	if (release->date > now + CLOCK_GRACE)
		snprintf(said, sizeof(said),
			 "the list is of %s, which is yet to come: see whether the clock of this "
			 "host is right",
			 format_date(release->date, one));
	else if (release->valid_until == 0 && source->ours)
		/* Debian's main suite has none; that of its security updates has. */
		snprintf(said, sizeof(said),
			 "the list does not say until when it counts, so an old one could be shown "
			 "for "
			 "ever: its operator has to publish it with Valid-Until; nothing of it is "
			 "used");
	else if (release->valid_until > 0 && release->valid_until < now)
		snprintf(said, sizeof(said),
			 "the list has expired on %s: the repository is no longer renewed, or "
			 "somebody shows us an old one; nothing of it is used",
			 format_date(release->valid_until, one));
	else if (release->date < at_least)
		snprintf(said, sizeof(said),
			 "the list is of %s, older than the one of %s that was here before: "
			 "somebody "
			 "shows us an old one, or the repository was put back; nothing of it is "
			 "used",
			 format_date(release->date, one), format_date(at_least, other));
	else
		return 0;
	return refuse(source, errors, said);
}

int verify_source(const struct apt *apt, const struct source *source, int64_t at_least,
		  int64_t *ret_date, FILE *errors)
{
	const char *file = store_file(apt->store, APT_FETCHED "/list");
	char plain[STORE_PATH_MAX + 16];
	_cleanup_free_ char *text = NULL;
	struct release release;
	size_t len;
	int r;

	snprintf(plain, sizeof(plain), "%s.plain", file);
	r = fetch(apt, source, file, errors);
	if (r == 0)
		r = check_guise(source, file, errors);
	if (r == 0)
		r = check_signature(apt, source, file, plain, errors);
	if (r < 0)
		return r;
	if (read_foreign(plain, &text, &len) < 0 || release_parse(text, len, &release) < 0)
		return refuse(source, errors, "what was signed is no list of a repository");
	r = check_time(source, &release, at_least, errors);
	if (r == 0)
		*ret_date = release.date;
	return r;
}
