/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/scope.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "launch/device-policy.h"
#include "launch/scope-property.h"
#include "settings/table.h"
#include "shared/names.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SCOPE_TIMEOUT_MARGIN (10 * USEC_PER_SEC)
#define STALE_SCOPE_ATTEMPTS 56U /* 5 s */
#define STALE_SCOPE_PATIENCE 7U /* attempts, 127 ms */
#define STALE_SCOPE_WAIT_MAX_USEC (100 * USEC_PER_MSEC)
#define COREDUMP_RECEIVE_SINCE 255U /* version of systemd */

struct Scope {
        sd_bus *bus;              /* referenced */
        char *name, *unit, *own_unit;
        const Settings *settings; /* borrowed */
        pid_t pid;
        char *job;                /* object path of PID 1's job, once known */
        char *result;             /* of that job, once it is gone */
        char *error;              /* the call's own error */
        bool exists;              /* an old one is in the way */
        unsigned attempts;
        sd_bus_slot *removed_slot, *call_slot, *stop_slot;
};

/* Jobs that ended before their path was known: the reply and the signal may come in either order only when PID 1 is very quick, but then
 * the signal must not be lost. It is kept when no path is known yet and it names our unit. */
static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *job, *unit, *result;
        Scope *s = userdata;
        uint32_t id;
        int r;

        r = sd_bus_message_read(m, "uoss", &id, &job, &unit, &result);
        if (r < 0 || !streq(unit, s->unit) || (s->job && !streq(job, s->job)))
                return 0;
        (void) free_and_strdup(&s->result, result);
        return 0;
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Scope *s = userdata;
        const char *job;

        if (sd_bus_message_is_method_error(m, NULL)) {
                const sd_bus_error *e = sd_bus_message_get_error(m);

                s->exists = sd_bus_error_has_name(e, "org.freedesktop.systemd1.UnitExists");
                (void) free_and_strdup(&s->error, e->message ?: e->name);
                return 0;
        }
        if (sd_bus_message_read(m, "o", &job) >= 0)
                (void) free_and_strdup(&s->job, job);
        return 0;
}

/* What this was built with says nothing: the package of one release runs on the next. PID 1 refuses a property that it does not know. */
static bool knows_coredump_receive(sd_bus *bus) {
        _cleanup_free_ char *version = NULL;

        return sd_bus_get_property_string(bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Version", NULL, &version) >= 0 &&
               strtoul(version, NULL, 10) >= COREDUMP_RECEIVE_SINCE;
}

static int append_properties(Scope *s, sd_bus_message *m) {
        char slice[BERTH_SLICE_MAX];
        const char *unique_name;
        uint64_t timeout;
        int r;

        r = sd_bus_get_unique_name(s->bus, &unique_name);
        if (r < 0)
                return r;
        timeout = s->settings->timeout_stop_usec;
        if (timeout < USEC_INFINITY - SCOPE_TIMEOUT_MARGIN)
                timeout += SCOPE_TIMEOUT_MARGIN;

        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                  "PIDs", "au", 1, (uint32_t) s->pid,
                                  "Slice", "s", container_slice(s->settings->slice, s->settings->owner, slice),
                                  "Delegate", "b", 1,
                                  "Controller", "s", unique_name,
                                  "CollectMode", "s", "inactive-or-failed",
                                  "TimeoutStopUSec", "t", timeout,
                                  "TasksMax", "t", (uint64_t) SCOPE_TASKS_MAX,
                                  "SendSIGHUP", "b", 1);
        if (r >= 0) {
                _cleanup_free_ char *description = NULL;

                if (asprintf(&description, "Payload of container %s", s->name) < 0)
                        return -ENOMEM;
                r = sd_bus_message_append(m, "(sv)", "Description", "s", description);
        }
        /* Core dumps are the container's own, systemd.resource-control(5). */
        if (r >= 0 && knows_coredump_receive(s->bus))
                r = sd_bus_message_append(m, "(sv)", "CoredumpReceive", "b", 1);
        /* Stopped after the service that watches over it: a shutdown of the host asks the supervisor first. It needs no BindsTo=: the payload dies
         * with its supervisor (PR_SET_PDEATHSIG), and a stop of the scope would wait for a controller that is gone. */
        if (r >= 0 && s->own_unit)
                r = sd_bus_message_append(m, "(sv)", "Before", "as", 1, s->own_unit);
        if (r >= 0 && s->settings->privileged)
                r = device_policy_append(m);
        for (const Setting *t = settings_table; r >= 0 && t < settings_table + n_settings_table; t++)
                if (t->type->property_type)
                        r = scope_property_append_row(m, t, s->settings, false);
        return r;
}

static int call_start(Scope *s) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        s->call_slot = sd_bus_slot_unref(s->call_slot);
        s->exists = false;
        (void) free_and_strdup(&s->job, NULL);
        (void) free_and_strdup(&s->error, NULL);
        (void) free_and_strdup(&s->result, NULL);
        s->attempts++;

        r = sd_bus_message_new_method_call(s->bus, &m, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", s->unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = append_properties(s, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &s->call_slot, m, on_started, s, 0);
        if (r >= 0)
                r = sd_bus_flush(s->bus);
        return r;
}

