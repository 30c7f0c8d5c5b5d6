/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/supervisor.h"
#include "shared/message.h"

/* What the control socket is asked for (docs/ARCHITECTURE.md, "Control socket"). */

static void send_event(int fd, const char *event, int passed_fd) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) >= 0 && message_add(m, "event", event) >= 0 && (passed_fd < 0 || message_add_fd(m, passed_fd) >= 0))
                (void) message_send(fd, m);
}

static void request_exec(Supervisor *s, int fd, Message *m) {
        _cleanup_(exec_request_done) ExecRequest request = EXEC_REQUEST_NONE;
        uint32_t rows = 0, columns = 0;
        int r;

        (void) message_get_u32(m, "rows", &rows);
        (void) message_get_u32(m, "columns", &columns);
        request.rows = rows;
        request.columns = columns;
        request.tty = message_get_bool(m, "tty") > 0;

        r = message_get_strv(m, "argv", &request.argv);
        if (r >= 0)
                r = message_get_strv(m, "env", &request.environment);
        if (r >= 0)
                r = free_and_strdup(&request.user, message_get(m, "user"));
        if (r >= 0)
                r = free_and_strdup(&request.working_directory, message_get(m, "cwd"));
        for (int i = 0; i < 3; i++)
                request.stdio[i] = message_take_fd(m, (size_t) i);

        if (r < 0 || strv_length(request.argv) == 0 || isempty(request.argv[0])) {
                connection_send_error(fd, "InvalidArgument", "a command is needed");
                (void) fd_close(fd);
                return;
        }
        for (int i = 0; i < 3 && !request.tty; i++)
                if (request.stdio[i] < 0 || isatty(request.stdio[i])) {
                        connection_send_error(fd, "InvalidArgument",
                                              "standard input, output and error are needed, and none of them may be a terminal of the host");
                        (void) fd_close(fd);
                        return;
                }

        s->idle_timer = sd_event_source_disable_unref(s->idle_timer);
        sessions_start(s->sessions, fd, &request);
}

static void request_console(Supervisor *s, int fd, Message *m) {
        _cleanup_close_ int stream = -EBADF;
        uint32_t rows, columns;
        int r;

        r = console_attach(s->console, fd, &stream);
        if (r < 0) {
                connection_send_error(fd, "LimitReached", "too many clients are attached to the console");
                (void) fd_close(fd);
                return;
        }
        if (message_get_u32(m, "rows", &rows) >= 0 && message_get_u32(m, "columns", &columns) >= 0)
                (void) console_resize(s->console, rows, columns);
        send_event(fd, "attached", stream);
}

static void request_signal(Supervisor *s, int fd, Message *m) {
        uint32_t number;

        if (message_get_u32(m, "signal", &number) < 0 || number == 0 || number >= _NSIG)
                connection_send_error(fd, "InvalidArgument", "no such signal");
        else if (pidfd_send_signal(s->payload.pidfd, (int) number, NULL, 0) < 0)
                connection_send_error(fd, "NotRunning", strerror(errno));
        else
                send_event(fd, "done", -EBADF);
        (void) fd_close(fd);
}

static void request_reboot(Supervisor *s, int fd, Message *m) {
        static const int by_kind[_PAYLOAD_KIND_MAX] = { [PAYLOAD_SYSTEMD] = SIGINT, [PAYLOAD_BUSYBOX] = SIGTERM, [PAYLOAD_INIT] = SIGINT };
        int sig = by_kind[s->payload.kind];

        if (sig == 0)
                connection_send_error(fd, "NotSupported", "its payload is a program that cannot reboot; restart it instead");
        else if (pidfd_send_signal(s->payload.pidfd, sig, NULL, 0) < 0)
                connection_send_error(fd, "NotRunning", strerror(errno));
        else
                send_event(fd, "done", -EBADF);
        (void) fd_close(fd);
}

static void request_terminate(Supervisor *s, int fd, Message *m) {
        s->terminated = true;
        supervisor_kill(s);
        send_event(fd, "done", -EBADF);
        (void) fd_close(fd);
}

static void request_settings(Supervisor *s, int fd, Message *m) {
        supervisor_change(s, fd, m);
}

static void request_hold(Supervisor *s, int fd, Message *m) {
        supervisor_hold(s, fd);
}

static void request_applied(Supervisor *s, int fd, Message *m) {
        _cleanup_(message_freep) Message *answer = NULL;
        int r;

        r = supervisor_applied(s, &answer);
        if (r < 0)
                connection_send_error(fd, "JobFailed", strerror(-r));
        else
                (void) message_send(fd, answer);
        (void) fd_close(fd);
}

void supervisor_on_request(int fd, Message *m, void *userdata) {
        static const struct {
                const char *name;
                void (*function)(Supervisor *s, int fd, Message *m);
        } requests[] = {
                { "exec", request_exec },     { "console", request_console },     { "signal", request_signal },
                { "reboot", request_reboot }, { "terminate", request_terminate },
                { "settings", request_settings }, { "applied", request_applied },
                { "hold", request_hold },
        };
        const char *name = message_get(m, "request");

        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                if (streq_ptr(name, requests[i].name)) {
                        requests[i].function(userdata, fd, m);
                        return;
                }
        connection_send_error(fd, "InvalidArgument", "no such request");
        (void) fd_close(fd);
}
