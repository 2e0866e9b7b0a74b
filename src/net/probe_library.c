/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libraries of the field speak: HTTP by libcurl, LDAP by libldap, Kerberos by libkrb5. They get
 * sockets that are connected already, so that what happened to the connection is known, and run in
 * a process without files, privilege or a second thread, which is killed when it takes too long.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <krb5.h>
#include <lber.h>
#include <ldap.h>
#include <openldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "net/probe_talk.h"
#include "net/probe_wire.h"

/* APPLICATION 11 and 30: RFC 4120 section 5.10. */
#define KRB_AS_REP_TAG 0x6b
#define KRB_ERROR_TAG 0x7e
#define REALM_DEFAULT "LAZARET.INVALID"

struct probe_library {
	CURL *curl;
	krb5_context krb5;
	krb5_init_creds_context creds;
	krb5_principal client;
	krb5_data request, realm;
};

static int prepare_kerberos(struct probe_library *library, const struct probe_job *job)
{
	unsigned int flags = 0;
	krb5_data none = {0};
	const char *realm = job->name[0] ? job->name : REALM_DEFAULT;

	/* Whoever it is that asks: a KDC answers even that it knows nobody of that name. */
	if (krb5_init_context(&library->krb5) != 0 ||
	    krb5_build_principal(library->krb5, &library->client, (unsigned int)strlen(realm),
				 realm, "lazaret-pathprobe", (char *)NULL) != 0 ||
	    krb5_init_creds_init(library->krb5, library->client, NULL, NULL, 0, NULL,
				 &library->creds) != 0 ||
	    krb5_init_creds_step(library->krb5, library->creds, &none, &library->request,
				 &library->realm, &flags) != 0)
		return -EIO;
	return 0;
}

int probe_library_create(const struct probe_job *job, struct probe_library **ret_library)
{
	struct probe_library *library = calloc(1, sizeof(*library));
	int r = 0;

	if (!library)
		return -ENOMEM;
	switch (job->check) {
	case PROBE_HTTP:
	case PROBE_HTTPS:
	case PROBE_PROXY:
		if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
			library->curl = curl_easy_init();
		r = library->curl ? 0 : -ENOMEM;
		break;
	case PROBE_KERBEROS:
		r = prepare_kerberos(library, job);
		break;
	default:
		break;
	}
	if (r < 0) {
		probe_library_destroy(library);
		return r;
	}
	*ret_library = library;
	return 0;
}

void probe_library_destroy(struct probe_library *library)
{
	if (!library)
		return;
	if (library->curl)
		curl_easy_cleanup(library->curl);
	if (library->krb5) {
		krb5_free_data_contents(library->krb5, &library->request);
		krb5_free_data_contents(library->krb5, &library->realm);
		krb5_init_creds_free(library->krb5, library->creds);
		krb5_free_principal(library->krb5, library->client);
		krb5_free_context(library->krb5);
	}
	free(library);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static curl_socket_t give_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	int *fd = data;

	(void)purpose;
	(void)address;
	/* Once: a second connection is not what is tried. */
	return *fd >= 0 ? FD_STEAL(*fd) : CURL_SOCKET_BAD;
}

