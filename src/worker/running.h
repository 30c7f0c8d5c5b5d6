/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* The supervisor of a container that runs, as a job speaks with it. */

/* Sends a request without arguments and waits for its end. 0: done, or nothing runs. Failures have been set. */
int running_request(Job *j, const char *name, const char *request);
