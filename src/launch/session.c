/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/session.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/message.h"

typedef struct Session {
        Sessions *owner;       /* borrowed */
        struct Session *next, *previous;
        ExecRequest request;   /* owned, until there is the process */
        ExecProcess process;   /* owned */
        int connection_fd;     /* owned */
        int tty_fd;            /* owned: the pty's master again, for resizing */
        sd_event_source *connection_source, *report_source, *exit_source;
} Session;

struct Sessions {
        sd_event *event;
        const ExecContext *context; /* borrowed */
        Session *first;
        unsigned n;
        bool held;
        SessionsIdle on_idle;
        void *userdata;
};

void connection_send_error(int connection_fd, const char *name, const char *message) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) >= 0 && message_add(m, "event", "error") >= 0 && message_add(m, "error", name) >= 0 &&
            message_add(m, "message", message) >= 0)
                (void) message_send(connection_fd, m);
}

static Session *session_free(Session *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->connection_source);
        sd_event_source_disable_unref(s->report_source);
        sd_event_source_disable_unref(s->exit_source);
        exec_request_done(&s->request);
        exec_process_done(&s->process);
        (void) fd_close(s->connection_fd);
        (void) fd_close(s->tty_fd);
        if (s->next)
                s->next->previous = s->previous;
        if (s->previous)
                s->previous->next = s->next;
        else if (s->owner->first == s)
                s->owner->first = s->next;
        s->owner->n--;
        free(s);
        return NULL;
}

static void session_end(Session *s, const siginfo_t *how) {
        Sessions *owner = s->owner;

        session_free(s);
        if (owner->n == 0)
                owner->on_idle(how, owner->userdata);
}

static void session_close_connection(Session *s) {
        s->connection_source = sd_event_source_disable_unref(s->connection_source);
        s->connection_fd = fd_close(s->connection_fd);
}

/* A slow or vanished reader never stops us: the socket does not block, and what it does not take is lost to it. */
static void session_send(Session *s, Message *m) {
        if (s->connection_fd >= 0 && message_send(s->connection_fd, m) < 0)
                session_close_connection(s);
}

static int handle_resize(Session *s, const Message *m) {
        struct winsize ws = {};
        uint32_t rows, columns;

        if (s->tty_fd < 0 || message_get_u32(m, "rows", &rows) < 0 || message_get_u32(m, "columns", &columns) < 0 ||
            rows > UINT16_MAX || columns > UINT16_MAX)
                return -EINVAL;
        ws.ws_row = (unsigned short) rows;
        ws.ws_col = (unsigned short) columns;
        return ioctl(s->tty_fd, TIOCSWINSZ, &ws) < 0 ? -errno : 0;
}

static int handle_signal(Session *s, const Message *m) {
        uint32_t number;

        if (message_get_u32(m, "signal", &number) < 0 || number == 0 || number >= _NSIG)
                return -EINVAL;
        return pidfd_send_signal(s->process.pidfd, (int) number, NULL, 0) < 0 ? -errno : 0;
}

static const struct {
        const char *request;
        int (*function)(Session *s, const Message *m);
} requests[] = {
        { "resize", handle_resize },
        { "signal", handle_signal },
};

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Session *s = userdata;
        const char *name;
        int r;

        r = message_receive(fd, &m);
        if (r == -EAGAIN)
                return 0;
        if (r < 0) {
                /* Gone: as when a terminal is hung up. The process may go on if it ignores that. */
                (void) pidfd_send_signal(s->process.pidfd, SIGHUP, NULL, 0);
                session_close_connection(s);
                return 0;
        }
        name = message_get(m, "request");
        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                if (streq_ptr(name, requests[i].request))
                        (void) requests[i].function(s, m);
        return 0;
}

/* PID inside is of no use to the caller; outside it can be looked up with ps(1). */
static void send_started(Session *s) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) < 0 || message_add(m, "event", "started") < 0 || message_addf(m, "pid", "%d", (int) s->process.pid) < 0)
                return;
        if (s->process.master_fd >= 0) {
                if (message_add_fd(m, s->process.master_fd) < 0)
                        return;
                s->tty_fd = TAKE_FD(s->process.master_fd);
        }
        session_send(s, m);
}

static void send_failed(Session *s, int code, const char *sentence) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) < 0 || message_add(m, "event", "error") < 0 || message_add(m, "error", "ExecFailed") < 0 ||
            message_addf(m, "code", "%d", code) < 0 ||
            message_add(m, "message", sentence ?: "the command could not be started") < 0)
                return;
        session_send(s, m);
        session_close_connection(s);
}

