/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "worker/writer-internal.h"

/* Where an entry goes. Symlinks on the way are followed, but as if the directory written to were the root of everything, so "./lib ->
 * usr/lib" followed by "./lib/x" works and "./out -> ../../etc" leads nowhere. */

void place_forget(Writer *w) {
        w->parent_fd = fd_close(w->parent_fd);
}

static int fail_parent(Writer *w, int error) {
        switch (error) {
        case -ENOTDIR:
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, error, "is below something that is no directory");
        case -ELOOP:
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, error, "is below a symlink that leads nowhere");
        case -ENOENT:
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, error, "is below a symlink to something that is not there");
        default:
                return writer_fail_errno(w, error, "could not be placed");
        }
}

/* What a unified archive has below rootfs/ stays below it: its symlinks end there, as they will in the container. */
static int open_directory(Writer *w, const char *directory) {
        const char *below = startswith(directory, "rootfs/");
        _cleanup_close_ int rootfs = -EBADF;

        if (below) {
                rootfs = openat(w->root_fd, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (rootfs < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
                        return -errno;
        }
        return path_open_in_root(rootfs >= 0 ? rootfs : w->root_fd, rootfs >= 0 ? below : directory, O_PATH | O_DIRECTORY, 0);
}

/* Opens the directory, making the missing parts of its name. */
static int make_directories(Writer *w, char *directory) {
        _cleanup_close_ int fd = -EBADF;
        char *p = directory;

        fd = fcntl(w->root_fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;

        while (*p) {
                char *end = strchrnul(p, '/'), saved = *end;
                int next;

                *end = 0;
                next = open_directory(w, directory);
                if (next == -ENOENT) {
                        /* EEXIST: a symlink whose target is missing. What it points to is not made up. */
                        if (mkdirat(fd, p, w->layer ? LAYER_IMPLIED_MODE : 0755) < 0)
                                next = errno == EEXIST ? -ENOENT : -errno;
                        else
                                next = open_directory(w, directory);
                }
                *end = saved;
                if (next < 0)
                        return next;
                (void) fd_close(fd);
                fd = next;
                p = saved ? end + 1 : end;
        }
        return TAKE_FD(fd);
}

int place_find_parent(Writer *w, char *path, int *ret_fd, const char **ret_name) {
        char *slash = strrchr(path, '/');
        int fd;

        if (!slash) {
                *ret_fd = w->root_fd;
                *ret_name = path;
                return 0;
        }

        *slash = 0;
        if (w->parent_fd < 0 || !streq(path, w->parent)) {
                fd = open_directory(w, path);
                if (fd == -ENOENT)
                        fd = make_directories(w, path);
                if (fd < 0) {
                        *slash = '/';
                        return fail_parent(w, fd);
                }
                place_forget(w);
                w->parent_fd = fd;
                strcpy(w->parent, path);
        }
        *slash = '/';
        *ret_fd = w->parent_fd;
        *ret_name = slash + 1;
        return 0;
}

int place_find_link_target(Writer *w, char *path, int *ret_fd, const char **ret_name) {
        char *slash = strrchr(path, '/');
        int fd;

        if (slash)
                *slash = 0;
        fd = open_directory(w, slash ? path : ".");
        if (slash)
                *slash = '/';
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        *ret_name = slash ? slash + 1 : path;
        return 0;
}

int place_clear(Writer *w, int parent_fd, const char *name) {
        /* Names resolved before may have gone through what is removed here. The caller's parent_fd stays open until the next entry. */
        w->parent[0] = 0;

        if (unlinkat(parent_fd, name, 0) >= 0)
                return 0;
        if (errno == EISDIR) {
                if (unlinkat(parent_fd, name, AT_REMOVEDIR) >= 0)
                        return 0;
                if (errno == ENOTEMPTY || errno == EEXIST)
                        return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, errno, "would replace a directory that is not empty");
        }
        return writer_fail_errno(w, -errno, "could not replace what was there");
}
