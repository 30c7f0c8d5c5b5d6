/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/agent.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"

#define AGENT "/usr/bin/pkttyagent"

_noreturn_ static void exec_agent(pid_t parent, int notify_fd) {
        char notify[DECIMAL_MAX];
        int tty;

        /* It talks to /dev/tty itself; what is left on our standard fds may be a pipe that waits for us to end. */
        tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (tty < 0 || dup2(tty, STDIN_FILENO) < 0 || dup2(tty, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        (void) fd_set_cloexec(notify_fd, false);
        snprintf(notify, sizeof notify, "%d", notify_fd);
        execl(AGENT, AGENT, "--notify-fd", notify, "--fallback", NULL);
        _exit(EXIT_FAILURE);
}

void agent_start(Ctl *c) {
        int fds[2];
        pid_t parent = getpid();
        char byte;

        /* Root is not asked for passwords. */
        if (c->agent > 0 || !c->ask_password || geteuid() == 0 || !isatty(STDIN_FILENO) || access(AGENT, X_OK) < 0)
                return;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;

        c->agent = fork();
        if (c->agent == 0)
                exec_agent(parent, fds[1]);
        (void) close(fds[1]);
        if (c->agent < 0)
                c->agent = 0;
        else
                /* It closes the pipe when it is registered, or dies. */
                while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
                        ;
        (void) close(fds[0]);
}

void agent_stop(Ctl *c) {
        if (c->agent <= 0)
                return;
        (void) kill(c->agent, SIGTERM);
        (void) kill(c->agent, SIGCONT);
        while (waitpid(c->agent, NULL, 0) < 0 && errno == EINTR)
                ;
        c->agent = 0;
}
