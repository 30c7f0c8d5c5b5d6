/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/mount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

static int set_option(int fs_fd, const char *option) {
        const char *equal = strchr(option, '=');
        char key[64];

        if (!equal)
                return fsconfig(fs_fd, FSCONFIG_SET_FLAG, option, NULL, 0) < 0 ? -errno : 0;
        if ((size_t) (equal - option) >= sizeof key)
                return -EINVAL;
        memcpy(key, option, (size_t) (equal - option));
        key[equal - option] = 0;
        return fsconfig(fs_fd, FSCONFIG_SET_STRING, key, equal + 1, 0) < 0 ? -errno : 0;
}

int mount_new(const char *type, const char *source, char *const *options, unsigned attributes, int *ret_fd) {
        _cleanup_close_ int fs_fd = -EBADF;
        int r, fd;

        fs_fd = fsopen(type, FSOPEN_CLOEXEC);
        if (fs_fd < 0)
                return -errno;
        if (source && fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", source, 0) < 0)
                return -errno;
        STRV_FOREACH(o, options) {
                r = set_option(fs_fd, *o);
                if (r < 0)
                        return r;
        }
        if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;

        fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, attributes);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int mount_clone(int dir_fd, const char *path, bool recursive, int *ret_fd) {
        int fd;

        fd = open_tree(dir_fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | (*path ? 0U : AT_EMPTY_PATH) |
                                             (recursive ? AT_RECURSIVE : 0U));
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int mount_set_idmap(int mount_fd, int userns_fd) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t) (unsigned) userns_fd };

        return mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0 ? -errno : 0;
}

int mount_set_attributes(int mount_fd, uint64_t set, uint64_t clear, bool recursive) {
        struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

        return mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) < 0 ? -errno : 0;
}

int mount_set_propagation(int mount_fd, uint64_t type, bool recursive) {
        struct mount_attr attr = { .propagation = type };

        return mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) < 0 ? -errno : 0;
}

int mount_set_private(int mount_fd, bool recursive) {
        return mount_set_propagation(mount_fd, MS_PRIVATE, recursive);
}

int mount_is_shared(int fd) {
        struct statx stx;
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) < 0)
                return -errno;
        f = fopen("/proc/self/mountinfo", "re");
        if (!f)
                return -errno;
        while (getline(&line, &size, f) >= 0) {
                char *fields = strstr(line, " - ");

                if (!fields || strtoull(line, NULL, 10) != stx.stx_mnt_id)
                        continue;
                *fields = 0;
                return strstr(line, " shared:") != NULL;
        }
        return -ENOENT;
}

int mount_attach(int mount_fd, int target_fd) {
        return move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ? -errno : 0;
}
