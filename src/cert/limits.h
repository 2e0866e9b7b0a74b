/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is taken of certificates and requests; lazaretctl(1) says the same. */
#ifndef LAZARET_CERT_LIMITS_H
#define LAZARET_CERT_LIMITS_H

/* Bytes of a chain, a key or a request in PEM form. */
#define CERT_PEM_MAX (256 << 10)
/* Certificates in a chain with its root. */
#define CERT_CHAIN_MAX 8
/* Names and addresses of a server. */
#define CERT_NAMES_MAX 32
/* Longest of them; that of a DNS name (RFC 1035 2.3.4). */
#define CERT_NAME_MAX 253
/* A sentence that says what is wrong. */
#define CERT_REASON_MAX 512

#endif
