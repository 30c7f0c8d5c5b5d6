/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests of the control socket, up to where a supervisor acts on them: what gets there is whole, and whatever becomes of a request, no descriptor is
 * left. The functions that act are in files of their own; here they only look at what they are given. */

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "launch/supervisor.h"
#include "shared/message.h"

void connection_send_error(int connection_fd, const char *name, const char *message) {
        must(fcntl(connection_fd, F_GETFD) >= 0);
        must(name && *name && !strpbrk(name, " .") && message && *message);
}

void sessions_start(Sessions *s, int connection_fd, ExecRequest *request) {
        must(strv_length(request->argv) > 0 && request->argv[0][0]);
        for (int i = 0; i < 3 && !request->tty; i++)
                must(fcntl(request->stdio[i], F_GETFD) >= 0 && !isatty(request->stdio[i]));
        must(close(connection_fd) == 0);
}

void exec_request_done(ExecRequest *r) {
        for (int i = 0; i < 3; i++)
                r->stdio[i] = fd_close(r->stdio[i]);
        r->argv = strv_free(r->argv);
        r->environment = strv_free(r->environment);
        free(TAKE_PTR(r->user));
        free(TAKE_PTR(r->working_directory));
}

int console_attach(Console *c, int connection_fd, int *ret_fd) {
        *ret_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        must(*ret_fd >= 0 && close(connection_fd) == 0);
        return 0;
}

int console_resize(Console *c, unsigned rows, unsigned columns) {
        return 0;
}

void supervisor_kill(Supervisor *s) {
}

void supervisor_change(Supervisor *s, int connection_fd, const Message *request) {
        must(close(connection_fd) == 0);
}

void supervisor_hold(Supervisor *s, int connection_fd) {
        must(close(connection_fd) == 0);
}

int supervisor_applied(Supervisor *s, Message **ret) {
        return message_new(ret);
}

static int lowest_free_fd(void) {
        int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

        must(fd >= 0 && close(fd) == 0);
        return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t n_fds = fuzz_choice(&data, &size, 5);
        _cleanup_(message_freep) Message *m = NULL;
        Supervisor s = { .payload.pidfd = -EBADF, .payload.kind = PAYLOAD_SYSTEMD };
        int pair[2], before = lowest_free_fd();
        char byte;

        if (message_parse(data, size, &m) < 0)
                return 0;
        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        for (size_t i = 0; i < n_fds; i++)
                must(message_add_fd(m, STDERR_FILENO) >= 0);
        supervisor_on_request(pair[1], m, &s);
        (void) recv(pair[0], &byte, sizeof byte, 0);
        must(close(pair[0]) == 0);
        m = message_free(m);
        must(lowest_free_fd() == before);
        return 0;
}
