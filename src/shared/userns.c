/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/userns.h"

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
#include "shared/names.h"

static int write_proc_file(pid_t pid, const char *file, const char *text, size_t size) {
        _cleanup_close_ int fd = -EBADF;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/%s", (int) pid, file);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* A map is taken in one write or not at all (user_namespaces(7)). */
        return write(fd, text, size) < 0 ? -errno : 0;
}

int userns_write_maps(pid_t pid, uint32_t inside, uint32_t outside) {
        char map[64];
        int n, r;

        n = snprintf(map, sizeof map, "%u %u %u\n", inside, outside, UID_RANGE_SIZE);
        r = write_proc_file(pid, "uid_map", map, (size_t) n);
        if (r < 0)
                return r;
        return write_proc_file(pid, "gid_map", map, (size_t) n);
}

int userns_open_map(uint32_t inside, uint32_t outside, int *ret_fd) {
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

        r = userns_write_maps(pid, inside, outside);
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

static int become_root(void) {
        if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return -errno;
        return 0;
}

int userns_enter_new(uint32_t inside, uint32_t outside) {
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
                r = userns_write_maps(self, inside, outside);
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
        return become_root();
}
