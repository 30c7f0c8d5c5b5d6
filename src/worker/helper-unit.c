/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/helper-unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/fd.h"
#include "shared/names.h"

#define SYSTEMD "org.freedesktop.systemd1"

static int append_unit(sd_bus_message *m, const Job *j, const char *program, const char *description, int fd) {
        _cleanup_free_ char *own = NULL, *path = NULL;
        int r;

        r = job_unit(j->id, &own);
        if (r < 0)
                return r;
        if (asprintf(&path, BERTH_LIBEXECDIR "/%s", program) < 0)
                return -ENOMEM;
        return sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)",
                                     "Description", "s", description,
                                     "CollectMode", "s", "inactive-or-failed",
                                     "BindsTo", "as", 1, own,
                                     "StandardInputFileDescriptor", "h", fd,
                                     "ExecStart", "a(sasb)", 1, path, 1, path, 0);
}

int helper_unit_start(Job *j, const char *program, const char *description, HelperUnitProperties properties, const void *userdata, int *ret_fd) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_close_ int own = -EBADF, its = -EBADF;
        _cleanup_free_ char *unit = NULL;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a socket: %m");
        own = pair[0];
        its = pair[1];
        if (asprintf(&unit, "%s-%u.service", program, (unsigned) j->id) < 0)
                return -ENOMEM;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = append_unit(m, j, program, description, its);
        if (r >= 0)
                r = properties(m, userdata);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, NULL);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The program '%s' could not be started: %s", program, error.message ?: strerror(-r));
        *ret_fd = TAKE_FD(own);
        return 0;
}
