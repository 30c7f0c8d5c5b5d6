/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"
#include "containerd/job.h"

/* Answers that come later than the call. */

/* A Done and a JobDone whose userdata is a reference of the call's message; the answer has no arguments. */
void reply_when_done(void *message, const sd_bus_error *error);
void reply_when_job_done(void *message, const Job *job, const sd_bus_error *error);

/* For `return reply_later(m, operation_x(…, sd_bus_message_ref(m), error))`: the reference is dropped when r says that nothing was begun. */
int reply_later(sd_bus_message *m, int r);
