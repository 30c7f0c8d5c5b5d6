/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/unit-reload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "shared/names.h"

#define GENERATED "/run/systemd/generator/"
#define TARGET "berth-snapshots.target"
#define TIMER_PREFIX "berth-snapshot@"
#define TIMER_SUFFIX ".timer"

typedef struct Reload {
        Manager *manager; /* borrowed, outlives us */
        SystemdReply done;
        void *userdata;
        size_t n_stopping; /* timers */
} Reload;

static void finish(Reload *reload, const sd_bus_error *error) {
        reload->done(reload->userdata, NULL, error);
        free(reload);
}

static bool is_generated(const char *format, const char *name) {
        char path[512];

        snprintf(path, sizeof path, format, name);
        return access(path, F_OK) >= 0;
}

bool unit_reload_has_drop_in(const char *name) {
        return is_generated(GENERATED "berth@%s.service.d", name) || is_generated(GENERATED TIMER_PREFIX "%s" TIMER_SUFFIX ".d", name);
}

static void on_started(void *userdata, const UnitOutcome *outcome) {
        if (outcome->error || !streq(outcome->result, "done"))
                log_warning("Not all timers of snapshots could be started: %s", outcome->error ? outcome->error->message : outcome->result);
        finish(userdata, NULL);
}

/* When all that had to go has gone. */
static void start(Reload *reload) {
        if (access(GENERATED TARGET ".wants", F_OK) < 0 || systemd_unit_job(reload->manager->systemd, "StartUnit", TARGET, on_started, reload) < 0)
                finish(reload, NULL);
}

static void on_stopped(void *userdata, _unused_ const UnitOutcome *outcome) {
        Reload *reload = userdata;

        if (--reload->n_stopping == 0)
                start(reload);
}

/* Timers whose container has no schedule any more, or is not there. */
static void stop_stale(Reload *reload, sd_bus_message *reply) {
        const char *unit;

        if (sd_bus_message_enter_container(reply, 'a', "(ssssssouso)") < 0)
                return;
        while (sd_bus_message_read(reply, "(ssssssouso)", &unit, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) > 0) {
                if (strlen(unit) > 256 || is_generated(GENERATED "%s.d", unit))
                        continue;
                /* It may have failed meanwhile, since it has no time any more. */
                (void) systemd_call(reload->manager->systemd, NULL, NULL, "ResetFailedUnit", "s", unit);
                if (systemd_unit_job(reload->manager->systemd, "StopUnit", unit, on_stopped, reload) >= 0)
                        reload->n_stopping++;
        }
}

static void on_listed(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Reload *reload = userdata;

        if (error)
                log_warning("Cannot list the timers of snapshots, ignoring: %s", error->message);
        else
                stop_stale(reload, reply);
        if (reload->n_stopping == 0)
                start(reload);
}

static void on_reloaded(void *userdata, _unused_ sd_bus_message *reply, const sd_bus_error *error) {
        static const char *const timers[] = { TIMER_PREFIX "*" TIMER_SUFFIX, NULL };
        Reload *reload = userdata;

        if (error || systemd_list_units(reload->manager->systemd, on_listed, reload, (char **) timers) < 0)
                finish(reload, error);
}

int unit_reload(Manager *m, SystemdReply done, void *userdata) {
        Reload *reload;
        int r;

        reload = calloc(1, sizeof *reload);
        if (!reload)
                return -ENOMEM;
        *reload = (Reload) { .manager = m, .done = done, .userdata = userdata };
        r = systemd_call(m->systemd, on_reloaded, reload, "Reload", "");
        if (r < 0)
                free(reload);
        return r;
}
