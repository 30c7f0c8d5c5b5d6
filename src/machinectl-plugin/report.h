/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* What berthctl tells a person on standard error. Text may come from a guest or an archive: it is escaped before it gets to a terminal. */

#define EXIT_USAGE 2        /* the command line makes no sense */
#define EXIT_EXEC_FAILED 125 /* exec, shell, …: berth failed, not the command */
#define EXIT_INTERRUPTED 130

/* A failure, with the program's name before it. Returns -EINVAL: the verb failed and has said why. */
int report_failure(const char *format, ...) _printf_(1, 2);
int report_oom(void);
/* The same for a command line that cannot be understood; returns EXIT_USAGE. */
int report_usage(const char *format, ...) _printf_(1, 2);
/* Something worth knowing. */
void report_note(const char *format, ...) _printf_(1, 2);
