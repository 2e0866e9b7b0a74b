/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define JOB_VERSION 1

const char *probe_check_name(enum probe_check check)
{
	static const char *const names[] = {
		[PROBE_RESOLVE] = "name",
		[PROBE_OPEN] = "any service",
		[PROBE_SSH] = "SSH",
		[PROBE_HTTP] = "HTTP",
		[PROBE_HTTPS] = "TLS",
		[PROBE_PROXY] = "an HTTP proxy",
		[PROBE_SSH_OR_HTTP] = "SSH or HTTP",
		[PROBE_SMTP] = "SMTP",
		[PROBE_POP3] = "POP3",
		[PROBE_POP3S] = "POP3 over TLS",
		[PROBE_IMAP] = "IMAP",
		[PROBE_IMAPS] = "IMAP over TLS",
		[PROBE_LDAP] = "LDAP",
		[PROBE_LDAPS] = "LDAP over TLS",
		[PROBE_KERBEROS] = "Kerberos",
		[PROBE_DNS] = "DNS",
		[PROBE_NTP] = "NTP",
		[PROBE_SNMP] = "SNMP",
		[PROBE_NRPE] = "NRPE",
		[PROBE_SYSLOG] = "syslog",
		[PROBE_RELP] = "RELP",
		[PROBE_RELP_TLS] = "RELP over TLS",
		[PROBE_RDP] = "RDP",
		[PROBE_ICA] = "Citrix ICA",
		[PROBE_ICA_BROWSE] = "Citrix browsing",
		[PROBE_RFB] = "RFB",
		[PROBE_STUN] = "STUN",
	};

	return names[check];
}

const char *probe_verdict_name(enum probe_verdict verdict)
{
	static const char *const names[] = {
		[PROBE_WORKS] = "works",
		[PROBE_REFUSED] = "refused",
		[PROBE_FILTERED] = "filtered",
		[PROBE_WRONG] = "answers, but not as it should",
		[PROBE_UNRESOLVED] = "does not resolve",
		[PROBE_UNREACHABLE] = "unreachable",
		[PROBE_SENT] = "sent",
		[PROBE_UNTRIED] = "not tried",
	};

	return names[verdict];
}

/* Ports that the site chose for syslog keep what is spoken on the table's own ones. */
static enum probe_check check_syslog(const struct path_port *port)
{
	if (port->proto == PROTO_UDP)
		return PROBE_SYSLOG;
	return port->first == 2514   ? PROBE_RELP
	       : port->first == 3514 ? PROBE_RELP_TLS
				     : PROBE_SYSLOG;
}

static enum probe_check check_mail(uint16_t port)
{
	return port == 25    ? PROBE_SMTP
	       : port == 110 ? PROBE_POP3
	       : port == 995 ? PROBE_POP3S
	       : port == 143 ? PROBE_IMAP
			     : PROBE_IMAPS;
}

static enum probe_check check_rdp(const struct path_port *port)
{
	if (port->proto == PROTO_UDP)
		return PROBE_ICA_BROWSE;
	return port->first == 3389   ? PROBE_RDP
	       : port->first == 1494 ? PROBE_ICA
	       : port->first == 443  ? PROBE_HTTPS
				     : PROBE_HTTP;
}

enum probe_check probe_check_for(enum path_id id, const struct path_port *port, bool proxied)
{
	if (proxied)
		return PROBE_PROXY;
	switch (id) {
	case PATH_WEB:
		return port->first == 443 ? PROBE_HTTPS : PROBE_HTTP;
	case PATH_UPDATE:
		return port->first == 22 ? PROBE_SSH : PROBE_HTTPS;
	case PATH_WEBRTC:
		return PROBE_STUN;
	case PATH_NTP:
		return PROBE_NTP;
	case PATH_DNS:
	case PATH_CLUSTER_DNS:
		return PROBE_DNS;
	case PATH_MAIL:
		return check_mail(port->first);
	case PATH_KERBEROS:
		return PROBE_KERBEROS;
	case PATH_LDAP:
		return port->first == 636 || port->first == 3269 ? PROBE_LDAPS : PROBE_LDAP;
	case PATH_DIRECT:
		return port->first == 22 ? PROBE_SSH : PROBE_SSH_OR_HTTP;
	case PATH_SYSLOG:
		return check_syslog(port);
	case PATH_RDP:
		return check_rdp(port);
	case PATH_VIEWER:
		return PROBE_RFB;
	case PATH_SFTP:
	case PATH_ADMIN:
		return PROBE_SSH;
	case PATH_SNMP:
		return PROBE_SNMP;
	case PATH_NRPE:
		return PROBE_NRPE;
	case PATH_COUNT:
		break;
	}
	return PROBE_OPEN;
}

