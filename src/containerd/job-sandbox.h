/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "containerd/job.h"

/* What a job's unit may do, by kind: one table. */

/* stores: the job may have to do with volumes of a store that is not the state directory itself. To mount them, to remove a subvolume, to have a program
 * of the host make one it gets CAP_SYS_ADMIN, and all of the host's files to see. */
/* encrypted: the job reads a key, and may open an encrypted volume. */
int job_sandbox_append(sd_bus_message *m, JobKind kind, bool stores, bool encrypted);

/* Does the worker take the network and the host's files away from itself before anything else (worker/isolation.h)? */
bool job_sandbox_isolates(JobKind kind, bool stores);

/* Does the host have such stores? */
bool job_sandbox_has_stores(void);
