/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/run.h"

/* berth-worker-archive KIND: the jobs that read or write archives. berth-worker becomes it. */

int main(int argc, char *argv[]) {
        static const WorkerKind kinds[] = {
                { "bootstrap", job_bootstrap },
                { "copy-from", job_copy_from },
                { "copy-to",   job_copy_to   },
                { "import",    job_import    },
                { "publish",   job_publish   },
                { "pull",      job_pull      },
                {},
        };

        return worker_run(kinds, argc, argv);
}
