/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define DETAIL(...) snprintf(detail, PROBE_DETAIL_MAX + 1, __VA_ARGS__)
#define DNS_A 1
#define DNS_NS 2
#define DNS_AAAA 28

static void put_text(struct buf *out, const char *text)
{
	buf_put(out, text, strlen(text));
}

/* NO as soon as the answer cannot begin so any more. */
static enum probe_judgement begins(const uint8_t *data, size_t len, const char *with)
{
	size_t want = strlen(with);

	if (memcmp(data, with, MIN(len, want)) != 0)
		return PROBE_NO;
	return len < want ? PROBE_MORE : PROBE_YES;
}

/* The first line without its end; -1 while it is not whole. */
static int first_line(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t n = end ? (size_t)(end - data) : 0;

	if (!end)
		return -1;
	return (int)(n > 0 && data[n - 1] == '\r' ? n - 1 : n);
}

/* A whole first line that begins so; it is the detail. */
static enum probe_judgement judge_line(const uint8_t *data, size_t len, const char *with,
				       char *detail)
{
	enum probe_judgement judgement = begins(data, len, with);
	int line = first_line(data, len);

	if (judgement != PROBE_YES)
		return judgement;
	if (line < 0)
		return PROBE_MORE;
	DETAIL("%.*s", MIN(line, PROBE_DETAIL_MAX), (const char *)data);
	return PROBE_YES;
}

/* --- text ------------------------------------------------------------------------------------ */

/* RFC 4253 section 4.2: other lines may come before. */
static enum probe_judgement judge_ssh(const struct probe_talk *talk, const uint8_t *data,
				      size_t len, char *detail)
{
	const uint8_t *banner = memmem(data, len, "\nSSH-", 5);

	(void)talk;
	if (banner && begins(data, len, "SSH-") == PROBE_NO)
		return judge_line(banner + 1, len - (size_t)(banner + 1 - data), "SSH-", detail);
	return judge_line(data, len, "SSH-", detail);
}

/* RFC 5321 section 4.2: "220-" goes on, "220 " ends. */
static enum probe_judgement judge_reply(const uint8_t *data, size_t len, const char *code,
					char *detail)
{
	enum probe_judgement judgement = begins(data, len, code);

	if (judgement != PROBE_YES)
		return judgement;
	for (size_t at = 0; at + 4 <= len;) {
		const uint8_t *end = memchr(data + at, '\n', len - at);

		if (!end)
			return PROBE_MORE;
		if (data[at + 3] != '-')
			return judge_line(data, len, code, detail);
		at = (size_t)(end - data) + 1;
	}
	return PROBE_MORE;
}

static enum probe_judgement judge_smtp_greeting(const struct probe_talk *talk, const uint8_t *data,
						size_t len, char *detail)
{
	(void)talk;
	return judge_reply(data, len, "220", detail);
}

static void ask_ehlo(const struct probe_talk *talk, struct buf *out)
{
	(void)talk;
	put_text(out, "EHLO [127.0.0.1]\r\n");
}

static enum probe_judgement judge_ehlo(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	enum probe_judgement judgement = judge_reply(data, len, "250", detail);

	(void)talk;
	if (judgement == PROBE_YES)
		DETAIL("%s", memmem(data, len, "STARTTLS", 8) ? "offers STARTTLS" : "no STARTTLS");
	return judgement;
}

static enum probe_judgement judge_pop3(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	(void)talk;
	return judge_line(data, len, "+OK", detail);
}

/* RFC 3501 section 7.1 */
static enum probe_judgement judge_imap(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	static const char *const greetings[] = {"* OK", "* PREAUTH", "* BYE"};
	enum probe_judgement best = PROBE_NO;

	(void)talk;
	for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
		enum probe_judgement judgement = judge_line(data, len, greetings[i], detail);

		best = MAX(best, judgement);
	}
	return best;
}

static void ask_head(const struct probe_talk *talk, struct buf *out)
{
	put_text(out, "HEAD / HTTP/1.1\r\nConnection: close\r\nHost: ");
	put_text(out, talk->job->host[0] ? talk->job->host : "localhost");
	put_text(out, "\r\n\r\n");
}

static enum probe_judgement judge_ssh_or_http(const struct probe_talk *talk, const uint8_t *data,
					      size_t len, char *detail)
{
	static const char alert[] =
		"\x15\x03"; /* TLS wants no plain request (RFC 8446 section 6) */
	enum probe_judgement ssh = judge_ssh(talk, data, len, detail);
	enum probe_judgement http = judge_line(data, len, "HTTP/", detail);
	enum probe_judgement tls = begins(data, len, alert);

	if (tls == PROBE_YES)
		DETAIL("TLS");
	return MAX(tls, MAX(ssh, http));
}

