/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes that are ZFS datasets, DATASET/ID. A copy is a clone of a snapshot that has the copy's id for its name and is marked to go with the last clone of it, which
 * the kernel sees to (zfs-destroy(8), -d). So a copy depends on what it was made of: who removes that has a copy promoted first, which takes over the
 * snapshots; all of it may end anywhere and be done again. */
#include "storage/storage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/settings.h"
#include "shared/mount.h"
#include "storage/program.h"

#define ZFS "zfs"
#define ZPOOL "zpool"
#define MODPROBE "modprobe"
#define MODULE_DIR "/sys/module/zfs"
#define VERSION_LENGTH_MAX 256U

/* Idmapped mounts, and what overlayfs needs of its upper layer. */
#define VERSION_MAJOR_MIN 2U
#define VERSION_MINOR_MIN 2U

#define POOL_FILES BERTH_STATE_DIR "/zfs"
#define POOL_SIZE_DEFAULT (UINT64_C(20) << 30)
#define DATASET_DEFAULT "berth"
#define REMOVE_TRIES 16 /* others copy and remove meanwhile */
#define NAME_LENGTH_MAX 255U /* ZFS_MAX_DATASET_NAME_LEN, less its NUL */

#define PROPERTIES "-o", "mountpoint=legacy", "-o", "canmount=noauto", "-o", "acltype=posix", "-o", "xattr=sa"

typedef char Name[NAME_LENGTH_MAX + 1];

/* What is executed is a copy. */
#define ARGV(...) ((char *const *) (const char *const[]) { __VA_ARGS__, NULL })

/* what: as in "The store 'x' cannot WHAT". */
static int run_with(const Storage *s, const char *what, char *const *argv, int input_fd, int output_fd, char **ret_error) {
        _cleanup_free_ char *message = NULL;
        int r;

        r = program_run_with(argv, input_fd, output_fd, &message);
        return message ? storage_fail(ret_error, r, "The store '%s' cannot %s: %s", s->name, what, message) : r;
}

static int run(const Storage *s, const char *what, char *const *argv, char **ret_output, char **ret_error) {
        _cleanup_free_ char *message = NULL;
        int r;

        r = program_run(argv, ret_output, &message);
        if (message && strstr(message, "out of space"))
                r = -ENOSPC;
        return message ? storage_fail(ret_error, r, "The store '%s' cannot %s: %s", s->name, what, message) : r;
}

/* Whether it worked is seen by what is there then. */
static void try(char *const *argv) {
        _cleanup_free_ char *message = NULL;

        (void) program_run(argv, NULL, &message);
}

static int volume_name(const Storage *s, const char *id, Name ret) {
        return snprintf(ret, sizeof(Name), "%s/%s", s->dataset, id) < (int) sizeof(Name) ? 0 : -ENAMETOOLONG;
}

/* ---- what is there */

static bool name_is_valid(const char *name) {
        return *name && *name != '-' && *name != '/' && strlen(name) < NAME_LENGTH_MAX - LAYER_ID_LENGTH - 1 &&
               !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-")];
}

