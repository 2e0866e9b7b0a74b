/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/mem.h"
#include "ctl/public_key.h"

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIC5i4vrbcJYsyBvQAm4wRAEKYYeCeZErbCWnJdSRdcBv"

static struct public_key key;

static void assert_taken(const char *line, const char *comment)
{
	const char *why;

	assert_int_equal(public_key_parse(line, strlen(line), &key, &why), 0);
	assert_string_equal(key.type, "ssh-ed25519");
	assert_string_equal(key.data, ED25519);
	assert_string_equal(key.comment, comment);
	assert_int_equal(key.bits, 256);
}

static void assert_refused(const char *line, size_t len, const char *reason)
{
	const char *why;

	assert_int_equal(public_key_parse(line, len, &key, &why), -EINVAL);
	assert_non_null(strstr(why, reason));
}

static void test_taken(void **state)
{
	(void)state;
	assert_taken("ssh-ed25519 " ED25519, "");
	assert_taken("\n ssh-ed25519\t" ED25519 "  ann at home \r\n\n", "ann at home");
	/* What a terminal or a log would do something with does not come through. */
	assert_taken("ssh-ed25519 " ED25519 " a\x1b[2Jb", "a [2Jb");
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *reason;
	} rows[] = {
		{"", "there is no key"},
		{" \n ", "there is no key"},
		{"command=\"sh\" ssh-ed25519 " ED25519, "options before it"},
		{"no-pty ssh-ed25519 " ED25519, "options before it"},
		{"ssh-ed25519-cert-v01@openssh.com " ED25519, "certificates are not taken"},
		{"ssh-dss " ED25519, "DSA"},
		{"-----BEGIN OPENSSH PRIVATE KEY-----\n" ED25519, "not a public key"},
		{"ssh-ed25519", "base64"},
		{"ssh-ed25519 AAAA!AAA", "base64"},
		{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", "no key of the kind"},
		{"ssh-ed25519 " ED25519 "AAAA", "no key of the kind"},
		{"ssh-rsa " ED25519, "another kind"},
		{"ecdsa-sha2-nistp256 " ED25519, "another kind"},
		{"ssh-ed25519 " ED25519 " a\nssh-ed25519 " ED25519 " b", "more than one line"},
		{"SSH-ED25519 " ED25519, "does not begin with a kind"},
	};
	static char nul[] = "ssh-ed25519 " ED25519 " a\0b";
	static char longest[PUBLIC_KEY_LINE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_refused(rows[i].line, strlen(rows[i].line), rows[i].reason);
	assert_refused(nul, sizeof(nul) - 1, "no text");
	memset(longest, 'A', sizeof(longest));
	assert_refused(longest, PUBLIC_KEY_LINE_MAX, "longer than any key");
	assert_refused(longest, PUBLIC_KEY_LINE_MAX - 1, "does not begin with a kind");
}

/* Data of an RSA key with a modulus of so many bits, in base64. */
static void put_rsa(char *line, size_t bits)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t blob[1024] = {0, 0, 0, 7, 's', 's', 'h', '-', 'r', 's', 'a', 0, 0, 0, 3, 1, 0, 1};
	size_t len = (bits + 7) / 8, n = 18, at;

	/* Its first bit is set: a number that is not negative has a zero before it. */
	blob[n++] = 0;
	blob[n++] = 0;
	blob[n++] = (uint8_t)((len + 1) >> 8);
	blob[n++] = (uint8_t)(len + 1);
	blob[n++] = 0;
	memset(blob + n, 0xff, len);
	blob[n] = (uint8_t)(0xff >> (len * 8 - bits));
	n += len;
	at = (size_t)snprintf(line, 16, "ssh-rsa ");
	for (size_t i = 0; i < n; i += 3) {
		uint32_t value = (uint32_t)blob[i] << 16 | (uint32_t)blob[i + 1] << 8 | blob[i + 2];

		for (int k = 0; k < 4; k++)
			line[at++] = i + (size_t)k > n ? '=' : digits[value >> (18 - 6 * k) & 63];
	}
	line[at] = '\0';
}

static void test_rsa(void **state)
{
	char line[2048];
	const char *why;

	(void)state;
	put_rsa(line, PUBLIC_KEY_RSA_BITS_MIN);
	assert_int_equal(public_key_parse(line, strlen(line), &key, &why), 0);
	assert_int_equal(key.bits, PUBLIC_KEY_RSA_BITS_MIN);
	put_rsa(line, PUBLIC_KEY_RSA_BITS_MIN - 1);
	assert_refused(line, strlen(line), "3072 bits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
