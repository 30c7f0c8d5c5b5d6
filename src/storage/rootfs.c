/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/rootfs.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/foreign-range.h"
#include "shared/mount.h"
#include "shared/names.h"
#include "shared/userns.h"
#include "storage/volume.h"

void rootfs_layers_close(RootfsLayers *l) {
        l->image_fd = fd_close(l->image_fd);
        l->extra_fd = fd_close(l->extra_fd);
        while (l->n_frozen > 0)
                (void) fd_close(l->frozen_fds[--l->n_frozen]);
        l->layer_fd = fd_close(l->layer_fd);
        l->userns_fd = fd_close(l->userns_fd);
}

/* See rootfs.h. */
#define HOST_ROOT_ON_DISK (FOREIGN_UID_BASE + UID_RANGE_SIZE)

static uint32_t size_of(const Settings *s) {
        return MAX_OF((uint32_t) s->idmap_size, UID_RANGE_SIZE);
}

void rootfs_outer_map(const Settings *s, UidRange ret[static ROOTFS_OUTER_RANGES]) {
        ret[0] = (UidRange) { 0, 0, 1 };
        ret[1] = (UidRange) { s->uid_base, s->uid_base, size_of(s) };
}

uint32_t rootfs_id_base(const Settings *s) {
        return s->privileged ? 0 : s->uid_base;
}

UidRange rootfs_container_map(const Settings *s) {
        return (UidRange) { 0, rootfs_id_base(s), size_of(s) };
}

static int open_disk_map(const Settings *s, int *ret_fd) {
        const UidRange ranges[] = {
                { FOREIGN_UID_BASE, rootfs_id_base(s), UID_RANGE_SIZE },
                { HOST_ROOT_ON_DISK, 0, 1 },
                { FURTHER_UID_BASE, s->uid_base + UID_RANGE_SIZE, size_of(s) - UID_RANGE_SIZE },
        };

        if (foreign_range_is_shared())
                return 0;
        /* The host's root is the container's own then. */
        return userns_open_map(ranges, s->privileged ? 1 : size_of(s) > UID_RANGE_SIZE ? 3 : 2, ret_fd);
}

/* The image that was kept comes first: containers lie on it, and one of the same fingerprint has the same files. */
int rootfs_open_image(int state_fd, const char *fingerprint) {
        char path[sizeof DIR_IMAGES "/" KEPT_PREFIX + FINGERPRINT_LENGTH];
        int fd;

        snprintf(path, sizeof path, DIR_IMAGES "/" KEPT_PREFIX "%s", fingerprint);
        fd = path_open_beneath(state_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd != -ENOENT)
                return fd;
        snprintf(path, sizeof path, DIR_IMAGES "/%s", fingerprint);
        return path_open_beneath(state_fd, path, O_RDONLY | O_DIRECTORY, 0);
}

static int open_volume(const char *id, int *ret_layer_fd, Volume *ret, char **ret_error) {
        _cleanup_close_ int state = -EBADF, layer = -EBADF;
        int r;

        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = state < 0 ? -errno : volume_open_layer(state, id, &layer);
        if (r >= 0)
                r = volume_open(layer, id, ret, ret_error);
        if (r >= 0)
                *ret_layer_fd = TAKE_FD(layer);
        return r;
}

int rootfs_open_layer(const char *id, char **ret_error) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_close_ int layer = -EBADF;
        int r, fd;

        r = open_volume(id, &layer, &v, ret_error);
        if (r >= 0)
                r = volume_open_root(&v, &fd, ret_error);
        return r < 0 ? r : fd;
}

int rootfs_limit_layer(const char *id, uint64_t bytes, char **ret_error) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_close_ int layer = -EBADF;
        int r;

        r = open_volume(id, &layer, &v, ret_error);
        if (r >= 0 && !v.store->type->limit)
                return 0;
        if (r >= 0)
                r = v.store->type->limit(v.store, layer, v.id, bytes, ret_error);
        return r < 0 ? r : r == 0;
}

static int map_mount(int mount_fd, int userns_fd, bool read_only) {
        int r = userns_fd >= 0 ? mount_set_idmap(mount_fd, userns_fd) : 0;

        return r >= 0 && read_only ? mount_set_attributes(mount_fd, MOUNT_ATTR_RDONLY, 0, false) : r;
}

