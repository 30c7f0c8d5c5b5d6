/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/thin-volume.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "storage/device-mapper.h"
#include "storage/program.h"

#define LVM "lvm"
#define MKFS "mkfs.ext4"
#define THIN_CHECK "thin_check"

#define POOL_DEFAULT "berth" /* ThinPool= that is not said */
#define SIZE_UNIT UINT64_C(4096) /* sizes that lvm takes are a multiple of 512 */
#define POOL_FULL 98.0      /* percent: what the pool has left is for what is there already */
#define OPEN_TRIES 8

/* Not a copy of the group's metadata in /etc/lvm for each container that comes and goes; what lvm would lock in memory, a job may not. */
#define CONFIG "--config=backup{backup=0 archive=0} activation{use_mlockall=0 process_priority=0}"

/* What is executed is a copy. */
#define ARGV(...) ((char *const *) (const char *const[]) { __VA_ARGS__, NULL })

typedef struct LogicalVolume {
        bool exists, open;
        uint64_t size;
        double used_percent, metadata_percent; /* negative: not known, as when it is not active */
        char segment[32];
} LogicalVolume;

static int run(const Storage *s, char *const *argv, const char *what, char **ret_output, char **ret_error) {
        _cleanup_free_ char *message = NULL;
        int r;

        r = program_run(argv, ret_output, &message);
        return message ? storage_fail(ret_error, r, "The store '%s' cannot %s: %s", s->name, what, message) : r;
}

static void volume_name(const char *id, char ret[static NAME_MAX + 1]) {
        snprintf(ret, NAME_MAX + 1, "berth-%s", id);
}

static void volume_path(const Storage *s, const char *name, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, "%s/%s", s->group, name);
}

static double parse_percent(const char *text) {
        char *end;
        double d = strtod(text, &end);

        return end == text ? -1 : d;
}

/* One line of a report, fields with colons between. */
static int parse_volume(char *line, LogicalVolume *ret) {
        char *fields[5];
        LogicalVolume v = { .exists = true };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                fields[i] = strsep(&line, ":");
                if (!fields[i])
                        return -EBADMSG;
        }
        if (sscanf(fields[0], " %31s", v.segment) != 1 || parse_u64(fields[1], UINT64_MAX, &v.size) < 0)
                return -EBADMSG;
        v.used_percent = parse_percent(fields[2]);
        v.metadata_percent = parse_percent(fields[3]);
        v.open = streq(fields[4], "open");
        *ret = v;
        return 0;
}

static int query(const Storage *s, const char *name, LogicalVolume *ret, char **ret_error) {
        _cleanup_free_ char *output = NULL;
        char select[NAME_MAX + 16];
        int r;

        snprintf(select, sizeof select, "lv_name=%s", name);
        r = run(s, ARGV(LVM, "lvs", CONFIG, "--noheadings", "--nosuffix", "--units=b", "--separator=:",
                            "--options=segtype,lv_size,data_percent,metadata_percent,lv_device_open", "--select", select, s->group),
                    "be read", &output, ret_error);
        if (r < 0)
                return r;
        if (!output[strspn(output, " \n")]) {
                *ret = (LogicalVolume) {};
                return 0;
        }
        output[strcspn(output, "\n")] = 0;
        return parse_volume(output, ret);
}

/* What lvm(8) allows, and nothing that it takes for an option. */
static bool name_is_valid(const char *name) {
        return *name && *name != '-' && *name != '.' && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-")];
}

static int require_programs(const Storage *s, char **ret_error) {
        static const struct {
                const char *path, *package;
        } programs[] = { { LVM, "lvm2" }, { THIN_CHECK, "thin-provisioning-tools" }, { MKFS, "e2fsprogs" } };

        for (size_t i = 0; i < ELEMENTSOF(programs); i++)
                if (!program_exists(programs[i].path))
                        return storage_fail(ret_error, EOPNOTSUPP, "The store '%s' needs '%s' (package %s).", s->name, programs[i].path, programs[i].package);
        if (!s->group)
                return storage_fail(ret_error, EINVAL, "The store '%s' names no volume group; its file has to say VolumeGroup=.", s->name);
        if (!name_is_valid(s->group) || (s->pool && !name_is_valid(s->pool)))
                return storage_fail(ret_error, EINVAL, "The store '%s' names no volume group and thin pool that lvm could have.", s->name);
        return 0;
}

static const char *pool_name(const Storage *s) {
        return s->pool ?: POOL_DEFAULT;
}

