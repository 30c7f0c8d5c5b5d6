/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/overlay-reduce.h"
#include "worker/overlay.h"
#include "worker/snapshot-store.h"
#include "worker/store.h"

/* change-snapshot: another name, another end. delete-snapshots: they go, and what nobody else lies on with them. */

static int no_such_snapshot(Job *j, const HeldContainer *c, const char *snapshot) {
        return failure_set(&j->failure, FAILURE_NO_SUCH_SNAPSHOT, ENOENT, "Container '%s' has no snapshot '%s'.", c->name, name_for_message(snapshot));
}

static int rename_snapshot(Job *j, const HeldContainer *c, int snapshots_fd, const char *snapshot, const char *new_name) {
        int r;

        r = snapshot_check_name(j, new_name);
        if (r < 0)
                return r;
        if (renameat2(snapshots_fd, snapshot, snapshots_fd, new_name, RENAME_NOREPLACE) < 0) {
                if (errno == EEXIST)
                        return failure_set(&j->failure, FAILURE_SNAPSHOT_EXISTS, errno, "Container '%s' has a snapshot '%s' already.", c->name, new_name);
                return errno == ENOENT ? no_such_snapshot(j, c, snapshot) : failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to rename the snapshot '%s': %m", snapshot);
        }
        r = path_sync_directory(snapshots_fd);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to rename the snapshot '%s': %m", snapshot) : 0;
}

static int set_expiry(Job *j, const HeldContainer *c, int snapshots_fd, const char *snapshot, const char *expires) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        SnapshotConf conf;
        int r;

        r = snapshot_read(j, c, snapshot, &conf, &f);
        if (r < 0)
                return r;
        if (parse_u64(expires, UINT64_MAX, &conf.expires_usec) < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'expires' is no time.");
        r = fd = path_open_beneath(snapshots_fd, snapshot, O_RDONLY | O_DIRECTORY, 0);
        if (r >= 0)
                r = snapshot_conf_print(&conf, &text);
        if (r >= 0)
                r = path_write_atomic(fd, "snapshot.conf", text, strlen(text), 0600);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to change the snapshot '%s': %m", snapshot) : 0;
}

int job_change_snapshot(Job *j) {
        _cleanup_(held_container_done) HeldContainer c = HELD_CONTAINER_NONE;
        const char *name, *snapshot, *new_name, *expires;
        _cleanup_close_ int snapshots = -EBADF;
        int r;

        new_name = message_get(j->request, "new-name");
        expires = message_get(j->request, "expires");
        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "snapshot", &snapshot);
        if (r >= 0)
                r = held_container_open(j, name, HOLD_DIRECTORY, &c);
        if (r >= 0)
                r = snapshots_open(j, &c, false, &snapshots);
        if (r >= 0)
                r = snapshot_check_name(j, snapshot);
        if (r >= 0 && snapshots < 0)
                r = no_such_snapshot(j, &c, snapshot);
        if (r >= 0 && expires)
                r = set_expiry(j, &c, snapshots, snapshot, expires);
        if (r >= 0 && new_name)
                r = rename_snapshot(j, &c, snapshots, snapshot, new_name);
        if (r < 0)
                return r;
        held_container_done(&c);
        job_commit(j);
        return 0;
}

/* All of them, or, if one is not there, none. */
static int check_all(Job *j, const HeldContainer *c, char *const *names, char ***layers) {
        int r;

        STRV_FOREACH(n, names) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_strv_ char **l = NULL;
                SnapshotConf conf;

                r = snapshot_read(j, c, *n, &conf, &f);
                if (r >= 0)
                        r = overlay_get_layers(j, f, &l);
                if (r < 0)
                        return r;
                STRV_FOREACH(id, l)
                        if (!strv_find(*layers, *id)) {
                                r = strv_extend(layers, *id);
                                if (r < 0)
                                        return r;
                        }
        }
        return 0;
}

static int move_all(Job *j, const HeldContainer *c, char *const *names, int scratch_fd) {
        _cleanup_close_ int snapshots = -EBADF;
        int r;

        r = snapshots_open(j, c, false, &snapshots);
        STRV_FOREACH(n, names)
                if (r >= 0 && renameat2(snapshots, *n, scratch_fd, *n, RENAME_NOREPLACE) < 0)
                        /* It may be named twice. */
                        r = errno == ENOENT ? 0 : failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to move the snapshot '%s' to the trash: %m", *n);
        if (r < 0)
                return r;
        r = path_sync_directory(snapshots);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write that snapshots are gone to the disk: %m") : 0;
}

int job_delete_snapshots(Job *j) {
        _cleanup_(held_container_done) HeldContainer c = HELD_CONTAINER_NONE;
        _cleanup_strv_ char **names = NULL, **layers = NULL;
        _cleanup_free_ char *scratch = NULL, *image = NULL;
        _cleanup_close_ int scratch_fd = -EBADF;
        const char *name;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = message_get_strv(j->request, "snapshot", &names);
        if (r >= 0)
                r = held_container_open(j, name, HOLD_DIRECTORY, &c);
        if (r >= 0)
                r = check_all(j, &c, names, &layers);
        if (r >= 0)
                r = store_make_scratch(j, &scratch, &scratch_fd);
        if (r >= 0 && job_cancelled())
                r = job_fail_cancelled(j);
        if (r >= 0)
                r = move_all(j, &c, names, scratch_fd);
        if (r >= 0) {
                overlay_reduce(j, &c, scratch_fd, &layers);
                image = TAKE_PTR(c.image);
        }
        held_container_done(&c);
        if (r >= 0) {
                job_commit(j);
                overlay_drop(j, layers, image, scratch_fd);
        }
        if (scratch)
                store_empty_trash(j, scratch);
        return r;
}
