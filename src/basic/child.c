/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"

pid_t child_fork_with_socket(int *ret_fd) {
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
        int pair[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        ours = pair[0];
        theirs = pair[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        *ret_fd = pid == 0 ? TAKE_FD(theirs) : TAKE_FD(ours);
        return pid;
}

int child_wait(pid_t pid) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return EXIT_FAILURE;
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int child_wait_timeout(pid_t pid, int timeout_msec) {
        _cleanup_close_ int fd = pidfd_open(pid, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (fd < 0 || poll(&p, 1, timeout_msec) <= 0)
                (void) kill(pid, SIGKILL);
        return child_wait(pid);
}
