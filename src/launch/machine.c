/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/machine.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "basic/macro.h"
#include "basic/strv.h"
#include "shared/names.h"

#define MACHINED "org.freedesktop.machine1"
#define MACHINED_PATH "/org/freedesktop/machine1"
#define MACHINED_MANAGER "org.freedesktop.machine1.Manager"
#define CALL_TIMEOUT (25 * USEC_PER_SEC)

static int call_register(sd_bus *bus, const char *name, const char *uuid, pid_t leader, const int32_t *indices, size_t n_indices, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *directory = NULL;
        sd_id128_t id = SD_ID128_NULL;
        int r;

        if (asprintf(&directory, BERTH_STATE_DIR "/" DIR_CONTAINERS "/%s", name) < 0)
                return -ENOMEM;
        if (uuid)
                (void) sd_id128_from_string(uuid, &id);

        r = sd_bus_message_new_method_call(bus, &m, MACHINED, MACHINED_PATH, MACHINED_MANAGER, "RegisterMachineWithNetwork");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', id.bytes, sizeof id.bytes);
        /* Where the container is kept; its root is mounted nowhere in the host's namespace. */
        if (r >= 0)
                r = sd_bus_message_append(m, "ssus", "berth", "container", (uint32_t) leader, directory);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'i', indices, n_indices * sizeof *indices);
        if (r >= 0)
                r = sd_bus_call(bus, m, CALL_TIMEOUT, error, NULL);
        return r;
}

/* Ours from an earlier run, whose supervisor had no time to say goodbye? */
static bool is_stale(sd_bus *bus, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *service = NULL;
        const char *path;

        if (sd_bus_call_method(bus, MACHINED, MACHINED_PATH, MACHINED_MANAGER, "GetMachine", NULL, &m, "s", name) < 0 ||
            sd_bus_message_read(m, "o", &path) < 0 ||
            sd_bus_get_property_string(bus, MACHINED, path, "org.freedesktop.machine1.Machine", "Service", NULL, &service) < 0)
                return false;
        return streq(service, "berth");
}

int machine_register(sd_bus *bus, const char *name, const char *uuid, pid_t leader, const int32_t *indices, size_t n_indices, char **ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = call_register(bus, name, uuid, leader, indices, n_indices, &error);
        if (r < 0 && sd_bus_error_has_name(&error, "org.freedesktop.machine1.MachineExists") && is_stale(bus, name)) {
                machine_unregister(bus, name);
                sd_bus_error_free(&error);
                r = call_register(bus, name, uuid, leader, indices, n_indices, &error);
        }
        if (r >= 0)
                return 0;

        if (sd_bus_error_has_name(&error, "org.freedesktop.machine1.MachineExists")) {
                r = -EEXIST;
                if (asprintf(ret_error, "another machine is called '%s' already (machinectl status %s)", name, name) < 0)
                        *ret_error = NULL;
                return r;
        }

        /* Any other error may have this number, too: a masked unit has. */
        if (r == -EEXIST)
                r = -EIO;
        if (asprintf(ret_error, "%s", error.message ?: strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

void machine_unregister(sd_bus *bus, const char *name) {
        (void) sd_bus_call_method(bus, MACHINED, MACHINED_PATH, MACHINED_MANAGER, "UnregisterMachine", NULL, NULL, "s", name);
}
