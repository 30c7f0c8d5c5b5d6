/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "worker/job.h"

/* What becomes an image: files of the caller's, or what another process of the job's writes into a pipe. */

typedef struct ImportOrigin {
        const char *remote, *remote_image, *source; /* as in ImageConf */
        bool auto_update, cached, public;
} ImportOrigin;

typedef struct ImportSource {
        const int *fds; /* borrowed: one archive, or those of metadata and root file system */
        size_t n_fds;
        /* Both may be NULL. begin(): all is checked and the work begins. finish(): all has been read, or result says why not; what it
         * returns counts. */
        int (*begin)(Job *j, void *userdata);
        int (*finish)(Job *j, int result, void *userdata);
        void *userdata;
        const char *fingerprint;  /* what it must be, or NULL */
        const ImportOrigin *origin; /* what image.conf says of it, or NULL */
} ImportSource;

/* All but the commit. The request's fields are those of import. */
int import_run(Job *j, const ImportSource *s);

/* For finish(), when a child has written the archive and its Failure, if only that there is none, to report_fd: an archive that ends too early has its reason in
 * that process. Waits for it and clears *pid; `stopped` is the sentence of one that has reported nothing. */
int import_child_ended(Job *j, int result, int report_fd, pid_t *pid, const char *stopped);
