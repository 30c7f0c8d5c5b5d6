/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/transfer-bus.h"

#include <string.h>

#include "basic/strv.h"
#include "containerd/fd-check.h"
#include "containerd/options.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"

#define NOT_GIVEN UINT32_MAX
#define MODE_MAX 07777U

static int copy(Call *call, Container *c, JobKind kind, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        uint32_t mode = NOT_GIVEN, uid = NOT_GIVEN, gid = NOT_GIVEN;
        const char *path, *format = "file";
        bool keep = false;
        int key_fd = -EBADF;
        const Option options[] = {
                { "format", 's', &format },
                { "key", 'h', &key_fd },
                { "mode", 'u', &mode },
                { "uid", 'u', &uid },
                { "gid", 'u', &gid },
                { "keep", 'b', &keep },
        };
        const struct {
                const char *key;
                uint32_t *value;
        } numbers[] = { { "mode", &mode }, { "uid", &uid }, { "gid", &gid } };
        int fd, r;

        r = sd_bus_message_read(m, "sh", &path, &fd);
        if (r < 0)
                return r;
        r = options_read(m, options, kind == JOB_COPY_TO ? ELEMENTSOF(options) : 2, NULL, NULL, error);
        if (r < 0)
                return r;

        if (isempty(path) || strlen(path) >= TEXT_BYTES_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "A path has 1 to %u bytes.", TEXT_BYTES_MAX - 1);
        if (!streq(format, "file") && !streq(format, "tar"))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "The format is 'file' or 'tar'.");
        if (mode != NOT_GIVEN && mode > MODE_MAX)
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "A mode is not more than 07777.");
        r = fd_check(fd, error);
        if (r < 0)
                return r;
        r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add(request, "path", path);
        if (r >= 0)
                r = message_add(request, "format", format);
        if (r >= 0 && keep)
                r = message_add(request, "keep", "1");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(numbers); i++)
                if (*numbers[i].value != NOT_GIVEN)
                        r = message_addf(request, numbers[i].key, "%u", *numbers[i].value);
        if (r >= 0)
                r = message_add_fd(request, fd);
        if (r >= 0)
                r = container_add_key(c, request, key_fd, error);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, kind, c->name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                        sd_bus_message_ref(m), NULL, error));
}

/* The keys are read by the job alone. */
int transfer_bus_change_key(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        Container *c = object;
        int fds[2], r;

        r = sd_bus_message_read(m, "hh", fds, fds + 1);
        if (r >= 0)
                r = container_new_request(c, &request, error);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fds); i++) {
                r = fd_check(fds[i], error);
                if (r >= 0)
                        r = message_add_fd(request, fds[i]);
        }
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_CHANGE_KEY, c->name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                        sd_bus_message_ref(m), NULL, error));
}

int transfer_bus_copy_to(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return copy(call, object, JOB_COPY_TO, m, error);
}

int transfer_bus_copy_from(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return copy(call, object, JOB_COPY_FROM, m, error);
}
