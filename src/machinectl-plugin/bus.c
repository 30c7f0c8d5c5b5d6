/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/bus.h"

#include <stdarg.h>
#include <stdio.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "machinectl-plugin/agent.h"
#include "machinectl-plugin/bus-error.h"
#include "machinectl-plugin/report.h"
#include "shared/bus-names.h"

/* The manager bounds what one client may have under way. */
#define CALLS_MAX 16U

int bus_open(Ctl *c) {
        int r;

        if (c->bus)
                return 0;
        agent_start(c);

        r = sd_bus_open_system_with_description(&c->bus, "berthctl");
        if (r < 0)
                return report_failure("Cannot connect to the system bus: %s. Is dbus running?", strerror(-r));
        r = sd_bus_set_allow_interactive_authorization(c->bus, c->ask_password);
        if (r >= 0)
                /* The answer comes when the work is done, however long that takes. */
                r = sd_bus_set_method_call_timeout(c->bus, UINT64_MAX);
        if (r < 0)
                return bus_report_create(r);
        return 0;
}

int bus_message(Ctl *c, const char *member, sd_bus_message **ret) {
        int r;

        r = bus_open(c);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(c->bus, ret, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, member);
        if (r < 0)
                return bus_report_create(r);
        log_debug("calling %s.%s", BERTH_MANAGER_INTERFACE, member);
        return 0;
}

/* A call that only asks may be made twice. */
static bool only_asks(sd_bus_message *m) {
        const char *member = sd_bus_message_get_member(m);

        return startswith(member, "List") || startswith(member, "Get");
}

int bus_call(Ctl *c, sd_bus_message *m, const char *target, sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(c->bus, m, UINT64_MAX, &error, ret_reply);
        if (r < 0 && sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY) && only_asks(m)) {
                /* The manager died under the call; the bus starts another for the next. */
                sd_bus_error_free(&error);
                r = sd_bus_call(c->bus, m, UINT64_MAX, &error, ret_reply);
        }
        if (r < 0)
                return bus_report(c, r, &error, target);
        return 0;
}

int bus_method(Ctl *c, const char *member, const char *target, sd_bus_message **ret_reply, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list ap;
        int r;

        r = bus_message(c, member, &m);
        if (r < 0)
                return r;
        va_start(ap, types);
        r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r < 0)
                return bus_report_create(r);
        return bus_call(c, m, target, ret_reply);
}

typedef struct Calls {
        Ctl *ctl;
        const char *fine;
        unsigned pending;
        int result;
} Calls;

typedef struct Call {
        Calls *calls;
        const char *name;
} Call;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        Call *call = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        call->calls->pending--;
        if (error && !streq_ptr(error->name, call->calls->fine))
                call->calls->result = bus_report(call->calls->ctl, -sd_bus_message_get_errno(reply), error, call->name);
        return 0;
}

static int wait_below(Calls *calls, unsigned limit) {
        sd_bus *bus = calls->ctl->bus;
        int r;

        while (calls->pending >= limit) {
                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return bus_report(calls->ctl, r, NULL, NULL);
                if (r > 0)
                        continue;
                r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return bus_report(calls->ctl, r, NULL, NULL);
        }
        return 0;
}

int bus_call_each(Ctl *c, const char *member, char *const *names, bus_append_t append, const char *fine) {
        _cleanup_free_ Call *all = NULL;
        Calls calls = { .ctl = c, .fine = fine };
        size_t n = strv_length(names);
        int r;

        all = calloc(MAX_OF(n, 1U), sizeof *all);
        if (!all)
                return report_oom();

        for (size_t i = 0; i < n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

                r = wait_below(&calls, CALLS_MAX);
                if (r < 0)
                        return r;
                r = bus_message(c, member, &m);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(m, "s", names[i]);
                if (r >= 0 && append)
                        r = append(c, m);
                if (r < 0)
                        return bus_report_create(r);
                all[i] = (Call) { .calls = &calls, .name = names[i] };
                r = sd_bus_call_async(c->bus, NULL, m, on_answer, all + i, UINT64_MAX);
                if (r < 0)
                        return bus_report(c, r, NULL, names[i]);
                calls.pending++;
        }
        r = wait_below(&calls, 1);
        return r < 0 ? r : calls.result;
}

int bus_report_parse(int r) {
        return report_failure("Cannot understand the manager's answer: %s. Are berthctl and berth-containerd of one version?", strerror(-r));
}

int bus_report_create(int r) {
        return report_failure("Cannot make a message for the manager: %s.", strerror(-r));
}

int bus_report(Ctl *c, int r, const sd_bus_error *error, const char *target) {
        _cleanup_free_ char *sentence = NULL;
        bool passwords = c->ask_password && c->agent > 0;

        if (bus_error_explain(r, error, c->args->verb ? c->args->verb->name : "list", target, passwords, &sentence) < 0)
                return report_oom();
        (void) report_failure("%s", sentence);
        return r < 0 ? r : -EINVAL;
}