static int clone_mapped(int state_fd, const char *path, int userns_fd, bool read_only, int *ret_fd) {
        _cleanup_close_ int dir = -EBADF, mount_fd = -EBADF;
        int r;

        dir = path_open_beneath(state_fd, path, O_PATH | O_DIRECTORY, 0);
        if (dir < 0)
                return dir;
        r = mount_clone(dir, "", false, &mount_fd);
        if (r >= 0)
                r = map_mount(mount_fd, userns_fd, read_only);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

/* The one to write: in whatever store it is. */
static int open_own(int state_fd, const char *id, RootfsLayers *layers, char **ret_error) {
        _cleanup_close_ int layer = -EBADF, mount_fd = -EBADF;
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        struct statvfs st;
        int r;

        r = volume_open_layer(state_fd, id, &layer);
        if (r >= 0)
                r = volume_open(layer, id, &v, ret_error);
        if (r >= 0)
                r = volume_mount(&v, &mount_fd, ret_error);
        /* overlayfs would only find something invalid. */
        if (r >= 0 && fstatvfs(mount_fd, &st) >= 0 && st.f_flag & ST_RDONLY)
                return storage_fail(ret_error, EROFS, "The store '%s' is read-only.", v.store->name);
        if (r >= 0) {
                r = map_mount(mount_fd, layers->userns_fd, false);
                if (r == -EINVAL && v.store->type != &storage_overlay)
                        return storage_fail(ret_error, EOPNOTSUPP, "The file system of the store '%s' cannot map user ids; ext4, xfs, btrfs and zfs can.", v.store->name);
        }
        if (r < 0)
                return r;
        layers->layer_fd = TAKE_FD(mount_fd);
        return 0;
}

/* The administrator's own directory of files for the container, with the ids that they shall have inside. */
static int open_extra(int state_fd, const char *name, const Settings *s, int *ret_fd) {
        char path[sizeof DIR_CONTAINERS + CONTAINER_NAME_MAX + 32];
        _cleanup_close_ int dir = -EBADF, userns = -EBADF;
        UidRange map = rootfs_container_map(s);
        int r;

        snprintf(path, sizeof path, DIR_CONTAINERS "/%s/mount", name);
        dir = path_open_beneath(state_fd, path, O_PATH | O_DIRECTORY, 0);
        if (dir == -ENOENT)
                return 0;
        if (dir < 0)
                return dir;
        r = foreign_range_is_shared() ? 0 : userns_open_map(&map, 1, &userns);
        return r < 0 ? r : clone_mapped(state_fd, path, userns, true, ret_fd);
}

/* Only a store with chains has such, and that is the one whose volumes are in layers/. */
static int open_frozen(int state_fd, char *const *ids, RootfsLayers *layers) {
        char path[sizeof DIR_LAYERS "//upper" + LAYER_ID_LENGTH];
        int r;

        STRV_FOREACH(id, ids) {
                if (layers->n_frozen >= ELEMENTSOF(layers->frozen_fds))
                        return -E2BIG;
                snprintf(path, sizeof path, DIR_LAYERS "/%s/upper", *id);
                r = clone_mapped(state_fd, path, layers->userns_fd, true, layers->frozen_fds + layers->n_frozen);
                if (r < 0)
                        return r;
                layers->n_frozen++;
        }
        return 0;
}

int rootfs_open_layers(const char *name, const Settings *s, RootfsLayers *ret, char **ret_error) {
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_close_ int state = -EBADF, image = -EBADF;
        int r;

        assert(container_name_valid(name));
        assert(s->image && fingerprint_valid(s->image) && s->uid_base);

        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return -errno;
        r = open_disk_map(s, &layers.userns_fd);
        if (r < 0)
                return r;

        if (!s->layers)
                return -EBADMSG;
        image = rootfs_open_image(state, s->image);
        if (image < 0)
                return image;
        r = clone_mapped(image, "rootfs", layers.userns_fd, true, &layers.image_fd);
        if (r < 0)
                return r;
        r = open_frozen(state, s->layers + 1, &layers);
        if (r < 0)
                return r;
        r = open_own(state, s->layers[0], &layers, ret_error);
        if (r < 0)
                return r;

        r = open_extra(state, name, s, &layers.extra_fd);
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

/* Relative to the scratch file system: fsconfig(2) takes no more than 255 characters. */
static void print_lower(const RootfsLayers *layers, char text[static 256]) {
        size_t n = (size_t) snprintf(text, 256, layers->still ? "lowerdir=layer/upper:" : "lowerdir=");

        for (size_t i = 0; i < layers->n_frozen; i++)
                n += (size_t) snprintf(text + n, 256 - n, "%zu:", i);
        snprintf(text + n, 256 - n, layers->extra_fd >= 0 ? "mount:image" : "image");
}

static int attach_layers(RootfsLayers *layers) {
        _cleanup_close_ int scratch = -EBADF;
        char name[DECIMAL_MAX];
        int r;

        r = make_scratch(&scratch);
        if (r >= 0)
                r = attach_at(scratch, "image", layers->image_fd);
        if (r >= 0)
                r = attach_at(scratch, "layer", layers->layer_fd);
        if (r >= 0 && layers->extra_fd >= 0)
                r = attach_at(scratch, "mount", layers->extra_fd);
        for (size_t i = 0; r >= 0 && i < layers->n_frozen; i++) {
                snprintf(name, sizeof name, "%zu", i);
                r = attach_at(scratch, name, layers->frozen_fds[i]);
        }
        if (r >= 0 && fchdir(scratch) < 0)
                r = -errno;
        return r;
}

int rootfs_assemble(RootfsLayers *layers, uint32_t id_base, int *ret_mount_fd) {
        _cleanup_close_ int mount_fd = -EBADF;
        char lower[256];
        const char *const options[] = { lower, "upperdir=layer/upper", "workdir=layer/work", "userxattr", NULL };
        const char *const still[] = { lower, "userxattr", NULL };
        int r;

        print_lower(layers, lower);
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        r = attach_layers(layers);
        if (r >= 0)
                r = take_filesystem_ids(id_base);
        if (r >= 0)
                r = mount_new("overlay", "berth", (char **) (layers->still ? still : options), layers->still ? MOUNT_ATTR_RDONLY : 0, &mount_fd);
        (void) setfsuid(0);
        (void) setfsgid(0);
        if (chdir("/") < 0 && r >= 0)
                r = -errno;
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

/* What it runs as, whatever its settings have become. > 0: in our user namespace. */
static int runs_privileged(pid_t leader) {
        struct stat own, its;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/ns/user", (int) leader);
        if (stat("/proc/self/ns/user", &own) < 0 || stat(path, &its) < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        return own.st_dev == its.st_dev && own.st_ino == its.st_ino;
}

static int enter_running(pid_t leader) {
        _cleanup_close_ int pidfd = -EBADF;
        int r;

        pidfd = pidfd_open(leader, 0);
        if (pidfd < 0)
                return -errno;
        r = runs_privileged(leader);
        if (r < 0)
                return r;
        if (setns(pidfd, (r > 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNS) < 0)
                return -errno;
        r = userns_become_root();
        if (r < 0)
                return r;
        return chdir("/") < 0 ? -errno : 0;
}

/* A privileged container has its lease and its files in the foreign range as all others: what works on them need not be the host's root. */
static int enter_apart(const char *name, const Settings *settings, bool still) {
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_free_ char *error = NULL;
        _cleanup_close_ int mount_fd = -EBADF, root = -EBADF, proc = -EBADF;
        Settings unprivileged = *settings;
        const Settings *s = &unprivileged;
        UidRange outer[ROOTFS_OUTER_RANGES], inner;
        int r;

        unprivileged.privileged = false;
        inner = rootfs_container_map(s);
        r = rootfs_open_layers(name, s, &layers, &error);
        if (r < 0) {
                if (error)
                        log_warning("%s", error);
                return r;
        }
        layers.still = still;
        proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return -errno;
        rootfs_outer_map(s, outer);
        r = userns_enter_new(proc, outer, ELEMENTSOF(outer));
        if (r < 0)
                return r;
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        r = rootfs_assemble(&layers, rootfs_id_base(s), &mount_fd);
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

static int open_root(int *ret_fd) {
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int rootfs_enter(const char *name, const Settings *s, pid_t leader, int *ret_root_fd) {
        int r = leader > 0 ? enter_running(leader) : enter_apart(name, s, false);

        return r < 0 ? r : open_root(ret_root_fd);
}

int rootfs_enter_still(const char *name, const Settings *s, int *ret_root_fd) {
        int r = enter_apart(name, s, true);

        return r < 0 ? r : open_root(ret_root_fd);
}