static int check_version(const Storage *s, char **ret_error) {
        _cleanup_free_ char *version = NULL;
        _cleanup_close_ int fd = -EBADF;
        unsigned major, minor;
        int r;

        fd = open(MODULE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                try(ARGV(MODPROBE, "zfs"));
                fd = open(MODULE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        if (fd < 0)
                return storage_fail(ret_error, EOPNOTSUPP, "The store '%s' needs the kernel module 'zfs', and the host has none for its kernel.", s->name);
        r = path_read(fd, "version", VERSION_LENGTH_MAX, &version, NULL);
        if (r < 0)
                return r;
        version[strcspn(version, "\n")] = 0;
        if (sscanf(version, "%u.%u", &major, &minor) != 2 || major < VERSION_MAJOR_MIN || (major == VERSION_MAJOR_MIN && minor < VERSION_MINOR_MIN))
                return storage_fail(ret_error, EOPNOTSUPP, "The store '%s' needs OpenZFS 2.2 or later, and the kernel has %s: before, its file systems cannot "
                                                           "be mounted with a container's ids.", s->name, version);
        return 0;
}

static int require(const Storage *s, char **ret_error) {
        if (!s->dataset)
                return storage_fail(ret_error, EINVAL, "The store '%s' names no dataset; its file has to say Dataset=.", s->name);
        if (!name_is_valid(s->dataset))
                return storage_fail(ret_error, EINVAL, "The store '%s' cannot use '%s': no dataset can have that name.", s->name, s->dataset);
        if (!program_exists(ZFS))
                return storage_fail(ret_error, EOPNOTSUPP, "The store '%s' needs '%s' (package zfsutils-linux).", s->name, ZFS);
        return check_version(s, ret_error);
}

/* What every function begins with: the volume's name, on a host that can have it. */
static int require_volume(const Storage *s, const char *id, Name ret, char **ret_error) {
        int r;

        r = require(s, ret_error);
        return r < 0 ? r : volume_name(s, id, ret);
}

static bool exists(const char *name) {
        _cleanup_free_ char *message = NULL;

        return program_run(ARGV(ZFS, "list", "-H", "-o", "name", name), NULL, &message) >= 0;
}

/* The pool's name, and the file that berth has made it in. */
static void pool_of(const Storage *s, Name ret_pool, char ret_file[static PATH_MAX]) {
        snprintf(ret_pool, sizeof(Name), "%.*s", (int) strcspn(s->dataset, "/"), s->dataset);
        snprintf(ret_file, PATH_MAX, POOL_FILES "/%s", ret_pool);
}

/* A pool in a file is not imported when the host boots, since what the file is on may not be mounted by then: whoever is the first to need it does. */
static int require_dataset(const Storage *s, char **ret_error) {
        char file[PATH_MAX];
        Name pool;
        int r;

        r = require(s, ret_error);
        if (r < 0 || exists(s->dataset))
                return r;
        pool_of(s, pool, file);
        if (access(file, F_OK) >= 0)
                try(ARGV(ZPOOL, "import", "-N", "-d", file, "-o", "cachefile=none", pool));
        if (exists(s->dataset))
                return 0;
        return storage_fail(ret_error, ENODEV, "The store '%s' has no dataset '%s'; is its pool imported?", s->name, s->dataset);
}

static int get(const Storage *s, const char *property, const char *name, char **ret_value, char **ret_error) {
        int r;

        r = run(s, "be read", ARGV(ZFS, "get", "-H", "-p", "-o", "value", property, name), ret_value, ret_error);
        if (r >= 0)
                (*ret_value)[strcspn(*ret_value, "\n")] = 0;
        return r;
}

static int zfs_check(const Storage *s, char **ret_error) {
        _cleanup_free_ char *value = NULL;
        int r;

        r = require_dataset(s, ret_error);
        if (r >= 0)
                r = get(s, "readonly", s->dataset, &value, ret_error);
        if (r < 0)
                return r;
        return streq(value, "on") ? storage_fail(ret_error, EROFS, "The store '%s' cannot be written to: '%s' is read-only.", s->name, s->dataset) : 0;
}

/* ---- one volume */

/* Snapshots, the youngest first, as lines of NAME, CLONES and whether it goes with the last of them, with tabs between. */
static int list_snapshots(const Storage *s, const char *name, char **ret, char **ret_error) {
        return run(s, "be read", ARGV(ZFS, "list", "-H", "-r", "-t", "snapshot", "-S", "createtxg", "-o", "name,clones,defer_destroy", name), ret, ret_error);
}

/* What has failed: for want of the dataset that all are in? */
static int explain(const Storage *s, int error, char **ret_error) {
        _cleanup_free_ char *reason = NULL;
        int r;

        r = require_dataset(s, &reason);
        if (r >= 0)
                return error;
        free(*ret_error);
        *ret_error = TAKE_PTR(reason);
        return r;
}

static int zfs_make(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error) {
        char quota[64] = "refquota=none";
        Name name;
        int r;

        r = require_volume(s, id, name, ret_error);
        if (r < 0)
                return r;
        size = size > 0 ? size : s->size;
        if (size > 0)
                snprintf(quota, sizeof quota, "refquota=%" PRIu64, size);
        r = run(s, "make a volume", ARGV(ZFS, "create", PROPERTIES, "-o", quota, name), NULL, ret_error);
        return r >= 0 ? 0 : exists(name) ? -EEXIST : explain(s, r, ret_error);
}

/* Properties of a clone come from where it is, not from what it was made of; a limit is set at each start. */
static int zfs_copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error) {
        Name from_name, name, snapshot;
        int r;

        r = require_volume(s, from, from_name, ret_error);
        if (r >= 0)
                r = volume_name(s, id, name);
        if (r < 0)
                return r;
        if (snprintf(snapshot, sizeof snapshot, "%s@%s", from_name, id) >= (int) sizeof snapshot)
                return -ENAMETOOLONG;
        r = run(s, "copy a volume", ARGV(ZFS, "snapshot", snapshot), NULL, ret_error);
        if (r < 0)
                return explain(s, r, ret_error);
        r = run(s, "copy a volume", ARGV(ZFS, "clone", PROPERTIES, snapshot, name), NULL, ret_error);
        /* Of one without a clone, that is at once. */
        try(ARGV(ZFS, "destroy", "-d", snapshot));
        return r >= 0 ? 0 : exists(name) ? -EEXIST : r;
}

/* What there is for whoever removes a volume. */
typedef struct Remains {
        Name clone;    /* of the youngest of its snapshots that has one */
        Name snapshot; /* of that it was made of, when nobody has marked it yet; its copy may have been killed, and it may have gone to another volume */
} Remains;

static int find_remains(const Storage *s, const char *id, const char *name, Remains *ret, char **ret_error) {
        _cleanup_free_ char *list = NULL;
        size_t length = strlen(name);
        int r;

        *ret = (Remains) {};
        r = list_snapshots(s, s->dataset, &list, ret_error);
        if (r < 0)
                return r;
        for (char *rest = list, *line; (line = strsep(&rest, "\n"));) {
                const char *snapshot = strsep(&line, "\t"), *clones = line ? strsep(&line, "\t") : NULL, *at = strchr(snapshot, '@');

                if (!at || !line)
                        continue;
                if (!*ret->clone && strncmp(snapshot, name, length) == 0 && snapshot[length] == '@' && *clones && !streq(clones, "-"))
                        snprintf(ret->clone, sizeof ret->clone, "%.*s", (int) strcspn(clones, ","), clones);
                if (streq(at + 1, id) && streq(line, "off"))
                        snprintf(ret->snapshot, sizeof ret->snapshot, "%s", snapshot);
        }
        return 0;
}

static int zfs_remove(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        _cleanup_free_ char *message = NULL;
        Remains remains;
        Name name;
        int r;

        r = require_volume(s, id, name, ret_error);
        if (r < 0)
                return r;

        for (int i = 0; i < REMOVE_TRIES; i++) {
                r = find_remains(s, id, name, &remains, ret_error);
                if (r < 0)
                        return explain(s, r, ret_error);
                /* Those that were made of this one must not depend on it. The clone of its youngest snapshot takes over all of them; then this one depends on that. */
                if (*remains.clone) {
                        try(ARGV(ZFS, "promote", remains.clone));
                        continue;
                }
                /* With snapshots that the administrator's programs have made. */
                r = program_run(ARGV(ZFS, "destroy", "-r", name), NULL, &message);
                if (r < 0 && r != -EIO)
                        return r;
                if (r < 0 && strstr(message, "busy"))
                        return -EBUSY;
                if (r >= 0 || !exists(name)) {
                        if (*remains.snapshot)
                                try(ARGV(ZFS, "destroy", "-d", remains.snapshot));
                        return r >= 0 || *remains.snapshot ? 0 : -ENOENT;
                }
                /* Copied once more meanwhile? */
                if (!strstr(message, "clone"))
                        break;
        }
        return storage_fail(ret_error, EIO, "The store '%s' cannot remove the volume '%s': %s", s->name, name, message ?: "copies of it cannot be promoted.");
}

static int zfs_mount(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        Name name;
        int r;

        r = require_volume(s, id, name, ret_error);
        if (r < 0)
                return r;
        r = mount_new("zfs", name, NULL, 0, ret_mount_fd);
        if (r == -ENOENT) {
                r = require_dataset(s, ret_error);
                if (r < 0)
                        return r;
                r = mount_new("zfs", name, NULL, 0, ret_mount_fd);
        }
        return r < 0 ? storage_fail(ret_error, r, "The store '%s' cannot mount the dataset '%s': %m.", s->name, name) : 0;
}

static int zfs_usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        _cleanup_free_ char *value = NULL, *error = NULL;
        Name name;
        int r;

        r = volume_name(s, id, name);
        if (r < 0)
                return r;
        r = get(s, "usedbydataset", name, &value, &error);
        return r < 0 ? r : parse_u64(value, UINT64_MAX, ret_bytes);
}

