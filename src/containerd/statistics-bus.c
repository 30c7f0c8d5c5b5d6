/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/statistics-bus.h"

#include "basic/clock.h"
#include "containerd/container.h"
#include "containerd/manager.h"
#include "containerd/statistics.h"
#include "shared/bus-names.h"

static int append_figures(sd_bus_message *reply, const Statistics *s) {
        int r = sd_bus_message_open_container(reply, 'a', "{st}");

        for (Figure f = 0; r >= 0 && f < _FIGURE_MAX; f++)
                if (s->figures[f] != FIGURE_UNKNOWN)
                        r = sd_bus_message_append(reply, "{st}", figure_to_string(f), s->figures[f]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_container(sd_bus_message *reply, const char *name, const Statistics *s) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "sa{st}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", name);
        if (r >= 0)
                r = append_figures(reply, s);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int statistics_bus_list(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(interface_counters_freep) InterfaceCounters *host = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Manager *manager = call->manager;
        int r;

        (void) interface_counters_read(&host);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", clock_usec(CLOCK_MONOTONIC));
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sa{st})");
        TABLE_FOREACH(Container, c, &manager->containers) {
                Statistics s;

                if (r < 0)
                        return r;
                if (c->unit_state == CONTAINER_STOPPED || c->unit_state == CONTAINER_FAILED)
                        continue;
                (void) container_load(c, -EBADF);
                if (gate_shows(manager->gate, c->record.owner) && statistics_read(c, host, &s) >= 0)
                        r = append_container(reply, c->name, &s);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int statistics_bus_get(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(interface_counters_freep) InterfaceCounters *host = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Container *c = object;
        Statistics s;
        int r;

        (void) interface_counters_read(&host);
        r = statistics_read(c, host, &s);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' does not run.", c->name);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", clock_usec(CLOCK_MONOTONIC));
        if (r >= 0)
                r = append_figures(reply, &s);
        return r < 0 ? r : sd_bus_message_send(reply);
}
