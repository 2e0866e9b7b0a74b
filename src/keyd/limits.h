/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others can make lazaret-keyd hold; documented in lazaret-keyd(8). */
#ifndef LAZARET_KEYD_LIMITS_H
#define LAZARET_KEYD_LIMITS_H

/* Bytes of a certificate file and of a key file. */
#define KEYD_FILE_MAX (256 * 1024)
/* Certificates in a chain; as PEM it has to fit a message. */
#define KEYD_CHAIN_MAX 16
/* Channels of gateways that have not had their signature; one more is closed at once. */
#define KEYD_CHANNELS_MAX 1024
/* Shortest RSA key, bits. */
#define KEYD_RSA_BITS_MIN 2048

/*
 * What may be signed whole, bytes: EdDSA has no digest. The text of a TLS 1.3 CertificateVerify
 * (RFC 8446 4.4.3) or the randoms and parameters of a TLS 1.2 ServerKeyExchange (RFC 8422 5.4).
 */
#define KEYD_MESSAGE_MIN 64
#define KEYD_MESSAGE_MAX 512

#endif
