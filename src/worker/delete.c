/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "settings/settings.h"
#include "shared/hook.h"
#include "shared/names.h"
#include "shared/uid-lease.h"
#include "worker/container-conf.h"
#include "worker/overlay.h"
#include "worker/store.h"

/* Their failure keeps nobody from deleting a container, nor does a mistake in its settings. */
static void run_hooks(const char *name) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *error = NULL;
        HookContext c = { .name = name, .mount_namespace_fd = -EBADF, .apart = true };
        int r;

        r = settings_load(name, &s, &error);
        if (r >= 0) {
                c.settings = s;
                r = hooks_run(HOOK_DELETE, &c, &error);
        }
        if (r < 0)
                log_warning_errno(r, "Container '%s' is deleted without its delete hooks: %s", name, error ?: strerror(-r));
}

/* delete: a stopped container goes to the trash and is gone for everybody; then the trash is emptied. */
int job_delete(Job *j) {
        _cleanup_close_ int containers = -EBADF, container = -EBADF, lock = -EBADF;
        _cleanup_free_ char *trash_name = NULL;
        const char *name;
        uint32_t further_base, further_size;
        int64_t uid_base;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = store_open_container(j, name, &container);
        if (r >= 0)
                r = store_lock_container(j, name, container, &lock);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;

        /* The directory's own lock says to the collect job that somebody empties it. */
        container = fd_close(container);
        r = store_lock(containers, name, LOCK_EX | LOCK_NB, &container);
        if (r < 0)
                return r == -ENOENT ? failure_set(&j->failure, FAILURE_NO_SUCH_CONTAINER, r, "There is no container '%s'.", name)
                                    : failure_set(&j->failure, FAILURE_BUSY, r, "Another job is working with the container '%s'; try again.", name);
        uid_base = container_conf_uid_base(j->state_fd, name);
        (void) uid_range_read(container, &further_base, &further_size);
        if (job_cancelled())
                return job_fail_cancelled(j);
        run_hooks(name);

        r = store_trash(j, containers, name, &trash_name);
        if (r < 0)
                return r;
        r = uid_lease_release(j->state_fd, name, uid_base > 0 ? (uint32_t) uid_base : 0);
        if (r >= 0 && further_size > 0)
                r = uid_lease_release_further(j->state_fd, name, further_base, further_size);
        if (r < 0)
                log_warning_errno(r, "Failed to give back the user ids of '%s', leaving it to the collect job: %m", name);

        job_commit(j);
        overlay_drop_container(j, container);
        store_empty_trash(j, trash_name);
        return 0;
}
