/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/userns.h"

#include <assert.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
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

static int write_maps(int proc_fd, pid_t pid, const UidRange *ranges, size_t n_ranges) {
        char map[256];
        size_t size = 0;
        int r;

        assert(n_ranges <= USERNS_RANGES_MAX);

        for (size_t i = 0; i < n_ranges; i++)
                size += (size_t) snprintf(map + size, sizeof map - size, "%u %u %u\n", ranges[i].inside, ranges[i].outside, ranges[i].size);
        r = write_proc_file(proc_fd, pid, "uid_map", map, size);
        if (r < 0)
                return r;
        return write_proc_file(proc_fd, pid, "gid_map", map, size);
}

int userns_write_maps(pid_t pid, const UidRange *ranges, size_t n_ranges) {
        _cleanup_close_ int proc_fd = -EBADF;

        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return -errno;
        return write_maps(proc_fd, pid, ranges, n_ranges);
}

int userns_open_map(const UidRange *ranges, size_t n_ranges, int *ret_fd) {
        int r, fd = -EBADF;
        struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
        char path[64];
        pid_t pid;

        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
                return -errno;
        if (pid == 0)
                for (;;)
                        pause();

        r = userns_write_maps(pid, ranges, n_ranges);
        if (r >= 0) {
                snprintf(path, sizeof path, "/proc/%d/ns/user", (int) pid);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        r = -errno;
        }

        (void) kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        if (r < 0)
                return r;
        *ret_fd = fd;
        return 0;
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
