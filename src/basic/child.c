/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "basic/fd.h"

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
