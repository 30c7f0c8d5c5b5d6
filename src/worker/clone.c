/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/profile.h"
#include "shared/hook.h"
#include "shared/names.h"
#include "worker/container-conf.h"
#include "worker/live.h"
#include "worker/new-container.h"
#include "worker/overlay.h"
#include "worker/profile.h"
#include "worker/snapshot-store.h"
#include "worker/store.h"
#include "worker/tree-copy.h"

/* clone: a container that begins where another one is now, or was when a snapshot was taken. Both lie over the same layers afterwards, and nothing is
 * copied. What one that runs has written itself is copied, while it stands still. */

typedef struct Clone {
        Job *job;
        const char *source;
        const char *snapshot;    /* NULL: as it is now */
        const char *store;       /* the copy's, when it is another one; NULL: the source's */
        char **layers;           /* of the source: what goes to the other store */
        OverlayLayer still;      /* a copy of what one that runs has written, for as long as that takes */
        HeldContainer held;      /* the source */
        SettingsFile *conf;      /* becomes the new one's */
        char **below;            /* what the new one's own layer lies over */
        bool freezes;            /* the source goes on on a new layer */
        bool stays;              /* it goes on where it is: what it has written was copied */
        bool copies;             /* files of any number */
        char *scratch;
        int scratch_fd;
        OverlayLayer layer, bound; /* of the source; what all below it became if they were too many */
        NewContainer new;
} Clone;

static void clone_done(Clone *c) {
        new_container_done(&c->new);
        overlay_done(c->job, &c->layer);
        overlay_done(c->job, &c->bound);
        overlay_done(c->job, &c->still);
        c->layers = strv_free(c->layers);
        c->conf = settings_file_free(c->conf);
        c->below = strv_free(c->below);
        held_container_done(&c->held);
        c->scratch_fd = fd_close(c->scratch_fd);
}

/* An owner gets no second helping of what an administrator gave to one container. */
static int check_owner_may(Clone *c) {
        _cleanup_(settings_file_freep) SettingsFile *empty = NULL;
        _cleanup_strv_ char **keys = NULL;
        int r;

        if (c->job->owner == 0)
                return 0;
        r = settings_file_new(&empty);
        if (r >= 0)
                r = settings_file_changed_keys(empty, c->conf, &keys);
        if (r < 0)
                return failure_set(&c->job->failure, FAILURE_JOB_FAILED, r, "Failed to look at the settings of the container '%s': %m", c->source);
        STRV_FOREACH(k, keys) {
                _cleanup_free_ char *value = NULL, *error = NULL;

                if (settings_key_is_internal(*k))
                        continue;
                if (settings_file_get(c->conf, *k, &value, &error) >= 0 && settings_assignment_is_owner_settable(*k, value) > 0)
                        continue;
                return failure_set(&c->job->failure, FAILURE_NOT_SUPPORTED, EPERM,
                                   "The container '%s' has a setting that is the administrator's to give, '%s': an administrator can copy it.", c->source, *k);
        }
        return 0;
}

/* Two containers with one hardware address disturb each other, two with the same ids cannot run at once, and a host name that was given to one is
 * not the other's. */
