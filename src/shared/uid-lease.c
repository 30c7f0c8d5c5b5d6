/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/uid-lease.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/foreign-range.h"
#include "shared/names.h"

#define FIRST_RANGE (CONTAINER_UID_MIN / UID_RANGE_SIZE)
#define N_RANGES ((CONTAINER_UID_MAX + 1U) / UID_RANGE_SIZE - FIRST_RANGE)
#define ATTEMPTS 1000U
#define ACCOUNT_FILE_SIZE_MAX (16U * 1024U * 1024U)

typedef struct Taken {
        struct {
                uint32_t first, count;
        } *ranges; /* owned */
        size_t n, allocated;
} Taken;

static void taken_done(Taken *t) {
        free(t->ranges);
}

static int taken_add(Taken *t, uint64_t first, uint64_t count) {
        /* What ends before the containers' part of the ids is no concern. */
        if (count == 0 || first > CONTAINER_UID_MAX || first + count <= CONTAINER_UID_MIN)
                return 0;
        if (t->n >= t->allocated) {
                size_t n = MAX_OF(t->allocated * 2, (size_t) 64);
                void *p = reallocarray(t->ranges, n, sizeof *t->ranges);

                if (!p)
                        return -ENOMEM;
                t->ranges = p;
                t->allocated = n;
        }
        t->ranges[t->n].first = (uint32_t) first;
        t->ranges[t->n++].count = (uint32_t) MIN_OF(count, (uint64_t) (UINT32_MAX - first));
        return 0;
}

static bool taken_overlaps(const Taken *t, uint32_t base) {
        for (size_t i = 0; i < t->n; i++) {
                uint64_t first = t->ranges[i].first, end = first + t->ranges[i].count;

                if (first < (uint64_t) base + UID_RANGE_SIZE && end > base)
                        return true;
        }
        return false;
}

