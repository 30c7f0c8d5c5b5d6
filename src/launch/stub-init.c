/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/stub-init.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "basic/fd.h"

int stub_init_fork(void) {
        sigset_t all;
        pid_t pid;

        /* Blocked before the fork: what arrives before PID 1 waits for signals is not lost. */
        sigfillset(&all);
        if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
                return -errno;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                sigset_t none;

                sigemptyset(&none);
                if (setsid() < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                        return -errno;
        }
        return (int) pid;
}

static _noreturn_ void end_as(int status) {
        /* The whole pid namespace goes with us. A signal cannot kill PID 1 from inside, so its number is told as shells do. */
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void stub_init_run(pid_t pid, int socket_fd) {
        sigset_t all;

        (void) prctl(PR_SET_NAME, "stub-init", 0, 0, 0);
        (void) fd_close(socket_fd);
        (void) close_range(0, ~0U, 0);
        sigfillset(&all);

        for (;;) {
                siginfo_t info;
                int status;
                pid_t gone;

                if (sigwaitinfo(&all, &info) < 0)
                        continue;
                if (info.si_signo != SIGCHLD) {
                        /* As a terminal would: to the whole foreground program. */
                        (void) kill(-pid, info.si_signo);
                        continue;
                }
                while ((gone = waitpid(-1, &status, WNOHANG)) > 0)
                        if (gone == pid)
                                end_as(status);
        }
}
