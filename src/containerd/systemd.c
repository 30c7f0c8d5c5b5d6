/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/systemd.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "basic/log.h"
#include "basic/strv.h"

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define UNIT_PATH OBJECT "/unit"
#define CALL_TIMEOUT_USEC (90 * USEC_PER_SEC) /* a Reload of a host with many units takes a while */

typedef struct Wait {
        Systemd *systemd;
        char *unit;
        char *job;             /* the job's object path, once PID 1 has answered; NULL before, and when only the unit is known */
        bool by_unit;
        char *status, *service_result;
        const char *until;     /* borrowed: the status that ends it; may be NULL */
        sd_bus_slot *slot;     /* of the call, until the answer */
        UnitJobDone done;
        void *userdata;
        struct Wait *next;
} Wait;

typedef struct Query {
        Systemd *systemd;
        sd_bus_slot *slot;
        SystemdReply done;     /* may be NULL */
        void *userdata;
        struct Query *next;
} Query;

struct Systemd {
        sd_bus *bus;           /* borrowed, outlives us */
        UnitChanged changed;
        void *userdata;
        Wait *waits;
        Query *queries;
        size_t n_waiting;
        sd_bus_slot *changed_slot, *job_slot;
};

static Wait *wait_free(Wait *w) {
        sd_bus_slot_unref(w->slot);
        free(w->unit);
        free(w->job);
        free(w->status);
        free(w->service_result);
        free(w);
        return NULL;
}
DEFINE_CLEANUP(Wait *, wait_free)

static Query *query_free(Query *q) {
        sd_bus_slot_unref(q->slot);
        free(q);
        return NULL;
}

static void wait_unlink(Wait *w) {
        for (Wait **p = &w->systemd->waits; *p; p = &(*p)->next)
                if (*p == w) {
                        *p = w->next;
                        w->next = NULL;
                        w->systemd->n_waiting--;
                        return;
                }
}

static void query_unlink(Query *q) {
        for (Query **p = &q->systemd->queries; *p; p = &(*p)->next)
                if (*p == q) {
                        *p = q->next;
                        q->systemd->n_waiting--;
                        return;
                }
}

/* The wait is over and forgotten before its callback runs: that may start another one. */
static void wait_finish(Wait *w, const char *result, const sd_bus_error *error) {
        UnitOutcome outcome = {
                .result = error ? NULL : result,
                .status = w->status ?: "",
                .service_result = w->service_result ?: "",
                .error = error,
        };

        if (w->done)
                w->done(w->userdata, &outcome);
        wait_free(w);
}

static void finish_all(Wait *over, const char *result) {
        while (over) {
                Wait *w = over;

                over = w->next;
                wait_finish(w, result, NULL);
        }
}

static int on_job_removed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error) {
        const char *path, *unit, *result;
        Systemd *s = userdata;
        Wait *over = NULL;
        uint32_t id;
        int r;

        r = sd_bus_message_read(m, "uoss", &id, &path, &unit, &result);
        if (r < 0) {
                log_warning_errno(r, "Cannot read a JobRemoved signal of systemd, ignoring: %m");
                return 0;
        }

        for (Wait *w = s->waits, *next; w; w = next) {
                next = w->next;
                if (w->job ? !streq(w->job, path) : !w->by_unit || !streq(w->unit, unit))
                        continue;
                wait_unlink(w);
                w->next = over;
                over = w;
        }
        finish_all(over, result);
        return 0;
}

static int read_changes(sd_bus_message *m, UnitChange *c) {
        const char *interface;
        int r;

        r = sd_bus_message_read(m, "s", &interface);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const struct {
                        const char *name;
                        const char **value;
                } wanted[] = {
                        { "ActiveState", &c->active_state },
                        { "SubState", &c->sub_state },
                        { "FreezerState", &c->freezer_state },
                        { "StatusText", &c->status_text },
                        { "Result", &c->result },
                };
                const char **value = NULL, *name;

                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                if (streq(name, "Job")) {
                        const char *path;
                        uint32_t id;

                        r = sd_bus_message_read(m, "v", "(uo)", &id, &path);
                        if (r < 0)
                                return r;
                        c->has_job = id > 0;
                        r = sd_bus_message_exit_container(m);
                        if (r < 0)
                                return r;
                        continue;
                }
                for (size_t i = 0; i < ELEMENTSOF(wanted) && !value; i++)
                        if (streq(name, wanted[i].name))
                                value = wanted[i].value;
                r = value ? sd_bus_message_read(m, "v", "s", value) : sd_bus_message_skip(m, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r;
}

static int on_unit_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error) {
        _cleanup_free_ char *unit = NULL;
        Systemd *s = userdata;
        UnitChange c = {};
        Wait *over = NULL;
        int r;

        /* Every unit of the host passes here: what is not ours goes before anything is decoded. */
        if (!startswith(sd_bus_message_get_path(m), UNIT_PATH "/berth"))
                return 0;
        r = sd_bus_path_decode(sd_bus_message_get_path(m), UNIT_PATH, &unit);
        if (r <= 0)
                return 0;
        r = read_changes(m, &c);
        if (r < 0) {
                log_warning_errno(r, "Cannot read the changes of unit '%s', ignoring: %m", unit);
                return 0;
        }
        c.unit = unit;

        for (Wait *w = s->waits, *next; w; w = next) {
                next = w->next;
                if (!streq(w->unit, unit))
                        continue;
                if (c.status_text)
                        (void) free_and_strdup(&w->status, c.status_text);
                if (c.result)
                        (void) free_and_strdup(&w->service_result, c.result);
                if (w->until && streq_ptr(c.status_text, w->until)) {
                        wait_unlink(w);
                        w->next = over;
                        over = w;
                }
        }
        s->changed(s->userdata, &c);
        finish_all(over, "done");
        return 0;
}

