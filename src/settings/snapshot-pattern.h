/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* The names of snapshots that nobody gave one: letters, digits, '.', '_', '+', ':' and '-', and in between %Y %m %d %H %M %S (local time) and, once at
 * the most, %i, a number. */

#define SNAPSHOT_PATTERN_DEFAULT "snap%i"

int snapshot_pattern_check(const char *pattern); /* -EINVAL */
/* What is before the number and what is behind it. *ret_tail is NULL when there is no number in it. */
int snapshot_pattern_expand(const char *pattern, uint64_t usec, char **ret_head, char **ret_tail);