/* The message that the log host will find; it answers nothing. RFC 5424 section 6. */
static void ask_syslog(const struct probe_talk *talk, struct buf *out)
{
	(void)talk;
	put_text(out,
		 "<46>1 - - lazaret-pathprobe - - - the way to this log host is being tried\n");
}

static enum probe_judgement judge_syslog(const struct probe_talk *talk, const uint8_t *data,
					 size_t len, char *detail)
{
	(void)talk;
	(void)data;
	(void)detail;
	return len > 0 ? PROBE_NO : PROBE_MORE;
}

/* RELP, as librelp has it: number, command, length of the data, data, line feed. */
static void ask_relp(const struct probe_talk *talk, struct buf *out)
{
	static const char offer[] = "relp_version=0\nrelp_software=lazaret\ncommands=syslog";
	char head[32];

	(void)talk;
	snprintf(head, sizeof(head), "1 open %zu ", sizeof(offer) - 1);
	put_text(out, head);
	put_text(out, offer);
	put_text(out, "\n");
}

static enum probe_judgement judge_relp(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	enum probe_judgement judgement = begins(data, len, "1 rsp ");
	size_t at = strlen("1 rsp ");

	(void)talk;
	if (judgement != PROBE_YES)
		return judgement;
	while (at < len && data[at] >= '0' && data[at] <= '9')
		at++;
	if (at >= len)
		return PROBE_MORE;
	judgement = begins(data + at, len - at, " 200");
	if (judgement == PROBE_YES)
		DETAIL("session opened");
	return judgement;
}

/* --- remote screens -------------------------------------------------------------------------- */

/* A connection request that offers TLS and CredSSP: [MS-RDPBCGR] section 2.2.1.1. */
static void ask_rdp(const struct probe_talk *talk, struct buf *out)
{
	static const uint8_t request[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0,
					  0, 1, 0, 8,  0,  3,    0, 0, 0};

	(void)talk;
	buf_put(out, request, sizeof(request));
}

static enum probe_judgement judge_rdp(const struct probe_talk *talk, const uint8_t *data,
				      size_t len, char *detail)
{
	static const char *const security[] = {"standard security", "TLS", "CredSSP"};

	(void)talk;
	if (begins(data, len, "\x03") == PROBE_NO)
		return PROBE_NO;
	if (len < 11)
		return PROBE_MORE;
	/* A connection confirm of class 0: RFC 905 section 13.4. */
	if (data[1] != 0 || (data[5] & 0xf0) != 0xd0)
		return PROBE_NO;
	if (len >= 19 && data[11] == 2 && data[15] < ARRAY_LEN(security))
		DETAIL("%s", security[data[15]]);
	return PROBE_YES;
}

static enum probe_judgement judge_ica(const struct probe_talk *talk, const uint8_t *data,
				      size_t len, char *detail)
{
	(void)talk;
	(void)detail;
	return begins(data, len, "\x7f\x7fICA");
}

static const uint8_t ica_magic[] = {0x02, 0xfd, 0xa8, 0xe3};

static void ask_ica_browse(const struct probe_talk *talk, struct buf *out)
{
	static const uint8_t head[] = {30, 0, 1, 0x30};

	(void)talk;
	buf_put(out, head, sizeof(head));
	buf_put(out, ica_magic, sizeof(ica_magic));
	buf_put_zero(out, 22);
}

static enum probe_judgement judge_ica_browse(const struct probe_talk *talk, const uint8_t *data,
					     size_t len, char *detail)
{
	(void)talk;
	(void)detail;
	return len >= 8 && memcmp(data + 4, ica_magic, sizeof(ica_magic)) == 0 ? PROBE_YES
									       : PROBE_NO;
}

static enum probe_judgement judge_rfb(const struct probe_talk *talk, const uint8_t *data,
				      size_t len, char *detail)
{
	(void)talk;
	return judge_line(data, len, "RFB 003.", detail);
}

static void ask_rfb(const struct probe_talk *talk, struct buf *out)
{
	(void)talk;
	put_text(out, "RFB 003.008\n");
}

/* RFC 6143 section 7.1.2; 19 is VeNCrypt. */
static enum probe_judgement judge_rfb_security(const struct probe_talk *talk, const uint8_t *data,
					       size_t len, char *detail)
{
	(void)talk;
	if (len < 1 || len < (size_t)data[0] + 1)
		return PROBE_MORE;
	if (!memchr(data + 1, 19, data[0]))
		return PROBE_NO;
	DETAIL("VeNCrypt");
	return PROBE_YES;
}

