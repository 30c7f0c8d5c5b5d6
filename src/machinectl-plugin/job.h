/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* Calls that the manager answers with a job: progress on a terminal, and Ctrl-C cancels the job, waits for its end and says so; a second
 * Ctrl-C leaves at once. */

/* As bus_call(). -ECANCELED: cancelled, and said so. */
int job_call(Ctl *c, sd_bus_message *m, const char *target, sd_bus_message **ret_reply);
/* The same; what the job's work has to say comes as text from log_fd, and goes to standard error. Control characters in it have been escaped by the job. */
int job_call_with_log(Ctl *c, sd_bus_message *m, const char *target, int log_fd, sd_bus_message **ret_reply);
/* The same; an error that the job ended with is not told but handed over, for a caller who knows what to try next. */
int job_try(Ctl *c, sd_bus_message *m, const char *target, sd_bus_message **ret_reply, sd_bus_error *ret_error);
