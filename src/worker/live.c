/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/live.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/fd.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "shared/runtime-state.h"

#define ANSWER_TIMEOUT_MSEC (30 * 1000)
#define RELEASE_TIMEOUT_MSEC (5 * 1000)

static int ask(const char *name, const char *request, char *const *keys, int *ret_fd) {
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        int r;

        r = runtime_control_path(name, &path);
        if (r >= 0)
                r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "request", request);
        if (r >= 0)
                r = message_add_strv(m, "key", keys);
        if (r < 0)
                return r;
        fd = socket_connect(path);
        if (fd < 0)
                return fd;
        r = message_send(fd, m);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* For what the other side says, or its end. */
static int wait_for(int fd, int timeout_msec) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r;

        do
                r = poll(&p, 1, timeout_msec);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int receive(int fd, Message **ret) {
        int r = wait_for(fd, ANSWER_TIMEOUT_MSEC);

        return r < 0 ? r : message_receive(fd, ret);
}

int live_apply(Job *j, const char *name, char *const *keys, char ***next_start) {
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_strv_ char **names = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = ask(name, "settings", keys, &fd);
        if (r == -ENOENT || r == -ECONNREFUSED)
                return 0;
        if (r >= 0)
                r = receive(fd, &m);
        /* It ended meanwhile. */
        if (r == -ENODATA || r == -EPIPE || r == -ECONNRESET)
                return 0;
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The settings are written, but container '%s', which runs, could not be told: %m", name);
        if (!streq_ptr(message_get(m, "event"), "done"))
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, EKEYREJECTED, "Container '%s', which runs, cannot be given the settings: %s", name,
                                   message_get(m, "message") ?: "its supervisor does not understand the request");
        r = message_get_strv(m, "next-start", &names);
        STRV_FOREACH(n, names)
                if (r >= 0 && !strv_find(*next_start, *n))
                        r = strv_extend(next_start, *n);
        return r;
}

int live_hold(Job *j, const char *name, int *ret_fd) {
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = ask(name, "hold", NULL, &fd);
        if (r >= 0)
                r = receive(fd, &m);
        if (r == -ENOENT || r == -ECONNREFUSED || r == -ENODATA || r == -EPIPE || r == -ECONNRESET)
                return failure_set(&j->failure, FAILURE_BUSY, EBUSY, "The container '%s' is starting or stopping; try again.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to ask the supervisor of the container '%s' to hold it: %m", name);
        if (!streq_ptr(message_get(m, "event"), "done"))
                return failure_set(&j->failure, FAILURE_BUSY, EBUSY, "The container '%s' cannot be held while it is copied: %s", name,
                                   message_get(m, "message") ?: "its supervisor does not understand the request");
        *ret_fd = TAKE_FD(fd);
        return 0;
}

void live_release(int fd) {
        (void) shutdown(fd, SHUT_WR);
}

void live_await_release(int fd) {
        live_release(fd);
        (void) wait_for(fd, RELEASE_TIMEOUT_MSEC);
        (void) fd_close(fd);
}

int live_still_held(Job *j, const char *name, int fd) {
        struct pollfd p = { .fd = fd };

        if (poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR))
                return failure_set(&j->failure, FAILURE_BUSY, EBUSY, "The container '%s' was stopped while it was copied; try again.", name);
        return 0;
}

int live_keys(Job *j, char ***ret) {
        _cleanup_strv_ char **set = NULL, **keys = NULL;
        int r;

        r = message_get_strv(j->request, "unset", &keys);
        if (r >= 0)
                r = message_get_strv(j->request, "setting", &set);
        STRV_FOREACH(s, set)
                if (r >= 0)
                        r = strv_extendf(&keys, "%.*s", (int) strcspn(*s, "="), *s);
        if (r >= 0)
                *ret = TAKE_PTR(keys);
        return r;
}
