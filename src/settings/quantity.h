/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* Numbers with units, as people write them in unit files (and in LXD's settings), and their shortest form back.
 * All: -EINVAL for what is no such thing, -ERANGE for what is too big. */

/* "512M", "1.5G" (K M G T P E and KiB…: powers of 1024), "512MB" (kB MB…: powers of 1000), "4096". Bytes. */
int parse_size(const char *text, uint64_t *ret_bytes);
int print_size(uint64_t bytes, char **ret);

/* "90", "1min 30s", "1.5h", "infinity" (USEC_INFINITY). Seconds where no unit is given. */
int parse_time_span(const char *text, uint64_t *ret_usec);
int print_time_span(uint64_t usec, char **ret);

/* "50%", "12.5%": in units of 1/10000, as systemd counts them. */
int parse_permyriad(const char *text, uint64_t max, uint64_t *ret);
int print_permyriad(uint64_t permyriad, char **ret);

/* "0-3 6,8": a bit a number, least significant first; at most max_bits of them. *ret is the caller's. */
int parse_bit_list(const char *text, size_t max_bits, uint8_t **ret, size_t *ret_size);
int print_bit_list(const uint8_t *bits, size_t size, char **ret);
