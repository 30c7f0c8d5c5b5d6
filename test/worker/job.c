/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "shared/message.h"

/* berth-test-job: plays the manager for one job, without systemd: hands berth-worker its request and prints what it says, a line each.
 * Exit status: the worker's; 124 when it did not end in time.
 *
 *   berth-test-job [--worker=FILE] [--kill-after=MSEC:SIGNAL] STATE_DIR KIND [key=value…] [@FILE…]
 *
 * @FILE is passed as an fd (@- standard input, @>FILE opened for writing); "copy-from" needs the latter. */

static const char *worker = "berth-worker";
static int kill_after_msec = -1, kill_signal;

static int open_argument(const char *a) {
        if (strcmp(a, "-") == 0)
                return STDIN_FILENO;
        if (*a == '>')
                return open(a + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        return open(a, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static void print_messages(int fd, int *ret_ready) {
        char buffer[8192];
        ssize_t n;

        while ((n = recv(fd, buffer, sizeof buffer - 1, MSG_DONTWAIT)) > 0) {
                buffer[n] = 0;
                printf("%s\n", buffer);
                if (strstr(buffer, "READY=1"))
                        *ret_ready = 1;
        }
        fflush(stdout);
}

static int run(const char *state_dir, const char *kind, Message *m) {
        _cleanup_close_ int notify = -EBADF;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size;
        int pair[2], status, ready = 0, waited = 0;
        char path[sizeof address.sun_path + 1];
        pid_t pid;

        notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        /* autobind: an abstract name that the kernel chooses */
        size = sizeof address;
        if (notify < 0 || bind(notify, (struct sockaddr *) &address, sizeof(sa_family_t)) < 0 ||
            getsockname(notify, (struct sockaddr *) &address, &size) < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
                perror("berth-test-job");
                return 125;
        }
        snprintf(path, sizeof path, "@%.*s", (int) (size - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);

        if (message_send(pair[0], m) < 0) {
                perror("berth-test-job: sending the request");
                return 125;
        }

        pid = fork();
        if (pid < 0)
                return 125;
        if (pid == 0) {
                char option[4200];

                snprintf(option, sizeof option, "--state-dir=%s", state_dir);
                if (dup2(pair[1], 0) < 0 || setenv("NOTIFY_SOCKET", path, 1) < 0)
                        _exit(125);
                execlp(worker, "berth-worker", option, kind, (char *) NULL);
                perror(worker);
                _exit(125);
        }
        close(pair[0]);
        close(pair[1]);

        for (;;) {
                struct pollfd p = { .fd = notify, .events = POLLIN };

                (void) poll(&p, 1, 10);
                waited += 10;
                print_messages(notify, &ready);
                if (waitpid(pid, &status, WNOHANG) == pid)
                        break;
                if (kill_after_msec >= 0 && waited >= kill_after_msec) {
                        (void) kill(pid, kill_signal);
                        kill_after_msec = -1;
                }
                if (waited > 600 * 1000) {
                        (void) kill(pid, SIGKILL);
                        (void) waitpid(pid, &status, 0);
                        return 124;
                }
        }
        print_messages(notify, &ready);
        if (WIFSIGNALED(status))
                return 128 + WTERMSIG(status);
        if (WEXITSTATUS(status) == 0 && !ready) {
                fprintf(stderr, "berth-test-job: the worker succeeded without READY=1\n");
                return 125;
        }
        return WEXITSTATUS(status);
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "worker", required_argument, NULL, 'w' },
                { "kill-after", required_argument, NULL, 'k' },
                {},
        };
        _cleanup_(message_freep) Message *m = NULL;
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                if (c == 'w')
                        worker = optarg;
                else if (c != 'k' || sscanf(optarg, "%d:%d", &kill_after_msec, &kill_signal) != 2)
                        return 125;
        if (argc - optind < 2 || message_new(&m) < 0)
                return 125;

        (void) message_add(m, "id", "1");
        (void) message_add(m, "owner", "0");
        for (int i = optind + 2; i < argc; i++) {
                char *equals = strchr(argv[i], '=');

                if (argv[i][0] == '@') {
                        int fd = open_argument(argv[i] + 1);

                        if (fd < 0 || message_add_fd(m, fd) < 0) {
                                perror(argv[i]);
                                return 125;
                        }
                } else if (equals) {
                        *equals = 0;
                        (void) message_add(m, argv[i], equals + 1);
                } else
                        return 125;
        }
        return run(argv[optind], argv[optind + 1], m);
}
