/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/run.h"

/* berth-worker KIND: one job, then it is gone. The manager starts it as berth-job-ID.service with the request on standard input.
 *
 * The kinds that need libarchive are in a program of their own: it brings libxml2, ICU and more, and loading them takes longer than all
 * that the other kinds do. */

int main(int argc, char *argv[]) {
        static const WorkerKind kinds[] = {
                { "alias",        job_alias        },
                { "bootstrap",    NULL             },
                { "clone",        job_clone, KEEPS_COPYING },
                { "collect",      job_collect      },
                { "configure",    job_configure    },
                { "copy-from",    NULL             },
                { "copy-to",      NULL             },
                { "create",       job_create       },
                { "delete",       job_delete       },
                { "delete-snapshots", job_delete_snapshots },
                { "image",        job_image        },
                { "import",       NULL             },
                { "move",         job_move, KEEPS_COPYING },
                { "profile",      job_profile      },
                { "publish",      NULL             },
                { "pull",         NULL             },
                { "remote",       job_remote       },
                { "remove-image", job_remove_image },
                { "rename",       job_rename       },
                { "change-key",   job_change_key   },
                { "restore",      job_restore      },
                { "server",       job_server       },
                { "snapshot",     job_snapshot, KEEPS_COPYING },
                { "stores",       job_stores       },
                { "change-snapshot", job_change_snapshot },
                {},
        };

        return worker_run(kinds, argc, argv);
}
