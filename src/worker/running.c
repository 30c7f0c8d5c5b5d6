/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/running.h"

#include <poll.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "shared/message.h"
#include "shared/runtime-state.h"

#define ANSWER_TIMEOUT_MSEC (60 * 1000)

static int receive_answer(int fd, Message **ret) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r;

        r = poll(&p, 1, ANSWER_TIMEOUT_MSEC);
        if (r <= 0)
                return r < 0 ? -errno : -ETIMEDOUT;
        return message_receive(fd, ret);
}

int running_request(Job *j, const char *name, const char *request) {
        _cleanup_(message_freep) Message *m = NULL, *answer = NULL;
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *event;
        int r;

        r = runtime_control_path(name, &path);
        if (r >= 0)
                r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "request", request);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to ask the supervisor of container '%s': %m", name);
        fd = socket_connect(path);
        if (fd == -ENOENT || fd == -ECONNREFUSED)
                return 0;
        r = fd < 0 ? fd : message_send(fd, m);
        if (r >= 0)
                r = receive_answer(fd, &answer);
        /* It ended meanwhile: then it will do as it is told when it starts again. */
        if (r == -ENODATA || r == -ECONNRESET || r == -EPIPE)
                return 0;
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BUSY, r, "The supervisor of container '%s' does not answer: %m", name);

        event = message_get(answer, "event");
        if (streq_ptr(event, "done"))
                return 0;
        return failure_set(&j->failure, FAILURE_JOB_FAILED, EIO, "%s", message_get(answer, "message") ?: "The supervisor did not say why it failed.");
}
