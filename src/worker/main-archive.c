/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/run.h"

/* berth-worker-archive KIND: the jobs that read or write archives. berth-worker becomes it. */

int main(int argc, char *argv[]) {
        static const WorkerKind kinds[] = {
                { "bootstrap", job_bootstrap, KEEPS_COPYING },
                { "copy-from", job_copy_from, KEEPS_COPYING | KEEPS_ENTERING },
                { "copy-to",   job_copy_to, KEEPS_COPYING | KEEPS_ENTERING },
                { "import",    job_import, KEEPS_COPYING },
                { "publish",   job_publish, KEEPS_COPYING | KEEPS_ENTERING },
                { "pull",      job_pull, KEEPS_COPYING },
                {},
        };

        return worker_run(kinds, argc, argv);
}
