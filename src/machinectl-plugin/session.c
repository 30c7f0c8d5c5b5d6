/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/session.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/detach.h"
#include "machinectl-plugin/terminal.h"
#include "shared/message.h"

/* What a pty's line discipline still holds when the command has ended comes a moment later. */
#define DRAIN_PTY_MSEC 100
#define STALLED_PTY_MSEC 50
#define STREAMS_MAX 2U

typedef struct Relay {
        Session *session;
        int signal_fd;
        Terminal terminal;
        Detach detach;
        bool over;             /* the result is there; only what is in flight is still relayed */
        SessionResult *result;
} Relay;

static int relayed_input(Session *s, int ours, int *ret) {
        int fds[2], from, r;

        from = terminal_reopen(ours, O_RDONLY);
        if (from < 0)
                return from;
        if (pipe2(fds, O_CLOEXEC) < 0) {
                r = -errno;
                (void) close(from);
                return r;
        }
        (void) fd_set_nonblock(fds[1], true);
        r = stream_new(from, fds[1], &s->streams[0]);
        if (r < 0) {
                (void) close(from);
                (void) close(fds[0]);
                (void) close(fds[1]);
                return r;
        }
        s->streams[0]->hang_up = true;
        *ret = fds[0];
        return 0;
}

static int relayed_output(Session *s, int ours, int *ret) {
        int fds[2], to, r;

        /* Output and errors that go to a terminal share one pipe: two would lose the order of the lines. */
        if (s->streams[1]) {
                *ret = fcntl(*ret, F_DUPFD_CLOEXEC, 3);
                return *ret < 0 ? -errno : 0;
        }
        to = terminal_reopen(ours, O_WRONLY);
        if (to < 0)
                return to;
        if (pipe2(fds, O_CLOEXEC) < 0) {
                r = -errno;
                (void) close(to);
                return r;
        }
        (void) fd_set_nonblock(fds[0], true);
        r = stream_new(fds[0], to, &s->streams[1]);
        if (r < 0) {
                (void) close(to);
                (void) close(fds[0]);
                (void) close(fds[1]);
                return r;
        }
        *ret = fds[1];
        return 0;
}

int session_make_stdio(Session *s, const int ours[static 3], int ret_fds[static 3]) {
        int fds[3] = { -EBADF, -EBADF, -EBADF }, r = 0;

        for (int i = 0; i < 3 && r >= 0; i++) {
                if (isatty(ours[i])) {
                        if (i == 2 && s->streams[1])
                                fds[2] = fds[1]; /* what relayed_output() makes a copy of */
                        r = i == 0 ? relayed_input(s, ours[0], &fds[0]) : relayed_output(s, ours[i], &fds[i]);
                } else {
                        fds[i] = fcntl(ours[i], F_DUPFD_CLOEXEC, 3);
                        if (fds[i] < 0 && errno == EBADF)
                                fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
                        r = fds[i] < 0 ? -errno : 0;
                }
        }
        if (r < 0) {
                for (int i = 0; i < 3; i++)
                        (void) fd_close(fds[i]);
                return r;
        }
        memcpy(ret_fds, fds, sizeof fds);
        return 0;
}

static void end(Relay *relay, SessionEnd how, int code) {
        if (relay->over)
                return;
        relay->over = true;
        relay->result->end = how;
        relay->result->code = code;
        /* A hang-up of the pty is the end now. */
        if (relay->session->streams[1])
                relay->session->streams[1]->pty_from = relay->session->streams[1]->stalled = false;
}

/* The connection may be full or closed: it tells us itself how things stand. */
static void request(Relay *relay, const char *kind, const char *key, unsigned value, const char *key2, unsigned value2) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) < 0 || message_add(m, "request", kind) < 0 || message_addf(m, key, "%u", value) < 0)
                return;
        if (key2 && message_addf(m, key2, "%u", value2) < 0)
                return;
        (void) message_send(relay->session->fd, m);
}

static void send_size(Relay *relay) {
        Session *s = relay->session;
        unsigned rows, columns;

        terminal_size(isatty(s->output) ? s->output : s->input, &rows, &columns);
        if (rows > 0 && columns > 0)
                request(relay, "resize", "rows", rows, "columns", columns);
}