static int socket_is_connected(void *data, curl_socket_t fd, curlsocktype purpose)
{
	(void)data;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static size_t drop_bytes(char *data, size_t size, size_t n, void *user)
{
	(void)data;
	(void)user;
	return size * n;
}

static void format_url_host(const struct probe_job *job, const char *name, char *out, size_t size)
{
	char text[NETWORK_TEXT_MAX];

	network_format_address(&job->address, text);
	if (name[0])
		str_copy(out, size, name);
	else
		snprintf(out, size, job->address.family == AF_INET ? "%s" : "[%s]", text);
}

static void set_target(CURL *curl, const struct probe_job *job, char *url, size_t size)
{
	char host[PROBE_NAME_MAX + 1], text[NETWORK_TEXT_MAX];

	if (job->check == PROBE_PROXY) {
		/* The page is the proxy's affair: any answer of it will do. */
		snprintf(url, size, "http://%s/", job->name[0] ? job->name : "lazaret.invalid");
		network_format_address(&job->address, text);
		curl_easy_setopt(curl, CURLOPT_PROXY, text);
		curl_easy_setopt(curl, CURLOPT_PROXYPORT, (long)job->port);
		curl_easy_setopt(curl, CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP);
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
	} else {
		format_url_host(job, job->host, host, sizeof(host));
		snprintf(url, size, "%s://%s:%u/", job->check == PROBE_HTTPS ? "https" : "http",
			 host, job->port);
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
}

static void judge_http(CURL *curl, CURLcode code, const struct probe_job *job,
		       struct probe_result *result)
{
	long status = 0;
	curl_off_t tls = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &tls);
	if (status > 0) {
		result->verdict = PROBE_WORKS;
		snprintf(result->detail, sizeof(result->detail), "status %ld%s%s", status,
			 tls > 0 ? " over TLS" : "",
			 job->check != PROBE_PROXY ? ""
			 : status == 407           ? ": it wants a login"
			 : status >= 500           ? ": it does not reach the page"
						   : "");
		return;
	}
	if (job->check == PROBE_HTTPS && tls > 0) {
		result->verdict = PROBE_WORKS;
		snprintf(result->detail, sizeof(result->detail), "TLS; then %s",
			 curl_easy_strerror(code));
		return;
	}
	result->verdict = PROBE_WRONG;
	str_copy(result->detail, sizeof(result->detail),
		 code == CURLE_OPERATION_TIMEDOUT ? "is open, but says nothing"
		 : code == CURLE_GOT_NOTHING      ? "closes the connection"
						  : curl_easy_strerror(code));
}

static void talk_http(CURL *curl, const struct probe_job *job, struct probe_result *result)
{
	_cleanup_link_ struct probe_link link = PROBE_LINK_NONE;
	char url[PROBE_NAME_MAX + 64], host[PROBE_NAME_MAX + 1], pin[PROBE_NAME_MAX + 128];
	char text[NETWORK_TEXT_MAX];
	struct curl_slist *pins;
	CURLcode code;

	if (probe_link_open(&link, job, result) < 0)
		return;
	format_url_host(job, job->host, host, sizeof(host));
	network_format_address(&job->address, text);
	snprintf(pin, sizeof(pin), job->address.family == AF_INET ? "%s:%u:%s" : "%s:%u:[%s]", host,
		 job->port, text);
	pins = curl_slist_append(NULL, pin);
	set_target(curl, job, url, sizeof(url));
	/* The name is known; nothing is looked up, and no other protocol followed anywhere. */
	curl_easy_setopt(curl, CURLOPT_RESOLVE, pins);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)job->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "lazaret-pathprobe");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_bytes);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, drop_bytes);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, give_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &link.fd);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, socket_is_connected);
	code = curl_easy_perform(curl);
	judge_http(curl, code, job, result);
	curl_slist_free_all(pins);
}

/* --- LDAP ------------------------------------------------------------------------------------ */

/* The root of the directory (RFC 4512 section 5.1) may be read by anybody. */
static int search_root(LDAP *ldap, const struct probe_job *job)
{
	static char attribute[] = "supportedLDAPVersion";
	char *attributes[] = {attribute, NULL};
	struct timeval limit = {.tv_sec = job->timeout_ms / 1000,
				.tv_usec = (job->timeout_ms % 1000) * 1000};
	LDAPMessage *message = NULL;
	int r = ldap_search_ext_s(ldap, "", LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL,
				  NULL, &limit, 1, &message);

	if (message)
		ldap_msgfree(message);
	return r;
}

static void judge_ldap(int code, struct probe_result *result)
{
	result->verdict = PROBE_WORKS;
	switch (code) {
	case LDAP_SUCCESS:
	case LDAP_NO_SUCH_OBJECT:
		return;
	case LDAP_TIMEOUT:
		result->verdict = PROBE_WRONG;
		str_copy(result->detail, sizeof(result->detail), "is open, but says nothing");
		return;
	default:
		/* Codes of the protocol are positive: a server said them. The library's are not. */
		if (code < 0)
			result->verdict = PROBE_WRONG;
		snprintf(result->detail, sizeof(result->detail), "%s", ldap_err2string(code));
	}
}

static void talk_ldap(const struct probe_job *job, struct probe_result *result)
{
	_cleanup_link_ struct probe_link link = PROBE_LINK_NONE;
	const int version = LDAP_VERSION3, never = LDAP_OPT_X_TLS_NEVER;
	struct timeval limit = {.tv_sec = job->timeout_ms / 1000,
				.tv_usec = (job->timeout_ms % 1000) * 1000};
	LDAP *ldap = NULL;
	int code;

	if (probe_link_open(&link, job, result) < 0)
		return;
	(void)!fd_set_nonblock(link.fd, false);
	code = ldap_init_fd(link.fd, LDAP_PROTO_TCP, "ldap://", &ldap);
	if (code == LDAP_SUCCESS) {
		link.fd = -1; /* the library's */
		ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
		ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
		ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &limit);
		ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &limit);
		ldap_set_option(NULL, LDAP_OPT_X_TLS_REQUIRE_CERT, &never);
		ldap_set_option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &never);
		if (job->check == PROBE_LDAPS)
			code = ldap_install_tls(ldap);
		if (code == LDAP_SUCCESS)
			code = search_root(ldap, job);
	}
	judge_ldap(code, result);
	if (ldap)
		ldap_unbind_ext(ldap, NULL, NULL);
}

