/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/isolation.h"

#include <fcntl.h>
#include <sched.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/mount.h"
#include "shared/names.h"

/* Some are written by jobs, maps of ids in /proc for one. */
static const char *const kept[] = { "/dev", "/proc", "/sys", BERTH_RUNTIME_DIR, BERTH_STATE_DIR };
static const char *const homes[] = { "/home", "/root", "/run/user" };

typedef struct Place {
        int target_fd, mount_fd; /* owned; negative: there is no such place */
} Place;

static void places_done(Place (*places)[ELEMENTSOF(kept)]) {
        for (size_t i = 0; i < ELEMENTSOF(*places); i++) {
                (void) fd_close((*places)[i].target_fd);
                (void) fd_close((*places)[i].mount_fd);
        }
}

/* Copies of mounts keep what they were: of what is below them, a file system that is read-only stays it. */
static int copy_kept(Place *p, const char *path) {
        p->target_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (p->target_fd < 0)
                return errno == ENOENT ? 0 : -errno;
        return mount_clone(p->target_fd, "", true, &p->mount_fd);
}

static int cover_homes(void) {
        static const char *const options[] = { "mode=0000", "nr_inodes=1", NULL };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(homes); i++) {
                _cleanup_close_ int home = -EBADF, empty = -EBADF;

                /* No O_DIRECTORY, which would have an automount make its mount, and wait for its server. */
                home = open(homes[i], O_PATH | O_CLOEXEC);
                if (home < 0 && errno == ENOENT)
                        continue;
                if (home < 0)
                        return -errno;
                /* One for each: what is attached nowhere cannot be copied before Linux 6.15. */
                r = mount_new("tmpfs", "tmpfs", (char **) options, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &empty);
                if (r >= 0)
                        r = mount_attach(empty, home);
        }
        return r;
}

int isolation_enter(bool hide_homes) {
        _cleanup_(places_done) Place places[ELEMENTSOF(kept)] = {};
        _cleanup_close_ int root = -EBADF;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(kept); i++)
                places[i] = (Place) { -EBADF, -EBADF };
        if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
                return -errno;
        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        /* What the host mounts later is wanted, what is mounted here is not for the host. */
        r = mount_set_propagation(root, MS_SLAVE, true);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(kept); i++)
                r = copy_kept(places + i, kept[i]);
        if (r >= 0)
                r = mount_set_attributes(root, MOUNT_ATTR_RDONLY, 0, true);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(kept); i++)
                if (places[i].mount_fd >= 0)
                        r = mount_attach(places[i].mount_fd, places[i].target_fd);
        return r < 0 || !hide_homes ? r : cover_homes();
}
