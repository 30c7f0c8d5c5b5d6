/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/manager.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/container.h"
#include "containerd/deletion.h"
#include "containerd/image-bus.h"
#include "containerd/image.h"
#include "containerd/job-bus.h"
#include "containerd/job-spare.h"
#include "containerd/job.h"
#include "containerd/manager-bus.h"
#include "containerd/store.h"
#include "containerd/whoami.h"
#include "shared/bus-names.h"
#include "shared/names.h"

int manager_new(uint64_t idle_usec, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        sigset_t signals;
        int r;

        m = calloc(1, sizeof *m);
        if (!m)
                return -ENOMEM;
        m->idle_usec = idle_usec;
        m->idle_fixed = idle_usec > 0;
        manager_reload_server(m);

        r = sd_event_default(&m->event);
        if (r >= 0)
                r = sd_event_set_watchdog(m->event, true);
        if (r < 0)
                return r;
        /* Ended by them at any moment, but between two events. */
        if (sigemptyset(&signals) < 0 || sigaddset(&signals, SIGTERM) < 0 || sigaddset(&signals, SIGINT) < 0 ||
            sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(m->event, NULL, SIGTERM, NULL, NULL);
        if (r < 0)
                return r;
        r = sd_event_add_signal(m->event, NULL, SIGINT, NULL, NULL);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;
        m->started = false;
        whoami_free_all(m);
        m->gate = gate_free(m->gate);
        for (size_t i = 0; i < JOBS_MAX; i++)
                job_free(m->jobs[i]);
        for (size_t i = 0; i < _SPARE_CLASS_MAX; i++)
                job_free(m->spares[i]);
        sd_event_source_disable_unref(m->spare_timer);
        sd_event_source_disable_unref(m->reap_source);
        m->systemd = systemd_free(m->systemd);
        while (m->containers.n > 0)
                container_free(m->containers.items[m->containers.n - 1]);
        while (m->images.n > 0)
                image_free(m->images.items[m->images.n - 1]);
        table_done(&m->containers);
        table_done(&m->images);
        server_settings_done(&m->server);
        sd_event_source_disable_unref(m->idle_timer);
        sd_bus_flush_close_unref(m->bus);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int manager_refresh_containers(Manager *m) {
        _cleanup_strv_ char **names = NULL;
        size_t n;
        int r;

        r = store_list_containers(&names);
        if (r < 0)
                return log_error_errno(r, "Cannot list the containers: %m");
        n = strv_length(names);
        if (n > 0)
                qsort(names, n, sizeof *names, compare_names);

        for (size_t i = m->containers.n; i-- > 0;) {
                Container *c = m->containers.items[i];

                if (n > 0 && bsearch(&c->name, names, n, sizeof *names, compare_names))
                        continue;
                container_bus_removed(m, c->name);
                container_free(c);
        }
        for (size_t i = 0; i < n; i++) {
                Container *c;

                if (table_get(&m->containers, names[i]))
                        continue;
                r = container_new(m, names[i], &c);
                if (r < 0)
                        return r;
                container_bus_new(c);
        }
        return 0;
}

int manager_refresh_images(Manager *m) {
        _cleanup_strv_ char **names = NULL;
        size_t n;
        int r;

        r = store_list_images(&names);
        if (r < 0)
                return log_error_errno(r, "Cannot list the images: %m");
        n = strv_length(names);
        if (n > 0)
                qsort(names, n, sizeof *names, compare_names);

        for (size_t i = m->images.n; i-- > 0;) {
                Image *image = m->images.items[i];

                if (n > 0 && bsearch(&image->fingerprint, names, n, sizeof *names, compare_names))
                        continue;
                image_bus_removed(m, image->fingerprint);
                image_free(image);
        }
        for (size_t i = 0; i < n; i++) {
                Image *image;

                if (table_get(&m->images, names[i]))
                        continue;
                r = image_new(m, names[i], &image);
                if (r < 0)
                        return r;
                image_bus_new(image);
        }
        return 0;
}

int manager_find_container(Manager *m, const char *name, Container **ret) {
        Container *c;
        int r;

        assert(m && name && ret);

        *ret = NULL;
        c = table_get(&m->containers, name);
        if (!!c != (container_name_valid(name) && store_has_container(name))) {
                /* Made or taken away by somebody else. */
                r = manager_refresh_containers(m);
                if (r < 0)
                        return r;
                c = table_get(&m->containers, name);
        }
        *ret = c;
        return c ? 0 : -ENOENT;
}

int manager_find_image(Manager *m, const char *reference, Image **ret) {
        _cleanup_free_ char *fingerprint = NULL;
        int r;

        assert(m && reference && ret);

        *ret = NULL;
        r = store_resolve_image(reference, &fingerprint, NULL);
        if (r < 0)
                return r;
        if (!table_get(&m->images, fingerprint)) {
                r = manager_refresh_images(m);
                if (r < 0)
                        return r;
        }
        *ret = table_get(&m->images, fingerprint);
        return *ret ? 0 : -ENOENT;
}

/* An ephemeral container is deleted when it has ended; somebody must be there to see that. */
static bool has_ephemeral(const Manager *m) {
        TABLE_FOREACH(Container, c, &m->containers)
                if (c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED && container_load(c, -EBADF) >= 0 && c->record.ephemeral)
                        return true;
        return false;
}

static void reap_all(Manager *m);

static bool is_idle(const Manager *m) {
        return gate_n_waiting(m->gate) == 0 && systemd_n_waiting(m->systemd) == job_spare_count(m) && job_count(m) == 0 && m->n_controls == 0 && !m->whoami;
}

void manager_reload_server(Manager *m) {
        _cleanup_free_ char *error = NULL;
        int r;

        server_settings_done(&m->server);
        r = server_settings_load("", &m->server, &error);
        if (r < 0)
                log_warning_errno(r, "A setting of the server does not count: %s", error ?: "out of memory");
        if (!m->idle_fixed)
                m->idle_usec = server_get_number(&m->server, SERVER_IDLE_EXIT);
        manager_touch(m);
}

void manager_touch(Manager *m) {
        if (!m->idle_timer)
                return;
        (void) sd_event_source_set_time_relative(m->idle_timer, m->idle_usec == USEC_INFINITY ? 0 : m->idle_usec);
        (void) sd_event_source_set_enabled(m->idle_timer, m->idle_usec == USEC_INFINITY && !m->leaving ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* All that was sent to the name before it was given back has been handled when this comes, or is being worked on: then its end is waited
 * for. New calls start a new manager, for which PID 1 waits until this one has gone. */
static int on_name_released(_unused_ sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Manager *m = userdata;

        if (is_idle(m))
                return sd_event_exit(m->event, 0);
        (void) sd_event_source_set_time_relative(m->idle_timer, USEC_PER_SEC);
        (void) sd_event_source_set_enabled(m->idle_timer, SD_EVENT_ONESHOT);
        return 0;
}

static int on_idle(sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Manager *m = userdata;
        int r;

        if (m->leaving && is_idle(m))
                return sd_event_exit(m->event, 0);
        /* Who stays for one that runs sees to those that nobody has started. */
        if (!m->leaving && is_idle(m))
                reap_all(m);
        if (m->leaving || !is_idle(m) || has_ephemeral(m)) {
                r = sd_event_source_set_time_relative(source, m->leaving ? USEC_PER_SEC : m->idle_usec);
                return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        }

        /* PID 1 must know first that this process is on its way out: an activation that the bus asks it for while it still takes
         * the service for running would be answered with "runs already", and the caller would wait for nobody. */
        log_debug("Nothing to do, leaving");
        m->leaving = true;
        (void) sd_notify(false, "STOPPING=1");
        (void) sd_notify_barrier(false, 5 * USEC_PER_SEC);
        r = sd_bus_release_name_async(m->bus, NULL, BERTH_BUS_NAME, on_name_released, m);
        return r < 0 ? log_error_errno(r, "Cannot give the bus name back: %m") : 0;
}

static void reap(Manager *m, const char *name) {
        Container *c = table_get(&m->containers, name);

        if (c)
                deletion_reap(c);
}

/* A container whose unit has ended. */
typedef struct Ending {
        Manager *manager; /* borrowed, outlives us */
        char name[CONTAINER_NAME_MAX + 1];
} Ending;

static Ending *ending_new(Manager *m, const char *name) {
        Ending *e = calloc(1, sizeof *e);

        if (!e)
                return NULL;
        e->manager = m;
        snprintf(e->name, sizeof e->name, "%s", name);
        return e;
}

static void on_scope_abandoned(void *userdata, _unused_ sd_bus_message *reply, const sd_bus_error *error) {
        Ending *e = userdata;
        _cleanup_free_ char *scope = NULL;

        if (!error && container_scope(e->name, &scope) >= 0)
                (void) systemd_call(e->manager->systemd, NULL, NULL, "StopUnit", "ss", scope, "replace");
        free(e);
}

/* A supervisor that was killed while it started may leave a scope that no living process was ever moved to; PID 1 never sees that become empty,
 * and a stop would be passed on to its controller, who is gone. In all other cases there is none any more to abandon. */
static void end_scope(Manager *m, const char *name) {
        Ending *e = ending_new(m, name);
        _cleanup_free_ char *scope = NULL;

        if (!e || container_scope(name, &scope) < 0 || systemd_call(m->systemd, on_scope_abandoned, e, "AbandonScope", "s", scope) < 0)
                free(e);
}

/* What the unit became in the same step of PID 1's has been told by now. */
static void on_asked(void *userdata, _unused_ sd_bus_message *reply, _unused_ const sd_bus_error *error) {
        Ending *e = userdata;

        reap(e->manager, e->name);
        free(e);
}

/* Of a guest that reboots, the unit is inactive for a moment before it is started again. */
static void reap_unless_restarted(Manager *m, const char *name, const char *unit) {
        Ending *e = ending_new(m, name);

        if (!e || systemd_call(m->systemd, on_asked, e, "GetUnit", "s", unit) < 0)
                free(e);
}

/* The container in which the unit runs a command (session_run_in()), or NULL. */
static Container *run_in_of(Manager *m, const char *unit) {
        const char *name = startswith(unit, "berth-run-"), *end = endswith(unit, ".service");
        char buffer[CONTAINER_NAME_MAX + 1];

        if (!name || !end || (size_t) (end - name) >= sizeof buffer)
                return NULL;
        memcpy(buffer, name, (size_t) (end - name));
        buffer[end - name] = 0;
        return table_get(&m->containers, buffer);
}

static bool is_over(const char *active_state) {
        return streq(active_state, "inactive") || streq(active_state, "failed");
}

static void on_unit_changed(void *userdata, const UnitChange *change) {
        char buffer[CONTAINER_NAME_MAX + 1];
        Manager *m = userdata;
        const char *name;
        Container *c;
        unsigned id;
        Job *j;

        if (job_from_unit(change->unit, &id) >= 0) {
                j = job_find(m, id);
                if (j && change->status_text)
                        job_set_status(j, change->status_text);
                /* One that was killed when it had been answered for, before it had cleared up. */
                if (!j && m->started && streq_ptr(change->active_state, "failed"))
                        job_collect(m);
                return;
        }
        c = run_in_of(m, change->unit);
        if (c) {
                if (change->active_state)
                        container_set_run_in(c, !is_over(change->active_state));
                return;
        }
        name = container_from_unit(change->unit, buffer);
        c = name ? table_get(&m->containers, name) : NULL;
        if (!c)
                return;
        if (change->active_state && endswith(change->unit, ".service")) {
                ContainerState s = container_state_from_unit(change->active_state);

                if (s >= 0)
                        container_set_unit_state(c, s);
                if (m->started && streq(change->active_state, "failed"))
                        end_scope(m, name);
                /* With a job it is between the two halves of a restart. */
                if (m->started && !change->has_job && is_over(change->active_state))
                        reap_unless_restarted(m, name, change->unit);
        }
        if (change->freezer_state && endswith(change->unit, ".scope"))
                container_freezer_changed(c);
}

static void reap_all(Manager *m) {
        _cleanup_strv_ char **names = NULL;

        if (store_list_containers(&names) >= 0)
                STRV_FOREACH(n, names)
                        reap(m, *n);
}

/* Ephemeral containers that ended while there was no manager. */
static int on_reap_all(sd_event_source *source, void *userdata) {
        Manager *m = userdata;

        reap_all(m);
        m->reap_source = sd_event_source_disable_unref(m->reap_source);
        return 0;
}

static int on_name_acquired(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Manager *m = userdata;
        int r;

        if (e) {
                log_error("Cannot take the bus name " BERTH_BUS_NAME ": %s", e->message);
                return sd_event_exit(m->event, EXIT_FAILURE);
        }
        (void) sd_notify(false, "READY=1\nSTATUS=Answering calls");

        job_forget_finished(m);
        job_collect(m);
        /* That means reading all settings: after the call that waits. */
        r = sd_event_add_defer(m->event, &m->reap_source, on_reap_all, m);
        if (r >= 0)
                (void) sd_event_source_set_priority(m->reap_source, SD_EVENT_PRIORITY_IDLE);
        return 0;
}

static int read_unit(Manager *m, sd_bus_message *reply) {
        const char *unit, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
        char buffer[CONTAINER_NAME_MAX + 1];
        uint32_t job_id;
        const char *name;
        unsigned id;
        int r;

        r = sd_bus_message_read(reply, "(ssssssouso)", &unit, &description, &load, &active, &sub, &following, &path, &job_id, &job_type, &job_path);
        if (r <= 0)
                return r;

        /* A job that is active has been answered for; what it still does nobody waits for. */
        if (job_from_unit(unit, &id) >= 0) {
                if (streq(active, "activating"))
                        (void) job_restore(m, id);
        } else if (run_in_of(m, unit))
                container_set_run_in(run_in_of(m, unit), !is_over(active));
        else if (endswith(unit, ".service") && (name = container_from_unit(unit, buffer))) {
                Container *c = table_get(&m->containers, name);
                ContainerState s = container_state_from_unit(active);

                if (c && s >= 0)
                        container_set_unit_state(c, s);
        }
        return 1;
}

static void on_units_listed(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Manager *m = userdata;
        int r;

        if (error) {
                log_error("systemd does not list its units: %s", error->message);
                (void) sd_event_exit(m->event, EXIT_FAILURE);
                return;
        }
        r = manager_refresh_containers(m);
        if (r >= 0)
                r = manager_refresh_images(m);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        while (r > 0)
                r = read_unit(m, reply);
        /* Only who knows all answers: what is sent to the name waits at the bus until now. */
        m->started = true;
        if (r >= 0)
                r = sd_bus_request_name_async(m->bus, NULL, BERTH_BUS_NAME, 0, on_name_acquired, m);
        if (r < 0) {
                log_error_errno(r, "Cannot learn what runs: %m");
                (void) sd_event_exit(m->event, EXIT_FAILURE);
        }
}

static int on_disconnected(_unused_ sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        Manager *m = userdata;

        log_notice("The bus has gone, leaving");
        return sd_event_exit(m->event, EXIT_FAILURE);
}

static int manager_start(Manager *m) {
        static const char *const patterns[] = { "berth@*.service", "berth-run-*.service", "berth-job-*.service", NULL };
        int r;

        r = sd_bus_open_system_with_description(&m->bus, "berth-containerd");
        if (r < 0)
                return log_error_errno(r, "Cannot connect to the system bus: %m");
        r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(m->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, m);
        if (r < 0)
                return r;

        r = gate_new(m, &m->gate);
        if (r >= 0)
                r = manager_bus_add(m);
        if (r >= 0)
                r = container_bus_add(m);
        if (r >= 0)
                r = image_bus_add(m);
        if (r >= 0)
                r = job_bus_add(m);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the bus interface: %m");

        r = systemd_new(m->bus, on_unit_changed, m, &m->systemd);
        if (r >= 0)
                r = systemd_list_units(m->systemd, on_units_listed, m, (char **) patterns);
        if (r < 0)
                return log_error_errno(r, "Cannot ask systemd: %m");

        r = sd_event_add_time_relative(m->event, &m->idle_timer, CLOCK_MONOTONIC, USEC_PER_SEC, 0, on_idle, m);
        if (r >= 0)
                manager_touch(m);
        return r;
}

int manager_run(Manager *m) {
        int r;

        r = manager_start(m);
        return r < 0 ? r : sd_event_loop(m->event);
}
