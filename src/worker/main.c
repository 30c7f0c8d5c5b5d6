/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/run.h"

/* berth-worker KIND: one job, then it is gone. The manager starts it as berth-job-ID.service with the request on standard input.
 *
 * The kinds that need libarchive are in a program of their own: it brings libxml2, ICU and more, and loading them takes longer than all
 * that the other kinds do. */

int main(int argc, char *argv[]) {
        static const WorkerKind kinds[] = {
                { "alias",        job_alias        },
                { "collect",      job_collect      },
                { "configure",    job_configure    },
                { "copy-from",    NULL             },
                { "copy-to",      NULL             },
                { "create",       job_create       },
                { "delete",       job_delete       },
                { "import",       NULL             },
                { "profile",      job_profile      },
                { "remove-image", job_remove_image },
                {},
        };

        return worker_run(kinds, argc, argv);
}