static int query_pool(const Storage *s, LogicalVolume *ret, char **ret_error) {
        int r;

        r = require_programs(s, ret_error);
        if (r >= 0)
                r = query(s, pool_name(s), ret, ret_error);
        if (r < 0)
                return r;
        if (!ret->exists)
                return storage_fail(ret_error, ENODEV, "The store '%s' has no thin pool '%s/%s'.", s->name, s->group, pool_name(s));
        if (!streq(ret->segment, "thin-pool"))
                return storage_fail(ret_error, EINVAL, "The store '%s' cannot use '%s/%s': it is no thin pool.", s->name, s->group, pool_name(s));
        return 0;
}

int thin_pool_check(const Storage *s, char **ret_error) {
        LogicalVolume pool;

        return query_pool(s, &pool, ret_error);
}

/* A pool that is full makes those fail that write to what is there; so new ones are refused before. */
static int require_room(const Storage *s, char **ret_error) {
        LogicalVolume pool;
        int r;

        r = query_pool(s, &pool, ret_error);
        if (r < 0)
                return r;
        if (pool.used_percent >= POOL_FULL || pool.metadata_percent >= POOL_FULL)
                return storage_fail(ret_error, ENOSPC, "The store '%s' is full: of its thin pool '%s/%s', %s is used up.", s->name, s->group, pool_name(s),
                                    pool.used_percent >= POOL_FULL ? "the space" : "the space for metadata");
        return 0;
}

/* lvcreate(8) has failed: because there is one? */
static int explain(const Storage *s, const char *name, int error) {
        _cleanup_free_ char *ignored = NULL;
        LogicalVolume v;

        return query(s, name, &v, &ignored) >= 0 && v.exists ? -EEXIST : error;
}

static int remove_volume(const Storage *s, const char *name, char **ret_error) {
        char path[PATH_MAX];

        volume_path(s, name, path);
        return run(s, ARGV(LVM, "lvremove", CONFIG, "--quiet", "--yes", "--force", path), "remove a volume", NULL, ret_error);
}

static int activate(const Storage *s, const char *name, char **ret_error) {
        char path[PATH_MAX];

        volume_path(s, name, path);
        return run(s, ARGV(LVM, "lvchange", CONFIG, "--quiet", "--activate=y", "--ignoreactivationskip", path), "open a volume", NULL,
                       ret_error);
}

static uint64_t round_up(uint64_t size, uint64_t unit) {
        return (size + unit - 1) / unit * unit;
}

static int try_open(const Storage *s, const char *name, const char *dm_name, int *ret_fd, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        char node[DM_PATH_MAX];
        struct stat st;
        dev_t device;
        int r;

        r = dm_find(dm_name, &device);
        if (r == -ENXIO) {
                r = activate(s, name, ret_error);
                if (r >= 0)
                        r = dm_find(dm_name, &device);
        }
        if (r < 0)
                return r;
        dm_path(device, node);
        fd = open(node, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        /* Is it this one that was opened? As long as it is open, its name stays with its number. */
        r = dm_find(dm_name, &device);
        if (r < 0)
                return r;
        if (st.st_rdev != device)
                return -ENXIO;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int open_device(const Storage *s, const char *name, int *ret_fd, char **ret_error) {
        _cleanup_free_ char *dm_name = NULL;
        int r;

        r = dm_volume_name(s->group, name, &dm_name);
        if (r < 0)
                return r;
        for (int i = 0; i < OPEN_TRIES; i++) {
                r = try_open(s, name, dm_name, ret_fd, ret_error);
                if (r >= 0)
                        return 0;
                if (*ret_error)
                        return r;
                /* Between two looks the last who had it open took the device away. */
                if (r != -ENOENT && r != -ENXIO)
                        break;
        }
        return storage_fail(ret_error, r, "The store '%s' cannot open '%s/%s': %m.", s->name, s->group, name);
}

int thin_volume_open(const Storage *s, int layer_fd, const char *id, int *ret_fd, char **ret_error) {
        char name[NAME_MAX + 1];
        struct stat st;
        int r, fd;

        volume_name(id, name);
        r = require_programs(s, ret_error);
        if (r >= 0)
                r = open_device(s, name, &fd, ret_error);
        if (r < 0)
                return r;
        if (fstat(fd, &st) >= 0)
                (void) dm_remove_deferred(st.st_rdev);
        *ret_fd = fd;
        return 0;
}

int thin_volume_make(const Storage *s, int layer_fd, const char *id, uint64_t size, int *ret_fd, char **ret_error) {
        char name[NAME_MAX + 1], path[PATH_MAX], size_option[64];
        _cleanup_free_ char *ignored = NULL;
        int r;

        volume_name(id, name);
        volume_path(s, pool_name(s), path);
        snprintf(size_option, sizeof size_option, "--virtualsize=%" PRIu64 "b", round_up(size, SIZE_UNIT));

        r = require_room(s, ret_error);
        if (r < 0)
                return r;
        r = run(s, ARGV(LVM, "lvcreate", CONFIG, "--quiet", "--yes", "--type=thin", size_option, "--thinpool", path, "--name", name,
                            "--setactivationskip=y", "--ignoreactivationskip", "--wipesignatures=n"),
                    "make a volume", NULL, ret_error);
        if (r < 0)
                return explain(s, name, r);
        r = open_device(s, name, ret_fd, ret_error);
        if (r < 0)
                (void) remove_volume(s, name, &ignored);
        return r;
}

int thin_volume_copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error) {
        char name[NAME_MAX + 1], from_name[NAME_MAX + 1], path[PATH_MAX];
        int r;

        volume_name(id, name);
        volume_name(from, from_name);
        volume_path(s, from_name, path);
        r = require_room(s, ret_error);
        if (r < 0)
                return r;
        /* The device-mapper freezes the file system that is mounted of it for the moment. */
        r = run(s, ARGV(LVM, "lvcreate", CONFIG, "--quiet", "--yes", "--snapshot", "--name", name, "--setactivationskip=y",
                               "--activate=n", path),
                    "copy a volume", NULL, ret_error);
        return r < 0 ? explain(s, name, r) : 0;
}

static int find(const Storage *s, const char *name, LogicalVolume *ret, char **ret_error) {
        int r;

        r = require_programs(s, ret_error);
        if (r >= 0)
                r = query(s, name, ret, ret_error);
        return r < 0 ? r : ret->exists ? 0 : -ENOENT;
}

int thin_volume_remove(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        char name[NAME_MAX + 1];
        LogicalVolume v;
        int r;

        volume_name(id, name);
        r = find(s, name, &v, ret_error);
        if (r < 0)
                return r;
        if (v.open)
                return -EBUSY;
        return remove_volume(s, name, ret_error);
}

/* Blocks that it shares with a copy are counted for both: to tell them apart takes a dump of all of the pool's metadata. */
int thin_volume_usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        _cleanup_free_ char *error = NULL;
        _cleanup_close_ int fd = -EBADF;
        char name[NAME_MAX + 1];
        LogicalVolume v;
        int r;

        volume_name(id, name);
        /* Only of an active one the pool says how much there is. */
        r = thin_volume_open(s, layer_fd, id, &fd, &error);
        if (r >= 0)
                r = query(s, name, &v, &error);
        if (r < 0)
                return r;
        if (v.used_percent < 0)
                return -ENODATA;
        *ret_bytes = (uint64_t) (v.used_percent / 100.0 * (double) v.size);
        return 0;
}

