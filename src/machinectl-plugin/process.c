/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/process.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEARCH_PATH "/usr/local/bin:/usr/bin:/bin"

int process_start(const char *const *argv, int input, int output, pid_t *ret) {
        sigset_t none;
        pid_t pid;

        (void) fflush(stdout);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                if ((input >= 0 && dup2(input, STDIN_FILENO) < 0) || (output >= 0 && dup2(output, STDOUT_FILENO) < 0))
                        _exit(125);
                (void) sigemptyset(&none);
                (void) sigprocmask(SIG_SETMASK, &none, NULL);
                /* execvp(3) searches the environment's PATH, which may be anybody's when sudo(8) runs us. */
                (void) setenv("PATH", SEARCH_PATH, 1);
                execvp(argv[0], (char *const *) argv);
                fprintf(stderr, "berthctl: Cannot run %s: %m.\n", argv[0]);
                _exit(127);
        }
        *ret = pid;
        return 0;
}

int process_wait(pid_t pid) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
