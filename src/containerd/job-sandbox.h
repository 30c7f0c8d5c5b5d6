/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "containerd/job.h"

/* What a job's unit may do, by kind: one table. */

int job_sandbox_append(sd_bus_message *m, JobKind kind);
