/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/archive_look.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "lock/check_inspect.h"
#include "lock/check_ole.h"
#include "lock/policy.h"

/* Of a file in an archive so much is looked at for its type; libmagic's own default. */
#define PREFIX (1u << 20)
/* Archives that unpack to less are no bombs, whatever their ratio. */
#define RATIO_FREE (UINT64_C(64) << 20)
#define BLOCK (64u << 10)

enum kind {
	KIND_ARCHIVE, /* of formats that we read */
	KIND_PACKED, /* one file, compressed */
	KIND_DOCUMENT, /* an archive whose harmless parts nobody has to list */
	KIND_FOREIGN, /* an archive that we do not read */
};

static const struct {
	const char *type; /* as in a list of the policy */
	enum kind kind;
} kinds[] = {
	{"application/zip", KIND_ARCHIVE},
	{"application/x-zip-compressed", KIND_ARCHIVE},
	{"application/java-archive", KIND_ARCHIVE},
	{"application/vnd.android.package-archive", KIND_ARCHIVE},
	{"application/x-7z-compressed", KIND_ARCHIVE},
	{"application/x-tar", KIND_ARCHIVE},
	{"application/x-gtar", KIND_ARCHIVE},
	{"application/x-ustar", KIND_ARCHIVE},
	{"application/x-rar", KIND_ARCHIVE},
	{"application/vnd.rar", KIND_ARCHIVE},
	{"application/vnd.ms-cab-compressed", KIND_ARCHIVE},
	{"application/x-iso9660-image", KIND_ARCHIVE},
	{"application/x-cpio", KIND_ARCHIVE},
	{"application/x-xar", KIND_ARCHIVE},
	{"application/x-archive", KIND_ARCHIVE},
	{"application/vnd.debian.binary-package", KIND_ARCHIVE},
	{"application/x-debian-package", KIND_ARCHIVE},
	{"application/gzip", KIND_PACKED},
	{"application/x-gzip", KIND_PACKED},
	{"application/x-bzip2", KIND_PACKED},
	{"application/x-xz", KIND_PACKED},
	{"application/epub+zip", KIND_DOCUMENT},
	{"application/x-zstd", KIND_FOREIGN},
	{"application/zstd", KIND_FOREIGN},
	{"application/x-lz4", KIND_FOREIGN},
	{"application/x-lzip", KIND_FOREIGN},
	{"application/x-lzma", KIND_FOREIGN},
	{"application/x-lzop", KIND_FOREIGN},
	{"application/x-lrzip", KIND_FOREIGN},
	{"application/x-compress", KIND_FOREIGN},
	{"application/x-arj", KIND_FOREIGN},
	{"application/x-arc", KIND_FOREIGN},
	{"application/x-zoo", KIND_FOREIGN},
	{"application/x-lzh-compressed", KIND_FOREIGN},
	{"application/x-lha", KIND_FOREIGN},
	{"application/x-ace-compressed", KIND_FOREIGN},
	{"application/x-stuffit", KIND_FOREIGN},
	{"application/x-rpm", KIND_FOREIGN},
	{"application/warc", KIND_FOREIGN},
};

/* What stands in documents beside text, and is of no interest to a list. */
static const char *const parts[] = {"text/*",
				    "image/*",
				    "font/*",
				    "audio/*",
				    "video/*",
				    "application/xml",
				    "application/vnd.ms-opentype",
				    CHECK_TYPE_UNKNOWN,
				    CHECK_TYPE_EMPTY};

struct look {
	struct check_inspect *inspect;
	struct archive *archive;
	enum kind kind;
	const char *outer; /* the archive's name in its archive; NULL: it is the file */
	uint32_t depth; /* of what is in it: 1 in the file itself */
};

/* -1: none */
static int kind_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_eq(kinds[i].type, type))
			return kinds[i].kind;
	}
	if (!strncmp(type, "application/vnd.openxmlformats-officedocument", 45) ||
	    !strncmp(type, "application/vnd.oasis.opendocument", 34) ||
	    !strncmp(type, "application/vnd.ms-excel.sheet", 30))
		return KIND_DOCUMENT;
	return -1;
}

bool archive_is_one(const char *type)
{
	return kind_of(type) >= 0;
}

/* --- limits ----------------------------------------------------------------------------------- */

static void stop(struct check_inspect *inspect, const char *member, const char *why)
{
	check_facts_add(inspect->facts, CHECK_TYPE_TOO_LARGE, member, why);
	inspect->stopped = true;
}

/* Counts bytes that were unpacked; false when they are too many. */
static bool count(struct look *look, size_t n, const char *member)
{
	struct check_inspect *inspect = look->inspect;

	inspect->unpacked += n;
	if (inspect->unpacked > inspect->limits.unpacked)
		stop(inspect, member, "lock-archive-size");
	else if (inspect->unpacked > RATIO_FREE &&
		 inspect->unpacked / inspect->limits.ratio > inspect->size)
		stop(inspect, member, "lock-archive-ratio");
	return !inspect->stopped;
}

