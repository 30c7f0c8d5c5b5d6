/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/rootfs.h"

#include <assert.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/mount.h"
#include "shared/names.h"
#include "shared/userns.h"

void rootfs_layers_close(RootfsLayers *l) {
        l->image_fd = fd_close(l->image_fd);
        l->layer_fd = fd_close(l->layer_fd);
}

static int clone_mapped(int state_fd, const char *path, int userns_fd, bool read_only, int *ret_fd) {
        _cleanup_close_ int dir = -EBADF, mount_fd = -EBADF;
        int r;

        dir = path_open_beneath(state_fd, path, O_PATH | O_DIRECTORY, 0);
        if (dir < 0)
                return dir;
        r = mount_clone(dir, "", false, &mount_fd);
        if (r < 0)
                return r;
        r = mount_set_idmap(mount_fd, userns_fd);
        if (r < 0)
                return r;
        if (read_only) {
                r = mount_set_attributes(mount_fd, MOUNT_ATTR_RDONLY, 0, false);
                if (r < 0)
                        return r;
        }
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

int rootfs_open_layers(const char *name, const Settings *s, RootfsLayers *ret) {
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_close_ int state = -EBADF, userns = -EBADF;
        char path[sizeof DIR_IMAGES + FINGERPRINT_LENGTH + CONTAINER_NAME_MAX + 32];
        int r;

        assert(container_name_valid(name));
        assert(s->image && fingerprint_valid(s->image) && s->uid_base);

        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return -errno;
        r = userns_open_map(FOREIGN_UID_BASE, s->uid_base, &userns);
        if (r < 0)
                return r;

        snprintf(path, sizeof path, DIR_IMAGES "/%s/rootfs", s->image);
        r = clone_mapped(state, path, userns, true, &layers.image_fd);
        if (r < 0)
                return r;
        snprintf(path, sizeof path, DIR_CONTAINERS "/%s/layer", name);
        r = clone_mapped(state, path, userns, false, &layers.layer_fd);
        if (r < 0)
                return r;

        *ret = layers;
        layers = (RootfsLayers) ROOTFS_LAYERS_NONE;
        return 0;
}

static int attach_at(int scratch, const char *name, int mount_fd) {
        _cleanup_close_ int target = -EBADF;

        target = path_make_directory(scratch, name, 0755);
        if (target < 0)
                return target;
        return mount_attach(mount_fd, target);
}

/* overlayfs takes its layers by path, and on Linux 6.1 only from the caller's own mount namespace (clone_private_mount()), so they are
 * attached to a scratch file system first. It lies over the runtime directory: no other process sees this namespace. */
#define SCRATCH BERTH_RUNTIME_DIR

int rootfs_assemble(RootfsLayers *layers, int *ret_root_fd) {
        static const char *const options[] = {
                "lowerdir=" SCRATCH "/image",
                "upperdir=" SCRATCH "/layer/upper",
                "workdir=" SCRATCH "/layer/work",
                "userxattr",
                NULL,
        };
        _cleanup_close_ int scratch_mount = -EBADF, scratch = -EBADF, root_mount = -EBADF, place = -EBADF, root = -EBADF;
        int r;

        r = mount_new("tmpfs", "berth", (char *[]) { (char *) "mode=0700", NULL }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &scratch_mount);
        if (r < 0)
                return r;
        place = open(SCRATCH, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (place < 0)
                return -errno;
        r = mount_attach(scratch_mount, place);
        if (r < 0)
                return r;
        scratch = open(SCRATCH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (scratch < 0)
                return -errno;

        r = attach_at(scratch, "image", layers->image_fd);
        if (r < 0)
                return r;
        r = attach_at(scratch, "layer", layers->layer_fd);
        if (r < 0)
                return r;
        r = mount_new("overlay", "berth", (char **) options, 0, &root_mount);
        if (r < 0)
                return r;
        r = attach_at(scratch, "root", root_mount);
        if (r < 0)
                return r;

        root = openat(scratch, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        rootfs_layers_close(layers);
        *ret_root_fd = TAKE_FD(root);
        return 0;
}

int rootfs_pivot(int root_fd) {
        /* pivot_root(".", "."): the old root ends up under the new one at the same place and is what the next umount takes
         * (pivot_root(2), notes). */
        if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return -errno;
        return 0;
}

static int enter_running(pid_t leader) {
        _cleanup_close_ int pidfd = -EBADF;

        pidfd = pidfd_open(leader, 0);
        if (pidfd < 0)
                return -errno;
        if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -errno;
        if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return -errno;
        return chdir("/") < 0 ? -errno : 0;
}

static int enter_stopped(const char *name, const Settings *s) {
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_close_ int root = -EBADF;
        int r;

        r = rootfs_open_layers(name, s, &layers);
        if (r < 0)
                return r;
        r = userns_enter_new(0, s->uid_base);
        if (r < 0)
                return r;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        r = rootfs_assemble(&layers, &root);
        if (r < 0)
                return r;
        return rootfs_pivot(root);
}

int rootfs_enter(const char *name, const Settings *s, pid_t leader, int *ret_root_fd) {
        int r, fd;

        r = leader > 0 ? enter_running(leader) : enter_stopped(name, s);
        if (r < 0)
                return r;
        fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_root_fd = fd;
        return 0;
}
