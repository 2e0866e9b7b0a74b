/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a client comes from, in the grain in which it is limited. */
#ifndef LAZARET_MONITOR_ADDRESS_H
#define LAZARET_MONITOR_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"

/* Bytes of a printed address with its NUL: "[2001:db8::1]:65535". */
#define ADDRESS_TEXT_MAX 64

/* An IPv4 host or an IPv6 /64: who has one address of a /64 has all of them. */
struct address_key {
	uint8_t bytes[9]; /* family (4 or 6), then 4 or 8 bytes, zeros behind */
};

/* IPv4-mapped IPv6 addresses count as IPv4. Other families: all of them are one key. */
struct address_key address_key(const struct sockaddr *address);
bool address_key_eq(const struct address_key *a, const struct address_key *b);

/* Without the port: "192.0.2.1", "2001:db8::1"; "?" for a family that we do not serve. */
void address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX]);

/* An address of the option `listen`: 0 or -EINVAL. `port` in host order. */
NODISCARD int address_parse(const char *text, uint16_t port, struct sockaddr_storage *ret_address,
			    socklen_t *ret_len);

#endif
