/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "storage/storage.h"
#include "worker/container-conf.h"
#include "worker/overlay.h"
#include "worker/snapshot-store.h"
#include "worker/store.h"

/* move: the files of a container that does not run, and those of its snapshots, go to another store. All of them are there, and durable, before the first file of
 * settings says so; then those of the snapshots change and the container's last. Each is right by itself, whatever the others say: who is killed in between leaves
 * a container that starts, and snapshots that can be restored, some of which are in the other store. */

typedef struct MovedOne {
        char name[SNAPSHOT_NAME_MAX + 1]; /* of the snapshot; "": the container */
        int fd;
        SettingsFile *conf;
        char **layers;
        OverlayLayer new;
} MovedOne;

typedef struct Move {
        Job *job;
        const char *store;
        HeldContainer container;
        int snapshots_fd, scratch_fd;
        char *scratch;
        MovedOne *list;
        size_t n;
        char **old;
} Move;

static void move_done(Move *m) {
        for (size_t i = 0; i < m->n; i++) {
                overlay_done(m->job, &m->list[i].new);
                settings_file_free(m->list[i].conf);
                strv_free(m->list[i].layers);
                (void) fd_close(m->list[i].fd);
        }
        free(m->list);
        m->n = 0;
        m->list = NULL;
        held_container_done(&m->container);
        m->snapshots_fd = fd_close(m->snapshots_fd);
        m->scratch_fd = fd_close(m->scratch_fd);
}

/* Takes the fd. */
static int add_one(Move *m, const char *name, int fd) {
        MovedOne *l = reallocarray(m->list, m->n + 1, sizeof *l), *one;
        int r;

        if (!l) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        m->list = l;
        one = l + m->n++;
        *one = (MovedOne) { .fd = fd, .new = OVERLAY_LAYER_NONE };
        snprintf(one->name, sizeof one->name, "%s", name);
        r = container_conf_read(m->job, *name ? name : m->container.name, fd, &one->conf);
        return r < 0 ? r : overlay_get_layers(m->job, one->conf, &one->layers);
}

static int add_snapshots(Move *m) {
        int copy = openat(m->snapshots_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *d = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *de;

        if (!d)
                return -errno;
        while (r >= 0 && (errno = 0, de = readdir(d)))
                if (snapshot_name_valid(de->d_name)) {
                        r = path_open_beneath(m->snapshots_fd, de->d_name, O_RDONLY | O_DIRECTORY, 0);
                        if (r >= 0)
                                r = add_one(m, de->d_name, r);
                }
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(d);
        return r;
}

/* The container comes last. */
static int find_all(Move *m) {
        Job *j = m->job;
        int r, fd;

        r = snapshots_open(j, &m->container, false, &m->snapshots_fd);
        if (r >= 0 && m->snapshots_fd >= 0)
                r = add_snapshots(m);
        if (r >= 0) {
                fd = openat(m->container.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 ? -errno : add_one(m, "", fd);
        }
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the snapshots of the container '%s': %m", m->container.name) : 0;
}

static int is_there(Move *m, const MovedOne *one) {
        _cleanup_free_ char *store = NULL;
        int r;

        r = overlay_store_name(m->job, one->layers, &store);
        return r < 0 ? r : streq(store, m->store);
}

static int make_one(Move *m, MovedOne *one) {
        const HeldContainer *c = &m->container;
        Job *j = m->job;
        int r;

        r = is_there(m, one);
        if (r != 0)
                return r < 0 ? r : 0;
        r = overlay_make_moved(j, m->scratch_fd, m->store, one->layers, c->fd, c->image, &one->new);
        if (r >= 0)
                r = overlay_publish(j, &one->new);
        if (r >= 0)
                r = overlay_set_layers(j, one->conf, one->new.id, NULL);
        if (r >= 0)
                r = settings_file_set_internal(one->conf, "Container.Store", streq(m->store, STORAGE_DEFAULT) ? "" : m->store);
        if (r >= 0)
                r = overlay_sync(j, &one->new);
        STRV_FOREACH(id, one->layers)
                if (r >= 0 && !strv_find(m->old, *id))
                        r = strv_extend(&m->old, *id);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to move the container '%s': %m", c->name) : 0;
}

static int commit_one(Move *m, MovedOne *one) {
        Job *j = m->job;
        int r;

        if (!one->new.published)
                return 0;
        r = container_conf_write(j, *one->name ? one->name : m->container.name, one->fd, one->conf);
        if (r < 0)
                return r;
        if (!*one->name)
                overlay_link(one->fd, (char *[]) { one->new.id, NULL });
        overlay_keep(&one->new);
        return 0;
}

static int move(Move *m, const char *name) {
        Job *j = m->job;
        _cleanup_free_ char *encrypted = NULL, *error = NULL;
        bool any = false;
        int r;

        r = held_container_open(j, name, HOLD_STOPPED, &m->container);
        /* It would take the key, and be as readable there as its new store is. */
        if (r >= 0 && settings_file_get(m->container.conf, "Container.Encrypted", &encrypted, &error) >= 0)
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "The container '%s' is encrypted and stays in its store.", name);
        if (r >= 0)
                r = find_all(m);
        if (r >= 0)
                r = store_make_scratch(j, &m->scratch, &m->scratch_fd);
        for (size_t i = 0; r >= 0 && i < m->n; i++) {
                if (job_cancelled())
                        return job_fail_cancelled(j);
                r = make_one(m, m->list + i);
                any = any || m->list[i].new.published;
        }
        if (r >= 0 && !any)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EALREADY, "The container '%s' is in the store '%s' already.", name, m->store);
        /* The directories of the layers, and of what was copied into the state directory itself. */
        if (r >= 0 && syncfs(m->scratch_fd) < 0)
                r = failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to write the container '%s' to the disk: %m", name);
        for (size_t i = 0; r >= 0 && i < m->n; i++)
                r = commit_one(m, m->list + i);
        return r;
}

int job_move(Job *j) {
        Move m = { .job = j, .container = HELD_CONTAINER_NONE, .snapshots_fd = -EBADF, .scratch_fd = -EBADF };
        _cleanup_free_ char *scratch = NULL, *image = NULL;
        _cleanup_close_ int scratch_fd = -EBADF;
        _cleanup_strv_ char **old = NULL;
        const char *name;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "store", &m.store);
        if (r >= 0)
                r = move(&m, name);
        scratch = TAKE_PTR(m.scratch);
        scratch_fd = TAKE_FD(m.scratch_fd);
        old = TAKE_PTR(m.old);
        image = TAKE_PTR(m.container.image);
        move_done(&m);
        if (r >= 0) {
                job_commit(j);
                overlay_drop(j, old, image, scratch_fd);
        }
        if (scratch)
                store_empty_trash(j, scratch);
        return r;
}