/* --- Kerberos -------------------------------------------------------------------------------- */

static void judge_kerberos(struct probe_library *library, const uint8_t *data, size_t len,
			   struct probe_result *result)
{
	/* The library only reads it. */
	krb5_data reply = {.length = (unsigned int)len, .data = (char *)(uintptr_t)data};
	krb5_data next = {0}, realm = {0};
	unsigned int flags = 0;
	krb5_error_code code = krb5_init_creds_step(library->krb5, library->creds, &reply, &next,
						    &realm, &flags);
	const char *text;

	/*
	 * A KDC's own codes are 0 to 127 of the table (RFC 4120 section 7.5.9). The library says some
	 * of them itself, of what is neither AS-REP nor KRB-ERROR.
	 */
	if ((data[0] != KRB_AS_REP_TAG && data[0] != KRB_ERROR_TAG) ||
	    (code != 0 && (code < ERROR_TABLE_BASE_krb5 || code > ERROR_TABLE_BASE_krb5 + 127))) {
		probe_talk_wrong(data, len, result);
	} else {
		result->verdict = PROBE_WORKS;
		text = code ? krb5_get_error_message(library->krb5, code) : NULL;
		snprintf(result->detail, sizeof(result->detail), "%s", text ? text : "a KDC");
		if (text)
			krb5_free_error_message(library->krb5, text);
	}
	krb5_free_data_contents(library->krb5, &next);
	krb5_free_data_contents(library->krb5, &realm);
}

static int send_request(struct probe_link *link, const struct probe_job *job, const krb5_data *data)
{
	struct buf out;
	int r;

	/* RFC 4120 section 7.2.2: over TCP the length leads. */
	buf_init(&out, PROBE_ASK_MAX);
	if (job->proto == PROTO_TCP)
		buf_put_u32(&out, data->length);
	buf_put(&out, data->data, data->length);
	r = buf_error(&out);
	if (r == 0)
		r = probe_link_send(link, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return r;
}

/* A whole reply, or as much as shows that it is none. */
static int recv_reply(struct probe_link *link, const struct probe_job *job, uint8_t *data,
		      size_t size, size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = probe_link_recv(link, data + len, size - len);
		uint32_t wanted;

		if (n < 0 && len == 0)
			return (int)n;
		if (n == 0 && len == 0 && job->proto == PROTO_TCP)
			return -EPIPE;
		if (n > 0)
			len += (size_t)n;
		wanted = len < 4 ? 4
				 : (uint32_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
		if (n <= 0 || job->proto == PROTO_UDP || len == size || wanted > size ||
		    (len >= 4 && len - 4 >= wanted))
			break;
	}
	*ret_len = len;
	return 0;
}

static void talk_kerberos(struct probe_library *library, const struct probe_job *job,
			  struct probe_result *result)
{
	_cleanup_link_ struct probe_link link = PROBE_LINK_NONE;
	uint8_t reply[PROBE_ANSWER_MAX];
	size_t head = job->proto == PROTO_TCP ? 4 : 0, len = 0;
	int r, sends = job->proto == PROTO_TCP ? 1 : 3;

	if (probe_link_open(&link, job, result) < 0)
		return;
	do {
		link.deadline = clock_now() +
				job->timeout_ms * USEC_PER_MSEC / (job->proto == PROTO_TCP ? 1 : 3);
		r = send_request(&link, job, &library->request);
		if (r == 0)
			r = recv_reply(&link, job, reply, sizeof(reply), &len);
	} while (r == -ETIMEDOUT && --sends > 0);
	if (r < 0)
		probe_talk_broken(&link, job, r, result);
	else if (len <= head)
		probe_talk_wrong(reply, len, result);
	else
		judge_kerberos(library, reply + head, len - head, result);
	if (result->verdict == PROBE_WRONG && head && len > head) {
		/* Show it from its start, not from behind what would be the length. */
		result->detail[0] = '\0';
		probe_talk_wrong(reply, len, result);
	}
}

bool probe_library_talk(struct probe_library *library, const struct probe_job *job,
			struct probe_result *result)
{
	switch (job->check) {
	case PROBE_HTTP:
	case PROBE_HTTPS:
	case PROBE_PROXY:
		talk_http(library->curl, job, result);
		return true;
	case PROBE_LDAP:
	case PROBE_LDAPS:
		talk_ldap(job, result);
		return true;
	case PROBE_KERBEROS:
		talk_kerberos(library, job, result);
		return true;
	default:
		return false;
	}
}
