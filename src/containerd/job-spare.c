/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job-spare.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/job-sandbox.h"
#include "containerd/job-unit.h"

/* Not at once: who makes one thing after the other is not made to wait for a worker on its way, and PID 1 does one thing at a time. Nor much later:
 * moving a process to a new cgroup takes a third of the time right after another move (the kernel's rcu_sync is still in its fast state). */
#define QUIET_USEC (5 * USEC_PER_MSEC)

/* Each class has the sandbox (job-sandbox.c) of the kind that needs most, and the others give up the rest when they hear what they are to do (worker/run.c). */
static const struct {
        JobKind sandbox;
        const char *description;
} classes[_SPARE_CLASS_MAX] = {
        [SPARE_TREES] = { JOB_SNAPSHOT, "berth: waits for a job" },
        [SPARE_ARCHIVES] = { JOB_PUBLISH, "berth: waits for a job with an archive" },
};

static SpareClass class_of(JobKind kind) {
        static const struct {
                JobKind kind;
                SpareClass class;
        } kinds[] = {
                { JOB_CREATE, SPARE_TREES },    { JOB_DELETE, SPARE_TREES },           { JOB_REMOVE_IMAGE, SPARE_TREES },
                { JOB_CLONE, SPARE_TREES },     { JOB_SNAPSHOT, SPARE_TREES },         { JOB_RESTORE, SPARE_TREES },
                { JOB_DELETE_SNAPSHOTS, SPARE_TREES },
                { JOB_IMPORT, SPARE_ARCHIVES }, { JOB_COPY_TO, SPARE_ARCHIVES },       { JOB_COPY_FROM, SPARE_ARCHIVES },
                { JOB_PUBLISH, SPARE_ARCHIVES },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (kinds[i].kind == kind)
                        return kinds[i].class;
        return _SPARE_CLASS_MAX;
}

size_t job_spare_count(const Manager *m) {
        size_t n = 0;

        for (SpareClass c = 0; c < _SPARE_CLASS_MAX; c++)
                n += m->spares[c] != NULL;
        return n;
}

bool job_is_spare(const Job *j) {
        for (SpareClass c = 0; c < _SPARE_CLASS_MAX; c++)
                if (j->manager->spares[c] == j)
                        return true;
        return false;
}

static bool is_missing(const Manager *m, SpareClass c) {
        return m->spare_wanted[c] && !m->spares[c];
}

static bool any_is_missing(const Manager *m) {
        for (SpareClass c = 0; c < _SPARE_CLASS_MAX; c++)
                if (is_missing(m, c))
                        return true;
        return false;
}

static void prepare(Manager *m, SpareClass c) {
        _cleanup_(job_freep) Job *j = NULL;
        int r;

        r = job_new(m, ++m->last_job_id, &j);
        if (r >= 0)
                r = job_unit_start_waiting(j, classes[c].sandbox, classes[c].description);
        if (r < 0)
                log_debug_errno(r, "Cannot start a spare worker, ignoring: %m");
        else
                m->spares[c] = TAKE_PTR(j);
}

/* A unit that is being started for long would keep PID 1 from saying that the host has booted, and does not belong into a shutdown. */
static void on_system_state(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Manager *m = userdata;
        const char *state;

        if (error || m->leaving || sd_bus_message_read(reply, "v", "s", &state) < 0 || (!streq(state, "running") && !streq(state, "degraded")))
                return;
        for (SpareClass c = 0; c < _SPARE_CLASS_MAX; c++)
                if (is_missing(m, c))
                        prepare(m, c);
}

static int on_quiet(sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Manager *m = userdata;

        if (m->leaving || !any_is_missing(m))
                return 0;
        if (systemd_n_waiting(m->systemd) > job_spare_count(m)) {
                (void) sd_event_source_set_time_relative(source, QUIET_USEC);
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        } else
                (void) systemd_get_property(m->systemd, on_system_state, m, "SystemState");
        return 0;
}

void job_spare_arrange(Manager *m, JobKind done) {
        if (m->leaving || !server_get_number(&m->server, SERVER_SPARE_WORKER))
                return;
        m->spare_wanted[SPARE_TREES] = true;
        if (class_of(done) != _SPARE_CLASS_MAX)
                m->spare_wanted[class_of(done)] = true;
        if (!any_is_missing(m))
                return;
        if (!m->spare_timer) {
                (void) sd_event_add_time_relative(m->event, &m->spare_timer, CLOCK_MONOTONIC, QUIET_USEC, USEC_PER_MSEC, on_quiet, m);
                return;
        }
        (void) sd_event_source_set_time_relative(m->spare_timer, QUIET_USEC);
        (void) sd_event_source_set_enabled(m->spare_timer, SD_EVENT_ONESHOT);
}

Job *job_spare_take(Manager *m, JobKind kind) {
        const SpareClass c = class_of(kind);

        if (c == _SPARE_CLASS_MAX)
                return NULL;
        /* The first store has been made, or the last one has gone. */
        if (m->spares[c] && m->spares[c]->has_stores != job_sandbox_has_stores())
                job_free(m->spares[c]);
        return TAKE_PTR(m->spares[c]);
}
