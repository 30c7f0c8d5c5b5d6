/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/control.h"

#include <assert.h>
#include <sys/epoll.h>

#include "basic/fd.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "containerd/error.h"
#include "shared/bus-names.h"
#include "shared/runtime-state.h"

#define ANSWER_TIMEOUT_USEC (20 * USEC_PER_SEC)

typedef struct Control {
        Manager *manager;
        char *name;
        int fd;
        sd_event_source *io, *timer;
        Done done;
        ControlAnswered answered; /* instead of done */
        void *userdata;
} Control;

int control_open(const char *name, const Message *request, int *ret_fd, sd_bus_error *error) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        int r;

        assert(name && request && ret_fd);

        r = runtime_control_path(name, &path);
        if (r < 0)
                return r;
        fd = socket_connect(path);
        if (fd == -ENOENT || fd == -ECONNREFUSED)
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' is not running.", name);
        r = fd >= 0 ? message_send(fd, request) : fd;
        if (r == -EAGAIN)
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is too busy to take the request.", name);
        if (r == -EPIPE || r == -ECONNRESET)
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' is not running any more.", name);
        if (r == -EMSGSIZE || r == -E2BIG)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "The request to container '%s' is too large.", name);
        if (r < 0)
                return sd_bus_error_set_errnof(error, r, "Cannot reach the supervisor of container '%s': %m", name);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static Control *control_free(Control *c) {
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->timer);
        (void) fd_close(c->fd);
        free(c->name);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Control *, control_free)

static void control_finish(Control *c, const Message *answer, const sd_bus_error *error) {
        c->manager->n_controls--;
        if (c->answered)
                c->answered(c->userdata, error ? NULL : answer, error);
        else
                c->done(c->userdata, error);
        control_free(c);
}

static int on_answer(_unused_ sd_event_source *source, int fd, _unused_ uint32_t events, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) Message *m = NULL;
        Control *c = userdata;
        const char *event;
        int r;

        r = message_receive(fd, &m);
        if (r == -EAGAIN)
                return 0;
        event = r >= 0 ? message_get(m, "event") : NULL;
        if (!event)
                sd_bus_error_setf(&error, BERTH_ERROR_NOT_RUNNING, "The supervisor of container '%s' went away.", c->name);
        else if (streq(event, "error"))
                error_from_name(&error, message_get(m, "error"), message_get(m, "message"));
        control_finish(c, m, sd_bus_error_is_set(&error) ? &error : NULL);
        return 0;
}

static int on_timeout(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Control *c = userdata;

        sd_bus_error_setf(&error, BERTH_ERROR_BUSY, "The supervisor of container '%s' does not answer.", c->name);
        control_finish(c, NULL, &error);
        return 0;
}

static int control_start(Manager *m, const char *name, const Message *request, Done done, ControlAnswered answered, void *userdata, sd_bus_error *error) {
        _cleanup_(control_freep) Control *c = NULL;
        int r;

        assert(m && (done || answered));

        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        *c = (Control) { .manager = m, .fd = -EBADF, .done = done, .answered = answered, .userdata = userdata };
        c->name = strdup(name);
        if (!c->name)
                return -ENOMEM;
        r = control_open(name, request, &c->fd, error);
        if (r < 0)
                return r;
        r = sd_event_add_io(m->event, &c->io, c->fd, EPOLLIN, on_answer, c);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(m->event, &c->timer, CLOCK_MONOTONIC, ANSWER_TIMEOUT_USEC, 0, on_timeout, c);
        if (r < 0)
                return r;
        m->n_controls++;
        TAKE_PTR(c);
        return 0;
}

int control_request(Manager *m, const char *name, const Message *request, Done done, void *userdata, sd_bus_error *error) {
        return control_start(m, name, request, done, NULL, userdata, error);
}

int control_ask(Manager *m, const char *name, const Message *request, ControlAnswered answered, void *userdata, sd_bus_error *error) {
        return control_start(m, name, request, NULL, answered, userdata, error);
}
