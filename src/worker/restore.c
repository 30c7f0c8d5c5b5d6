/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/overlay.h"
#include "worker/profile.h"
#include "worker/snapshot-store.h"
#include "worker/store.h"

/* restore: a container gets a new layer over those of the snapshot, and the settings that it had then; who it is (UUID, ids, owner) stays. All
 * of that is its file of settings, which is replaced at once. What it has written since goes to the trash when that is durable, unless another snapshot
 * has it. Its volumes and the administrator's own files for it (mount/) are not in snapshots, and stay as they are. */

/* What an administrator has taken from a container since is not its owner's to bring back. */
static int check_owner_may(Job *j, const HeldContainer *c, const SettingsFile *then, const char *snapshot) {
        _cleanup_strv_ char **keys = NULL;
        int r;

        if (j->owner == 0)
                return 0;
        r = settings_file_changed_keys(c->conf, then, &keys);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to look at the settings of the container '%s': %m", c->name);
        STRV_FOREACH(k, keys) {
                _cleanup_free_ char *value = NULL, *before = NULL, *error = NULL, *error2 = NULL;

                if (settings_key_is_internal(*k))
                        continue;
                if (settings_file_get(then, *k, &value, &error) < 0)
                        value = NULL;
                if (settings_file_get(c->conf, *k, &before, &error2) < 0)
                        before = NULL;
                if (settings_assignment_is_owner_settable(*k, value) > 0 && (!before || settings_assignment_is_owner_settable(*k, before) > 0))
                        continue;
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EPERM,
                                   "A setting that is the administrator's to give, '%s', was another one when the snapshot '%s' was taken: an administrator can restore it.",
                                   *k, snapshot);
        }
        return 0;
}

/* The container is the same one: what berth itself keeps of it is that of now. */
static int keep_identity(Job *j, const HeldContainer *c, SettingsFile *then) {
        static const char *const keys[] = { "Container.CreatedUSec", "Container.Ephemeral", "Container.Owner", "Container.UIDBase", "Container.UUID" };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(keys); i++) {
                _cleanup_free_ char *value = NULL, *error = NULL;

                if (settings_file_get(c->conf, keys[i], &value, &error) >= 0)
                        r = settings_file_set_internal(then, keys[i], value);
        }
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m") : 0;
}

static int check_settings(Job *j, const HeldContainer *c, const SettingsFile *then, const char *snapshot) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = settings_load_with(c->name, then, &s, &error);
        return r < 0 ? failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "The settings in the snapshot '%s' do not hold any more: %s", snapshot, error ?: strerror(-r)) : 0;
}

/* Host name and machine id are given at the first start; before that there were none. */
static void set_personalised(const HeldContainer *c, const SnapshotConf *conf) {
        _cleanup_close_ int fd = -EBADF;

        if (!conf->personalised)
                (void) unlinkat(c->fd, "personalised", 0);
        else
                fd = openat(c->fd, "personalised", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int restore(Job *j, HeldContainer *c, const char *snapshot, int scratch_fd, OverlayLayer *layer) {
        _cleanup_(settings_file_freep) SettingsFile *then = NULL;
        _cleanup_close_ int profiles = -EBADF;
        _cleanup_strv_ char **frozen = NULL, **below = NULL;
        SnapshotConf conf;
        int r;

        r = profiles_lock(j, LOCK_SH, &profiles);
        if (r >= 0)
                r = snapshot_read(j, c, snapshot, &conf, &then);
        if (r >= 0)
                r = overlay_get_layers(j, then, &frozen);
        if (r >= 0)
                r = check_owner_may(j, c, then, snapshot);
        if (r >= 0)
                r = keep_identity(j, c, then);
        if (r >= 0)
                r = overlay_make_over(j, scratch_fd, frozen, &below, layer);
        if (r >= 0)
                r = overlay_publish(j, layer);
        if (r >= 0)
                r = overlay_set_layers(j, then, layer->id, below);
        if (r >= 0)
                r = check_settings(j, c, then, snapshot);
        if (r >= 0)
                r = overlay_sync(j, layer);
        if (r >= 0 && job_cancelled())
                r = job_fail_cancelled(j);
        if (r >= 0)
                r = held_container_write(j, c, then);
        if (r < 0)
                return r;
        overlay_keep(layer);
        set_personalised(c, &conf);
        overlay_link(c->fd, (char *[]) { layer->id, NULL });
        return 0;
}

int job_restore(Job *j) {
        _cleanup_(held_container_done) HeldContainer c = HELD_CONTAINER_NONE;
        OverlayLayer layer = OVERLAY_LAYER_NONE;
        _cleanup_close_ int scratch_fd = -EBADF;
        _cleanup_free_ char *scratch = NULL;
        _cleanup_strv_ char **layers = NULL;
        const char *name, *snapshot;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "snapshot", &snapshot);
        if (r >= 0)
                r = held_container_open(j, name, HOLD_STOPPED, &c);
        if (r >= 0)
                r = store_make_scratch(j, &scratch, &scratch_fd);
        if (r >= 0)
                r = restore(j, &c, snapshot, scratch_fd, &layer);
        overlay_done(j, &layer);
        layers = TAKE_PTR(c.layers);
        held_container_done(&c);
        if (r >= 0) {
                job_commit(j);
                overlay_drop(j, layers, NULL, scratch_fd);
        }
        if (scratch)
                store_empty_trash(j, scratch);
        return r;
}
