/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/snapshot-store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/container-conf.h"
#include "worker/live.h"
#include "worker/overlay.h"
#include "worker/store.h"

void held_container_release(const HeldContainer *c) {
        if (c->runs && c->lock_fd >= 0)
                live_release(c->lock_fd);
}

void held_container_done(HeldContainer *c) {
        c->conf = settings_file_free(c->conf);
        c->layers = strv_free(c->layers);
        free(TAKE_PTR(c->image));
        if (c->runs && c->lock_fd >= 0)
                live_await_release(TAKE_FD(c->lock_fd));
        c->lock_fd = fd_close(c->lock_fd);
        c->fd = fd_close(c->fd);
}

int held_container_read(Job *j, HeldContainer *c) {
        _cleanup_free_ char *error = NULL;
        int r;

        c->conf = settings_file_free(c->conf);
        c->layers = strv_free(c->layers);
        free(TAKE_PTR(c->image));
        r = container_conf_read(j, c->name, c->fd, &c->conf);
        if (r >= 0)
                r = overlay_get_layers(j, c->conf, &c->layers);
        if (r < 0)
                return r;
        r = settings_file_get(c->conf, "Container.Image", &c->image, &error);
        return r < 0 ? failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "The settings of the container '%s' do not say what its image is.", c->name) : 0;
}

int held_container_write(Job *j, HeldContainer *c, const SettingsFile *f) {
        return container_conf_write(j, c->name, c->fd, f);
}

/* Whoever is changing its settings is soon done. */
static int lock_directory(Job *j, HeldContainer *c) {
        _cleanup_close_ int containers = -EBADF;
        int r;

        r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;
        c->fd = fd_close(c->fd);
        r = store_lock(containers, c->name, LOCK_EX, &c->fd);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_CONTAINER, r, "There is no container '%s'.", c->name);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to lock the container '%s': %m", c->name) : 0;
}

static int quiet(Job *j, HeldContainer *c, bool may_run) {
        int r;

        r = store_lock_container(j, c->name, c->fd, &c->lock_fd);
        if (r >= 0 || !may_run || j->failure.kind != FAILURE_ALREADY_RUNNING)
                return r;
        j->failure = (Failure) {};
        c->runs = true;
        return live_hold(j, c->name, &c->lock_fd);
}

int held_container_quiet(Job *j, HeldContainer *c) {
        int r;

        r = quiet(j, c, true);
        /* While it runs settings may change, and must not wait for the time of a copy. */
        if (r >= 0 && c->runs)
                (void) flock(c->fd, LOCK_UN);
        return r;
}

int held_container_open(Job *j, const char *name, HoldHow how, HeldContainer *ret) {
        _cleanup_(held_container_done) HeldContainer c = HELD_CONTAINER_NONE;
        int r;

        c.name = name;
        r = store_open_container(j, name, &c.fd);
        if (r < 0)
                return r;
        if (how != HOLD_DIRECTORY)
                r = quiet(j, &c, how == HOLD_ANY);
        if (r >= 0 && !c.runs)
                r = lock_directory(j, &c);
        if (r >= 0)
                r = held_container_read(j, &c);
        if (r < 0)
                return r;
        *ret = c;
        c = HELD_CONTAINER_NONE;
        return 0;
}

int snapshot_check_name(Job *j, const char *name) {
        _cleanup_free_ char *why = NULL;

        if (snapshot_name_valid(name))
                return 0;
        (void) snapshot_name_explain(name, &why);
        return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "%s", why ?: "That is no name for a snapshot.");
}

int snapshots_open(Job *j, const HeldContainer *c, bool make, int *ret_fd) {
        int fd = make ? path_make_directory(c->fd, DIR_SNAPSHOTS, 0700) : path_open_beneath(c->fd, DIR_SNAPSHOTS, O_RDONLY | O_DIRECTORY, 0);

        if (fd < 0 && (make || fd != -ENOENT))
                return failure_set(&j->failure, FAILURE_JOB_FAILED, fd, "Failed to open the snapshots of the container '%s': %m", c->name);
        *ret_fd = fd;
        return 0;
}

/* 0 when there is none between the two. */
static unsigned number_after(const char *name, const char *head, const char *tail) {
        const char *digits = startswith(name, head), *end = digits ? endswith(digits, tail) : NULL;
        _cleanup_free_ char *text = end ? strndup(digits, (size_t) (end - digits)) : NULL;
        uint32_t number;

        return text && parse_u32(text, UINT32_MAX - 1, &number) >= 0 ? number + 1 : 0;
}

int snapshots_count(Job *j, int snapshots_fd, const char *head, const char *tail, unsigned *ret_n, unsigned *ret_next) {
        unsigned n = 0, next = 0;
        struct dirent *de;
        DIR *d;
        int fd;

        *ret_n = *ret_next = 0;
        if (snapshots_fd < 0)
                return 0;
        fd = openat(snapshots_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to read the snapshots: %m");
        while ((de = readdir(d))) {
                if (!snapshot_name_valid(de->d_name))
                        continue;
                n++;
                next = MAX_OF(next, number_after(de->d_name, head, tail));
        }
        (void) closedir(d);
        *ret_n = n;
        *ret_next = next;
        return 0;
}

int snapshot_read(Job *j, const HeldContainer *c, const char *snapshot, SnapshotConf *ret, SettingsFile **ret_settings) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_close_ int snapshots = -EBADF, fd = -EBADF;
        SnapshotConf conf;
        int r;

        r = snapshot_check_name(j, snapshot);
        if (r >= 0)
                r = snapshots_open(j, c, false, &snapshots);
        if (r < 0)
                return r;
        r = snapshots < 0 ? -ENOENT : 0;
        if (r >= 0)
                r = fd = path_open_beneath(snapshots, snapshot, O_RDONLY | O_DIRECTORY, 0);
        if (r >= 0)
                r = snapshot_conf_read(snapshots, snapshot, &conf);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_SNAPSHOT, r, "Container '%s' has no snapshot '%s'.", c->name, snapshot);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the snapshot '%s' of the container '%s': %m", snapshot, c->name);
        r = container_conf_read(j, snapshot, fd, &f);
        if (r < 0)
                return r;
        *ret = conf;
        *ret_settings = TAKE_PTR(f);
        return 0;
}

static int write_file(int dir_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

        return r >= 0 && fsync(fd) < 0 ? -errno : r;
}

int snapshot_make(Job *j, int dir_fd, const SnapshotConf *conf, const SettingsFile *settings) {
        _cleanup_free_ char *text = NULL, *about = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = fd = path_make_directory(dir_fd, "snapshot", 0700);
        if (r >= 0)
                r = settings_file_print(settings, &text);
        if (r >= 0)
                r = snapshot_conf_print(conf, &about);
        if (r >= 0)
                r = write_file(fd, "snapshot.conf", about);
        if (r >= 0)
                r = write_file(fd, "container.conf", text);
        if (r >= 0)
                r = path_sync_directory(fd);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the snapshot: %m") : 0;
}