/* --- datagrams ------------------------------------------------------------------------------- */

/* RFC 5905 section 7.3. The transmit timestamp is a nonce, which a server gives back. */
static void ask_ntp(const struct probe_talk *talk, struct buf *out)
{
	buf_put_u8(out, 4 << 3 | 3);
	buf_put_zero(out, 39);
	buf_put(out, talk->nonce, 8);
}

static enum probe_judgement judge_ntp(const struct probe_talk *talk, const uint8_t *data,
				      size_t len, char *detail)
{
	if (len < 48 || (data[0] & 7) != 4 || memcmp(data + 24, talk->nonce, 8) != 0)
		return PROBE_NO;
	if (data[1] == 0 && memcmp(data + 12, "DENY", 4) == 0) {
		DETAIL("it denies us the time");
		return PROBE_NO;
	}
	if (data[1] == 0 || data[0] >> 6 == 3)
		DETAIL("its clock is not synchronised");
	else
		DETAIL("stratum %u", data[1]);
	return PROBE_YES;
}

/* RFC 8489 section 6 */
static const uint8_t stun_cookie[] = {0x21, 0x12, 0xa4, 0x42};

static void ask_stun(const struct probe_talk *talk, struct buf *out)
{
	buf_put_u16(out, 1);
	buf_put_u16(out, 0);
	buf_put(out, stun_cookie, sizeof(stun_cookie));
	buf_put(out, talk->nonce, 8);
	buf_put_zero(out, 4);
}

static enum probe_judgement judge_stun(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	(void)detail;
	if (len < 20 || data[0] != 1 || (data[1] != 1 && data[1] != 0x11) ||
	    memcmp(data + 4, stun_cookie, 4) != 0 || memcmp(data + 8, talk->nonce, 8) != 0)
		return PROBE_NO;
	return PROBE_YES;
}

/* A message identifier that BER writes in two bytes. */
static uint16_t snmp_id(const struct probe_talk *talk)
{
	return (uint16_t)((talk->nonce[0] & 0x3f) << 8 | 0x4000 | talk->nonce[1]);
}

/* Discovery of the engine, RFC 3414 section 4: needs neither user nor community. */
static void ask_snmp(const struct probe_talk *talk, struct buf *out)
{
	static const uint8_t head[] = {0x30, 0x3a, 0x02, 0x01, 0x03, 0x30, 0x0f, 0x02, 0x02};
	static const uint8_t tail[] = {
		0x02, 0x03, 0x00, 0xff, 0xe3, 0x04, 0x01, 0x04, 0x02, 0x01, 0x03, 0x04, 0x10,
		0x30, 0x0e, 0x04, 0x00, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x04, 0x00, 0x04,
		0x00, 0x04, 0x00, 0x30, 0x12, 0x04, 0x00, 0x04, 0x00, 0xa0, 0x0c, 0x02, 0x02,
		0x37, 0xf0, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x00,
	};

	buf_put(out, head, sizeof(head));
	buf_put_u16(out, snmp_id(talk));
	buf_put(out, tail, sizeof(tail));
}

/* Tag and length of a BER element; its length, or 0 with the cursor failed. */
static size_t ber_open(struct cursor *c, uint8_t tag)
{
	size_t len;

	if (cursor_u8(c) != tag)
		c->failed = true;
	len = cursor_u8(c);
	if (len == 0x81)
		len = cursor_u8(c);
	else if (len == 0x82)
		len = cursor_u16(c);
	else if (len >= 0x80)
		c->failed = true;
	if (len > cursor_left(c))
		c->failed = true;
	return c->failed ? 0 : len;
}

static uint32_t ber_integer(struct cursor *c)
{
	size_t len = ber_open(c, 2);
	uint32_t value = 0;

	if (len > 4)
		c->failed = true;
	for (size_t i = 0; i < len && !c->failed; i++)
		value = value << 8 | cursor_u8(c);
	return value;
}

static enum probe_judgement judge_snmp(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	struct cursor c = cursor_over(data, len);
	uint32_t version, id;

	(void)ber_open(&c, 0x30);
	version = ber_integer(&c);
	(void)ber_open(&c, 0x30);
	id = ber_integer(&c);
	if (cursor_failed(&c) || version != 3 || id != snmp_id(talk))
		return PROBE_NO;
	DETAIL("SNMPv3");
	return PROBE_YES;
}

/* --- NRPE ------------------------------------------------------------------------------------ */