static int on_job_started(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        const char *path = NULL;
        Wait *w = userdata;
        int r;

        w->slot = sd_bus_slot_unref(w->slot);
        if (sd_bus_message_is_method_error(reply, NULL)) {
                wait_unlink(w);
                wait_finish(w, NULL, sd_bus_message_get_error(reply));
                return 0;
        }
        r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = free_and_strdup(&w->job, path);
        if (r < 0) {
                _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;

                sd_bus_error_set_errno(&e, r);
                wait_unlink(w);
                wait_finish(w, NULL, &e);
        }
        return 0;
}

int systemd_new(sd_bus *bus, UnitChanged changed, void *userdata, Systemd **ret) {
        _cleanup_(systemd_freep) Systemd *s = NULL;
        int r;

        assert(bus && changed && ret);

        s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        *s = (Systemd) { .bus = bus, .changed = changed, .userdata = userdata };

        /* One match for all units: one for each of thousands of containers would be above what a bus connection may have. */
        r = sd_bus_add_match_async(bus, &s->changed_slot,
                                   "type='signal',sender='" SERVICE "',interface='org.freedesktop.DBus.Properties',"
                                   "member='PropertiesChanged',path_namespace='" UNIT_PATH "'",
                                   on_unit_changed, NULL, s);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(bus, &s->job_slot, SERVICE, OBJECT, MANAGER_INTERFACE, "JobRemoved", on_job_removed, NULL, s);
        if (r < 0)
                return r;
        r = systemd_call(s, NULL, NULL, "Subscribe", "");
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

Systemd *systemd_free(Systemd *s) {
        if (!s)
                return NULL;
        while (s->waits) {
                Wait *w = s->waits;

                wait_unlink(w);
                wait_free(w);
        }
        while (s->queries) {
                Query *q = s->queries;

                query_unlink(q);
                query_free(q);
        }
        sd_bus_slot_unref(s->changed_slot);
        sd_bus_slot_unref(s->job_slot);
        free(s);
        return NULL;
}

size_t systemd_n_waiting(const Systemd *s) {
        return s->n_waiting;
}

static int wait_new(Systemd *s, const char *unit, UnitJobDone done, void *userdata, Wait **ret) {
        _cleanup_(wait_freep) Wait *w = calloc(1, sizeof *w);

        if (!w)
                return -ENOMEM;
        *w = (Wait) { .systemd = s, .done = done, .userdata = userdata };
        w->unit = strdup(unit);
        if (!w->unit)
                return -ENOMEM;
        *ret = TAKE_PTR(w);
        return 0;
}

static void wait_link(Wait *w) {
        w->next = w->systemd->waits;
        w->systemd->waits = w;
        w->systemd->n_waiting++;
}

static int wait_for_call(Systemd *s, const char *unit, sd_bus_message *m, const char *until, UnitJobDone done, void *userdata) {
        _cleanup_(wait_freep) Wait *w = NULL;
        int r;

        r = wait_new(s, unit, done, userdata, &w);
        if (r < 0)
                return r;
        w->until = until;
        r = sd_bus_call_async(s->bus, &w->slot, m, on_job_started, w, 0);
        if (r < 0)
                return r;
        wait_link(TAKE_PTR(w));
        return 0;
}

static int unit_job(Systemd *s, const char *method, const char *unit, const char *until, UnitJobDone done, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        assert(s && method && unit);

        r = sd_bus_message_new_method_call(s->bus, &m, SERVICE, OBJECT, MANAGER_INTERFACE, method);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", unit, "replace");
        if (r < 0)
                return r;
        return wait_for_call(s, unit, m, until, done, userdata);
}

int systemd_unit_job(Systemd *s, const char *method, const char *unit, UnitJobDone done, void *userdata) {
        return unit_job(s, method, unit, NULL, done, userdata);
}

int systemd_start_until(Systemd *s, const char *unit, const char *status, UnitJobDone done, void *userdata) {
        return unit_job(s, "StartUnit", unit, status, done, userdata);
}

int systemd_wait_unit(Systemd *s, const char *unit, UnitJobDone done, void *userdata) {
        Wait *w;
        int r;

        r = wait_new(s, unit, done, userdata, &w);
        if (r < 0)
                return r;
        w->by_unit = true;
        wait_link(w);
        return 0;
}

void systemd_forget(Systemd *s, const void *userdata) {
        for (Wait *w = s->waits, *next; w; w = next) {
                next = w->next;
                if (w->userdata == userdata) {
                        wait_unlink(w);
                        wait_free(w);
                }
        }
}

int systemd_new_transient(Systemd *s, const char *unit, const char *description, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, SERVICE, OBJECT, MANAGER_INTERFACE, "StartTransientUnit");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", unit, "fail");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r < 0)
                return r;
        r = systemd_append_property(m, "Description", "s", description);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

int systemd_append_property(sd_bus_message *m, const char *name, const char *type, ...) {
        va_list ap;
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(m, 's', name);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'v', type);
        if (r < 0)
                return r;
        va_start(ap, type);
        r = sd_bus_message_appendv(m, type, ap);
        va_end(ap);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

int systemd_append_exec(sd_bus_message *m, char *const *argv) {
        static const struct {
                char type;
                const char *contents;
        } nested[] = { { 'r', "sv" }, { 'v', "a(sasb)" }, { 'a', "(sasb)" }, { 'r', "sasb" } };
        int r;

        r = sd_bus_message_open_container(m, nested[0].type, nested[0].contents);
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(m, 's', "ExecStart");
        if (r < 0)
                return r;
        for (size_t i = 1; i < ELEMENTSOF(nested); i++) {
                r = sd_bus_message_open_container(m, nested[i].type, nested[i].contents);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_append_basic(m, 's', argv[0]);
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, (char **) argv);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "b", false);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(nested); i++) {
                r = sd_bus_message_close_container(m);
                if (r < 0)
                        return r;
        }
        return 0;
}

