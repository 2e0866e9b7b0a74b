/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Words of a reason, by rule; see say(). */
static const char *const words[2][POLICY_RULES] = {
	[REFUSAL_EN] =
		{
			[POLICY_RIGHTS] = "you may not transfer files in this direction",
			[POLICY_SIZE] = "it is larger than %s",
			[POLICY_DAILY_SIZE] = "with it you would transfer more than %s today",
			[POLICY_DAILY_FILES] =
				"you have transferred %s files today, and no more may "
				"be",
			[POLICY_TYPE] = "%s may not pass in this direction",
			[POLICY_REVIEW] = "%s pass only when somebody has released them",
			[POLICY_NAME] = "its name ends as that of another type than what it is, "
					"\"%s\"",
			[POLICY_SIGNATURE] = "the virus scanner has found \"%s\"",
			[POLICY_SCANNER_DOWN] =
				"the virus scanner does not answer at the moment; please "
				"try again later",
			[POLICY_SCANNER_OLD] =
				"the virus scanner's signatures are too old; please tell "
				"those who look after this system",
			[POLICY_SCAN_FAILED] = "the virus scanner could not deal with it (%s)",
			[POLICY_CHECK_FAILED] = "it could not be looked into (%s)",
			[POLICY_QUARANTINE_FULL] =
				"it would have to be released by somebody, but no more "
				"files can wait for that now; please try again later",
		},
	[REFUSAL_DE] =
		{
			[POLICY_RIGHTS] = "in dieser Richtung dürfen Sie keine Dateien übertragen",
			[POLICY_SIZE] = "sie ist größer als %s",
			[POLICY_DAILY_SIZE] = "mit ihr hätten Sie heute mehr als %s übertragen",
			[POLICY_DAILY_FILES] =
				"Sie haben heute %s Dateien übertragen, mehr dürfen es "
				"nicht sein",
			[POLICY_TYPE] = "%s dürfen in dieser Richtung nicht übertragen werden",
			[POLICY_REVIEW] = "%s müssen erst freigegeben werden",
			[POLICY_NAME] =
				"ihr Name endet wie der eines anderen Typs als das, was sie ist: "
				"„%s“",
			[POLICY_SIGNATURE] = "der Virenscanner hat „%s“ gefunden",
			[POLICY_SCANNER_DOWN] =
				"der Virenscanner antwortet zurzeit nicht; bitte versuchen "
				"Sie es später noch einmal",
			[POLICY_SCANNER_OLD] =
				"die Signaturen des Virenscanners sind zu alt; bitte wenden "
				"Sie sich an die Betreuung dieses Systems",
			[POLICY_SCAN_FAILED] = "der Virenscanner konnte sie nicht untersuchen (%s)",
			[POLICY_CHECK_FAILED] = "sie konnte nicht untersucht werden (%s)",
			[POLICY_QUARANTINE_FULL] =
				"sie müsste freigegeben werden, aber zurzeit können "
				"keine weiteren Dateien darauf warten; bitte "
				"versuchen Sie es später noch einmal",
		},
};

/* What the types of our own mean to people. */
static const struct {
	const char *type;
	const char *text[2];
} own_types[] = {
	{CHECK_TYPE_UNKNOWN, {"files of an unknown type", "Dateien unbekannten Typs"}},
	{CHECK_TYPE_ENCRYPTED,
	 {"encrypted archives and documents", "verschlüsselte Archive und Dokumente"}},
	{CHECK_TYPE_MACROS, {"documents with macros", "Dokumente mit Makros"}},
	{CHECK_TYPE_TOO_LARGE,
	 {"files that cannot be looked into whole",
	  "Dateien, die nicht vollständig untersucht werden können,"}},
	{CHECK_TYPE_EMPTY, {"empty files", "leere Dateien"}},
};

/* Of whom the sentence speaks. */
static void name_kind(const char *type, enum refusal_language language, char *out, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(own_types); i++) {
		if (str_eq(type, own_types[i].type)) {
			str_copy(out, size, own_types[i].text[language]);
			return;
		}
	}
	snprintf(out, size,
		 language == REFUSAL_DE ? "Dateien des Typs „%s“" : "files of the type \"%s\"",
		 type);
}

const char *refusal_name(const char *name, char *out)
{
	const char *slash = strrchr(name, '/');

	name = slash && slash[1] ? slash + 1 : name;
	str_sanitize(out, REFUSAL_NAME_MAX + 1, name, strlen(name));
	return out;
}

