/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/key.h"

#include "basic/fd.h"
#include "storage/luks.h"
#include "worker/snapshot-store.h"

/* change-key: another key for the volume of a stopped container. What is in it is not encrypted anew, and its snapshots and copies, which have a header
 * of their own, keep the key that it had when they were made. */

#define TIMEOUT_MSEC 30000

int job_read_key(Job *j, size_t i, Key **ret) {
        _cleanup_close_ int fd = message_take_fd(j->request, i);
        int r = fd < 0 ? fd : key_read(fd, TIMEOUT_MSEC, ret);

        if (r == -ENODATA)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The key is empty.");
        if (r == -E2BIG)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The key is longer than %u bytes.", KEY_SIZE_MAX);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The key cannot be read: %m") : 0;
}

static int change(Job *j, const HeldContainer *c) {
        _cleanup_(key_freep) Key *old = NULL, *new = NULL;
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_close_ int layer = -EBADF;
        _cleanup_free_ char *error = NULL;
        int r;

        r = job_read_key(j, 0, &old);
        if (r >= 0)
                r = job_read_key(j, 1, &new);
        if (r < 0)
                return r;
        r = c->layers ? volume_open_layer(j->state_fd, c->layers[0], &layer) : -ENOENT;
        if (r >= 0)
                r = volume_open(layer, c->layers[0], &v, &error);
        if (r >= 0 && v.store->type != &storage_luks)
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "Container '%s' is not encrypted.", c->name);
        if (r >= 0)
                r = luks_change_key(&v, old, new, &error);
        if (r == -EPERM)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The old key of container '%s' is another.", c->name);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, error ? "The key of container '%s' was not changed: %s" : "The key of container '%s' was not changed: %m", c->name, error) : 0;
}

int job_change_key(Job *j) {
        _cleanup_(held_container_done) HeldContainer c = HELD_CONTAINER_NONE;
        const char *name;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = held_container_open(j, name, HOLD_STOPPED, &c);
        if (r >= 0)
                r = change(j, &c);
        if (r < 0)
                return r;
        held_container_done(&c);
        job_commit(j);
        return 0;
}
