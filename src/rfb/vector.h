/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loops over pixels that the compiler shall vectorise, with a second copy for wider registers
 * that is chosen at run time. */
#ifndef LAZARET_RFB_VECTOR_H
#define LAZARET_RFB_VECTOR_H

/* The choice is an ifunc, which is resolved before a sanitizer is ready for it. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("default", "avx2")))
#else
#define VECTORISED
#endif

#endif
