/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LAZARET_CONF_LIMITS_H
#define LAZARET_CONF_LIMITS_H

#define CONF_FILE_MAX (1 << 20) /* bytes of a configuration file */
#define CONF_GROUPS_MAX 256 /* group sections */
#define CONF_PATHS_MAX 64 /* path sections */
#define CONF_STR_MAX 4096 /* bytes of a string or list item */
#define CONF_LIST_MAX 16384 /* items of any list */
#define CONF_COPY_MAX (60 * 1024) /* bytes of a child's copy: fits a message */

#endif