int systemd_start_transient(Systemd *s, const char *unit, sd_bus_message *m, UnitJobDone done, void *userdata) {
        int r;

        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r < 0)
                return r;
        return wait_for_call(s, unit, m, NULL, done, userdata);
}

static int on_reply(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Query *q = userdata;

        query_unlink(q);
        if (sd_bus_message_is_method_error(reply, NULL)) {
                if (q->done)
                        q->done(q->userdata, NULL, sd_bus_message_get_error(reply));
                else
                        log_debug("systemd refused a call, ignoring: %s", sd_bus_message_get_error(reply)->message);
        } else if (q->done)
                q->done(q->userdata, reply, NULL);
        query_free(q);
        return 0;
}

static int query_call(Systemd *s, SystemdReply done, void *userdata, sd_bus_message *m) {
        Query *q;
        int r;

        q = calloc(1, sizeof *q);
        if (!q)
                return -ENOMEM;
        *q = (Query) { .systemd = s, .done = done, .userdata = userdata, .next = s->queries };
        r = sd_bus_call_async(s->bus, &q->slot, m, on_reply, q, CALL_TIMEOUT_USEC);
        if (r < 0) {
                query_free(q);
                return r;
        }
        s->queries = q;
        s->n_waiting++;
        return 0;
}

int systemd_call(Systemd *s, SystemdReply done, void *userdata, const char *method, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list ap;
        int r;

        assert(s && method && types);

        r = sd_bus_message_new_method_call(s->bus, &m, SERVICE, OBJECT, MANAGER_INTERFACE, method);
        if (r < 0)
                return r;
        va_start(ap, types);
        r = *types ? sd_bus_message_appendv(m, types, ap) : 0;
        va_end(ap);
        if (r < 0)
                return r;
        return query_call(s, done, userdata, m);
}

int systemd_get_property(Systemd *s, SystemdReply done, void *userdata, const char *property) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, SERVICE, OBJECT, "org.freedesktop.DBus.Properties", "Get");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", MANAGER_INTERFACE, property);
        return r < 0 ? r : query_call(s, done, userdata, m);
}

int systemd_list_units(Systemd *s, SystemdReply done, void *userdata, char *const *patterns) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, SERVICE, OBJECT, MANAGER_INTERFACE, "ListUnitsByPatterns");
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, NULL);
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, (char **) patterns);
        if (r < 0)
                return r;
        return query_call(s, done, userdata, m);
}
