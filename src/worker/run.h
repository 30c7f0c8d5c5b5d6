/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/capability.h>

#include "worker/job.h"

/* What not all kinds need whose worker can be a spare one (containerd/job-spare.h): the others give it up. */
#define KEEPS_COPYING (UINT64_C(1) << CAP_SETFCAP | UINT64_C(1) << CAP_MKNOD) /* files with their capabilities, and nodes of devices */
#define KEEPS_ENTERING (UINT64_C(1) << CAP_SYS_PTRACE)                        /* a container that runs */

typedef struct WorkerKind {
        const char *name;
        JobFunction function; /* NULL: it is berth-worker-archive's */
        uint64_t keeps;       /* KEEPS_… */
} WorkerKind;

/* The whole of a worker's main(); a nameless kind ends the table. */
int worker_run(const WorkerKind *kinds, int argc, char *argv[]);
