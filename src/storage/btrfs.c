/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "storage/directory.h"
#include "storage/loop-file.h"
#include "storage/program.h"

/* The btrfs store: a volume is a subvolume Path=/volumes/ID, a copy a snapshot of one, a limit one of its qgroup. By the kernel's own interface: a library
 * would be in every supervisor's memory, for five calls. */

static int fail_store(char **ret_error, int error, const Storage *s) {
        return storage_fail(ret_error, error, "The store '%s' at '%s' cannot be used: %m", s->name, s->path);
}

static int check_is_btrfs(int fd, const Storage *s, char **ret_error) {
        struct statfs f;

        if (fstatfs(fd, &f) < 0)
                return fail_store(ret_error, errno, s);
        return (unsigned long) f.f_type == BTRFS_SUPER_MAGIC ? 0 :
               storage_fail(ret_error, EMEDIUMTYPE, "The store '%s' has no btrfs at '%s'; is that mounted?", s->name, s->path);
}

/* The one of the state directory itself is made when it is first used. */
static void make_default(const Storage *s) {
        if (!s->path || !streq(s->name, STORAGE_DEFAULT))
                return;
        (void) mkdir(BERTH_STATE_DIR "/stores", 0700);
        (void) mkdir(s->path, 0700);
}

static int open_volumes(const Storage *s, int *ret_fd, char **ret_error) {
        _cleanup_close_ int path = -EBADF, fd = -EBADF;
        int r;

        make_default(s);
        if (!s->path)
                return storage_fail(ret_error, EBADMSG, "The store '%s' has no Path=.", s->name);
        /* Before anything is made in what may be the place of a mount alone. */
        path = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = path < 0 ? fail_store(ret_error, errno, s) : check_is_btrfs(path, s, ret_error);
        if (r >= 0)
                r = directory_open_volumes(s, &fd, ret_error);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int check(const Storage *s, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF;
        int r;

        make_default(s);
        r = directory_check(s, ret_error);
        return r < 0 ? r : open_volumes(s, &volumes, ret_error);
}

static void take_name(char *to, size_t size, const char *name) {
        snprintf(to, size, "%s", name);
}

static int make(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error) {
        struct btrfs_ioctl_vol_args_v2 args = {};
        _cleanup_close_ int volumes = -EBADF;
        int r;

        r = open_volumes(s, &volumes, ret_error);
        if (r < 0)
                return r;
        take_name(args.name, sizeof args.name, id);
        if (ioctl(volumes, BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0)
                return fail_store(ret_error, errno, s);
        /* umask(2) took from it. */
        return fchmodat(volumes, id, 0755, 0) < 0 ? fail_store(ret_error, errno, s) : 0;
}

static int snapshot(int from_fd, int dir_fd, const char *name, uint64_t flags) {
        struct btrfs_ioctl_vol_args_v2 args = { .fd = from_fd, .flags = flags };

        take_name(args.name, sizeof args.name, name);
        return ioctl(dir_fd, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0 ? -errno : 0;
}

static int copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF, source = -EBADF;
        int r;

        r = open_volumes(s, &volumes, ret_error);
        if (r >= 0)
                r = directory_open_volume(s, from, &source, ret_error);
        if (r < 0)
                return r;
        r = snapshot(source, volumes, id, 0);
        return r < 0 ? fail_store(ret_error, r, s) : 0;
}

static int subvolume_id(int fd, uint64_t *ret) {
        struct btrfs_ioctl_ino_lookup_args args = { .objectid = BTRFS_FIRST_FREE_OBJECTID };

        if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0)
                return -errno;
        *ret = args.treeid;
        return 0;
}

/* The first item of this kind; item: its offset, data: what is in it, of at most size bytes. */
static int search(int fd, uint64_t tree, uint64_t objectid, uint32_t type, uint64_t offset_min, uint64_t offset_max, uint64_t *item, void *data, size_t size) {
        struct btrfs_ioctl_search_args args = {
                .key = {
                        .tree_id = tree, .min_objectid = objectid, .max_objectid = objectid, .min_type = type, .max_type = type,
                        .min_offset = offset_min, .max_offset = offset_max, .max_transid = UINT64_MAX, .nr_items = 1,
                },
        };
        struct btrfs_ioctl_search_header header;

        if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0)
                return -errno;
        if (args.key.nr_items == 0)
                return -ENOENT;
        memcpy(&header, args.buf, sizeof header);
        if (header.len < size)
                return -EBADMSG;
        *item = header.offset;
        if (size > 0)
                memcpy(data, args.buf + sizeof header, size);
        return 0;
}

