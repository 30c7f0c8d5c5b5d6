/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job-unit.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "containerd/job-sandbox.h"
#include "containerd/job-spare.h"
#include "shared/names.h"

#define WORKER BERTH_LIBEXECDIR "/berth-worker"
#define KIND_NEXT "next" /* the request names its kind */

static int on_channel(_unused_ sd_event_source *source, int fd, _unused_ uint32_t revents, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Job *j = userdata;

        if (job_is_spare(j))
                job_free(j);
        else if (message_receive(fd, &m) >= 0 && message_get_bool(m, "done") > 0)
                job_on_done(j, message_get(m, "result"));
        else
                /* A worker that goes without a word has failed; PID 1 says how. */
                j->channel = sd_event_source_disable_unref(j->channel);
        return 0;
}

static int open_channel(Job *j, int *ret_worker_fd) {
        _cleanup_close_ int worker_fd = -EBADF;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        j->channel_fd = pair[0];
        worker_fd = pair[1];
        r = fd_set_nonblock(j->channel_fd, true);
        if (r >= 0)
                r = sd_event_add_io(j->manager->event, &j->channel, j->channel_fd, EPOLLIN, on_channel, j);
        if (r < 0)
                return r;
        *ret_worker_fd = TAKE_FD(worker_fd);
        return 0;
}

/* berth-worker would become the other program anyway. */
static bool reads_archives(JobKind kind) {
        return kind == JOB_IMPORT || kind == JOB_PUBLISH || kind == JOB_PULL || kind == JOB_BOOTSTRAP || kind == JOB_COPY_TO || kind == JOB_COPY_FROM;
}

static int start(Job *j, JobKind sandbox, bool stores, bool encrypted, const char *kind, const char *description, int worker_fd) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *argv[] = { reads_archives(sandbox) ? WORKER "-archive" : WORKER, kind, NULL, NULL };
        int r;

        if (job_sandbox_isolates(sandbox, stores)) {
                argv[1] = encrypted ? "--isolate=read-only" : "--isolate=hidden"; /* KeyFile= may be root's */
                argv[2] = kind;
        }
        r = systemd_new_transient(j->manager->systemd, j->unit, description, &m);
        if (r >= 0)
                r = systemd_append_property(m, "Type", "s", "notify");
        if (r >= 0)
                r = systemd_append_property(m, "NotifyAccess", "s", "main");
        if (r >= 0)
                r = systemd_append_property(m, "CollectMode", "s", "inactive-or-failed");
        if (r >= 0)
                r = systemd_append_property(m, "TimeoutStartUSec", "t", USEC_INFINITY);
        if (r >= 0)
                r = systemd_append_property(m, "TimeoutStopUSec", "t", (uint64_t) (30 * USEC_PER_SEC));
        if (r >= 0)
                r = systemd_append_property(m, "StandardInputFileDescriptor", "h", worker_fd);
        if (r >= 0)
                r = systemd_append_property(m, "StandardOutput", "s", "journal");
        if (r >= 0)
                r = systemd_append_property(m, "StandardError", "s", "journal");
        if (r >= 0)
                r = job_sandbox_append(m, sandbox, stores, encrypted);
        if (r >= 0)
                r = systemd_append_exec(m, (char **) argv);
        return r < 0 ? r : systemd_start_transient(j->manager->systemd, j->unit, m, job_on_unit_started, j);
}

static int describe(const Job *j, char **ret) {
        /* Of a fingerprint the beginning is enough. */
        return asprintf(ret, "berth: %s %.*s", job_kind_to_string(j->kind), fingerprint_valid(j->target) ? 12 : -1, j->target) < 0 ? -ENOMEM : 0;
}

int job_unit_start(Job *j, Message *request) {
        _cleanup_close_ int worker_fd = -EBADF;
        _cleanup_free_ char *description = NULL;
        /* The store of encrypted containers needs no file. */
        bool encrypted = message_get(request, "encrypted"), stores = encrypted || job_sandbox_has_stores();
        int r;

        r = describe(j, &description);
        if (r >= 0)
                r = open_channel(j, &worker_fd);
        /* The queue is empty, so this waits for nobody: it is taken, or too large. */
        if (r >= 0)
                r = message_send(j->channel_fd, request);
        return r < 0 ? r : start(j, j->kind, stores, encrypted, job_kind_to_string(j->kind), description, worker_fd);
}

int job_unit_start_waiting(Job *j, JobKind sandbox, const char *description) {
        _cleanup_close_ int worker_fd = -EBADF;
        int r;

        r = open_channel(j, &worker_fd);
        j->has_stores = job_sandbox_has_stores();
        return r < 0 ? r : start(j, sandbox, j->has_stores, false, KIND_NEXT, description, worker_fd);
}

int job_unit_send(Job *j, Message *request) {
        _cleanup_free_ char *description = NULL;
        int r;

        r = describe(j, &description);
        if (r >= 0)
                r = message_send(j->channel_fd, request);
        if (r >= 0)
                (void) systemd_call(j->manager->systemd, NULL, NULL, "SetUnitProperties", "sba(sv)", j->unit, true, 1,
                                    "Description", "s", description);
        return r;
}