/* What stands in the place of %s. */
static void fill(const struct policy_reason *reason, enum refusal_language language, char *out,
		 size_t size)
{
	switch (reason->rule) {
	case POLICY_SIZE:
	case POLICY_DAILY_SIZE:
		snprintf(out, size, "%llu MiB", (unsigned long long)(reason->limit >> 20));
		break;
	case POLICY_DAILY_FILES:
		snprintf(out, size, "%llu", (unsigned long long)reason->limit);
		break;
	case POLICY_TYPE:
	case POLICY_REVIEW:
		name_kind(reason->fact->type, language, out, size);
		break;
	case POLICY_NAME:
		str_copy(out, size, reason->fact->type);
		break;
	default:
		str_sanitize(out, size, reason->text, strlen(reason->text));
		break;
	}
}

/* Where in an archive, and which limit. */
static void add_place(const struct check_fact *fact, enum refusal_language language, FILE *out)
{
	if (fact->member[0])
		fprintf(out, language == REFUSAL_DE ? " (darin: „%s“)" : " (in it: \"%s\")",
			fact->member);
	if (fact->why[0])
		fprintf(out, " [%s]", fact->why);
}

static void say(const struct policy_reason *reason, enum refusal_language language, FILE *out)
{
	const char *format = words[language][reason->rule];
	const char *place = strstr(format, "%s");
	char value[CHECK_SIGNATURE_MAX + 1];

	if (!place) {
		fputs(format, out);
	} else {
		fill(reason, language, value, sizeof(value));
		fprintf(out, "%.*s%s%s", (int)(place - format), format, value, place + 2);
	}
	if (reason->fact)
		add_place(reason->fact, language, out);
}

void refusal_reason(const struct policy_reason *reason, enum refusal_language language, char *out,
		    size_t size)
{
	FILE *stream = fmemopen(out, size, "w");

	out[0] = '\0';
	if (!stream)
		return;
	say(reason, language, stream);
	fputc('.', stream);
	fclose(stream);
	out[size - 1] = '\0';
}

static void say_what(const struct refusal *refusal, enum refusal_language language, FILE *out)
{
	static const char *const formats[2][2] = {
		[REFUSAL_EN] = {"\"%s\" was not let through: ", "\"%s\" waits for a release: "},
		[REFUSAL_DE] = {"„%s“ wurde nicht übertragen: ", "„%s“ wartet auf eine Freigabe: "},
	};
	bool waits = refusal->decision->result == CHECK_QUARANTINE;
	const char *format = formats[language][waits];
	const char *place = strstr(format, "%s");
	char name[REFUSAL_NAME_MAX + 1];

	fprintf(out, "%.*s%s%s", (int)(place - format), format, refusal_name(refusal->name, name),
		place + 2);
}

char *refusal_sentence(const struct refusal *refusal, enum refusal_language language)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	say_what(refusal, language, out);
	if (refusal->decision->n > 0)
		say(&refusal->decision->reasons[0], language, out);
	fputc('.', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Of many reasons so many are said; a text has to fit into a message. */
#define REASONS_TOLD 4

static void write_block(const struct refusal *refusal, enum refusal_language language, FILE *out)
{
	static const char *const heads[2] = {[REFUSAL_EN] = "Why:", [REFUSAL_DE] = "Warum:"};
	static const char *const sizes[2] = {
		[REFUSAL_EN] = "Size: %llu bytes", [REFUSAL_DE] = "Größe: %llu Bytes"};
	const struct policy_decision *decision = refusal->decision;
	char digest[CHECK_DIGEST_TEXT];
	const char *size = sizes[language];
	const char *place = strstr(size, "%llu");

	say_what(refusal, language, out);
	fprintf(out, "\r\n\r\n%s\r\n", heads[language]);
	for (size_t i = 0; i < decision->n && i < REASONS_TOLD; i++) {
		fputs("- ", out);
		say(&decision->reasons[i], language, out);
		fputs(".\r\n", out);
	}
	fprintf(out, "\r\n%.*s%llu%s\r\n", (int)(place - size), size,
		(unsigned long long)refusal->size, place + 4);
	if (refusal->digest)
		fprintf(out, "SHA-256: %s\r\n", check_digest_format(refusal->digest, digest));
	if (refusal->notes[language][0])
		fprintf(out, "\r\n%s\r\n", refusal->notes[language]);
}

char *refusal_text(const struct refusal *refusal)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_block(refusal, REFUSAL_EN, out);
	fputs("\r\n----------------------------------------\r\n\r\n", out);
	write_block(refusal, REFUSAL_DE, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	/* Longer than that it does not travel; cut between characters. */
	size = strlen(text);
	if (size > CHECKER_TEXT_MAX) {
		size = CHECKER_TEXT_MAX;
		while (((unsigned char)text[size] & 0xc0) == 0x80)
			size--;
		text[size] = '\0';
	}
	return text;
}