/* --- one file in an archive ------------------------------------------------------------------- */

struct content {
	uint8_t *data; /* the beginning, or all of it */
	size_t len, size;
	char type[CHECK_TYPE_MAX + 1]; /* "": not known yet */
	bool keep; /* all of it is wanted */
	struct check_ole ole;
	bool encryption_said; /* an OpenDocument manifest that speaks of it */
};

static void judge_name(struct look *look, const char *name)
{
	static const char *const macros[] = {"Basic/",        "Scripts/",    "xl/macrosheets/",
					     "word/activeX/", "xl/activeX/", "ppt/activeX/"};
	const char *slash = strrchr(name, '/');

	if (look->kind != KIND_DOCUMENT)
		return;
	if (strcasestr(slash ? slash : name, "vbaProject"))
		check_facts_add(look->inspect->facts, CHECK_TYPE_MACROS, name, NULL);
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		if (!strncasecmp(name, macros[i], strlen(macros[i])))
			check_facts_add(look->inspect->facts, CHECK_TYPE_MACROS, name, NULL);
	}
}

static void find_type(struct look *look, struct content *content)
{
	const char *found = content->len > 0 ? magic_buffer(look->inspect->magic, content->data,
							    MIN(content->len, PREFIX))
					     : CHECK_TYPE_EMPTY;

	if (!found || !strchr(found, '/') || str_eq(found, "application/octet-stream") ||
	    !check_type_valid(found))
		found = CHECK_TYPE_UNKNOWN;
	str_copy(content->type, sizeof(content->type), found);
	content->keep = archive_is_one(content->type);
}

/* Only archives are held whole; of others the beginning was enough. */
static bool hold(struct look *look, struct content *content, const uint8_t *data, size_t n,
		 const char *member)
{
	struct check_inspect *inspect = look->inspect;

	if (content->type[0] && !content->keep)
		return true;
	if (content->len + n > content->size) {
		size_t size = MAX(2 * content->size, content->len + n + BLOCK);
		uint8_t *grown;

		if (inspect->held + (size - content->size) > inspect->limits.memory) {
			stop(inspect, member, "lock-check-memory");
			return false;
		}
		grown = realloc(content->data, size);
		if (!grown) {
			stop(inspect, member, "lock-check-memory");
			return false;
		}
		inspect->held += size - content->size;
		content->data = grown;
		content->size = size;
	}
	memcpy(content->data + content->len, data, n);
	content->len += n;
	if (!content->type[0] && content->len >= PREFIX)
		find_type(look, content);
	return true;
}

/* False: it ended before its end, and there is nothing more to be had from the archive. */
static bool read_content(struct look *look, struct content *content, const char *member)
{
	uint8_t block[BLOCK];

	for (;;) {
		la_ssize_t n = archive_read_data(look->archive, block, sizeof(block));

		if (n == ARCHIVE_RETRY)
			continue;
		if (n < 0) {
			if (archive_read_has_encrypted_entries(look->archive) > 0)
				check_facts_add(look->inspect->facts, CHECK_TYPE_ENCRYPTED, member,
						NULL);
			else
				check_facts_add(look->inspect->facts, CHECK_TYPE_TOO_LARGE, member,
						"unreadable");
			return n == ARCHIVE_WARN || n == ARCHIVE_FAILED;
		}
		if (n == 0)
			return true;
		check_ole_feed(&content->ole, block, (size_t)n);
		if (look->kind == KIND_DOCUMENT &&
		    memmem(block, (size_t)n, "manifest:encryption-data", 24))
			content->encryption_said = true;
		if (!count(look, (size_t)n, member) ||
		    !hold(look, content, block, (size_t)n, member))
			return false;
	}
}

static bool is_part(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (policy_type_matches(parts[i], type))
			return true;
	}
	return false;
}

static void note(struct look *look, struct content *content, const char *member)
{
	struct check_facts *facts = look->inspect->facts;

	if (!content->type[0])
		find_type(look, content);
	if (look->kind != KIND_DOCUMENT || !is_part(content->type))
		check_facts_add(facts, content->type, member, NULL);
	if (content->ole.macros)
		check_facts_add(facts, CHECK_TYPE_MACROS, member, NULL);
	if (content->ole.encrypted || content->encryption_said)
		check_facts_add(facts, CHECK_TYPE_ENCRYPTED, member, NULL);
}

static bool take_file(struct look *look, const char *member)
{
	struct check_inspect *inspect = look->inspect;
	struct content content = {0};
	bool go_on = read_content(look, &content, member);

	if (!inspect->stopped) {
		note(look, &content, member);
		if (content.keep)
			archive_look_bytes(inspect, content.data, content.len, content.type, member,
					   look->depth + 1);
	}
	inspect->held -= content.size;
	free(content.data);
	return go_on && !inspect->stopped;
}

