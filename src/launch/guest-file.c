/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/guest-file.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"

#define GUEST_PATH_MAX 4096U

static int make_parents(int root_fd, const char *path) {
        char prefix[GUEST_PATH_MAX];

        if (strlen(path) >= sizeof prefix)
                return -ENAMETOOLONG;
        for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
                _cleanup_close_ int parent = -EBADF, fd = -EBADF;
                const char *name = slash;

                memcpy(prefix, path, (size_t) (slash - path));
                prefix[slash - path] = 0;
                fd = path_open_in_root(root_fd, prefix, O_PATH | O_DIRECTORY, 0);
                if (fd != -ENOENT) {
                        if (fd < 0)
                                return fd;
                        continue;
                }
                while (name > path && name[-1] != '/')
                        name--;
                if (name == slash)
                        continue;
                prefix[name - path] = 0;
                parent = path_open_in_root(root_fd, *prefix ? prefix : "/", O_PATH | O_DIRECTORY, 0);
                if (parent < 0)
                        return parent;
                memcpy(prefix, name, (size_t) (slash - name));
                prefix[slash - name] = 0;
                /* One that is there is a symlink to nowhere: where it leads to is not made. */
                if (mkdirat(parent, prefix, 0755) < 0)
                        return errno == EEXIST ? -ENOENT : -errno;
        }
        return 0;
}

int guest_file_write(int root_fd, const char *path, const void *data, size_t size, mode_t mode) {
        const int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        assert(path && *path == '/');

        fd = path_open_in_root(root_fd, path, flags, mode);
        if (fd == -ENOENT) {
                r = make_parents(root_fd, path);
                if (r < 0)
                        return r;
                fd = path_open_in_root(root_fd, path, flags, mode);
        }
        /* What open(2) says of a FIFO that nobody reads, and of a directory. */
        if (fd == -ENXIO || fd == -EISDIR)
                return -EBADMSG;
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        if (ftruncate(fd, 0) < 0)
                return -errno;
        return fd_write_all(fd, data, size);
}
