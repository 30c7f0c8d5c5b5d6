/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* Values of options. No I/O. All return -EINVAL for what is none. */

int parse_timespan(const char *s, uint64_t *ret_usec);      /* "30", "90s", "2min 10s", "infinity" */
int parse_signal(const char *s, int *ret);                  /* "TERM", "SIGTERM", "15", "RTMIN+3" */
int parse_mode(const char *s, mode_t *ret);                 /* octal, at most 07777 */