/* A packet of version 2: u16 version, u16 type, u32 CRC, u16 result, 1024 bytes of text, padding. */
#define NRPE_LEN 1036
#define NRPE_TEXT 10

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		/* The place of the sum itself counts as zero. */
		crc ^= i >= 4 && i < 8 ? 0 : data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void ask_nrpe(const struct probe_talk *talk, struct buf *out)
{
	static const char query[] = "_NRPE_CHECK";
	size_t start = buf_len(out);

	(void)talk;
	buf_put_u16(out, 2);
	buf_put_u16(out, 1);
	buf_put_u32(out, 0);
	buf_put_u16(out, 0);
	put_text(out, query);
	buf_put_zero(out, NRPE_LEN - NRPE_TEXT - (sizeof(query) - 1));
	if (!buf_error(out))
		buf_patch_u32(out, start + 4, crc32_of(buf_data(out) + start, NRPE_LEN));
}

static enum probe_judgement judge_nrpe(const struct probe_talk *talk, const uint8_t *data,
				       size_t len, char *detail)
{
	struct cursor c = cursor_over(data, len);
	uint16_t version = cursor_u16(&c), type = cursor_u16(&c);
	uint32_t crc = cursor_u32(&c);

	(void)talk;
	if (len >= 4 && (version != 2 || type != 2))
		return PROBE_NO;
	if (len < NRPE_LEN)
		return PROBE_MORE;
	if (crc != crc32_of(data, NRPE_LEN))
		return PROBE_NO;
	DETAIL("%.*s", PROBE_DETAIL_MAX, (const char *)data + NRPE_TEXT);
	return PROBE_YES;
}

/* --- DNS (RFC 1035 section 4) ---------------------------------------------------------------- */

static void put_dns_name(const char *name, struct buf *out)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		if (len > 0 && len < 64) {
			buf_put_u8(out, (uint8_t)len);
			buf_put(out, name, len);
		}
		name += len + (name[len] == '.');
	}
	buf_put_u8(out, 0);
}

void probe_dns_ask(const struct probe_talk *talk, uint16_t type, struct buf *out)
{
	buf_put(out, talk->nonce, 2);
	buf_put_u16(out, 0x0100); /* recursion is wanted */
	buf_put_u16(out, 1);
	buf_put_zero(out, 6);
	put_dns_name(talk->job->name, out);
	buf_put_u16(out, type);
	buf_put_u16(out, 1);
}

static void skip_dns_name(struct cursor *c)
{
	uint8_t len;

	/* At most 255 bytes of labels; a pointer ends a name and is not followed. */
	for (int labels = 0; labels < 128; labels++) {
		len = cursor_u8(c);
		if (len >= 0xc0) {
			cursor_skip(c, 1);
			return;
		}
		if (len == 0)
			return;
		cursor_skip(c, len);
	}
	c->failed = true;
}

/* The head and the question; the response code, or -EPROTO. *ret_flags is the second word. */
static int read_dns_head(const struct probe_talk *talk, struct cursor *c, uint16_t *ret_flags,
			 uint16_t *ret_answers)
{
	const uint8_t *id = cursor_bytes(c, 2);
	uint16_t flags = cursor_u16(c), questions = cursor_u16(c), answers = cursor_u16(c);

	cursor_skip(c, 4);
	if (cursor_failed(c) || memcmp(id, talk->nonce, 2) != 0 || !(flags & 0x8000) ||
	    questions > 1)
		return -EPROTO;
	if (questions == 1) {
		skip_dns_name(c);
		cursor_skip(c, 4);
	}
	if (cursor_failed(c))
		return -EPROTO;
	*ret_flags = flags;
	*ret_answers = answers;
	return flags & 0xf;
}

int probe_dns_addresses(const struct probe_talk *talk, const uint8_t *data, size_t len,
			struct network *addresses, size_t max, size_t *ret_n)
{
	struct cursor c = cursor_over(data, len);
	uint16_t flags, answers;
	size_t n = 0;
	int code = read_dns_head(talk, &c, &flags, &answers);

	if (code < 0)
		return code;
	if (flags & 0x0200)
		return -EMSGSIZE;
	if (code != 0)
		return code == 3 ? -ENOENT : -EAGAIN;
	for (uint16_t i = 0; i < answers && !cursor_failed(&c); i++) {
		uint16_t type, size;
		const uint8_t *addr;
		int family;

		skip_dns_name(&c);
		type = cursor_u16(&c);
		cursor_skip(&c, 6);
		size = cursor_u16(&c);
		addr = cursor_bytes(&c, size);
		family = type == DNS_A && size == 4 ? AF_INET : AF_INET6;
		if (!addr || n == max || (family == AF_INET6 && (type != DNS_AAAA || size != 16)))
			continue;
		addresses[n] = (struct network){.family = (uint8_t)family,
						.bits = (uint8_t)network_width(family)};
		memcpy(addresses[n++].addr, addr, size);
	}
	if (cursor_failed(&c))
		return -EPROTO;
	*ret_n = n;
	return n > 0 ? 0 : -ENOENT;
}

