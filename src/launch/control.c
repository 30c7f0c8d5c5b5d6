/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/control.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/socket.h"

typedef struct Pending {
        Control *control; /* borrowed */
        struct Pending *next;
        int fd;           /* owned */
        sd_event_source *source;
} Pending;

struct Control {
        sd_event *event;
        int listen_fd;
        sd_event_source *source;
        ControlHandler handler;
        void *userdata;
        Pending *pending;
        unsigned n_pending;
};

static void pending_end(Control *c, Pending *p) {
        for (Pending **i = &c->pending; *i; i = &(*i)->next)
                if (*i == p) {
                        *i = p->next;
                        c->n_pending--;
                        break;
                }
        sd_event_source_disable_unref(p->source);
        (void) fd_close(p->fd);
        free(p);
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Pending *p = userdata;
        Control *c = p->control;
        int r, connection;

        r = message_receive(fd, &m);
        if (r == -EAGAIN)
                return 0;
        connection = r < 0 ? -EBADF : TAKE_FD(p->fd);
        /* The source must not outlive its hold on the fd: the handler may watch the same fd with a source of its own. */
        pending_end(c, p);
        if (connection >= 0)
                c->handler(connection, m, c->userdata);
        return 0;
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata) {
        _cleanup_close_ int fd = -EBADF;
        Control *c = userdata;
        struct ucred peer;
        socklen_t size = sizeof peer;
        Pending *p;
        int r;

        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return 0;
        /* The mode of the socket keeps others out already. */
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0 || c->n_pending >= CONTROL_PENDING_MAX)
                return 0;

        p = calloc(1, sizeof *p);
        if (!p)
                return 0;
        *p = (Pending) { .control = c, .next = c->pending, .fd = TAKE_FD(fd) };
        c->pending = p;
        c->n_pending++;
        r = sd_event_add_io(c->event, &p->source, p->fd, EPOLLIN, on_request, p);
        if (r < 0)
                pending_end(c, p);
        else
                /* Most often the request came with the connection: no second round through the loop. */
                (void) on_request(p->source, p->fd, EPOLLIN, p);
        return 0;
}

int control_new(sd_event *event, const char *path, ControlHandler handler, void *userdata, Control **ret) {
        _cleanup_(control_freep) Control *c = NULL;
        int r;

        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        *c = (Control) { .event = sd_event_ref(event), .handler = handler, .userdata = userdata };
        c->listen_fd = socket_listen(path, 0600, 64);
        if (c->listen_fd < 0)
                return c->listen_fd;
        r = sd_event_add_io(event, &c->source, c->listen_fd, EPOLLIN, on_connection, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Control *control_free(Control *c) {
        if (!c)
                return NULL;
        while (c->pending)
                pending_end(c, c->pending);
        sd_event_source_disable_unref(c->source);
        (void) fd_close(c->listen_fd);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}
