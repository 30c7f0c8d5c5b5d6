/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "shared/uid-lease.h"
#include "worker/container-conf.h"
#include "worker/new-container.h"
#include "worker/snapshot-store.h"
#include "worker/store.h"

/* rename: a container that does not run gets another name. Its directory, with all that is its own, is renamed at once; what else goes by its name,
 * its ranges of user ids and the administrator's drop-ins, follows. */

static const struct {
        const char *directory, *prefix, *suffix;
} drop_ins[] = {
        { "/etc/berth/containers", "", ".conf.d" },
        { "/etc/berth/containers", "", ".hooks" },
        { "/etc/systemd/system", "berth@", ".service.d" },
};

static int move_drop_in(size_t i, const char *name, const char *new_name) {
        char from[CONTAINER_NAME_MAX + 32], to[CONTAINER_NAME_MAX + 32];
        _cleanup_close_ int dir = -EBADF;

        dir = open(drop_ins[i].directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return errno == ENOENT ? 0 : -errno;
        snprintf(from, sizeof from, "%s%s%s", drop_ins[i].prefix, name, drop_ins[i].suffix);
        snprintf(to, sizeof to, "%s%s%s", drop_ins[i].prefix, new_name, drop_ins[i].suffix);
        return renameat2(dir, from, dir, to, RENAME_NOREPLACE) < 0 && errno != ENOENT ? -errno : 0;
}

/* All of them, or none. */
static int move_drop_ins(Job *j, const char *name, const char *new_name) {
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(drop_ins); i++) {
                r = move_drop_in(i, name, new_name);
                if (r >= 0)
                        continue;
                while (i > 0)
                        (void) move_drop_in(--i, new_name, name);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to rename the drop-ins of the container '%s': %m", name);
        }
        return 0;
}

static int move_directory(Job *j, HeldContainer *c, const char *new_name) {
        _cleanup_close_ int containers = -EBADF;
        int r;

        r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;
        if (renameat2(containers, c->name, containers, new_name, RENAME_NOREPLACE) < 0)
                r = -errno;
        else
                r = path_sync_directory(containers);
        if (r == -EEXIST)
                return failure_set(&j->failure, FAILURE_CONTAINER_EXISTS, r, "There is a container '%s' already.", new_name);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to rename the container '%s': %m", c->name) : 0;
}

/* What the guest calls itself is given anew at the next start; a host name of its own in the settings stays. */
static void mark_renamed(int container_fd) {
        _cleanup_close_ int fd = openat(container_fd, "renamed", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                log_warning_errno(errno, "The host name of a renamed container stays as it was: %m");
}

static int rename_container(Job *j, HeldContainer *c, const char *new_name) {
        _cleanup_close_ int hold = -EBADF;
        uint32_t base, size;
        int64_t uid_base;
        int r;

        r = new_container_check_name(j, new_name);
        if (r < 0)
                return r;
        /* Leases that name nobody for a moment are not collected. */
        hold = uid_lease_hold(j->state_fd);
        if (hold < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, hold, "Failed to hold the ranges of user ids: %m");
        uid_base = container_conf_uid_base(j->state_fd, c->name);
        r = uid_range_read(c->fd, &base, &size);
        if (r < 0)
                base = size = 0;
        if (job_cancelled())
                return job_fail_cancelled(j);
        r = move_drop_ins(j, c->name, new_name);
        if (r < 0)
                return r;
        r = move_directory(j, c, new_name);
        if (r < 0) {
                (void) move_drop_ins(j, new_name, c->name);
                return r;
        }
        mark_renamed(c->fd);
        r = uid_base > 0 ? uid_lease_rename(j->state_fd, (uint32_t) uid_base, base, size, new_name) : 0;
        if (r < 0)
                log_warning_errno(r, "The ranges of user ids of '%s' are not in its name, leaving that to the collect job: %m", new_name);
        return 0;
}

int job_rename(Job *j) {
        _cleanup_(held_container_done) HeldContainer c = HELD_CONTAINER_NONE;
        const char *name, *new_name;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "new-name", &new_name);
        if (r >= 0)
                r = held_container_open(j, name, HOLD_STOPPED, &c);
        if (r >= 0)
                r = rename_container(j, &c, new_name);
        if (r < 0)
                return r;
        held_container_done(&c);
        job_result(j, "name=%s", new_name);
        job_commit(j);
        return 0;
}
