/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <syslog.h>

#include "basic/macro.h"

/* One line a message on stderr; with a <N> prefix of the syslog level where the journal reads it (see sd-daemon(3)). Library code
 * logs at debug at most; programs log, once, where it is known what the user wanted. */

/* program: name put before messages on a terminal. Reads BERTH_LOG_LEVEL (a syslog level name or number) and JOURNAL_STREAM. */
void log_open(const char *program);
void log_set_max_level(int level);
int log_get_max_level(void);

/* Returns -abs(error), so that `return log_error_errno(r, "…: %m")` forwards it; %m shows that error. */
int log_full(int level, int error, const char *format, ...) _printf_(3, 4);

#define log_debug(...) ((void) log_full(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...) ((void) log_full(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...) ((void) log_full(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...) ((void) log_full(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...) ((void) log_full(LOG_ERR, 0, __VA_ARGS__))

#define log_debug_errno(e, ...) log_full(LOG_DEBUG, (e), __VA_ARGS__)
#define log_info_errno(e, ...) log_full(LOG_INFO, (e), __VA_ARGS__)
#define log_warning_errno(e, ...) log_full(LOG_WARNING, (e), __VA_ARGS__)
#define log_error_errno(e, ...) log_full(LOG_ERR, (e), __VA_ARGS__)
#define log_oom() log_full(LOG_ERR, ENOMEM, "Out of memory")
