/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/userns.h"

#include <assert.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"

#define USERNS_RANGES_MAX 4U /* of 34 characters at the most */

static int write_proc_file(int proc_fd, pid_t pid, const char *file, const char *text, size_t size) {
        _cleanup_close_ int fd = -EBADF;
        char path[64];

        snprintf(path, sizeof path, "%d/%s", (int) pid, file);
        fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* A map is taken in one write or not at all (user_namespaces(7)). */
        return write(fd, text, size) < 0 ? -errno : 0;
}

static int write_map(int proc_fd, pid_t pid, const char *file, const UidRange *ranges, size_t n_ranges) {
        char map[256];
        size_t size = 0;

        assert(n_ranges <= USERNS_RANGES_MAX);

        for (size_t i = 0; i < n_ranges; i++)
                size += (size_t) snprintf(map + size, sizeof map - size, "%u %u %u\n", ranges[i].inside, ranges[i].outside, ranges[i].size);
        return write_proc_file(proc_fd, pid, file, map, size);
}

static int write_maps(int proc_fd, pid_t pid, const UidRange *ranges, size_t n_ranges) {
        int r;

        r = write_map(proc_fd, pid, "uid_map", ranges, n_ranges);
        return r < 0 ? r : write_map(proc_fd, pid, "gid_map", ranges, n_ranges);
}

int userns_write_maps(pid_t pid, const UidRange *ranges, size_t n_ranges) {
        _cleanup_close_ int proc_fd = -EBADF;

        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return -errno;
        return write_maps(proc_fd, pid, ranges, n_ranges);
}

/* It shares our fds: of a process that is as undumpable as we are, only itself may open the namespace (ptrace(2)). */
_noreturn_ static void open_and_wait(int write_fd) {
        int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

        fd = fd < 0 ? -errno : fd;
        if (write(write_fd, &fd, sizeof fd) == sizeof fd)
                for (;;)
                        pause();
        _exit(EXIT_FAILURE);
}

/* Its number of the fd; when it dies before it has one, nobody closes the pipe. */
static int wait_for_fd(int read_fd, int pidfd) {
        struct pollfd p[] = { { .fd = read_fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
        int fd;

        while (poll(p, ELEMENTSOF(p), -1) < 0)
                if (errno != EINTR)
                        return -errno;
        return p[0].revents & POLLIN && read(read_fd, &fd, sizeof fd) == sizeof fd ? fd : -EPROTO;
}

int userns_open_maps(const UidRange *uids, size_t n_uids, const UidRange *gids, size_t n_gids, int *ret_fd) {
        _cleanup_close_ int proc_fd = -EBADF, read_fd = -EBADF, write_fd = -EBADF, pidfd = -EBADF;
        struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_FILES | CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = (uintptr_t) &pidfd };
        int r, fds[2], fd;
        pid_t pid;

        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = fds[0];
        write_fd = fds[1];
        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
                return -errno;
        if (pid == 0)
                open_and_wait(write_fd);

        r = write_map(proc_fd, pid, "uid_map", uids, n_uids);
        if (r >= 0)
                r = write_map(proc_fd, pid, "gid_map", gids, n_gids);
        fd = wait_for_fd(read_fd, pidfd);
        (void) kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        if (r >= 0 && fd < 0)
                r = fd;
        if (r < 0) {
                (void) fd_close(fd);
                return r;
        }
        *ret_fd = fd;
        return 0;
}

int userns_open_map(const UidRange *ranges, size_t n_ranges, int *ret_fd) {
        return userns_open_maps(ranges, n_ranges, ranges, n_ranges, ret_fd);
}

int userns_become_root(void) {
        if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return -errno;
        return 0;
}

int userns_enter_new(int proc_fd, const UidRange *ranges, size_t n_ranges) {
        _cleanup_close_ int ready_read = -EBADF, ready_write = -EBADF;
        int fds[2], status, r;
        pid_t self = getpid(), helper;
        char byte;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        ready_read = fds[0];
        ready_write = fds[1];

        /* Only somebody outside may write a map of more than one id; this process will be inside by then. */
        helper = fork();
        if (helper < 0)
                return -errno;
        if (helper == 0) {
                ready_write = fd_close(ready_write);
                if (read(ready_read, &byte, 1) != 1)
                        _exit(EXIT_FAILURE);
                r = write_maps(proc_fd, self, ranges, n_ranges);
                _exit(r < 0 ? MIN_OF(-r, 255) : EXIT_SUCCESS);
        }

        r = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
        if (r >= 0 && write(ready_write, "", 1) != 1)
                r = -errno;
        ready_write = fd_close(ready_write);
        while (waitpid(helper, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (r < 0)
                return r;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
        return 0;
}
