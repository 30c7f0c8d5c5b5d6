/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/rootfs.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
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
        l->extra_fd = fd_close(l->extra_fd);
        l->layer_fd = fd_close(l->layer_fd);
}

/* See rootfs.h. */
#define HOST_ROOT_ON_DISK (FOREIGN_UID_BASE + UID_RANGE_SIZE)

void rootfs_outer_map(uint32_t uid_base, UidRange ret[static ROOTFS_OUTER_RANGES]) {
        ret[0] = (UidRange) { 0, 0, 1 };
        ret[1] = (UidRange) { uid_base, uid_base, UID_RANGE_SIZE };
}

UidRange rootfs_container_map(uint32_t uid_base) {
        return (UidRange) { 0, uid_base, UID_RANGE_SIZE };
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

/* The administrator's own directory of files for the container, with the ids that they shall have inside. */
static int open_extra(int state_fd, const char *name, uint32_t uid_base, int *ret_fd) {
        char path[sizeof DIR_CONTAINERS + CONTAINER_NAME_MAX + 32];
        _cleanup_close_ int dir = -EBADF, userns = -EBADF;
        int r;

        snprintf(path, sizeof path, DIR_CONTAINERS "/%s/mount", name);
        dir = path_open_beneath(state_fd, path, O_PATH | O_DIRECTORY, 0);
        if (dir == -ENOENT)
                return 0;
        if (dir < 0)
                return dir;
        r = userns_open_map((const UidRange[]) { { 0, uid_base, UID_RANGE_SIZE } }, 1, &userns);
        return r < 0 ? r : clone_mapped(state_fd, path, userns, true, ret_fd);
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
        r = userns_open_map((const UidRange[]) { { FOREIGN_UID_BASE, s->uid_base, UID_RANGE_SIZE }, { HOST_ROOT_ON_DISK, 0, 1 } }, 2, &userns);
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

        r = open_extra(state, name, s->uid_base, &layers.extra_fd);
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

/* overlayfs works on its layers with the credentials of who mounts it: what it makes for itself (work/, whiteouts) shall be the container's
 * root's. Capabilities stay as they are, which a change of the file system ids from 0 would otherwise end (capabilities(7)). */
static int take_filesystem_ids(uint32_t id) {
        if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
                return -errno;
        (void) setfsgid(id);
        (void) setfsuid(id);
        /* The calls return the id of before; asked again they tell whether they worked. */
        return (uint32_t) setfsuid(id) == id && (uint32_t) setfsgid(id) == id ? 0 : -EPERM;
}

int rootfs_attach(int mount_fd, int *ret_root_fd) {
        _cleanup_close_ int place = -EBADF;
        int r, fd;

        place = open(SCRATCH, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (place < 0)
                return -errno;
        r = mount_attach(mount_fd, place);
        if (r < 0)
                return r;
        fd = open(SCRATCH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_root_fd = fd;
        return 0;
}

static int make_scratch(int *ret_fd) {
        _cleanup_close_ int mount_fd = -EBADF;
        int r;

        r = mount_new("tmpfs", "berth", (char *[]) { (char *) "mode=0700", NULL }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &mount_fd);
        return r < 0 ? r : rootfs_attach(mount_fd, ret_fd);
}

int rootfs_assemble(RootfsLayers *layers, uint32_t uid_base, int *ret_mount_fd) {
        const char *const options[] = {
                layers->extra_fd >= 0 ? "lowerdir=" SCRATCH "/mount:" SCRATCH "/image" : "lowerdir=" SCRATCH "/image",
                "upperdir=" SCRATCH "/layer/upper",
                "workdir=" SCRATCH "/layer/work",
                "userxattr",
                NULL,
        };
        _cleanup_close_ int scratch = -EBADF, mount_fd = -EBADF;
        int r;

        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        r = make_scratch(&scratch);
        if (r >= 0)
                r = attach_at(scratch, "image", layers->image_fd);
        if (r >= 0)
                r = attach_at(scratch, "layer", layers->layer_fd);
        if (r >= 0 && layers->extra_fd >= 0)
                r = attach_at(scratch, "mount", layers->extra_fd);
        if (r >= 0)
                r = take_filesystem_ids(uid_base);
        if (r >= 0)
                r = mount_new("overlay", "berth", (char **) options, 0, &mount_fd);
        (void) setfsuid(0);
        (void) setfsgid(0);
        rootfs_layers_close(layers);
        if (r < 0)
                return r;
        *ret_mount_fd = TAKE_FD(mount_fd);
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
        int r;

        pidfd = pidfd_open(leader, 0);
        if (pidfd < 0)
                return -errno;
        if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -errno;
        r = userns_become_root();
        if (r < 0)
                return r;
        return chdir("/") < 0 ? -errno : 0;
}

static int enter_stopped(const char *name, const Settings *s) {
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_close_ int mount_fd = -EBADF, root = -EBADF, proc = -EBADF;
        UidRange outer[ROOTFS_OUTER_RANGES], inner = rootfs_container_map(s->uid_base);
        int r;

        r = rootfs_open_layers(name, s, &layers);
        if (r < 0)
                return r;
        proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return -errno;
        rootfs_outer_map(s->uid_base, outer);
        r = userns_enter_new(proc, outer, ELEMENTSOF(outer));
        if (r < 0)
                return r;
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        r = rootfs_assemble(&layers, s->uid_base, &mount_fd);
        if (r >= 0)
                r = rootfs_attach(mount_fd, &root);
        /* Before the last step: a mount that came from a more privileged namespace cannot become the root (pivot_root(2)). */
        if (r >= 0)
                r = rootfs_pivot(root);
        if (r >= 0)
                r = userns_enter_new(proc, &inner, 1);
        if (r >= 0)
                r = userns_become_root();
        return r;
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
