/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-netd: being written (by the lead). */