/* --- as bytes -------------------------------------------------------------------------------- */

static void put_network(const struct network *network, struct buf *out)
{
	buf_put_u8(out, network->family);
	buf_put(out, network->addr, sizeof(network->addr));
}

static void get_address(struct cursor *c, struct network *network)
{
	uint8_t family = cursor_u8(c);
	const uint8_t *addr = cursor_bytes(c, sizeof(network->addr));

	*network = (struct network){.family = family};
	if (family != AF_INET && family != AF_INET6 && family != 0)
		c->failed = true;
	if (c->failed)
		return;
	network->bits = family ? (uint8_t)network_width(family) : 0;
	memcpy(network->addr, addr, family == AF_INET ? 4 : 16);
}

static void get_str(struct cursor *c, char *out, size_t size)
{
	_cleanup_free_ char *text = cursor_str(c, size - 1);

	out[0] = '\0';
	if (text)
		str_copy(out, size, text);
}

void probe_job_put(const struct probe_job *job, struct buf *out)
{
	buf_put_u8(out, JOB_VERSION);
	buf_put_u8(out, (uint8_t)job->check);
	buf_put_u8(out, (uint8_t)job->proto);
	put_network(&job->address, out);
	buf_put_u16(out, job->port);
	buf_put_str(out, job->host);
	buf_put_str(out, job->name);
	buf_put_u32(out, job->uid);
	buf_put_u32(out, job->gid);
	buf_put_u32(out, job->timeout_ms);
	buf_put_u8(out, job->in_cell);
	buf_put_u8(out, (uint8_t)job->n_servers);
	for (size_t i = 0; i < job->n_servers; i++)
		put_network(&job->servers[i], out);
}

int probe_job_get(struct cursor *c, struct probe_job *ret_job)
{
	struct probe_job job = {0};
	uint8_t version = cursor_u8(c), check = cursor_u8(c), proto = cursor_u8(c);

	job.check = (enum probe_check)check;
	job.proto = (enum path_proto)proto;
	get_address(c, &job.address);
	job.port = cursor_u16(c);
	get_str(c, job.host, sizeof(job.host));
	get_str(c, job.name, sizeof(job.name));
	job.uid = cursor_u32(c);
	job.gid = cursor_u32(c);
	job.timeout_ms = cursor_u32(c);
	job.in_cell = cursor_u8(c) != 0;
	job.n_servers = cursor_u8(c);
	if (job.n_servers > PROBE_SERVERS_MAX)
		return -EPROTO;
	for (size_t i = 0; i < job.n_servers; i++)
		get_address(c, &job.servers[i]);
	if (!cursor_done(c) || version != JOB_VERSION || check >= PROBE_CHECK_COUNT ||
	    (proto != PROTO_TCP && proto != PROTO_UDP))
		return -EPROTO;
	*ret_job = job;
	return 0;
}

void probe_result_put(const struct probe_result *result, struct buf *out)
{
	buf_put_u8(out, (uint8_t)result->verdict);
	buf_put_u32(out, result->ms);
	buf_put_str(out, result->detail);
	buf_put_u8(out, (uint8_t)result->n_addresses);
	for (size_t i = 0; i < result->n_addresses; i++)
		put_network(&result->addresses[i], out);
}

int probe_result_get(struct cursor *c, struct probe_result *ret_result)
{
	struct probe_result result = {0};
	uint8_t verdict = cursor_u8(c);
	_cleanup_free_ char *detail = NULL;

	result.verdict = (enum probe_verdict)verdict;
	result.ms = cursor_u32(c);
	detail = cursor_str(c, PROBE_DETAIL_MAX);
	result.n_addresses = cursor_u8(c);
	if (result.n_addresses > PROBE_ADDRESSES_MAX)
		return -EPROTO;
	for (size_t i = 0; i < result.n_addresses; i++) {
		get_address(c, &result.addresses[i]);
		if (result.addresses[i].family == 0)
			return -EPROTO;
	}
	if (!cursor_done(c) || verdict >= PROBE_VERDICT_COUNT)
		return -EPROTO;
	str_sanitize(result.detail, sizeof(result.detail), detail, strlen(detail));
	*ret_result = result;
	return 0;
}