static bool take_entry(struct look *look, struct archive_entry *entry)
{
	struct check_inspect *inspect = look->inspect;
	const char *name = archive_entry_pathname(entry);
	mode_t type = archive_entry_filetype(entry);

	if (!name || !name[0])
		name = "?";
	if (++inspect->members > inspect->limits.members) {
		stop(inspect, name, "lock-archive-members");
		return false;
	}
	judge_name(look, name);
	if (archive_entry_is_encrypted(entry)) {
		check_facts_add(inspect->facts, CHECK_TYPE_ENCRYPTED, name, NULL);
		return archive_read_data_skip(look->archive) >= ARCHIVE_WARN;
	}
	if (type == AE_IFDIR)
		return true;
	if (type == AE_IFLNK || archive_entry_hardlink(entry)) {
		check_facts_add(inspect->facts, "inode/symlink", name, NULL);
		return true;
	}
	if (type != AE_IFREG && type != 0) {
		check_facts_add(inspect->facts, "inode/special", name, NULL);
		return true;
	}
	return take_file(look, name);
}

/* --- an archive ------------------------------------------------------------------------------- */

static struct archive *prepare(bool raw)
{
	struct archive *archive = archive_read_new();

	if (!archive)
		return NULL;
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	if (raw) {
		archive_read_support_format_raw(archive);
		return archive;
	}
	archive_read_support_format_zip(archive);
	archive_read_support_format_7zip(archive);
	archive_read_support_format_tar(archive);
	archive_read_support_format_rar(archive);
	archive_read_support_format_rar5(archive);
	archive_read_support_format_cab(archive);
	archive_read_support_format_iso9660(archive);
	archive_read_support_format_cpio(archive);
	archive_read_support_format_xar(archive);
	archive_read_support_format_ar(archive);
	return archive;
}

static void walk(struct look *look)
{
	struct check_inspect *inspect = look->inspect;
	struct archive_entry *entry;
	int r;

	for (;;) {
		r = archive_read_next_header(look->archive, &entry);
		if (r == ARCHIVE_RETRY)
			continue;
		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN) {
			if (archive_read_has_encrypted_entries(look->archive) > 0)
				check_facts_add(inspect->facts, CHECK_TYPE_ENCRYPTED, look->outer,
						NULL);
			else
				check_facts_add(inspect->facts, CHECK_TYPE_TOO_LARGE, look->outer,
						"unreadable");
			return;
		}
		if (!take_entry(look, entry))
			return;
	}
	if (archive_read_has_encrypted_entries(look->archive) > 0)
		check_facts_add(inspect->facts, CHECK_TYPE_ENCRYPTED, look->outer, NULL);
}

struct source {
	int fd; /* or -1 */
	const void *data;
	size_t len;
};

static int open_source(struct archive *archive, const struct source *source)
{
	if (source->fd < 0)
		return archive_read_open_memory(archive, source->data, source->len);
	if (lseek(source->fd, 0, SEEK_SET) < 0)
		return ARCHIVE_FATAL;
	return archive_read_open_fd(archive, source->fd, BLOCK);
}

/* True: it was one of the formats, and has been gone through. */
static bool look_as(struct look *look, const struct source *source, bool raw)
{
	bool opened;

	look->archive = prepare(raw);
	if (!look->archive) {
		stop(look->inspect, look->outer, "lock-check-memory");
		return true;
	}
	opened = open_source(look->archive, source) == ARCHIVE_OK;
	if (opened)
		walk(look);
	archive_read_free(look->archive);
	look->archive = NULL;
	return opened;
}

static void look_into(struct look *look, const struct source *source, const char *type)
{
	struct check_inspect *inspect = look->inspect;
	int kind = kind_of(type);

	if (inspect->stopped)
		return;
	if (look->depth > inspect->limits.depth) {
		stop(inspect, look->outer, "lock-archive-depth");
		return;
	}
	if (kind == KIND_FOREIGN) {
		check_facts_add(inspect->facts, CHECK_TYPE_TOO_LARGE, look->outer, "format");
		return;
	}
	look->kind = kind == KIND_DOCUMENT ? KIND_DOCUMENT : KIND_ARCHIVE;
	if (look_as(look, source, false))
		return;
	if (kind == KIND_PACKED && look_as(look, source, true))
		return;
	if (kind >= 0)
		check_facts_add(inspect->facts, CHECK_TYPE_TOO_LARGE, look->outer, "unreadable");
}

void archive_look_fd(struct check_inspect *inspect, int fd, const char *type)
{
	struct look look = {.inspect = inspect, .depth = 1};

	look_into(&look, &(const struct source){.fd = fd}, type);
}

void archive_look_bytes(struct check_inspect *inspect, const void *data, size_t len,
			const char *type, const char *member, uint32_t depth)
{
	struct look look = {.inspect = inspect, .depth = depth, .outer = member};

	look_into(&look, &(const struct source){.fd = -1, .data = data, .len = len}, type);
}