static int forget_identity(Clone *c) {
        _cleanup_(settings_file_freep) SettingsFile *empty = NULL;
        _cleanup_free_ char *error = NULL, *ephemeral = NULL, *before = NULL;
        _cleanup_strv_ char **keys = NULL;
        int r;

        r = settings_file_new(&empty);
        if (r >= 0)
                r = settings_file_changed_keys(empty, c->conf, &keys);
        STRV_FOREACH(k, keys)
                if (r >= 0 && (streq(*k, "Exec.Hostname") || streq(*k, "Security.IDMapBase") || (startswith(*k, "Device") && endswith(*k, ".MACAddress"))))
                        r = settings_file_unset(c->conf, *k, &error);
        if (r >= 0 && settings_file_get(c->conf, "Container.Ephemeral", &ephemeral, &error) >= 0)
                r = settings_file_set_internal(c->conf, "Container.Ephemeral", "no");
        if (r >= 0 && settings_file_get(c->conf, "Container.StartBeforeUSec", &before, &error) >= 0)
                r = settings_file_set_internal(c->conf, "Container.StartBeforeUSec", "");
        return r < 0 ? failure_set(&c->job->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m") : 0;
}

static int read_conf(Clone *c) {
        _cleanup_free_ char *text = NULL, *error = NULL;
        SnapshotConf about;
        int r;

        if (c->snapshot)
                return snapshot_read(c->job, &c->held, c->snapshot, &about, &c->conf);
        r = settings_file_print(c->held.conf, &text);
        if (r >= 0)
                r = settings_file_parse("container.conf", text, &c->conf, &error);
        return r < 0 ? failure_set(&c->job->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m") : 0;
}

/* Is it to another store? Nobody asks twice for where it is. */
static int choose_store(Clone *c) {
        _cleanup_free_ char *store = NULL, *encrypted = NULL, *error = NULL;
        const char *wanted = message_get(c->job->request, "store");
        Job *j = c->job;
        int r;

        if (!wanted)
                return 0;
        r = overlay_get_layers(j, c->conf, &c->layers);
        if (r >= 0)
                r = overlay_store_name(j, c->layers, &store);
        if (r < 0 || streq(store, wanted))
                return r;
        /* As for a move: it would be as readable there as that store is. */
        if (settings_file_get(c->conf, "Container.Encrypted", &encrypted, &error) >= 0)
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "The container '%s' is encrypted, and so are its copies, in the same store.", c->source);
        c->store = wanted;
        r = settings_file_set_internal(c->conf, "Container.Store", streq(wanted, STORAGE_DEFAULT) ? "" : wanted);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m") : 0;
}

/* What goes to another store takes as long as it is large. One that runs need not stand still for that, but only until its own store has a copy. */
static int hold_layers(Clone *c) {
        Job *j = c->job;
        int r;

        c->copies = c->stays = true;
        if (c->snapshot || !c->held.runs)
                return 0;
        r = store_make_scratch(j, &c->scratch, &c->scratch_fd);
        if (r >= 0)
                r = overlay_make_copy(j, c->scratch_fd, c->layers[0], &c->still);
        if (r >= 0)
                r = overlay_publish(j, &c->still);
        if (r < 0)
                return r;
        memcpy(c->layers[0], c->still.id, sizeof c->still.id);
        return 0;
}

static int make_layer(Clone *c) {
        char *const *layers = c->held.layers;
        _cleanup_strv_ char **frozen = NULL;
        int r;

        if (c->store)
                return hold_layers(c);
        if (c->snapshot) {
                r = overlay_get_layers(c->job, c->conf, &frozen);
                return r < 0 ? r : overlay_make_over(c->job, c->new.fd, frozen, &c->below, &c->new.layer);
        }
        r = overlay_has_chains(c->job, layers);
        if (r < 0)
                return r;
        if (c->held.runs || r == 0) {
                r = strv_copy(layers + 1, &c->below);
                c->copies = c->stays = true;
                return r < 0 ? r : overlay_make_copy(c->job, c->new.fd, layers[0], &c->new.layer);
        }
        r = overlay_is_unchanged(c->job, layers);
        if (r < 0)
                return r;
        c->freezes = r == 0;
        return overlay_make_over(c->job, c->new.fd, layers, &frozen, &c->new.layer);
}

/* Before there is anything that lies over what the source wrote to until now. Its file of settings comes later. */
static int freeze_source(Clone *c) {
        _cleanup_strv_ char **frozen = NULL;
        HeldContainer *h = &c->held;
        Job *j = c->job;
        int r;

        if (c->snapshot || c->stays)
                return 0;
        if (!c->freezes)
                return strv_copy(h->layers + 1, &c->below);
        r = store_make_scratch(j, &c->scratch, &c->scratch_fd);
        if (r >= 0)
                r = overlay_make_over(j, c->scratch_fd, h->layers, &frozen, &c->layer);
        if (r >= 0)
                r = overlay_publish(j, &c->layer);
        if (r >= 0)
                r = overlay_bound(j, c->scratch_fd, h->fd, h->image, &h->layers, &c->bound);
        if (r > 0)
                r = overlay_publish(j, &c->bound);
        return r < 0 ? r : strv_copy(h->layers, &c->below);
}

static int commit_source(Clone *c) {
        HeldContainer *h = &c->held;
        Job *j = c->job;
        int r;

        if (!c->layer.published)
                return 0;
        r = overlay_sync(j, &c->layer);
        if (r >= 0)
                r = overlay_set_layers(j, h->conf, c->layer.id, c->below);
        if (r >= 0)
                r = held_container_write(j, h, h->conf);
        if (r < 0)
                return r;
        overlay_link(h->fd, (char *[]) { c->layer.id, NULL });
        overlay_keep(&c->layer);
        overlay_keep(&c->bound);
        return 0;
}

/* The administrator's own files for it, and its volumes; most have none. */
static int copy_directory(Clone *c, const char *name) {
        struct stat st;

        if (fstatat(c->held.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : failure_set(&c->job->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the container '%s': %m", c->source);
        c->copies = true;
        return tree_copy(c->job, c->held.fd, c->new.fd, name);
}

/* What is to run at its first start are the templates for a copy. */
static int mark_copied(Clone *c) {
        _cleanup_close_ int fd = openat(c->new.fd, "copied", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? failure_set(&c->job->failure, FAILURE_JOB_FAILED, errno, "Failed to mark the container '%s' as a copy: %m", c->new.name) : 0;
}

static int make_conf(Clone *c) {
        int r;

        r = forget_identity(c);
        if (r >= 0)
                r = new_container_identify(c->job, &c->new, c->conf);
        if (r >= 0)
                r = container_conf_apply_request(c->job, c->new.name, c->conf);
        if (r >= 0)
                r = profiles_check(c->job, c->conf);
        return r;
}

static int run_hooks(Clone *c) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *error = NULL;
        _cleanup_strv_ char **environment = NULL;
        HookContext context = { .name = c->new.name, .mount_namespace_fd = -EBADF, .apart = true };
        int r;

        r = settings_load_with(c->new.name, c->conf, &s, &error);
        if (r < 0)
                return failure_set(&c->job->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        r = strv_extendf(&environment, "BERTH_SOURCE=%s", c->source);
        if (r >= 0)
                r = strv_extendf(&environment, "LXC_SRC_NAME=%s", c->source);
        /* Elsewhere there is no path to it: it is mounted nowhere. */
        if (r >= 0 && c->new.layer.volume.store->type->chains)
                r = strv_extendf(&environment, "BERTH_LAYER=" BERTH_STATE_DIR "/" DIR_CONTAINERS "/%s/layer/upper", c->new.temporary);
        if (r < 0)
                return r;
        context.settings = s;
        context.environment = environment;
        r = hooks_run(HOOK_CLONE, &context, &error);
        return r < 0 ? failure_set(&c->job->failure, FAILURE_JOB_FAILED, r, "Container '%s' was not copied: %s", c->source, error ?: strerror(-r)) : 0;
}

/* What takes long comes first, while others may still drop layers. */
static int make_files(Clone *c) {
        int r;

        r = make_layer(c);
        if (r >= 0)
                r = copy_directory(c, "mount");
        if (r >= 0)
                r = copy_directory(c, "volumes");
        if (r >= 0 && c->held.runs)
                r = live_still_held(c->job, c->source, c->held.lock_fd);
        held_container_release(&c->held);
        if (r >= 0 && c->store)
                r = overlay_make_moved(c->job, c->new.fd, c->store, c->layers, c->held.fd, c->held.image, &c->new.layer);
        if (r >= 0)
                r = mark_copied(c);
        return r < 0 ? r : run_hooks(c);
}

static int clone(Clone *c, const char *name) {
        Job *j = c->job;
        int r;

        r = new_container_check_name(j, name);
        if (r >= 0)
                r = held_container_open(j, c->source, HOLD_DIRECTORY, &c->held);
        if (r >= 0)
                r = read_conf(c);
        if (r >= 0)
                r = check_owner_may(c);
        if (r >= 0)
                r = choose_store(c);
        if (r >= 0)
                r = new_container_begin(j, name, &c->new);
        if (r >= 0)
                r = make_conf(c);
        if (r >= 0 && !c->snapshot)
                r = held_container_quiet(j, &c->held);
        if (r >= 0)
                r = make_files(c);
        if (r >= 0)
                r = freeze_source(c);
        if (r >= 0)
                r = new_container_write_conf(j, &c->new, c->conf, c->below);
        /* One flush of the file system costs less than one for each file. */
        if (r >= 0 && c->copies && syncfs(c->new.fd) < 0)
                r = failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to write the container '%s' to the disk: %m", name);
        if (r >= 0)
                r = commit_source(c);
        return r < 0 ? r : new_container_finish(j, &c->new);
}

int job_clone(Job *j) {
        Clone c = { .job = j, .held = HELD_CONTAINER_NONE, .scratch_fd = -EBADF, .layer = OVERLAY_LAYER_NONE, .bound = OVERLAY_LAYER_NONE, .still = OVERLAY_LAYER_NONE, .new = NEW_CONTAINER_NONE };
        _cleanup_free_ char *scratch = NULL;
        const char *name;
        int r;

        c.snapshot = message_get(j->request, "snapshot");
        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "source", &c.source);
        if (r >= 0)
                r = clone(&c, name);
        scratch = TAKE_PTR(c.scratch);
        clone_done(&c);
        if (r >= 0) {
                job_result(j, "name=%s", name);
                job_commit(j);
        }
        if (scratch)
                store_empty_trash(j, scratch);
        return r;
}
