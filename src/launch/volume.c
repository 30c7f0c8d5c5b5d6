/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/guest-mount.h"
#include "launch/mount-lock.h"
#include "shared/foreign-range.h"
#include "shared/mount.h"

#define VOLUMES "volumes"

static int open_volume(int container_fd, const char *name, int *ret_fd) {
        _cleanup_close_ int volumes = -EBADF, fd = -EBADF;
        struct stat st;

        volumes = path_make_directory(container_fd, VOLUMES, 0700);
        if (volumes < 0)
                return volumes;
        fd = path_make_directory(volumes, name, 0700);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        /* One that was just made: what the container makes of it later, it keeps. */
        if (st.st_uid == 0 && foreign_uid_base() != 0 && (fchmod(fd, 0755) < 0 || fchown(fd, foreign_uid_base(), foreign_uid_base()) < 0))
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int volume_add(const LentContext *c, const Device *d, char **ret_error) {
        const char *name = startswith(d->values[DEVICE_SOURCE], VOLUME_PREFIX);
        _cleanup_close_ int fd = -EBADF, mount_fd = -EBADF;
        int r;

        r = open_volume(c->container_fd, name, &fd);
        if (r >= 0)
                r = mount_clone(fd, "", false, &mount_fd);
        if (r >= 0)
                r = mount_set_private(mount_fd, false);
        if (r >= 0 && c->disk_userns_fd >= 0)
                r = mount_set_idmap(mount_fd, c->disk_userns_fd);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, MOUNT_ATTR_NODEV | (device_get_bool(d, DEVICE_READ_ONLY) ? MOUNT_ATTR_RDONLY : 0), 0, false);
        if (r >= 0)
                r = mount_lock(&mount_fd, lent_context_userns_fd(c));
        if (r < 0) {
                if (asprintf(ret_error, "cannot take its volume '%s': %s", name, strerror(-r)) < 0)
                        *ret_error = NULL;
                return r;
        }
        r = guest_mount_attach(c->namespaces, c->event, mount_fd, d->values[DEVICE_PATH], true);
        if (r < 0 && asprintf(ret_error, "cannot mount it on the container's '%s': %s", d->values[DEVICE_PATH], strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}
