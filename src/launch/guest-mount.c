/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/guest-mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/mount.h"

typedef struct Work {
        const Namespaces *namespaces;
        int mount_fd;
        const char *path;
        bool directory, unlink;
} Work;

/* The directory that path's last part is in; what is missing is made. */
static int open_parent(int root, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        char part[1024];
        int fd;

        fd = fcntl(root, F_DUPFD_CLOEXEC, 3);
        for (const char *p = path; fd >= 0 && p < slash;) {
                _cleanup_close_ int parent = fd;
                const char *end = strchr(p + 1, '/');

                snprintf(part, sizeof part, "%.*s", (int) (end - p - 1), p + 1);
                if (mkdirat(parent, part, 0755) < 0 && errno != EEXIST)
                        return -errno;
                snprintf(part, sizeof part, "%.*s", (int) (end - path), path);
                fd = path_open_in_root(root, part, O_PATH | O_DIRECTORY, 0);
                if (fd < 0)
                        return fd;
                p = end;
        }
        *ret_name = slash + 1;
        return fd < 0 ? -errno : fd;
}

static int attach(const Work *w) {
        _cleanup_close_ int root = -EBADF, parent = -EBADF, target = -EBADF;
        const char *name = NULL;
        bool made = false;
        struct stat st;
        int r;

        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        parent = open_parent(root, w->path, &name);
        if (parent < 0)
                return parent;
        target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (target < 0 && errno == ENOENT) {
                if (w->directory ? mkdirat(parent, name, 0755) < 0 : mknodat(parent, name, S_IFREG | 0644, 0) < 0)
                        return -errno;
                made = true;
                target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        }
        if (target < 0 || fstat(target, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if (S_ISDIR(st.st_mode) != w->directory)
                return w->directory ? -ENOTDIR : -EISDIR;
        r = mount_attach(w->mount_fd, target);
        if (r < 0 && made)
                (void) unlinkat(parent, name, w->directory ? AT_REMOVEDIR : 0);
        return r;
}

static int detach(const Work *w) {
        if (umount2(w->path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
                return -errno;
        if (w->unlink)
                (void) unlink(w->path);
        return 0;
}

/* In a process of its own, which is the container's root in the container, as a command that was started there. */
static int run(const Work *w, int (*function)(const Work *w)) {
        int status, r;
        pid_t pid;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                r = namespaces_enter(w->namespaces);
                if (r >= 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
                        r = -errno;
                if (r >= 0) {
                        (void) umask(0);
                        r = function(w);
                }
                _exit(r < 0 ? MIN_OF(-r, 255) : EXIT_SUCCESS);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
}

int guest_mount_attach(const Namespaces *n, int mount_fd, const char *path, bool directory) {
        return run(&(Work) { .namespaces = n, .mount_fd = mount_fd, .path = path, .directory = directory }, attach);
}

int guest_mount_detach(const Namespaces *n, const char *path, bool unlink) {
        return run(&(Work) { .namespaces = n, .mount_fd = -EBADF, .path = path, .unlink = unlink }, detach);
}