static int zfs_limit(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error) {
        char quota[64] = "refquota=none";
        Name name;
        int r;

        r = require_volume(s, id, name, ret_error);
        if (r < 0)
                return r;
        if (bytes == UINT64_MAX && s->size > 0)
                bytes = s->size;
        if (bytes != UINT64_MAX)
                snprintf(quota, sizeof quota, "refquota=%" PRIu64, bytes);
        r = run(s, "limit a volume", ARGV(ZFS, "set", quota, name), NULL, ret_error);
        return r < 0 ? explain(s, r, ret_error) : 0;
}

/* ---- streams */

static int zfs_send(const Storage *s, int layer_fd, const char *id, int fd, char **ret_error) {
        Name name, snapshot;
        int r;

        r = require_dataset(s, ret_error);
        if (r >= 0)
                r = volume_name(s, id, name);
        if (r < 0)
                return r;
        if (snprintf(snapshot, sizeof snapshot, "%s@sent-%s", name, id) >= (int) sizeof snapshot)
                return -ENAMETOOLONG;
        /* Of one who was killed. */
        try(ARGV(ZFS, "destroy", snapshot));
        r = run(s, "send a volume", ARGV(ZFS, "snapshot", snapshot), NULL, ret_error);
        if (r < 0)
                return r;
        r = run_with(s, "send a volume", ARGV(ZFS, "send", "-c", snapshot), -EBADF, fd, ret_error);
        try(ARGV(ZFS, "destroy", snapshot));
        return r;
}

