/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/file.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/container-conf.h"
#include "worker/live.h"
#include "worker/store.h"

/* configure: settings of a container are set and unset. Its directory is locked, not the container: it may be running. */
int job_configure(Job *j) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL, *before = NULL;
        _cleanup_close_ int containers = -EBADF, container = -EBADF;
        _cleanup_strv_ char **keys = NULL, **next_start = NULL;
        _cleanup_free_ char *joined = NULL;
        const char *name;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = store_open_container(j, name, &container);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;

        container = fd_close(container);
        r = store_lock(containers, name, LOCK_EX, &container);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_CONTAINER, r, "There is no container '%s'.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to lock the container '%s': %m", name);

        r = container_conf_read(j, name, container, &before);
        if (r >= 0)
                r = container_conf_read(j, name, container, &f);
        if (r >= 0)
                r = container_conf_apply_request(j, f);
        if (r >= 0)
                r = container_conf_write(j, name, container, f);
        /* Still under the lock: a running container hears of changes in the order in which they were written. */
        if (r >= 0)
                r = live_keys(j, &keys);
        if (r >= 0) {
                r = live_apply(j, name, keys, &next_start);
                /* PID 1 has the last word on what a running container can be given. */
                if (r == -EKEYREJECTED)
                        (void) container_conf_write(j, name, container, before);
        }
        if (r >= 0)
                r = strv_join(next_start, " ", &joined);
        if (r < 0)
                return r;
        job_result(j, "next-start=%s", joined);
        job_commit(j);
        return 0;
}
