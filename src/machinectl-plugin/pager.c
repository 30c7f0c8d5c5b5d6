/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/pager.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/strv.h"

static void exec_words(const char *command) {
        _cleanup_strv_ char **words = NULL;

        while (*(command += strspn(command, " \t"))) {
                size_t n = strcspn(command, " \t");

                if (strv_consume(&words, strndup(command, n)) < 0)
                        return;
                command += n;
        }
        if (words)
                execvp(words[0], words);
}

_noreturn_ static void exec_pager(const char *pager, int input, pid_t parent) {
        if (dup2(input, STDIN_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        /* S: long lines are cut, not folded; F, X: what fits the screen is just printed; K: Ctrl-C ends it. */
        if (setenv("LESS", getenv("SYSTEMD_LESS") ?: "FRSXMK", 1) < 0 || setenv("LESSCHARSET", "utf-8", 0) < 0)
                _exit(EXIT_FAILURE);
        /* No shell, no editor, no other file from within the pager: berthctl may be what sudo(8) lets somebody run. */
        if (setenv("LESSSECURE", "1", 1) < 0)
                _exit(EXIT_FAILURE);
        /* As systemctl does: a command and its arguments, without a shell; one that is not there is passed over. */
        if (pager)
                exec_words(pager);
        execlp("less", "less", NULL);
        execlp("more", "more", NULL);
        execlp("cat", "cat", NULL);
        _exit(EXIT_FAILURE);
}

void pager_open(Ctl *c) {
        const char *pager = getenv("SYSTEMD_PAGER") ?: getenv("PAGER");
        pid_t parent = getpid();
        int fds[2];

        if (c->pager > 0 || !c->terminal || arguments_have(c->args, OPTION_NO_PAGER))
                return;
        if (pager && (isempty(pager) || streq(pager, "cat")))
                return;
        /* Another's command line in the environment is not ours to run with the rights that sudo(8) gave us. */
        if (pager && getenv("SUDO_UID"))
                pager = NULL;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;

        (void) fflush(stdout);
        c->pager = fork();
        if (c->pager == 0)
                exec_pager(pager, fds[0], parent);
        (void) close(fds[0]);
        if (c->pager < 0)
                c->pager = 0;
        else if (dup2(fds[1], STDOUT_FILENO) < 0) {
                /* Its input ends when fds[1] is closed: it goes by itself, and we print as if there was none. */
        }
        (void) close(fds[1]);
}

void pager_close(Ctl *c) {
        if (c->pager <= 0)
                return;
        (void) fflush(stdout);
        /* The end of its input; it may go on showing what it has for as long as somebody reads it, and Ctrl-C is for it. */
        (void) signal(SIGINT, SIG_IGN);
        (void) fclose(stdout);
        while (waitpid(c->pager, NULL, 0) < 0 && errno == EINTR)
                ;
        c->pager = 0;
}
