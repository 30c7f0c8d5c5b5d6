/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/new-container.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/foreign-range.h"
#include "shared/names.h"
#include "shared/uid-lease.h"
#include "worker/apparmor-check.h"
#include "worker/profile.h"
#include "worker/store.h"

int new_container_check_name(Job *j, const char *name) {
        _cleanup_close_ int containers = -EBADF;
        struct stat st;
        int r;

        r = store_check_container_name(j, name);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;
        if (fstatat(containers, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return failure_set(&j->failure, FAILURE_CONTAINER_EXISTS, EEXIST, "There is a container '%s' already.", name);
        return 0;
}

int new_container_begin(Job *j, const char *name, NewContainer *ret) {
        _cleanup_(new_container_done) NewContainer n = NEW_CONTAINER_NONE;
        int r;

        n.job = j;
        n.name = name;
        r = store_open(j, DIR_CONTAINERS, &n.containers_fd);
        if (r >= 0)
                r = profiles_lock(j, LOCK_SH, &n.profiles_fd);
        if (r < 0)
                return r;
        n.hold_fd = uid_lease_hold(j->state_fd);
        r = n.hold_fd < 0 ? n.hold_fd : uid_lease_acquire(j->state_fd, name, &n.uid_base);
        if (r == -ENOSPC && foreign_range_is_shared())
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "%s.", foreign_range_explanation);
        if (r == -ENOSPC)
                return failure_set(&j->failure, FAILURE_LIMIT_REACHED, ERANGE, "No range of user ids is free for the container '%s'.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to find a range of user ids for the container '%s': %m", name);
        r = store_make_new(j, n.containers_fd, &n.temporary, &n.fd);
        if (r < 0)
                return r;
        *ret = n;
        n = NEW_CONTAINER_NONE;
        return 0;
}

void new_container_done(NewContainer *n) {
        overlay_done(n->job, &n->layer);
        if (n->temporary)
                (void) store_remove_tree(n->containers_fd, n->temporary);
        if (n->uid_base > 0)
                (void) uid_lease_release(n->job->state_fd, n->name, n->uid_base);
        free(TAKE_PTR(n->temporary));
        n->fd = fd_close(n->fd);
        n->hold_fd = fd_close(n->hold_fd);
        n->profiles_fd = fd_close(n->profiles_fd);
        n->containers_fd = fd_close(n->containers_fd);
        n->uid_base = 0;
}

static int make_uuid(char ret[static 37]) {
        uint8_t b[16];

        if (getrandom(b, sizeof b, 0) != sizeof b)
                return -errno;
        /* Version 4, random, of RFC 4122. */
        b[6] = (uint8_t) ((b[6] & 0x0f) | 0x40);
        b[8] = (uint8_t) ((b[8] & 0x3f) | 0x80);
        snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
                 b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
        return 0;
}

static int set_number(SettingsFile *f, const char *key, uint64_t value) {
        char text[DECIMAL_MAX];

        snprintf(text, sizeof text, "%llu", (unsigned long long) value);
        return settings_file_set_internal(f, key, text);
}

int new_container_identify(Job *j, const NewContainer *n, SettingsFile *f) {
        char uuid[37];
        const char *within = message_get(j->request, "start-within");
        uint64_t now = clock_usec(CLOCK_REALTIME), usec = 0;
        int r, ephemeral;

        ephemeral = message_get_bool(j->request, "ephemeral");
        if (ephemeral < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'ephemeral' is neither yes nor no.");
        if (within && parse_u64(within, UINT64_MAX - now, &usec) < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'start-within' is no time.");
        r = make_uuid(uuid);
        if (r >= 0)
                r = settings_file_set_internal(f, "Container.UUID", uuid);
        if (r >= 0)
                r = set_number(f, "Container.CreatedUSec", now);
        if (r >= 0)
                r = set_number(f, "Container.UIDBase", n->uid_base);
        if (r >= 0 && ephemeral)
                r = settings_file_set_internal(f, "Container.Ephemeral", "yes");
        if (r >= 0 && ephemeral && usec > 0)
                r = set_number(f, "Container.StartBeforeUSec", now + usec);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m") : 0;
}

int new_container_write_conf(Job *j, NewContainer *n, SettingsFile *f, char *const *below) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = apparmor_check(j, n->name, n->fd, f);
        if (r < 0)
                return r;
        r = overlay_set_layers(j, f, n->layer.id, below);
        if (r >= 0)
                r = overlay_publish(j, &n->layer);
        if (r < 0)
                return r;
        overlay_link(n->fd, (char *[]) { n->layer.id, NULL });
        r = settings_file_print(f, &text);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m");
        /* Of all that is made the file comes last: a journal has the directories then, and there is nothing more to wait for. */
        fd = openat(n->fd, "container.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the container's settings: %m") : 0;
}

int new_container_finish(Job *j, NewContainer *n) {
        int r;

        r = overlay_sync(j, &n->layer);
        if (r < 0)
                return r;
        r = path_sync_directory(n->fd);
        if (r >= 0 && job_cancelled())
                return job_fail_cancelled(j);
        if (r >= 0 && renameat2(n->containers_fd, n->temporary, n->containers_fd, n->name, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r == -EEXIST)
                return failure_set(&j->failure, FAILURE_CONTAINER_EXISTS, r, "There is a container '%s' already.", n->name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to put the container '%s' in its place: %m", n->name);

        r = path_sync_directory(n->containers_fd);
        if (r < 0) {
                (void) renameat2(n->containers_fd, n->name, n->containers_fd, n->temporary, RENAME_NOREPLACE);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the container '%s' to the disk: %m", n->name);
        }
        overlay_keep(&n->layer);
        free(TAKE_PTR(n->temporary));
        n->uid_base = 0;
        return 0;
}