static int zfs_receive(const Storage *s, int layer_fd, const char *id, int fd, char **ret_error) {
        _cleanup_free_ char *list = NULL;
        Name name;
        int r;

        r = require_dataset(s, ret_error);
        if (r >= 0)
                r = volume_name(s, id, name);
        if (r < 0)
                return r;
        if (exists(name))
                return -EEXIST;
        r = run_with(s, "receive a volume", ARGV(ZFS, "receive", "-u", PROPERTIES, name), fd,
                     -EBADF, ret_error);
        if (r < 0) {
                try(ARGV(ZFS, "destroy", "-r", name));
                return r;
        }
        /* What came with it is the sender's snapshot. */
        r = list_snapshots(s, name, &list, ret_error);
        for (char *rest = list, *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                const char *snapshot = strsep(&line, "\t");

                if (*snapshot)
                        try(ARGV(ZFS, "destroy", snapshot));
        }
        return r;
}

/* ---- init */

static int make_pool(const Storage *s, uint64_t size, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        char path[PATH_MAX];
        Name pool;
        int r;

        pool_of(s, pool, path);
        (void) mkdir(BERTH_STATE_DIR, 0700);
        if (mkdir(POOL_FILES, 0700) < 0 && errno != EEXIST)
                return storage_fail(ret_error, errno, "The store '%s' cannot make '%s': %m.", s->name, POOL_FILES);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return storage_fail(ret_error, errno, "The store '%s' cannot make '%s': %m.", s->name, path);
        r = ftruncate(fd, (off_t) size) < 0 ? storage_fail(ret_error, errno, "The store '%s' cannot make '%s': %m.", s->name, path) : 0;
        if (r >= 0)
                r = run(s, "make its pool",
                        ARGV(ZPOOL, "create", "-m", "none", "-o", "cachefile=none", "-o", "autotrim=on", "-O", "compression=on", "-O", "atime=off", pool, path), NULL,
                        ret_error);
        if (r < 0)
                (void) unlink(path);
        return r;
}

static int zfs_space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free) {
        _cleanup_free_ char *used = NULL, *available = NULL, *error = NULL;
        int r;

        r = get(s, "used", s->dataset, &used, &error);
        if (r >= 0)
                r = get(s, "available", s->dataset, &available, &error);
        if (r >= 0)
                r = parse_u64(used, UINT64_MAX, ret_used);
        return r < 0 ? r : parse_u64(available, UINT64_MAX, ret_free);
}

/* The dataset, if it is not there yet; with a size, or without a name, in a pool of its own, in a file. */
static int zfs_setup(Storage *s, uint64_t size, char **ret_error) {
        _cleanup_free_ char *ignored = NULL;
        int r;

        if (!s->dataset) {
                s->dataset = strdup(DATASET_DEFAULT);
                if (!s->dataset)
                        return -ENOMEM;
                size = size > 0 ? size : POOL_SIZE_DEFAULT;
        }
        r = require(s, ret_error);
        if (r < 0)
                return r;
        if (require_dataset(s, &ignored) >= 0)
                return 0;
        if (size > 0) {
                r = make_pool(s, size, ret_error);
                if (r < 0 || !strchr(s->dataset, '/'))
                        return r;
        }
        return run(s, "make its dataset", ARGV(ZFS, "create", "-p", "-o", "mountpoint=none", "-o", "canmount=off", s->dataset), NULL, ret_error);
}

const StorageType storage_zfs = {
        .name = "zfs",
        .check = zfs_check,
        .make = zfs_make,
        .copy = zfs_copy,
        .remove = zfs_remove,
        .mount = zfs_mount,
        .space = zfs_space,
        .setup = zfs_setup,
        .usage = zfs_usage,
        .limit = zfs_limit,
        .send = zfs_send,
        .receive = zfs_receive,
};
