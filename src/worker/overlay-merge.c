/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/overlay-merge.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "worker/file-attributes.h"

/* Directories are taken one after the other from a list, not by recursion: a guest makes them as deep as it likes. */

#define OPAQUE "user.overlay.opaque"

typedef struct Directory {
        char *path;
        uint64_t trees;  /* those that have a part in it, one bit each */
        bool pure;       /* nothing below shines through: it is opaque, or in one that is, or there is nothing below */
} Directory;

typedef struct Merge {
        const int *trees;
        size_t n, n_all; /* that are merged; with those below */
        int top_fd;      /* of what is made */
        Directory *list;
        size_t n_list;
} Merge;

static void merge_done(Merge *m) {
        for (size_t i = 0; i < m->n_list; i++)
                free(m->list[i].path);
        free(m->list);
        m->top_fd = fd_close(m->top_fd);
}

static int add_directory(Merge *m, const char *parent, const char *name, uint64_t trees, bool pure) {
        Directory d = { .trees = trees, .pure = pure };

        if ((m->n_list & (m->n_list + 1)) == 0) {
                Directory *l = reallocarray(m->list, (m->n_list + 1) * 2, sizeof *l);

                if (!l)
                        return -ENOMEM;
                m->list = l;
        }
        if (asprintf(&d.path, "%s/%s", parent, name) < 0)
                return -ENOMEM;
        m->list[m->n_list++] = d;
        return 0;
}

static bool is_whiteout(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool is_opaque(int fd) {
        char value[2];

        return fgetxattr(fd, OPAQUE, value, sizeof value) == 1 && value[0] == 'y';
}

/* Which of the trees from the first one on have a part in the directory, and at which one it ends, because that hides what is below it. */
static int find_parts(const int *parents, size_t n_all, size_t first, const char *name, uint64_t *ret_trees, size_t *ret_end) {
        uint64_t trees = 0;
        size_t end = n_all;

        for (size_t i = first; i < n_all && end == n_all; i++) {
                _cleanup_close_ int fd = -EBADF;

                if (parents[i] < 0)
                        continue;
                fd = openat(parents[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 && errno == ENOENT)
                        continue;
                if (fd < 0 && errno != ENOTDIR && errno != ELOOP)
                        return -errno;
                if (fd >= 0)
                        trees |= UINT64_C(1) << i;
                /* A file and a whiteout hide as well. */
                if (fd < 0 || is_opaque(fd))
                        end = i;
        }
        *ret_trees = trees;
        *ret_end = end;
        return 0;
}

static bool has_below(const Merge *m, uint64_t trees) {
        for (size_t i = m->n; i < m->n_all; i++)
                if (trees & UINT64_C(1) << i)
                        return true;
        return false;
}

static int merge_directory(Merge *m, const Directory *parent, int to, const int *parents, size_t first, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        uint64_t trees = 0;
        size_t end = 0;
        int r;

        if (mkdirat(to, name, 0700) < 0)
                return errno == EEXIST ? 0 : -errno;
        r = find_parts(parents, m->n_all, first, name, &trees, &end);
        if (r < 0)
                return r;
        if (end < m->n && !parent->pure) {
                fd = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 || fsetxattr(fd, OPAQUE, "y", 1, 0) < 0)
                        return -errno;
        }
        return add_directory(m, parent->path, name, trees, parent->pure || !has_below(m, trees));
}

static int merge_entry(Merge *m, const Directory *d, int to, const int *parents, size_t i, const char *name) {
        struct stat st;

        if (fstatat(parents[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return merge_directory(m, d, to, parents, i, name);
        if (linkat(parents[i], name, to, name, 0) >= 0 || errno == EEXIST)
                return 0;
        /* All whiteouts of a layer are links of one inode. */
        if (errno == EMLINK && is_whiteout(&st) && mknodat(to, name, S_IFCHR, makedev(0, 0)) >= 0)
                return 0;
        return -errno;
}

static int open_list(int fd, DIR **ret) {
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (copy < 0)
                return -errno;
        *ret = fdopendir(copy);
        if (!*ret) {
                int r = -errno;

                (void) fd_close(copy);
                return r;
        }
        return 0;
}

static bool is_dot(const char *name) {
        return streq(name, ".") || streq(name, "..");
}

/* Only a directory that is merged is read without its whiteouts: in a pure one the guest would see them. */
static int remove_whiteouts(int to) {
        struct dirent *de;
        DIR *d;
        int r;

        r = open_list(to, &d);
        if (r < 0)
                return r;
        while (r >= 0 && (de = readdir(d))) {
                struct stat st;

                if (fstatat(to, de->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && is_whiteout(&st) && unlinkat(to, de->d_name, 0) < 0)
                        r = -errno;
        }
        (void) closedir(d);
        return r;
}

/* What is there already comes from a layer above, and hides this. */
static int merge_layer(Merge *m, const Directory *directory, int to, const int *parents, size_t i) {
        struct dirent *de;
        DIR *d;
        int r;

        r = open_list(parents[i], &d);
        if (r < 0)
                return r;
        while (r >= 0 && (errno = 0, de = readdir(d)))
                if (!is_dot(de->d_name))
                        r = merge_entry(m, directory, to, parents, i, de->d_name);
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(d);
        return r;
}

static int merge_one(Merge *m, Directory d) {
        _cleanup_close_ int to = -EBADF;
        int parents[64], first = -1, r = 0;

        for (size_t i = 0; i < m->n_all; i++)
                parents[i] = -EBADF;
        for (size_t i = 0; r >= 0 && i < m->n_all; i++)
                if (d.trees & UINT64_C(1) << i) {
                        r = parents[i] = path_open_beneath(m->trees[i], d.path, O_RDONLY | O_DIRECTORY, 0);
                        if (first < 0)
                                first = (int) i;
                }
        if (r >= 0)
                r = to = path_open_beneath(m->top_fd, d.path, O_RDONLY | O_DIRECTORY, 0);
        for (size_t i = 0; r >= 0 && i < m->n; i++)
                if (parents[i] >= 0)
                        r = merge_layer(m, &d, to, parents, i);
        if (r >= 0 && d.pure)
                r = remove_whiteouts(to);
        /* Last, because of the times. */
        if (r >= 0)
                r = file_attributes_copy(parents[first], to);
        for (size_t i = 0; i < m->n_all; i++)
                (void) fd_close(parents[i]);
        return r < 0 ? r : 0;
}

int overlay_merge(const int *trees, size_t n, size_t n_all, int dir_fd, const char *name) {
        _cleanup_(merge_done) Merge m = { .trees = trees, .n = n, .n_all = n_all, .top_fd = -EBADF };
        int r;

        assert(n > 0 && n <= n_all && n_all <= 64);

        if (mkdirat(dir_fd, name, 0700) < 0)
                return -errno;
        m.top_fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (m.top_fd < 0)
                return -errno;
        r = add_directory(&m, ".", ".", n_all == 64 ? UINT64_MAX : (UINT64_C(1) << n_all) - 1, false);
        for (size_t i = 0; r >= 0 && i < m.n_list; i++)
                r = merge_one(&m, m.list[i]);
        return r;
}