/* passwd(5), group(5): the id is the third field. subuid(5), subgid(5): second and third are first id and count. */
static int read_accounts(Taken *t, const char *path, unsigned first_field, bool has_count) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = fd_read_string(fd, ACCOUNT_FILE_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        for (rest = text; (line = strsep(&rest, "\n"));) {
                char *fields[4] = {}, *p = line;
                uint64_t first, count = 1;

                for (size_t i = 0; i < ELEMENTSOF(fields) && p; i++)
                        fields[i] = strsep(&p, ":");
                if (!fields[first_field] || parse_u64(fields[first_field], UINT32_MAX, &first) < 0)
                        continue;
                if (has_count && (!fields[first_field + 1] || parse_u64(fields[first_field + 1], UINT32_MAX, &count) < 0))
                        continue;
                r = taken_add(t, first, count);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_taken(Taken *t) {
        static const struct {
                const char *path;
                unsigned first_field;
                bool has_count;
        } files[] = {
                { "/etc/passwd", 2, false },
                { "/etc/group",  2, false },
                { "/etc/subuid", 1, true  },
                { "/etc/subgid", 1, true  },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(files); i++)
                r = read_accounts(t, files[i].path, files[i].first_field, files[i].has_count);
        return r;
}

/* Do accounts come from elsewhere than files (a directory service, say)? What else is listed here has no users in the containers' part of
 * the ids but those of containers, and loading and asking all of it takes longer than the rest of making a container. */
static bool accounts_are_elsewhere(void) {
        static const char *const no_more[] = { "files", "compat", "systemd", "mymachines" };
        _cleanup_close_ int fd = open("/etc/nsswitch.conf", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_free_ char *text = NULL;
        char *line, *rest;

        /* User records that somebody dropped in, which nss-systemd knows. */
        if (access("/etc/userdb", F_OK) >= 0 || access("/run/userdb", F_OK) >= 0)
                return true;
        if (fd < 0 || fd_read_string(fd, ACCOUNT_FILE_SIZE_MAX, &text, NULL) < 0)
                return true;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                char *word;

                line[strcspn(line, "#")] = 0;
                line += strspn(line, " \t");
                word = strsep(&line, ":");
                if (!streq(word, "passwd") && !streq(word, "group"))
                        continue;
                while ((word = strsep(&line, " \t"))) {
                        bool known = isempty(word) || *word == '[';

                        for (size_t i = 0; i < ELEMENTSOF(no_more); i++)
                                known = known || streq(word, no_more[i]);
                        if (!known)
                                return true;
                }
        }
        return false;
}

/* Users from directory services are not in the files. They cannot be listed, so a few ids are asked for, as systemd-nspawn does. */
static bool has_accounts(uint32_t base) {
        static const uint32_t offsets[] = { 0, 1000 };

        for (size_t i = 0; i < ELEMENTSOF(offsets); i++)
                if (getpwuid(base + offsets[i]) || getgrgid(base + offsets[i]))
                        return true;
        return false;
}

/* The file stays, who has it locks it. */
static bool nspawn_has(uint32_t base) {
        _cleanup_close_ int fd = -EBADF;
        char path[64];

        snprintf(path, sizeof path, "/run/systemd/nspawn-uid/%u", base);
        fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno != ENOENT;
        return flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* FNV-1a: any spread will do, it is only where the search begins. */
static uint32_t hash_name(const char *name) {
        uint32_t h = 2166136261U;

        for (; *name; name++)
                h = (h ^ (unsigned char) *name) * 16777619U;
        return h;
}

/* The cheap questions first. */
static bool is_used(const Taken *t, int leases_fd, uint32_t base, bool elsewhere) {
        char file_name[DECIMAL_MAX];
        struct stat st;

        snprintf(file_name, sizeof file_name, "%u", base);
        return taken_overlaps(t, base) || fstatat(leases_fd, file_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 || nspawn_has(base) ||
                (elsewhere && has_accounts(base));
}

int uid_lease_acquire(int state_fd, const char *name, uint32_t *ret_base) {
        _cleanup_close_ int leases = -EBADF;
        _cleanup_(taken_done) Taken taken = {};
        uint32_t pick = hash_name(name);
        bool elsewhere;
        int r;

        assert(container_name_valid(name));
        assert(ret_base);

        if (foreign_range_is_shared()) {
                *ret_base = foreign_uid_base();
                return *ret_base == 0 ? -ENOSPC : 0;
        }
        leases = path_make_directory(state_fd, DIR_UID_LEASES, 0700);
        if (leases < 0)
                return leases;
        r = read_taken(&taken);
        if (r < 0)
                return r;
        elsewhere = accounts_are_elsewhere();

        for (unsigned i = 0; i < ATTEMPTS; i++) {
                uint32_t base = (FIRST_RANGE + pick % N_RANGES) * UID_RANGE_SIZE;
                char file_name[DECIMAL_MAX];

                if (getrandom(&pick, sizeof pick, 0) != sizeof pick)
                        return -errno;

                snprintf(file_name, sizeof file_name, "%u", base);
                if (is_used(&taken, leases, base, elsewhere))
                        continue;
                if (symlinkat(name, leases, file_name) >= 0) {
                        *ret_base = base;
                        return 0;
                }
                if (errno != EEXIST)
                        return -errno;
        }
        return -ENOSPC;
}

#define FURTHER_MARK "+"

static uint32_t count_ranges(uint32_t size) {
        return (size + UID_RANGE_SIZE - 1) / UID_RANGE_SIZE;
}

static int make_further_leases(int leases_fd, const char *target, uint32_t base, uint32_t n) {
        char file_name[DECIMAL_MAX];

        for (uint32_t i = 0; i < n; i++) {
                snprintf(file_name, sizeof file_name, "%u", base + i * UID_RANGE_SIZE);
                if (symlinkat(target, leases_fd, file_name) >= 0)
                        continue;
                int r = -errno;

                /* Those before it are ours. */
                while (i-- > 0) {
                        snprintf(file_name, sizeof file_name, "%u", base + i * UID_RANGE_SIZE);
                        (void) unlinkat(leases_fd, file_name, 0);
                }
                return r;
        }
        return 0;
}

int uid_lease_acquire_further(int state_fd, const char *name, uint32_t base, uint32_t size, uint32_t *ret_base) {
        char target[CONTAINER_NAME_MAX + sizeof FURTHER_MARK];
        uint32_t n = count_ranges(size), pick = hash_name(name);
        _cleanup_close_ int leases = -EBADF;
        _cleanup_(taken_done) Taken taken = {};
        bool elsewhere;
        int r;

        assert(container_name_valid(name));
        assert(ret_base);

        if (n == 0 || n > N_RANGES || (base != 0 && (base % UID_RANGE_SIZE != 0 || base < CONTAINER_UID_MIN || base / UID_RANGE_SIZE + n > FIRST_RANGE + N_RANGES)))
                return -ERANGE;
        snprintf(target, sizeof target, "%s" FURTHER_MARK, name);
        leases = path_make_directory(state_fd, DIR_UID_LEASES, 0700);
        if (leases < 0)
                return leases;
        r = read_taken(&taken);
        if (r < 0)
                return r;
        elsewhere = accounts_are_elsewhere();

        for (unsigned i = 0; i < ATTEMPTS; i++) {
                uint32_t first = base ?: (FIRST_RANGE + pick % (N_RANGES - n + 1)) * UID_RANGE_SIZE, k;

                if (getrandom(&pick, sizeof pick, 0) != sizeof pick)
                        return -errno;
                for (k = 0; k < n; k++)
                        if (is_used(&taken, leases, first + k * UID_RANGE_SIZE, elsewhere))
                                break;
                r = k < n ? -EEXIST : make_further_leases(leases, target, first, n);
                if (r >= 0) {
                        *ret_base = first;
                        return 0;
                }
                if (r != -EEXIST)
                        return r;
                if (base != 0)
                        return -EADDRINUSE;
        }
        return -ENOSPC;
}

static bool is_further_lease(int leases_fd, const char *name, uint32_t base) {
        char file_name[DECIMAL_MAX], target[CONTAINER_NAME_MAX + sizeof FURTHER_MARK + 1];
        size_t length = strlen(name);
        ssize_t n;

        snprintf(file_name, sizeof file_name, "%u", base);
        n = readlinkat(leases_fd, file_name, target, sizeof target - 1);
        if (n < 0)
                return false;
        target[n] = 0;
        return strncmp(target, name, length) == 0 && streq(target + length, FURTHER_MARK);
}

bool uid_lease_has_further(int state_fd, const char *name, uint32_t base, uint32_t size) {
        _cleanup_close_ int leases = path_open_beneath(state_fd, DIR_UID_LEASES, O_RDONLY | O_DIRECTORY, 0);

        for (uint32_t i = 0; leases >= 0 && i < count_ranges(size); i++)
                if (!is_further_lease(leases, name, base + i * UID_RANGE_SIZE))
                        return false;
        return leases >= 0;
}

int uid_lease_release_further(int state_fd, const char *name, uint32_t base, uint32_t size) {
        _cleanup_close_ int leases = path_open_beneath(state_fd, DIR_UID_LEASES, O_RDONLY | O_DIRECTORY, 0);
        char file_name[DECIMAL_MAX];
        int r = 0;

        if (leases < 0)
                return leases == -ENOENT ? 0 : leases;
        for (uint32_t i = 0; i < count_ranges(size); i++) {
                if (!is_further_lease(leases, name, base + i * UID_RANGE_SIZE))
                        continue;
                snprintf(file_name, sizeof file_name, "%u", base + i * UID_RANGE_SIZE);
                if (unlinkat(leases, file_name, 0) < 0 && errno != ENOENT)
                        r = -errno;
        }
        return r;
}

int uid_range_read(int container_fd, uint32_t *ret_base, uint32_t *ret_size) {
        _cleanup_free_ char *text = NULL;
        uint32_t base, size;
        char end, *space;
        size_t length;
        int r;

        *ret_base = *ret_size = 0;
        r = path_read(container_fd, UID_RANGE_FILE, 64, &text, &length);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        end = length > 0 ? text[length - 1] : 0;
        space = strchr(text, ' ');
        if (end != '\n' || !space)
                return -EBADMSG;
        text[length - 1] = *space = 0;
        if (parse_u32(text, CONTAINER_UID_MAX, &base) < 0 || parse_u32(space + 1, CONTAINER_UID_MAX, &size) < 0 || base % UID_RANGE_SIZE != 0 ||
            base < CONTAINER_UID_MIN || size < UID_RANGE_SIZE || size > CONTAINER_UID_MAX - base)
                return -EBADMSG;
        *ret_base = base;
        *ret_size = size;
        return 0;
}

static int replace_lease(int leases_fd, uint32_t base, const char *target) {
        char file_name[DECIMAL_MAX], temporary[DECIMAL_MAX + 1];

        snprintf(file_name, sizeof file_name, "%u", base);
        snprintf(temporary, sizeof temporary, ".%u", base);
        (void) unlinkat(leases_fd, temporary, 0);
        if (symlinkat(target, leases_fd, temporary) < 0 || renameat(leases_fd, temporary, leases_fd, file_name) < 0)
                return -errno;
        return 0;
}

int uid_lease_rename(int state_fd, uint32_t base, uint32_t further_base, uint32_t further_size, const char *new_name) {
        char target[CONTAINER_NAME_MAX + sizeof FURTHER_MARK];
        _cleanup_close_ int leases = -EBADF;
        int r;

        /* Nothing is leased where all have the same. */
        if (foreign_range_is_shared())
                return 0;
        leases = path_open_beneath(state_fd, DIR_UID_LEASES, O_RDONLY | O_DIRECTORY, 0);
        if (leases < 0)
                return leases;
        snprintf(target, sizeof target, "%s" FURTHER_MARK, new_name);
        r = replace_lease(leases, base, new_name);
        for (uint32_t i = 0; r >= 0 && i < further_size / UID_RANGE_SIZE; i++)
                r = replace_lease(leases, further_base + i * UID_RANGE_SIZE, target);
        return r < 0 ? r : path_sync_directory(leases);
}

int uid_lease_repair(int state_fd, uint32_t base, const char *name) {
        char file_name[DECIMAL_MAX], holder[CONTAINER_NAME_MAX + 2], path[sizeof DIR_CONTAINERS "/" + CONTAINER_NAME_MAX + 2];
        _cleanup_close_ int leases = -EBADF;
        ssize_t n;

        if (foreign_range_is_shared())
                return 0;
        leases = path_make_directory(state_fd, DIR_UID_LEASES, 0700);
        if (leases < 0)
                return leases;
        snprintf(file_name, sizeof file_name, "%u", base);
        n = readlinkat(leases, file_name, holder, sizeof holder - 1);
        if (n < 0 && errno != ENOENT)
                return -errno;
        if (n >= 0) {
                holder[n] = 0;
                if (streq(holder, name))
                        return 0;
                snprintf(path, sizeof path, DIR_CONTAINERS "/%s", holder);
                if (faccessat(state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                        return -EEXIST;
        }
        return replace_lease(leases, base, name);
}

int uid_lease_hold(int state_fd) {
        int fd = path_make_directory(state_fd, DIR_UID_LEASES, 0700);

        if (fd < 0)
                return fd;
        while (flock(fd, LOCK_SH) < 0)
                if (errno != EINTR) {
                        int r = -errno;

                        (void) fd_close(fd);
                        return r;
                }
        return fd;
}

/* Removes the leases for which the function says so. */
static int remove_leases(int leases_fd, bool (*unwanted)(uint32_t base, const char *name, void *userdata), void *userdata) {
        _cleanup_close_ int fd = -EBADF;
        struct dirent *de;
        int r = 0;
        DIR *d;

        fd = openat(leases_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        d = fdopendir(fd);
        if (!d)
                return -errno;
        (void) TAKE_FD(fd);

        while ((de = readdir(d))) {
                char name[CONTAINER_NAME_MAX + sizeof FURTHER_MARK + 1];
                uint32_t base;
                ssize_t n;

                if (parse_u32(de->d_name, UINT32_MAX, &base) < 0)
                        continue;
                n = readlinkat(leases_fd, de->d_name, name, sizeof name - 1);
                if (n < 0)
                        continue;
                name[n] = 0;
                if (unwanted(base, name, userdata) && unlinkat(leases_fd, de->d_name, 0) < 0 && errno != ENOENT)
                        r = -errno;
        }
        (void) closedir(d);
        return r;
}

static bool is_of(_unused_ uint32_t base, const char *name, void *userdata) {
        return streq(name, userdata);
}

/* One whose number is known needs no look at those of all the others. */
static int remove_lease(int leases_fd, const char *name, uint32_t base) {
        char file_name[DECIMAL_MAX], target[CONTAINER_NAME_MAX + 2];
        ssize_t n;

        snprintf(file_name, sizeof file_name, "%u", base);
        n = readlinkat(leases_fd, file_name, target, sizeof target - 1);
        if (n < 0)
                return errno == ENOENT || errno == EINVAL ? 0 : -errno;
        target[n] = 0;
        return streq(target, name) && unlinkat(leases_fd, file_name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int uid_lease_release(int state_fd, const char *name, uint32_t base) {
        _cleanup_close_ int leases = -EBADF;

        leases = path_open_beneath(state_fd, DIR_UID_LEASES, O_RDONLY | O_DIRECTORY, 0);
        if (leases < 0)
                return leases == -ENOENT ? 0 : leases;
        return base > 0 ? remove_lease(leases, name, base) : remove_leases(leases, is_of, (void *) name);
}

typedef struct Collector {
        int state_fd;
        int64_t (*uid_base_of)(int state_fd, const char *name);
} Collector;

static bool is_stale_further(int state_fd, uint32_t base, const char *name) {
        char path[sizeof DIR_CONTAINERS "/" + CONTAINER_NAME_MAX];
        _cleanup_close_ int container = -EBADF;
        uint32_t first, size;
        int r;

        snprintf(path, sizeof path, DIR_CONTAINERS "/%s", name);
        container = path_open_beneath(state_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (container < 0)
                return container == -ENOENT;
        r = uid_range_read(container, &first, &size);
        return r == -EBADMSG || (r >= 0 && (base < first || base - first >= size));
}

static bool is_stale(uint32_t base, const char *name, void *userdata) {
        const Collector *c = userdata;
        char path[sizeof DIR_CONTAINERS "/" + CONTAINER_NAME_MAX], owner[CONTAINER_NAME_MAX + 1];
        const char *mark = endswith(name, FURTHER_MARK);
        struct stat st;
        int64_t own;

        if (mark && (size_t) (mark - name) < sizeof owner) {
                snprintf(owner, sizeof owner, "%.*s", (int) (mark - name), name);
                return !container_name_valid(owner) || is_stale_further(c->state_fd, base, owner);
        }
        if (!container_name_valid(name))
                return true;
        snprintf(path, sizeof path, DIR_CONTAINERS "/%s", name);
        if (fstatat(c->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT;
        own = c->uid_base_of(c->state_fd, name);
        return own > 0 && own != base;
}

int uid_lease_collect(int state_fd, int64_t (*uid_base_of)(int state_fd, const char *name)) {
        _cleanup_close_ int leases = -EBADF;
        Collector c = { .state_fd = state_fd, .uid_base_of = uid_base_of };

        leases = path_open_beneath(state_fd, DIR_UID_LEASES, O_RDONLY | O_DIRECTORY, 0);
        if (leases < 0)
                return leases == -ENOENT ? 0 : leases;
        if (flock(leases, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 0 : -errno;
        return remove_leases(leases, is_stale, &c);
}
