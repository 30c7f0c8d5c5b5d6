/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/guest-mount.h"
#include "settings/quantity.h"
#include "shared/mount.h"

static int fail(char **ret_error, int error, const char *what, const char *path) {
        if (asprintf(ret_error, "cannot %s '%s': %s", what, path, strerror(-error)) < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return error;
}

static int make_tmpfs(const Namespaces *n, const Device *d, int *ret_fd, char **ret_error) {
        _cleanup_strv_ char **options = NULL;
        uint64_t size;
        int r;

        r = strv_extend(&options, "mode=0755");
        if (r >= 0 && d->values[DEVICE_SIZE]) {
                r = parse_size(d->values[DEVICE_SIZE], &size);
                if (r >= 0)
                        r = strv_extendf(&options, "size=%llu", (unsigned long long) size);
        }
        if (r >= 0)
                r = mount_new("tmpfs", "berth", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, ret_fd);
        if (r >= 0)
                r = mount_set_idmap(*ret_fd, n->fds[0]);
        return r < 0 ? fail(ret_error, r, "make a", "tmpfs") : 0;
}

/* The path is the administrator's, and resolved as his; a link of the kernel's own kind has no place in it. */
static int clone_source(const Namespaces *n, const Device *d, int *ret_fd, bool *ret_directory, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE];
        _cleanup_close_ int root = -EBADF, fd = -EBADF, mount_fd = -EBADF;
        bool recursive = device_get_bool(d, DEVICE_RECURSIVE), read_only = device_get_bool(d, DEVICE_READ_ONLY);
        uint64_t attributes = read_only ? MOUNT_ATTR_RDONLY : 0;
        struct stat st;
        int r;

        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        fd = root < 0 ? -errno : path_open_in_root(root, source, O_PATH, 0);
        if (fd == -ENOENT && !device_get_bool(d, DEVICE_REQUIRED))
                return 1;
        if (fd < 0)
                return fail(ret_error, fd, "open the host's", source);
        if (fstat(fd, &st) < 0)
                return fail(ret_error, -errno, "look at the host's", source);

        r = mount_clone(fd, "", recursive, &mount_fd);
        /* A clone is a peer of what it was made of: what the guest mounts on it must not show up on the host. */
        if (r >= 0)
                r = mount_set_private(mount_fd, recursive);
        if (r < 0)
                return fail(ret_error, r, "take the host's", source);
        if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) {
                attributes |= MOUNT_ATTR_NODEV;
                if (device_get_bool(d, DEVICE_SHIFT)) {
                        r = mount_set_idmap(mount_fd, n->fds[0]);
                        if (r == -EINVAL)
                                return asprintf(ret_error, "the file system of '%s' cannot be mounted with other ids (set Shift=no to have it as it is)", source) < 0 ? -ENOMEM : r;
                        if (r < 0)
                                return fail(ret_error, r, "give the container's ids to", source);
                }
        }
        if (attributes != 0) {
                r = mount_set_attributes(mount_fd, attributes, 0, recursive);
                if (r < 0)
                        return fail(ret_error, r, "restrict", source);
        }
        *ret_fd = TAKE_FD(mount_fd);
        *ret_directory = S_ISDIR(st.st_mode);
        return 0;
}

int disk_add(const Namespaces *n, const Device *d, char **ret_error) {
        _cleanup_close_ int mount_fd = -EBADF;
        bool directory = true;
        int r;

        r = streq(d->values[DEVICE_SOURCE], "tmpfs") ? make_tmpfs(n, d, &mount_fd, ret_error) : clone_source(n, d, &mount_fd, &directory, ret_error);
        if (r != 0)
                return r;
        r = guest_mount_attach(n, mount_fd, d->values[DEVICE_PATH], directory);
        return r < 0 ? fail(ret_error, r, "mount it on the container's", d->values[DEVICE_PATH]) : 0;
}

int disk_remove(const Namespaces *n, const Device *d, char **ret_error) {
        int r;

        r = guest_mount_detach(n, d->values[DEVICE_PATH], false);
        return r < 0 ? fail(ret_error, r, "unmount the container's", d->values[DEVICE_PATH]) : 0;
}
