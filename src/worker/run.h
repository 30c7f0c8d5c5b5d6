/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

typedef struct WorkerKind {
        const char *name;
        JobFunction function; /* NULL: it is berth-worker-archive's */
        bool copies_files;    /* with their file capabilities, and nodes of devices */
} WorkerKind;

/* The whole of a worker's main(); a nameless kind ends the table. */
int worker_run(const WorkerKind *kinds, int argc, char *argv[]);
