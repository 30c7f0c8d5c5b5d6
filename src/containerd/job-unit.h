/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/job.h"

/* The transient unit of a job, and the socket that is its worker's standard input: one request goes to the worker, one word comes back. */

/* With the request in the socket: -EMSGSIZE and -E2BIG when it is too large. */
int job_unit_start(Job *j, Message *request);
/* Without one: the worker waits for it. sandbox: of this kind. */
int job_unit_start_waiting(Job *j, JobKind sandbox, const char *description);
int job_unit_send(Job *j, Message *request);
