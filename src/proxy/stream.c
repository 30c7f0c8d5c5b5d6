/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"

#define CONNECTIONS_MAX 500U
#define BUFFER_SIZE 16384U
#define TURN_MAX 16U /* buffers at once: the others want their turn */
#define IDLE_USEC (30 * USEC_PER_SEC)

typedef struct Server {
        sd_event *event;
        sd_event_source *listening, *idle;
        Address to;
        unsigned n;
} Server;

typedef struct Direction {
        char data[BUFFER_SIZE];
        size_t begin, end;
        bool ended, passed_on; /* nothing more comes; the other side knows */
} Direction;

typedef struct Connection {
        Server *server;
        int fds[2];               /* the client, and whom it wants */
        sd_event_source *sources[2];
        Direction directions[2];  /* from fds[i] to fds[!i] */
        bool connecting;
} Connection;

static void connection_free(Connection *c) {
        Server *s = c->server;

        for (size_t i = 0; i < 2; i++) {
                sd_event_source_disable_unref(c->sources[i]);
                (void) fd_close(c->fds[i]);
        }
        free(c);
        s->n--;
        (void) sd_event_source_set_enabled(s->listening, SD_EVENT_ON);
        if (s->n == 0 && s->idle) {
                (void) sd_event_source_set_time_relative(s->idle, IDLE_USEC);
                (void) sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
        }
}

static int pump(Connection *c, size_t from) {
        Direction *d = &c->directions[from];

        for (unsigned turn = 0; turn < TURN_MAX; turn++) {
                ssize_t n;

                if (d->begin == d->end && d->ended) {
                        if (!d->passed_on)
                                (void) shutdown(c->fds[!from], SHUT_WR);
                        d->passed_on = true;
                        return 0;
                }
                if (d->begin == d->end) {
                        n = read(c->fds[from], d->data, sizeof d->data);
                        if (n < 0)
                                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
                        d->begin = 0;
                        d->end = (size_t) n;
                        d->ended = n == 0;
                        continue;
                }
                n = send(c->fds[!from], d->data + d->begin, d->end - d->begin, MSG_NOSIGNAL);
                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
                d->begin += (size_t) n;
        }
        return 0;
}

/* One from which nothing is wanted is not looked at: that it has hung up would be told again and again. */
static int watch(Connection *c, size_t i) {
        const Direction *out = &c->directions[i], *in = &c->directions[!i];
        uint32_t events = (out->begin == out->end && !out->ended ? (uint32_t) EPOLLIN : 0) | (in->begin < in->end ? (uint32_t) EPOLLOUT : 0);
        int r;

        if (c->connecting)
                events = i == 1 ? (uint32_t) EPOLLOUT : 0;
        if (events == 0)
                return sd_event_source_set_enabled(c->sources[i], SD_EVENT_OFF);
        r = sd_event_source_set_io_events(c->sources[i], events);
        return r < 0 ? r : sd_event_source_set_enabled(c->sources[i], SD_EVENT_ON);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *c = userdata;
        size_t i = fd == c->fds[1];
        int r = 0, error = 0;

        if (c->connecting && i == 1) {
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t) { sizeof error }) < 0 || error != 0) {
                        connection_free(c);
                        return 0;
                }
                c->connecting = false;
        }
        for (size_t k = 0; r >= 0 && k < 2; k++)
                r = pump(c, k);
        if (r >= 0 && revents & (EPOLLERR | EPOLLHUP) && c->directions[i].passed_on)
                r = -ECONNRESET;
        for (size_t k = 0; r >= 0 && k < 2; k++)
                r = watch(c, k);
        if (r < 0 || (c->directions[0].passed_on && c->directions[1].passed_on))
                connection_free(c);
        return 0;
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Server *s = userdata;
        Connection *c;
        int client, r = 0;

        client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
                return 0;
        c = calloc(1, sizeof *c);
        if (!c) {
                (void) close(client);
                return 0;
        }
        *c = (Connection) { .server = s, .fds = { client, -EBADF }, .connecting = true };
        if (s->idle)
                (void) sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
        if (++s->n >= CONNECTIONS_MAX)
                (void) sd_event_source_set_enabled(s->listening, SD_EVENT_OFF);
        c->fds[1] = address_connect(&s->to);
        if (c->fds[1] < 0)
                r = c->fds[1];
        for (size_t i = 0; r >= 0 && i < 2; i++) {
                r = sd_event_add_io(s->event, &c->sources[i], c->fds[i], i == 0 ? 0 : EPOLLOUT, on_io, c);
                if (r >= 0)
                        r = watch(c, i);
        }
        if (r < 0) {
                log_warning_errno(r, "Nobody takes the connection: %m");
                connection_free(c);
        }
        return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        Server *s = userdata;

        return sd_event_exit(s->event, 0);
}

int stream_serve(sd_event *event, int listen_fd, const Address *to, bool at_leisure) {
        Server s = { .event = event, .to = *to };
        int r;

        r = fd_set_nonblock(listen_fd, true);
        if (r >= 0)
                r = sd_event_add_io(event, &s.listening, listen_fd, EPOLLIN, on_client, &s);
        if (r >= 0 && at_leisure)
                r = sd_event_add_time_relative(event, &s.idle, CLOCK_MONOTONIC, IDLE_USEC, 0, on_idle, &s);
        return r < 0 ? r : sd_event_loop(event);
}