#define NESTED_MAX 65536U

/* A subvolume that has others in it is not removed by the kernel. Those go first, the innermost first of all: a way down to one that has none, again and again. */
static int remove_nested(int volumes_fd, uint64_t id) {
        uint64_t at = id, child;
        int r;

        for (unsigned i = 0; i < NESTED_MAX; i++) {
                r = search(volumes_fd, BTRFS_ROOT_TREE_OBJECTID, at, BTRFS_ROOT_REF_KEY, 0, UINT64_MAX, &child, NULL, 0);
                if (r >= 0) {
                        at = child;
                        continue;
                }
                if (r != -ENOENT || at == id)
                        return r == -ENOENT ? 0 : r;
                if (ioctl(volumes_fd, BTRFS_IOC_SNAP_DESTROY_V2, &(struct btrfs_ioctl_vol_args_v2) { .flags = BTRFS_SUBVOL_SPEC_BY_ID, .subvolid = at }) < 0)
                        return -errno;
                at = id;
        }
        return -E2BIG;
}

static int destroy(int volumes_fd, const char *id) {
        struct btrfs_ioctl_vol_args_v2 args = {};

        take_name(args.name, sizeof args.name, id);
        return ioctl(volumes_fd, BTRFS_IOC_SNAP_DESTROY_V2, &args) < 0 ? -errno : 0;
}

/* What a move has beside a volume: a directory with the frozen copy that it sends or receives. */
static void remove_beside(int volumes_fd, const char *id) {
        char name[64];
        int fd;

        snprintf(name, sizeof name, "%s.part", id);
        fd = path_open_beneath(volumes_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return;
        (void) destroy(fd, "volume.send");
        (void) fd_close(fd);
        (void) unlinkat(volumes_fd, name, AT_REMOVEDIR);
}

static int remove_volume(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF, volume = -EBADF;
        uint64_t number;
        int r;

        r = open_volumes(s, &volumes, ret_error);
        if (r < 0)
                return r;
        remove_beside(volumes, id);
        r = destroy(volumes, id);
        if (r == -ENOTEMPTY) {
                r = volume = path_open_beneath(volumes, id, O_RDONLY | O_DIRECTORY, 0);
                if (r >= 0)
                        r = subvolume_id(volume, &number);
                if (r >= 0)
                        r = remove_nested(volumes, number);
                if (r >= 0)
                        r = destroy(volumes, id);
        }
        return r < 0 && r != -ENOENT ? fail_store(ret_error, r, s) : r;
}

static int mount_volume(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF;
        int r;

        /* "not mounted" is said better here. */
        r = open_volumes(s, &volumes, ret_error);
        return r < 0 ? r : directory_mount(s, layer_fd, id, ret_mount_fd, ret_error);
}

/* What the qgroup counts as its alone, where quotas are on; else what its files take, shared or not. */
static int usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        struct btrfs_qgroup_info_item info;
        _cleanup_close_ int volume = -EBADF;
        _cleanup_free_ char *error = NULL;
        uint64_t number, ignored;
        int r;

        r = directory_open_volume(s, id, &volume, &error);
        if (r < 0)
                return r;
        r = subvolume_id(volume, &number);
        if (r >= 0)
                r = search(volume, BTRFS_QUOTA_TREE_OBJECTID, 0, BTRFS_QGROUP_INFO_KEY, number, number, &ignored, &info, sizeof info);
        if (r < 0)
                return directory_usage(s, layer_fd, id, ret_bytes);
        *ret_bytes = le64toh(info.excl);
        return 0;
}

/* Quotas are switched on with the first limit: they cost time at each snapshot that is removed, which who wants no limits does not pay. */
static int limit(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error) {
        struct btrfs_ioctl_qgroup_limit_args args = { .lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = bytes } };
        struct btrfs_ioctl_quota_ctl_args on = { .cmd = BTRFS_QUOTA_CTL_ENABLE };
        _cleanup_close_ int volume = -EBADF;
        int r;

        r = directory_open_volume(s, id, &volume, ret_error);
        if (r < 0)
                return r;
        /* UINT64_MAX is what the kernel takes for none. */
        if (ioctl(volume, BTRFS_IOC_QGROUP_LIMIT, &args) >= 0)
                return 0;
        if (errno == ENOTCONN && bytes == UINT64_MAX)
                return 0;
        if (errno == ENOTCONN) {
                if (ioctl(volume, BTRFS_IOC_QUOTA_CTL, &on) < 0 || ioctl(volume, BTRFS_IOC_QUOTA_RESCAN_WAIT) < 0)
                        return storage_fail(ret_error, errno, "The quotas of the store '%s' cannot be switched on: %m", s->name);
                if (ioctl(volume, BTRFS_IOC_QGROUP_LIMIT, &args) >= 0)
                        return 0;
        }
        return storage_fail(ret_error, errno, "The store '%s' takes no limit: %m", s->name);
}

