/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/guest-mount.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/mount.h"

typedef struct Work Work;

struct Work {
        int (*function)(const Work *w);
        const Namespaces *namespaces;
        int mount_fd;
        const char *path;
        bool directory, unlink;
};

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

static int on_late_end(sd_event_source *source, const siginfo_t *si, void *userdata) {
        return 0;
}

/* 0 when it has ended. The event loop reaps it otherwise: a dead child that nobody has waited for would keep the container's pid namespace, in which
 * it was born, from ending. */
static int wait_for(pid_t pid, int pidfd, sd_event *event, int *ret_status) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        int n, r;

        do
                n = poll(&p, 1, GUEST_MOUNT_TIMEOUT_MSEC);
        while (n < 0 && errno == EINTR);
        if (n == 0) {
                (void) pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
                if (poll(&p, 1, 100) <= 0) {
                        r = sd_event_add_child(event, &source, pid, WEXITED, on_late_end, NULL);
                        if (r >= 0)
                                r = sd_event_source_set_floating(source, true);
                        return r < 0 ? r : -ETIMEDOUT;
                }
        }
        while (waitpid(pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return n == 0 ? -ETIMEDOUT : 0;
}

int guest_mount_run(sd_event *event, int (*function)(void *userdata), void *userdata) {
        _cleanup_close_ int pidfd = -EBADF;
        struct clone_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = (uintptr_t) &pidfd };
        int status, r;
        pid_t pid;

        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
                r = function(userdata);
                _exit(r < 0 ? MIN_OF(-r, 255) : EXIT_SUCCESS);
        }
        r = wait_for(pid, pidfd, event, &status);
        if (r < 0)
                return r;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
}

/* The container's root in the container, as a command that was started there. */
static int enter(void *userdata) {
        const Work *w = userdata;
        int keep[NAMESPACES_MAX + 1], r;
        size_t n_keep = 0;

        keep[n_keep++] = w->mount_fd;
        for (size_t i = 0; i < NAMESPACES_MAX; i++)
                keep[n_keep++] = w->namespaces->fds[i];
        /* Nothing that hangs in the guest may hold what is the host's, such as the lock of the container. */
        r = fd_close_all_except(keep, n_keep);
        if (r >= 0)
                r = namespaces_enter(w->namespaces);
        if (r >= 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
                r = -errno;
        if (r < 0)
                return r;
        (void) umask(0);
        return w->function(w);
}

int guest_mount_attach(const Namespaces *n, sd_event *event, int mount_fd, const char *path, bool directory) {
        return guest_mount_run(event, enter, &(Work) { .function = attach, .namespaces = n, .mount_fd = mount_fd, .path = path, .directory = directory });
}

int guest_mount_detach(const Namespaces *n, sd_event *event, const char *path, bool unlink) {
        return guest_mount_run(event, enter, &(Work) { .function = detach, .namespaces = n, .mount_fd = -EBADF, .path = path, .unlink = unlink });
}
