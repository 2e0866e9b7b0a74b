/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/str.h"

static bool mapped(const struct sockaddr *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	return address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

struct address_key address_key(const struct sockaddr *address)
{
	struct address_key key = {0};

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		key.bytes[0] = 4;
		memcpy(key.bytes + 1, &in->sin_addr, 4);
	} else if (mapped(address)) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		key.bytes[0] = 4;
		memcpy(key.bytes + 1, in6->sin6_addr.s6_addr + 12, 4);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		key.bytes[0] = 6;
		memcpy(key.bytes + 1, in6->sin6_addr.s6_addr, 8);
	}
	return key;
}

bool address_key_eq(const struct address_key *a, const struct address_key *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX])
{
	const char *done = NULL;

	if (address->sa_family == AF_INET)
		done = inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out,
				 ADDRESS_TEXT_MAX);
	else if (mapped(address))
		done = inet_ntop(AF_INET,
				 ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr + 12,
				 out, ADDRESS_TEXT_MAX);
	else if (address->sa_family == AF_INET6)
		done = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out,
				 ADDRESS_TEXT_MAX);
	if (!done)
		str_copy(out, ADDRESS_TEXT_MAX, "?");
}

int address_parse(const char *text, uint16_t port, struct sockaddr_storage *ret_address,
		  socklen_t *ret_len)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*ret_len = sizeof(*in);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		*ret_len = sizeof(*in6);
	} else {
		return -EINVAL;
	}
	*ret_address = storage;
	return 0;
}