/* Only what is read-only can be sent. It is called the same always, in a directory of its own, because the stream has its name. */
static int send_volume(const Storage *s, int layer_fd, const char *id, int fd, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF, volume = -EBADF, dir = -EBADF;
        _cleanup_free_ char *path = NULL;
        char name[64];
        int r;

        r = open_volumes(s, &volumes, ret_error);
        if (r >= 0)
                r = directory_open_volume(s, id, &volume, ret_error);
        if (r < 0)
                return r;
        remove_beside(volumes, id);
        snprintf(name, sizeof name, "%s.part", id);
        r = dir = path_make_directory(volumes, name, 0700);
        if (r >= 0)
                r = snapshot(volume, dir, "volume.send", BTRFS_SUBVOL_RDONLY);
        if (r < 0)
                return fail_store(ret_error, r, s);
        if (asprintf(&path, "%s/" DIRECTORY_VOLUMES "/%s/volume.send", s->path, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = program_run_with((char *const[]) { (char *) "btrfs", (char *) "--quiet", (char *) "send", path, NULL }, -EBADF, fd, ret_error);
        remove_beside(volumes, id);
        return r;
}

static int receive_volume(const Storage *s, int layer_fd, const char *id, int fd, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF, dir = -EBADF, received = -EBADF;
        _cleanup_free_ char *path = NULL;
        char name[64];
        int r;

        r = open_volumes(s, &volumes, ret_error);
        if (r < 0)
                return r;
        snprintf(name, sizeof name, "%s.part", id);
        dir = path_make_directory(volumes, name, 0700);
        if (dir < 0)
                return fail_store(ret_error, dir, s);
        if (asprintf(&path, "%s/" DIRECTORY_VOLUMES "/%s", s->path, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = program_run_with((char *const[]) { (char *) "btrfs", (char *) "--quiet", (char *) "receive", path, NULL }, fd, -EBADF, ret_error);
        if (r >= 0) {
                r = received = path_open_beneath(dir, "volume.send", O_RDONLY | O_DIRECTORY, 0);
                /* Not the received one itself: made writable it would still be taken for a copy of the other store's. */
                if (r >= 0)
                        r = snapshot(received, volumes, id, 0);
                if (r < 0)
                        r = fail_store(ret_error, r, s);
        }
        remove_beside(volumes, id);
        return r;
}

static bool is_on_btrfs(const char *path) {
        struct statfs f;

        return statfs(path, &f) >= 0 && (unsigned long) f.f_type == BTRFS_SUPER_MAGIC;
}

/* A subvolume or directory of a btrfs that is there; or one of its own, in a file. */
static int setup(Storage *s, uint64_t size, char **ret_error) {
        char *const mkfs[] = { (char *) "mkfs.btrfs", (char *) "--quiet", (char *) "--", NULL, NULL };
        bool in_file = size > 0 || (!s->path && !is_on_btrfs(BERTH_STATE_DIR));
        int r;

        r = directory_setup(s, 0, ret_error);
        if (r < 0)
                return r;
        if (in_file)
                return loop_file_setup(s, "btrfs", mkfs, size, ret_error);
        return is_on_btrfs(s->path) ? 0 :
               storage_fail(ret_error, EMEDIUMTYPE, "'%s' is on no btrfs; with a size, such as size=20G, one is made in a file.", s->path);
}

static int teardown(const Storage *s, char **ret_error) {
        int r = directory_teardown(s, ret_error);

        if (r >= 0 && s->path)
                r = loop_file_teardown(s, ret_error);
        if (r > 0)
                (void) rmdir(s->path);
        return MIN_OF(r, 0);
}

const StorageType storage_btrfs = {
        .name = "btrfs",
        .check = check,
        .make = make,
        .copy = copy,
        .remove = remove_volume,
        .mount = mount_volume,
        .space = directory_space,
        .setup = setup,
        .teardown = teardown,
        .usage = usage,
        .limit = limit,
        .send = send_volume,
        .receive = receive_volume,
};