static void ask_dns(const struct probe_talk *talk, struct buf *out)
{
	size_t start = buf_len(out);

	if (talk->job->proto == PROTO_TCP)
		buf_put_u16(out, 0);
	probe_dns_ask(talk, talk->job->name[0] ? DNS_A : DNS_NS, out);
	if (talk->job->proto == PROTO_TCP && !buf_error(out))
		buf_patch_u16(out, start, (uint16_t)(buf_len(out) - start - 2));
}

static enum probe_judgement judge_dns(const struct probe_talk *talk, const uint8_t *data,
				      size_t len, char *detail)
{
	static const char *const codes[] = {"", "FORMERR", "SERVFAIL", "", "NOTIMP", "REFUSED"};
	struct cursor c = cursor_over(data, len);
	uint16_t flags, answers;
	int code;

	if (talk->job->proto == PROTO_TCP) {
		uint16_t size = cursor_u16(&c);

		if (cursor_failed(&c))
			return PROBE_MORE;
		/* What is none has an absurd length or identifier: no waiting for the rest. */
		if (len >= 4 && memcmp(data + 2, talk->nonce, 2) != 0)
			return PROBE_NO;
		if (len < (size_t)size + 2 && len < PROBE_ANSWER_MAX)
			return PROBE_MORE;
	}
	code = read_dns_head(talk, &c, &flags, &answers);
	if (code < 0)
		return PROBE_NO;
	if (code == 0 || code == 3) {
		DETAIL("%u answers%s", answers, flags & 0x0200 ? ", the rest over TCP" : "");
		return PROBE_YES;
	}
	if ((size_t)code < ARRAY_LEN(codes) && codes[code][0])
		DETAIL("it does not resolve for us: %s", codes[code]);
	else
		DETAIL("it does not resolve for us: code %d", code);
	return PROBE_NO;
}

/* --------------------------------------------------------------------------------------------- */

static const struct probe_protocol protocols[PROBE_CHECK_COUNT] = {
	[PROBE_SSH] = {{{NULL, judge_ssh}}},
	[PROBE_SSH_OR_HTTP] = {{{ask_head, judge_ssh_or_http}}},
	[PROBE_SMTP] = {{{NULL, judge_smtp_greeting}, {ask_ehlo, judge_ehlo}},
			.goodbye = "QUIT\r\n"},
	[PROBE_POP3] = {{{NULL, judge_pop3}}, .goodbye = "QUIT\r\n"},
	[PROBE_POP3S] = {{{NULL, judge_pop3}}, .goodbye = "QUIT\r\n", .tls = true},
	[PROBE_IMAP] = {{{NULL, judge_imap}}, .goodbye = "a LOGOUT\r\n"},
	[PROBE_IMAPS] = {{{NULL, judge_imap}}, .goodbye = "a LOGOUT\r\n", .tls = true},
	[PROBE_DNS] = {{{ask_dns, judge_dns}}},
	[PROBE_NTP] = {{{ask_ntp, judge_ntp}}},
	[PROBE_SNMP] = {{{ask_snmp, judge_snmp}}},
	[PROBE_NRPE] = {{{ask_nrpe, judge_nrpe}}, .tls = true},
	[PROBE_SYSLOG] = {{{ask_syslog, judge_syslog}}, .silent = true},
	[PROBE_RELP] = {{{ask_relp, judge_relp}}, .goodbye = "2 close 0\n"},
	[PROBE_RELP_TLS] = {{{ask_relp, judge_relp}}, .goodbye = "2 close 0\n", .tls = true},
	[PROBE_RDP] = {{{ask_rdp, judge_rdp}}},
	[PROBE_ICA] = {{{NULL, judge_ica}}},
	[PROBE_ICA_BROWSE] = {{{ask_ica_browse, judge_ica_browse}}},
	[PROBE_RFB] = {{{NULL, judge_rfb}, {ask_rfb, judge_rfb_security}}},
	[PROBE_STUN] = {{{ask_stun, judge_stun}}},
};

const struct probe_protocol *probe_protocol(enum probe_check check)
{
	return protocols[check].steps[0].judge ? &protocols[check] : NULL;
}
