/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cell gets when the configuration says nothing; see lazaret.conf(5). */
#ifndef LAZARET_CELL_LIMITS_H
#define LAZARET_CELL_LIMITS_H

#include <stdint.h>

#define CELL_NOFILE 8192
#define CELL_NPROC 2048
#define CELL_SHM_SIZE (UINT64_C(1) << 30)
#define CELL_TMP_SIZE (UINT64_C(512) << 20)
#define CELL_HOME_SIZE (UINT64_C(512) << 20)
#define CELL_RUNTIME_SIZE (UINT64_C(16) << 20) /* $XDG_RUNTIME_DIR */
#define CELL_ARGS_MAX 256 /* of spec.command */
#define CELL_ARG_MAX 4096 /* bytes of one */
#define CELL_PROXY_MAX 256
#define CELL_RESOLV_MAX 4096
#define CELL_JOIN_MAX 4096
#define CELL_PINS_MAX 384 /* entries of a browser's folder */
#define CELL_PIN_DEPTH 6 /* folders in one another */
#define CELL_TEMPLATE_MAX 65536 /* bytes of a policy file */

#endif
