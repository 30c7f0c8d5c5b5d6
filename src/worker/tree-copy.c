/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/tree-copy.h"

#include "storage/tree.h"

int tree_copy(Job *j, int from_fd, int to_fd, const char *name) {
        _cleanup_free_ char *error = NULL;
        int r;

        job_progress(j, -1, "copying");
        r = tree_copy_directory(from_fd, to_fd, name, &error);
        /* A cancelled job's cp gets the signal as the job does, and ends. */
        if (job_cancelled())
                return job_fail_cancelled(j);
        if (r == -ENOSPC || r == -EDQUOT)
                return failure_set(&j->failure, FAILURE_NO_SPACE, r, "No space is left for the copy.");
        if (r < 0 && error)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to copy the files: %s", name_for_message(error));
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to copy the files: %m") : 0;
}
