/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/id-range.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/foreign-range.h"
#include "shared/names.h"
#include "shared/uid-lease.h"

#define NSPAWN_LOCKS "/run/systemd/nspawn-uid"

/* Inside another container everybody has the same ids (foreign-range.h). */
static int settle_shared(Settings *s, char **ret_error) {
        uint32_t base = foreign_uid_base();
        int n;

        if (base == 0)
                n = asprintf(ret_error, "%s", foreign_range_explanation);
        else if (s->idmap_base != 0)
                n = asprintf(ret_error, "IDMapBase=%d cannot be had inside another container: all have the ids from %u on", s->idmap_base, base);
        else if (!ids_are_mapped(base, (uint32_t) s->idmap_size))
                n = asprintf(ret_error, "IDMapSize=%d: inside this container there are not so many from %u on (IDMapSize= of this one itself says how many)", s->idmap_size, base);
        else {
                s->uid_base = base;
                return 0;
        }
        if (n < 0)
                *ret_error = NULL;
        return -EOPNOTSUPP;
}

static int take(int state_fd, int container_fd, const char *name, const Settings *s, uint32_t *ret_base, char **ret_error) {
        _cleanup_close_ int hold = -EBADF;
        uint32_t size = (uint32_t) s->idmap_size;
        char text[64];
        int r, n = 0;

        hold = uid_lease_hold(state_fd);
        if (hold < 0)
                return hold;
        r = uid_lease_acquire_further(state_fd, name, (uint32_t) s->idmap_base, size, ret_base);
        if (r == -ERANGE)
                n = asprintf(ret_error, "IDMapBase=%d, IDMapSize=%u: goes beyond the ids of containers, which end at %u", s->idmap_base, size, CONTAINER_UID_MAX);
        else if (r == -EADDRINUSE)
                n = asprintf(ret_error, "IDMapBase=%d: some of the %u ids from there on are another's: a container's, an account's, or listed in /etc/subuid or /etc/subgid",
                             s->idmap_base, size);
        else if (r == -ENOSPC)
                n = asprintf(ret_error, "IDMapSize=%u: no range of so many ids is free", size);
        if (n < 0)
                *ret_error = NULL;
        if (r < 0)
                return r;

        snprintf(text, sizeof text, "%u %u\n", *ret_base, size);
        r = path_write_atomic(container_fd, UID_RANGE_FILE, text, strlen(text), 0600);
        if (r < 0)
                (void) uid_lease_release_further(state_fd, name, *ret_base, size);
        return r;
}

int id_range_settle(int container_fd, const char *name, Settings *s, char **ret_error) {
        _cleanup_close_ int state = -EBADF;
        uint32_t base, size;
        bool wanted = s->idmap_base != 0 || (uint32_t) s->idmap_size > UID_RANGE_SIZE;
        int r;

        if (foreign_range_is_shared())
                return settle_shared(s, ret_error);
        r = uid_range_read(container_fd, &base, &size);
        if (r < 0 && r != -EBADMSG)
                return r;
        if (!wanted && size == 0)
                return 0;

        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return -errno;
        if (wanted && size == (uint32_t) s->idmap_size && (s->idmap_base == 0 || base == (uint32_t) s->idmap_base) &&
            uid_lease_has_further(state, name, base, size)) {
                s->uid_base = base;
                return 0;
        }

        /* Not wanted any more, or not as it is. The file goes first: a lease without one is collected. */
        if (unlinkat(container_fd, UID_RANGE_FILE, 0) < 0 && errno != ENOENT)
                return -errno;
        if (size > 0) {
                r = uid_lease_release_further(state, name, base, size);
                if (r < 0)
                        return r;
        }
        if (wanted) {
                r = take(state, container_fd, name, s, &base, ret_error);
                if (r < 0)
                        return r;
                s->uid_base = base;
        }
        return 0;
}

int id_range_lock(const Settings *s, IdRange *ret, char **ret_error) {
        _cleanup_(id_range_unlock) IdRange range = {};
        size_t n = ((size_t) s->idmap_size + UID_RANGE_SIZE - 1) / UID_RANGE_SIZE;

        if (foreign_range_is_shared())
                return 0;
        range.lock_fds = calloc(n, sizeof *range.lock_fds);
        if (!range.lock_fds)
                return -ENOMEM;
        (void) mkdir(NSPAWN_LOCKS, 0755);
        for (size_t i = 0; i < n; i++) {
                uint32_t base = s->uid_base + (uint32_t) i * UID_RANGE_SIZE;
                char path[64];
                int fd;

                snprintf(path, sizeof path, NSPAWN_LOCKS "/%u", base);
                fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (fd < 0)
                        return -errno;
                /* A file nobody locks is no claim: what stays of it after our end is harmless. */
                range.lock_fds[range.n_lock_fds++] = fd;
                if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                        int r = -errno;

                        if (asprintf(ret_error, "its uid range from %u on is in use by another container manager", base) < 0)
                                *ret_error = NULL;
                        return r;
                }
        }
        *ret = range;
        range = (IdRange) {};
        return 0;
}

void id_range_unlock(IdRange *r) {
        for (size_t i = 0; i < r->n_lock_fds; i++)
                (void) fd_close(r->lock_fds[i]);
        free(r->lock_fds);
        *r = (IdRange) {};
}
