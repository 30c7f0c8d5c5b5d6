/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "launch/supervisor.h"
#include "storage/luks.h"

/* request=hold: a job wants the container's files to be those of one moment, so all of its processes stand still until the job closes its end of
 * the connection, or shuts it down for writing. PID 1 freezes and thaws, so that it knows; that the supervisor asks for it, and not the job, lets the
 * container go on however the job ends. */

struct Hold {
        Supervisor *supervisor; /* borrowed, outlives us */
        int fd;                 /* owned: who asked */
        sd_event_source *source;
        sd_bus_slot *slot;      /* while PID 1 freezes or thaws */
        bool thaw;              /* it was us who froze it */
        int frozen_fd;          /* owned: of the file system of an encrypted one, which is copied as a whole */
        unsigned tries;
        bool releasing;
        int next_fd;            /* owned: who asked while PID 1 thawed */
};

#define FREEZE_TRIES 10U

Hold *hold_free(Hold *h) {
        if (!h)
                return NULL;
        sd_bus_slot_unref(h->slot);
        sd_event_source_disable_unref(h->source);
        (void) fd_close(h->fd);
        (void) fd_close(h->next_fd);
        luks_thaw(h->frozen_fd);
        if (h->thaw)
                (void) scope_thaw(h->supervisor->scope, NULL, NULL, NULL);
        free(h);
        return NULL;
}

/* By the kernel's own word: PID 1 says nothing of a unit that is frozen already. */
static bool is_frozen(const Supervisor *s) {
        _cleanup_close_ int fd = -EBADF;
        char c;

        fd = openat(s->cgroup_leaf_fd, "../cgroup.freeze", O_RDONLY | O_CLOEXEC);
        return fd >= 0 && read(fd, &c, 1) == 1 && c == '1';
}

void supervisor_release(Supervisor *s) {
        s->hold = hold_free(s->hold);
        sessions_release(s->sessions, "it is being stopped");
}

static void released(Supervisor *s) {
        int next_fd = TAKE_FD(s->hold->next_fd);

        s->hold = hold_free(s->hold);
        if (next_fd >= 0)
                supervisor_hold(s, next_fd);
        else
                sessions_release(s->sessions, is_frozen(s) ? "it is frozen" : NULL);
}

static int on_thawed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        Supervisor *s = userdata;
        Hold *h = s->hold;

        h->slot = sd_bus_slot_unref(h->slot);
        /* As in on_frozen(). */
        if (sd_bus_message_get_error(reply) && ++h->tries < FREEZE_TRIES && scope_thaw(s->scope, on_thawed, s, &h->slot) >= 0)
                return 0;
        released(s);
        return 0;
}

/* Our end stays open until all of it runs again: the job waits for that, or who heard that it is done would still find a frozen container. */
static void begin_release(Supervisor *s) {
        Hold *h = s->hold;

        h->source = sd_event_source_disable_unref(h->source);
        h->slot = sd_bus_slot_unref(h->slot);
        luks_thaw(TAKE_FD(h->frozen_fd));
        h->releasing = true;
        h->tries = 0;
        if (h->thaw && scope_thaw(s->scope, on_thawed, s, &h->slot) >= 0)
                h->thaw = false;
        else
                released(s);
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        begin_release(userdata);
        return 0;
}

static bool holder_is_gone(const Hold *h) {
        return !h->releasing && poll(&(struct pollfd) { .fd = h->fd, .events = POLLIN }, 1, 0) > 0;
}

static void answer_done(Hold *h) {
        _cleanup_(message_freep) Message *m = NULL;
        Supervisor *s = h->supervisor;
        int fd = h->fd;

        if (s->settings->encrypted) {
                h->frozen_fd = luks_freeze(s->settings->layers[0]);
                if (h->frozen_fd < 0) {
                        connection_send_error(fd, "JobFailed", strerror(-h->frozen_fd));
                        begin_release(s);
                        return;
                }
        }
        if (message_new(&m) >= 0 && message_add(m, "event", "done") >= 0)
                (void) message_send(fd, m);
}

static int on_frozen(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Supervisor *s = userdata;
        Hold *h = s->hold;

        h->slot = sd_bus_slot_unref(h->slot);
        /* PID 1 gives up when anything else happens in the cgroup at that moment; see operation.c of the manager. */
        if (e && ++h->tries < FREEZE_TRIES && scope_freeze(s->scope, on_frozen, s, &h->slot) >= 0)
                return 0;
        if (e) {
                connection_send_error(h->fd, "JobFailed", e->message ?: e->name);
                begin_release(s);
        } else
                answer_done(h);
        return 0;
}

void supervisor_hold(Supervisor *s, int fd) {
        Hold *h;
        int r;

        /* A connection is heard of before the end of another. */
        if (s->hold && holder_is_gone(s->hold))
                begin_release(s);
        if (s->hold && s->hold->releasing && s->hold->next_fd < 0) {
                s->hold->next_fd = fd;
                return;
        }
        if (s->hold || s->state != SUPERVISOR_RUNNING) {
                connection_send_error(fd, "Busy", s->hold ? "another job holds it" : "it is starting or stopping");
                (void) fd_close(fd);
                return;
        }
        h = calloc(1, sizeof *h);
        if (!h) {
                connection_send_error(fd, "JobFailed", "no memory");
                (void) fd_close(fd);
                return;
        }
        *h = (Hold) { .supervisor = s, .fd = fd, .frozen_fd = -EBADF, .next_fd = -EBADF };
        s->hold = h;
        sessions_hold(s->sessions);

        r = sd_event_add_io(s->event, &h->source, fd, EPOLLIN | EPOLLHUP, on_hangup, s);
        if (r >= 0 && is_frozen(s)) {
                answer_done(h);
                return;
        }
        if (r >= 0)
                r = scope_freeze(s->scope, on_frozen, s, &h->slot);
        if (r < 0) {
                connection_send_error(fd, "JobFailed", strerror(-r));
                begin_release(s);
                return;
        }
        h->thaw = true;
}
