/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/secret.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/key-agent.h"
#include "machinectl-plugin/report.h"
#include "shared/key.h"

/* Of the one container that the verb is about. A verb may need it more than once, and standard input can be read once only. */
static Key *told;

#define AGENT "/usr/bin/systemd-tty-ask-password-agent"

static int explain(int error, const char *where) {
        if (error == -ENODATA)
                return report_failure("The key is empty.");
        if (error == -ECANCELED)
                return report_failure("Nothing was done.");
        if (error == -E2BIG)
                return report_failure("The key is longer than %u bytes.", KEY_SIZE_MAX);
        return report_failure("Cannot read a key from %s: %s.", where, strerror(-error));
}

static int from_file(const char *file, Key **ret) {
        _cleanup_close_ int opened = -EBADF;
        bool standard = streq(file, "-");
        int r;

        opened = standard ? -EBADF : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (!standard && opened < 0)
                return report_failure("Cannot open '%s': %m.", file);
        r = key_read(standard ? STDIN_FILENO : opened, -1, ret);
        return r < 0 ? explain(r, standard ? "standard input" : file) : 0;
}

/* ^C is the end of the line and no signal, which would leave the terminal as it is now. */
static int ask(int tty, const char *question, Key **ret) {
        struct termios before, quiet;
        int r;

        if (tcgetattr(tty, &before) < 0)
                return -errno;
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) (ECHO | ISIG);
        quiet.c_cc[VEOL] = before.c_cc[VINTR];
        (void) tcsetattr(tty, TCSAFLUSH, &quiet);
        dprintf(tty, "%s", question);
        r = key_read_line(tty, ret);
        (void) tcsetattr(tty, TCSAFLUSH, &before);
        dprintf(tty, "\n");
        return r;
}

static int from_terminal(Ctl *c, const char *question, bool twice, Key **ret) {
        _cleanup_(key_freep) Key *k = NULL, *again = NULL;
        _cleanup_close_ int tty = -EBADF;
        int r;

        tty = c->ask_password ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -EBADF;
        if (tty < 0)
                return report_failure("A key is needed, and there is no terminal to ask on: give --key-file=FILE, or --key-file=- for standard input.");
        r = ask(tty, question, &k);
        if (r >= 0 && twice)
                r = ask(tty, "The same again: ", &again);
        if (r < 0)
                return explain(r, "the terminal");
        if (twice && !key_equal(k, again))
                return report_failure("These two are different; nothing was done.");
        *ret = TAKE_PTR(k);
        return 0;
}

int secret_get(Ctl *c, const char *file, const char *question, bool twice, int *ret_fd) {
        _cleanup_(key_freep) Key *k = NULL;
        int r;

        r = file ? from_file(file, &k) : from_terminal(c, question, twice, &k);
        if (r < 0)
                return r;
        r = key_to_pipe(k, ret_fd);
        return r < 0 ? report_failure("Cannot pass on the key: %s.", strerror(-r)) : 0;
}

int secret_of_new(Ctl *c, int *ret_fd) {
        const char *file = arguments_get(c->args, OPTION_KEY_FILE);
        int r;

        r = file ? from_file(file, &told) : from_terminal(c, "Key of the new container: ", true, &told);
        if (r < 0)
                return r;
        r = key_to_pipe(told, ret_fd);
        return r < 0 ? report_failure("Cannot pass on the key: %s.", strerror(-r)) : 0;
}

int secret_of_container(Ctl *c, const char *name, bool needed, int *ret_fd) {
        const char *file = arguments_get(c->args, OPTION_KEY_FILE);
        _cleanup_free_ char *question = NULL;
        int r;

        if (!told && !file && !needed)
                return 0;
        if (asprintf(&question, "Key of container '%s': ", name) < 0) {
                question = NULL;
                return report_oom();
        }
        r = told ? 0 : file ? from_file(file, &told) : from_terminal(c, question, false, &told);
        if (r < 0)
                return r;
        r = key_to_pipe(told, ret_fd);
        return r < 0 ? report_failure("Cannot pass on the key: %s.", strerror(-r)) : 0;
}

static _noreturn_ void run_agent(pid_t parent, int key_fd, char *const *names) {
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        if (key_fd >= 0)
                key_agent_run(key_fd, names);
        execl(AGENT, AGENT, "--watch", NULL);
        _exit(EXIT_FAILURE);
}

int secret_agent_start(Ctl *c, char *const *names) {
        const char *file = arguments_get(c->args, OPTION_KEY_FILE);
        _cleanup_close_ int key_fd = -EBADF;
        pid_t parent = getpid();
        int r = 0;

        if (c->secret_agent > 0)
                return 0;
        /* It answers by sockets that only root may write to; others have whoever is at the console answer. */
        if (geteuid() != 0)
                return file && !told ? report_failure("Only root can tell a key when a container starts.") : 0;
        if (file && !told)
                r = from_file(file, &told);
        if (r >= 0 && told)
                r = key_to_pipe(told, &key_fd);
        if (r < 0)
                return r;
        if (key_fd < 0 && (!c->ask_password || !isatty(STDIN_FILENO) || access(AGENT, X_OK) < 0))
                return 0;
        c->secret_agent = fork();
        if (c->secret_agent == 0)
                run_agent(parent, key_fd, names);
        if (c->secret_agent < 0)
                c->secret_agent = 0;
        return 0;
}

void secret_agent_stop(Ctl *c) {
        if (c->secret_agent <= 0)
                return;
        (void) kill(c->secret_agent, SIGTERM);
        (void) kill(c->secret_agent, SIGCONT);
        while (waitpid(c->secret_agent, NULL, 0) < 0 && errno == EINTR)
                ;
        c->secret_agent = 0;
}
