/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job-spare.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/job-sandbox.h"
#include "containerd/job-unit.h"

/* Not at once: who makes one thing after the other is not made to wait for a worker on its way, and PID 1 does one thing at a time. Nor much later:
 * moving a process to a new cgroup takes a third of the time right after another move (the kernel's rcu_sync is still in its fast state). */
#define QUIET_USEC (5 * USEC_PER_MSEC)

/* Its sandbox (job-sandbox.c) has what these need and little else, which a worker gives up when it hears what it is to do (worker/run.c). */
#define SANDBOX JOB_SNAPSHOT

static const bool fits[_JOB_KIND_MAX] = {
        [JOB_CREATE] = true, [JOB_DELETE] = true, [JOB_REMOVE_IMAGE] = true,
        [JOB_CLONE] = true, [JOB_SNAPSHOT] = true, [JOB_RESTORE] = true, [JOB_DELETE_SNAPSHOTS] = true,
};

static void prepare(Manager *m) {
        _cleanup_(job_freep) Job *j = NULL;
        int r;

        r = job_new(m, ++m->last_job_id, &j);
        if (r >= 0)
                r = job_unit_start_waiting(j, SANDBOX);
        if (r < 0)
                log_debug_errno(r, "Cannot start a spare worker, ignoring: %m");
        else
                m->spare = TAKE_PTR(j);
}

/* A unit that is being started for long would keep PID 1 from saying that the host has booted, and does not belong into a shutdown. */
static void on_system_state(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Manager *m = userdata;
        const char *state;

        if (!error && !m->spare && !m->leaving && sd_bus_message_read(reply, "v", "s", &state) >= 0 &&
            (streq(state, "running") || streq(state, "degraded")))
                prepare(m);
}

static int on_quiet(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Manager *m = userdata;

        if (m->spare || m->leaving)
                return 0;
        if (systemd_n_waiting(m->systemd) > 0)
                job_spare_arrange(m);
        else
                (void) systemd_get_property(m->systemd, on_system_state, m, "SystemState");
        return 0;
}

void job_spare_arrange(Manager *m) {
        if (m->spare || m->leaving || !server_get_number(&m->server, SERVER_SPARE_WORKER))
                return;
        if (!m->spare_timer) {
                (void) sd_event_add_time_relative(m->event, &m->spare_timer, CLOCK_MONOTONIC, QUIET_USEC, USEC_PER_MSEC, on_quiet, m);
                return;
        }
        (void) sd_event_source_set_time_relative(m->spare_timer, QUIET_USEC);
        (void) sd_event_source_set_enabled(m->spare_timer, SD_EVENT_ONESHOT);
}

Job *job_spare_take(Manager *m, JobKind kind) {
        if (!fits[kind])
                return NULL;
        /* The first store has been made, or the last one has gone. */
        if (m->spare && m->spare->has_stores != job_sandbox_has_stores())
                job_free(m->spare);
        return TAKE_PTR(m->spare);
}