/* The other end of the terminal: connect ours to it. */
static int connect_terminal(Relay *relay, int fd) {
        Session *s = relay->session;
        _cleanup_close_ int a = fd, b = -EBADF, in = -EBADF, out = -EBADF;
        bool pty = isatty(fd); /* a console may be a socket */
        int r;

        if (s->streams[0] || s->streams[1])
                return -EBADMSG;

        b = fcntl(a, F_DUPFD_CLOEXEC, 3);
        if (b < 0)
                return -errno;
        (void) fd_set_nonblock(a, true);
        in = terminal_reopen(s->input, O_RDONLY);
        if (in < 0)
                return in;
        out = terminal_reopen(s->output, O_WRONLY);
        if (out < 0)
                return out;
        r = stream_new(in, a, &s->streams[0]);
        if (r < 0)
                return r;
        TAKE_FD(in);
        TAKE_FD(a);
        s->streams[0]->type_end = !isatty(s->input);
        s->streams[0]->pty_to = pty;
        r = stream_new(b, out, &s->streams[1]);
        if (r < 0)
                return r;
        TAKE_FD(b);
        TAKE_FD(out);
        s->streams[1]->pty_from = pty;

        if (isatty(s->input))
                r = terminal_make_raw(&relay->terminal, s->input, true);
        else if (isatty(s->output))
                r = terminal_make_raw(&relay->terminal, s->output, false);
        if (r < 0)
                return r;
        /* It may have changed since the request. */
        send_size(relay);
        return 0;
}

static int on_message(Relay *relay) {
        _cleanup_(message_freep) Message *m = NULL;
        const char *event;
        uint32_t n;
        int r;

        r = message_receive(relay->session->fd, &m);
        if (r == -EAGAIN)
                return 0;
        if (r == -ENODATA) {
                /* A console goes on for as long as its stream does, which needs no connection. */
                if (relay->session->console && relay->session->streams[1])
                        relay->session->fd = fd_close(relay->session->fd);
                else
                        end(relay, SESSION_LOST, 0);
                return 0;
        }
        if (r < 0)
                return r;

        event = message_get(m, "event") ?: "";
        if (streq(event, "started") || streq(event, "attached")) {
                if (m->n_fds > 0)
                        return connect_terminal(relay, message_take_fd(m, 0));
                return relay->session->tty ? -EBADMSG : 0;
        }
        if (streq(event, "exited")) {
                if (message_get_u32(m, "code", &n) >= 0)
                        end(relay, SESSION_EXITED, (int) (n & 0xff));
                else if (message_get_u32(m, "signal", &n) >= 0)
                        end(relay, SESSION_SIGNALLED, (int) (n & 0x7f));
                else
                        return -EBADMSG;
                return 0;
        }
        if (streq(event, "error")) {
                if (free_and_strdup(&relay->result->error, message_get(m, "error")) < 0 ||
                    free_and_strdup(&relay->result->message, message_get(m, "message")) < 0)
                        return -ENOMEM;
                end(relay, SESSION_FAILED, message_get_u32(m, "code", &n) >= 0 ? (int) (n & 0xff) : 0);
        }
        /* Another event is one of a newer supervisor. */
        return 0;
}

static void on_signal(Relay *relay) {
        struct signalfd_siginfo info;

        while (read(relay->signal_fd, &info, sizeof info) == (ssize_t) sizeof info)
                switch (info.ssi_signo) {
                case SIGWINCH:
                        if (relay->session->tty)
                                send_size(relay);
                        break;
                case SIGCONT:
                        terminal_raw_again(&relay->terminal);
                        if (relay->session->tty)
                                send_size(relay);
                        break;
                case SIGHUP:
                        /* Without a pty it is one signal of many; with one, our terminal is gone, and so is the container's when we go. */
                        if (relay->session->tty) {
                                end(relay, SESSION_HUNG_UP, SIGHUP);
                                break;
                        }
                        __attribute__((fallthrough));
                default:
                        request(relay, "signal", "signal", info.ssi_signo, NULL, 0);
                }
}