static int on_report(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        _cleanup_free_ char *sentence = NULL;
        Session *s = userdata;
        int code = 125, r;

        r = exec_process_report(&s->process, &code, &sentence);
        if (r == 0 && s->process.listener_fd >= 0)
                (void) intercept_add_listener(s->owner->context->intercept, TAKE_FD(s->process.listener_fd));
        if (r == 0 || r == -EAGAIN)
                return 0;
        s->report_source = sd_event_source_disable_unref(s->report_source);
        if (r > 0)
                send_started(s);
        else
                send_failed(s, code, sentence);
        return 0;
}

static int on_exit_process(sd_event_source *source, const siginfo_t *si, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Session *s = userdata;

        /* The end may be seen before what was said at the beginning. */
        if (s->report_source)
                (void) on_report(NULL, s->process.report_fd, 0, s);

        if (message_new(&m) >= 0 && message_add(m, "event", "exited") >= 0 &&
            message_addf(m, si->si_code == CLD_EXITED ? "code" : "signal", "%d", si->si_status) >= 0)
                session_send(s, m);
        session_end(s, si);
        return 0;
}

static int session_start(Session *s) {
        sd_event *event = s->owner->event;
        char sentence[256];
        int r;

        r = exec_start(s->owner->context, &s->request, &s->process);
        exec_request_done(&s->request);
        if (r >= 0)
                r = fd_set_nonblock(s->process.report_fd, true);
        if (r >= 0)
                r = sd_event_add_io(event, &s->report_source, s->process.report_fd, EPOLLIN, on_report, s);
        if (r >= 0)
                r = sd_event_add_io(event, &s->connection_source, s->connection_fd, EPOLLIN, on_connection, s);
        if (r >= 0)
                r = sd_event_add_child_pidfd(event, &s->exit_source, s->process.pidfd, WEXITED, on_exit_process, s);
        /* What the command says at its beginning is wanted before its end. */
        if (r >= 0)
                r = sd_event_source_set_priority(s->exit_source, SD_EVENT_PRIORITY_IDLE);
        if (r < 0) {
                errno = -r;
                snprintf(sentence, sizeof sentence, "cannot start the command: %m");
                connection_send_error(s->connection_fd, "ExecFailed", sentence);
                if (s->process.pidfd >= 0)
                        (void) pidfd_send_signal(s->process.pidfd, SIGKILL, NULL, 0);
        }
        return r;
}

void sessions_start(Sessions *owner, int connection_fd, ExecRequest *request) {
        Session *s;

        if (owner->n >= SESSIONS_MAX) {
                connection_send_error(connection_fd, "LimitReached", "too many commands are running in the container");
                (void) fd_close(connection_fd);
                return;
        }

        s = calloc(1, sizeof *s);
        if (!s) {
                (void) fd_close(connection_fd);
                return;
        }
        *s = (Session) { .owner = owner, .connection_fd = connection_fd, .tty_fd = -EBADF, .request = *request, .process = EXEC_PROCESS_NONE };
        *request = (ExecRequest) EXEC_REQUEST_NONE;
        s->next = owner->first;
        if (s->next)
                s->next->previous = s;
        owner->first = s;
        owner->n++;

        if (!owner->held && session_start(s) < 0)
                session_end(s, NULL);
}

void sessions_hold(Sessions *s) {
        s->held = true;
}

static bool is_abandoned(const Session *s) {
        struct pollfd p = { .fd = s->connection_fd };

        return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

void sessions_release(Sessions *owner, const char *refusal) {
        Session *s = owner->first, *earlier;

        owner->held = false;
        while (s && s->next)
                s = s->next;
        for (; s; s = earlier) {
                earlier = s->previous;
                if (s->process.pidfd >= 0)
                        continue;
                if (refusal)
                        connection_send_error(s->connection_fd, "Busy", refusal);
                if (refusal || is_abandoned(s) || session_start(s) < 0)
                        session_end(s, NULL);
        }
}

int sessions_new(sd_event *event, const ExecContext *context, SessionsIdle on_idle, void *userdata, Sessions **ret) {
        Sessions *s;

        s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        *s = (Sessions) { .event = sd_event_ref(event), .context = context, .on_idle = on_idle, .userdata = userdata };
        *ret = s;
        return 0;
}

Sessions *sessions_free(Sessions *s) {
        if (!s)
                return NULL;
        while (s->first)
                session_free(s->first);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}