int scope_start(sd_bus *bus, const char *name, const char *own_unit, pid_t pid, const Settings *settings, Scope **ret) {
        _cleanup_(scope_freep) Scope *s = NULL;
        int r;

        s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        s->settings = settings;
        s->pid = pid;
        r = free_and_strdup(&s->name, name);
        if (r >= 0)
                r = free_and_strdup(&s->own_unit, own_unit);
        if (r >= 0)
                r = container_scope(name, &s->unit);
        if (r < 0)
                return r;

        /* Both are sent without waiting; the bus keeps their order, so the signal cannot be missed. PID 1 sends job signals to
         * everybody as soon as somebody has subscribed; the one who started a job gets its signal always. */
        r = sd_bus_match_signal_async(bus, &s->removed_slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", on_job_removed, NULL, s);
        if (r >= 0)
                r = call_start(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* What an earlier run left: PID 1 has not noticed yet that it is empty, which most often takes a moment, or its processes are still dying. */
static int stop_stale(Scope *s) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) sd_bus_call_method(s->bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "KillUnit", &error, NULL, "ssi", s->unit, "all", 9);
        /* Not on its way out by itself: its supervisor and its payload were killed in the moment in which it was made. */
        if (s->attempts > STALE_SCOPE_PATIENCE)
                scope_end(s);
        (void) sd_bus_wait(s->bus, s->attempts > STALE_SCOPE_PATIENCE ? STALE_SCOPE_WAIT_MAX_USEC : USEC_PER_MSEC << (s->attempts - 1));
        return call_start(s);
}

/* A stop of our unit must be heard here: PID 1 orders the start of the scope behind it (Before= above), so that each would wait for the
 * other. The signals are blocked, and stay pending for whoever looks next. */
static int wait_for_bus(Scope *s, int signal_fd) {
        struct pollfd p[] = { { .fd = signal_fd, .events = POLLIN }, { .fd = sd_bus_get_fd(s->bus) } };
        int events = sd_bus_get_events(s->bus);

        if (p[1].fd < 0 || events < 0)
                return p[1].fd < 0 ? p[1].fd : events;
        p[1].events = (short) events;
        if (poll(p, ELEMENTSOF(p), -1) < 0)
                return errno == EINTR ? 0 : -errno;
        return p[0].revents ? -ECANCELED : 0;
}

int scope_wait(Scope *s, char **ret_error) {
        _cleanup_close_ int signal_fd = fd_open_stop_signals();
        int r;

        if (signal_fd < 0)
                return signal_fd;

        while (!s->result) {
                if (s->error) {
                        if (!s->exists || s->attempts >= STALE_SCOPE_ATTEMPTS)
                                break;
                        r = stop_stale(s);
                        if (r < 0)
                                return r;
                }
                r = sd_bus_process(s->bus, NULL);
                if (r < 0)
                        return r;
                if (r == 0) {
                        r = wait_for_bus(s, signal_fd);
                        if (r < 0)
                                return r;
                }
        }

        s->removed_slot = sd_bus_slot_unref(s->removed_slot);
        if (streq_ptr(s->result, "done"))
                return 0;
        if (asprintf(ret_error, "PID 1 did not make %s: %s", s->unit, s->error ?: s->result) < 0)
                *ret_error = NULL;
        return -EIO;
}

int scope_watch_stop(Scope *s, sd_bus_message_handler_t on_stop, void *userdata) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = sd_bus_path_encode(SYSTEMD_PATH "/unit", s->unit, &path);
        if (r < 0)
                return r;
        return sd_bus_match_signal_async(s->bus, &s->stop_slot, SYSTEMD, path, "org.freedesktop.systemd1.Scope", "RequestStop", on_stop,
                                         NULL, userdata);
}

int scope_change(Scope *s, const Settings *settings, const bool *rows, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", s->unit, true);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        for (size_t i = 0; r >= 0 && i < n_settings_table; i++)
                if (rows[i] && settings_table[i].type->property_type)
                        r = scope_property_append_row(m, &settings_table[i], settings, true);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_call_async(s->bus, ret_slot, m, done, userdata, 0);
}

int scope_freeze(Scope *s, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot) {
        return sd_bus_call_method_async(s->bus, ret_slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "FreezeUnit", done, userdata, "s", s->unit);
}

int scope_thaw(Scope *s, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot) {
        return sd_bus_call_method_async(s->bus, ret_slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "ThawUnit", done, userdata, "s", s->unit);
}

void scope_end(Scope *s) {
        _cleanup_free_ char *path = NULL;

        /* When the payload died before PID 1 had moved it, the scope runs on without a process, and PID 1 hears of no end. A stop alone would be
         * passed on to its controller, us. The answers are waited for: PID 1 refuses the call of a caller who is gone. */
        if (sd_bus_path_encode(SYSTEMD_PATH "/unit", s->unit, &path) >= 0)
                (void) sd_bus_call_method(s->bus, SYSTEMD, path, "org.freedesktop.systemd1.Scope", "Abandon", NULL, NULL, NULL);
        (void) sd_bus_call_method(s->bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", NULL, NULL, "ss", s->unit, "replace");
}

Scope *scope_free(Scope *s) {
        if (!s)
                return NULL;
        sd_bus_slot_unref(s->removed_slot);
        sd_bus_slot_unref(s->call_slot);
        sd_bus_slot_unref(s->stop_slot);
        sd_bus_unref(s->bus);
        free(s->name);
        free(s->unit);
        free(s->own_unit);
        free(s->job);
        free(s->result);
        free(s->error);
        free(s);
        return NULL;
}
