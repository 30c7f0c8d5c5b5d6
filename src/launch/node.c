/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/node.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/guest-mount.h"
#include "shared/mount.h"

static int fail(char **ret_error, int error, const char *what, const char *path) {
        if (asprintf(ret_error, "cannot %s '%s': %s", what, path, strerror(-error)) < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return error;
}

static unsigned number(const Device *d, DeviceKey key) {
        return (unsigned) strtoul(device_get(d, key) ?: "0", NULL, 10);
}

static int find_number(const Device *d, mode_t type, dev_t *ret, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE] ?: d->values[DEVICE_PATH];
        struct stat st;

        if (d->values[DEVICE_MAJOR]) {
                *ret = makedev(number(d, DEVICE_MAJOR), number(d, DEVICE_MINOR));
                return 0;
        }
        if (stat(source, &st) < 0) {
                if (errno == ENOENT && !device_get_bool(d, DEVICE_REQUIRED))
                        return 1;
                return fail(ret_error, -errno, "find the host's", source);
        }
        if ((st.st_mode & S_IFMT) != type)
                return asprintf(ret_error, "the host's '%s' is no %s device", source, type == S_IFCHR ? "character" : "block") < 0 ? -ENOMEM : -ENODEV;
        *ret = st.st_rdev;
        return 0;
}

static int open_runtime(const char *container) {
        _cleanup_free_ char *path = NULL;
        int fd;

        if (asprintf(&path, BERTH_RUNTIME_DIR "/%s", container) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* /run is mounted nodev; the clone is not. */
static int make_node(int dir, const char *name, uint32_t uid_base, const Device *d, mode_t type, dev_t device, int *ret_fd) {
        mode_t mode = (mode_t) strtoul(device_get(d, DEVICE_MODE), NULL, 8);
        _cleanup_close_ int mount_fd = -EBADF;
        int r = 0;

        (void) unlinkat(dir, name, 0);
        if (mknodat(dir, name, type, device) < 0)
                return -errno;
        if (fchmodat(dir, name, mode, 0) < 0 || fchownat(dir, name, uid_base + number(d, DEVICE_UID), uid_base + number(d, DEVICE_GID), AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        if (r >= 0)
                r = mount_clone(dir, name, false, &mount_fd);
        if (r >= 0)
                r = mount_set_private(mount_fd, false);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NODEV, false);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

static const char *guest_path(const Device *d) {
        return d->values[DEVICE_PATH] ?: d->values[DEVICE_SOURCE];
}

int node_add(const char *container, uint32_t uid_base, const Namespaces *n, const Device *d, char **ret_error) {
        mode_t type = device_type(d) == DEVICE_UNIX_CHAR ? S_IFCHR : S_IFBLK;
        _cleanup_close_ int mount_fd = -EBADF, dir = -EBADF;
        char name[DEVICE_NAME_MAX + 8];
        dev_t device = 0;
        int r;

        r = find_number(d, type, &device, ret_error);
        if (r != 0)
                return r;
        dir = open_runtime(container);
        snprintf(name, sizeof name, ".node-%s", d->name);
        r = dir < 0 ? dir : make_node(dir, name, uid_base, d, type, device, &mount_fd);
        if (r < 0) {
                if (dir >= 0)
                        (void) unlinkat(dir, name, 0);
                return fail(ret_error, r, "make the node", guest_path(d));
        }
        r = guest_mount_attach(n, mount_fd, guest_path(d), false);
        /* What is mounted stays without its name, but what has none cannot be mounted. */
        (void) unlinkat(dir, name, 0);
        return r < 0 ? fail(ret_error, r, "mount it on the container's", guest_path(d)) : 0;
}

int node_remove(const Namespaces *n, const Device *d, char **ret_error) {
        int r;

        r = guest_mount_detach(n, guest_path(d), true);
        return r < 0 ? fail(ret_error, r, "unmount the container's", guest_path(d)) : 0;
}