static int step_streams(Relay *relay, const struct pollfd *fds) {
        Session *s = relay->session;

        for (size_t i = 0; i < STREAMS_MAX; i++) {
                const char *data;
                size_t size;
                int r;

                if (!s->streams[i])
                        continue;
                r = stream_step(s->streams[i], fds + 2 * i, &data, &size);
                if (r < 0)
                        return r;
                if (i == 0 && size > 0 && s->detachable && detach_feed(&relay->detach, data, size, clock_usec(CLOCK_MONOTONIC)))
                        end(relay, SESSION_DETACHED, 0);
        }
        if (!s->tty || !s->streams[1] || relay->over)
                return 0;
        /* Nobody reads our output any more; or a console, which has no command that ends, was closed on its other side. */
        if (s->streams[1]->failed || (s->streams[0]->ended && isatty(s->input)))
                end(relay, SESSION_HUNG_UP, SIGHUP);
        else if (s->streams[1]->ended)
                end(relay, SESSION_LOST, 0);
        return 0;
}

/* For ever, but for what is in flight when the result is there, and for a pty that hung up. */
static int poll_timeout(const Relay *relay) {
        const Stream *in = relay->session->streams[0], *out = relay->session->streams[1];

        if (!relay->over)
                return (in && in->stalled) || (out && out->stalled) ? STALLED_PTY_MSEC : -1;
        if (out && out->begin < out->end && !out->failed)
                return -1; /* a reader that takes its time gets it all */
        return relay->session->tty ? DRAIN_PTY_MSEC : 0;
}

static bool drained(const Relay *relay) {
        const Stream *out = relay->session->streams[1];

        if (relay->result->end == SESSION_HUNG_UP || relay->result->end == SESSION_DETACHED)
                return true;
        return !out || stream_done(out);
}

static int relay_loop(Relay *relay) {
        Session *s = relay->session;

        while (!relay->over || !drained(relay)) {
                struct pollfd fds[2 + 2 * STREAMS_MAX] = {
                        { .fd = relay->over ? -1 : s->fd, .events = POLLIN },
                        { .fd = relay->signal_fd, .events = POLLIN },
                };
                int r;

                for (size_t i = 0; i < STREAMS_MAX; i++) {
                        struct pollfd *p = fds + 2 + 2 * i;

                        if (s->streams[i] && !(i == 0 && relay->over))
                                stream_prepare(s->streams[i], p);
                        else
                                p[0].fd = p[1].fd = -1;
                }
                r = poll(fds, ELEMENTSOF(fds), poll_timeout(relay));
                if (r < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (r == 0 && relay->over)
                        return 0;
                for (size_t i = 0; i < STREAMS_MAX; i++)
                        if (s->streams[i])
                                s->streams[i]->stalled = false;
                if (fds[1].revents)
                        on_signal(relay);
                r = step_streams(relay, fds + 2);
                if (r >= 0 && fds[0].revents)
                        r = on_message(relay);
                if (r < 0)
                        return r;
        }
        return 0;
}

int session_run(Session *s, SessionResult *ret) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
        SessionResult result = {};
        Relay relay = { .session = s, .terminal = TERMINAL_NONE, .result = &result };
        sigset_t wanted, old;
        int r;

        assert(s->fd >= 0);

        (void) sigemptyset(&wanted);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                (void) sigaddset(&wanted, signals[i]);
        if (sigprocmask(SIG_BLOCK, &wanted, &old) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        relay.signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        r = relay.signal_fd < 0 ? -errno : fd_set_nonblock(s->fd, true);
        if (r >= 0)
                r = relay_loop(&relay);

        terminal_restore(&relay.terminal);
        (void) fd_close(relay.signal_fd);
        (void) sigprocmask(SIG_SETMASK, &old, NULL);
        if (r < 0) {
                session_result_done(&result);
                return r;
        }
        *ret = result;
        return 0;
}

void session_done(Session *s) {
        s->fd = fd_close(s->fd);
        for (size_t i = 0; i < STREAMS_MAX; i++)
                s->streams[i] = stream_free(s->streams[i]);
}

void session_result_done(SessionResult *result) {
        free(result->error);
        free(result->message);
        result->error = result->message = NULL;
}