int thin_volume_enlarge(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error) {
        char name[NAME_MAX + 1], path[PATH_MAX], size_option[64];
        LogicalVolume v;
        int r;

        volume_name(id, name);
        volume_path(s, name, path);
        r = find(s, name, &v, ret_error);
        if (r < 0)
                return r;
        if (bytes <= v.size)
                return 0;
        snprintf(size_option, sizeof size_option, "--size=%" PRIu64 "b", round_up(bytes, SIZE_UNIT));
        r = run(s, ARGV(LVM, "lvextend", CONFIG, "--quiet", "--yes", size_option, path), "enlarge a volume", NULL, ret_error);
        return r < 0 ? r : 1;
}

int thin_pool_space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free) {
        _cleanup_free_ char *error = NULL;
        LogicalVolume pool;
        int r;

        r = query_pool(s, &pool, &error);
        if (r < 0)
                return r;
        if (pool.used_percent < 0)
                return -ENODATA;
        *ret_used = (uint64_t) (pool.used_percent / 100.0 * (double) pool.size);
        *ret_free = pool.size - *ret_used;
        return 0;
}

int thin_pool_setup(Storage *s, uint64_t size, char **ret_error) {
        char path[PATH_MAX], size_option[64] = "--extents=90%FREE"; /* the pool's metadata and its spare are not in this */
        LogicalVolume pool;
        int r;

        r = require_programs(s, ret_error);
        if (r >= 0)
                r = query(s, pool_name(s), &pool, ret_error);
        if (r < 0)
                return r;
        if (pool.exists)
                return thin_pool_check(s, ret_error);
        volume_path(s, pool_name(s), path);
        if (size > 0)
                snprintf(size_option, sizeof size_option, "--size=%" PRIu64 "b", round_up(size, SIZE_UNIT));
        r = run(s, ARGV(LVM, "lvcreate", CONFIG, "--quiet", "--yes", "--type=thin-pool", size_option, "--name", pool_name(s), s->group), "make its thin pool", NULL,
                    ret_error);
        /* Who writes to a pool that is full shall be told at once, not after a minute. */
        if (r >= 0)
                r = run(s, ARGV(LVM, "lvchange", CONFIG, "--quiet", "--errorwhenfull=y", path), "set up its thin pool", NULL, ret_error);
        return r;
}
