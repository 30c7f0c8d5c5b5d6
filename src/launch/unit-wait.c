/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/unit-wait.h"

#include <time.h>

#include "basic/clock.h"
#include "basic/strv.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define UNIT_PATH "/org/freedesktop/systemd1/unit"
#define UNIT_INTERFACE SYSTEMD ".Unit"
#define POLL_NSEC (5 * 1000 * 1000)

int unit_state(sd_bus *bus, const char *unit, char **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = sd_bus_path_encode(UNIT_PATH, unit, &path);
        return r < 0 ? r : sd_bus_get_property_string(bus, SYSTEMD, path, UNIT_INTERFACE, "ActiveState", NULL, ret);
}

/* Is something still to come, or under way? */
static bool has_job(sd_bus *bus, const char *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *path = NULL;
        uint32_t id = 0;

        return sd_bus_path_encode(UNIT_PATH, unit, &path) >= 0 &&
               sd_bus_get_property(bus, SYSTEMD, path, UNIT_INTERFACE, "Job", NULL, &reply, "(uo)") >= 0 &&
               sd_bus_message_enter_container(reply, 'r', "uo") >= 0 && sd_bus_message_read(reply, "u", &id) >= 0 && id > 0;
}

int unit_wait(sd_bus *bus, const char *unit, bool active, uint64_t timeout_usec) {
        uint64_t end = clock_usec(CLOCK_MONOTONIC) + timeout_usec;

        for (;;) {
                _cleanup_free_ char *state = NULL;
                bool is_active, moves, waits = has_job(bus, unit);
                int r;

                r = unit_state(bus, unit, &state);
                if (r < 0)
                        return r;
                is_active = streq(state, "active") || streq(state, "reloading");
                moves = streq(state, "activating") || streq(state, "deactivating");
                if (active ? is_active : !is_active && !moves)
                        return 0;
                /* A start whose conditions are not met ends well, and with nothing that runs. */
                if (!waits && !moves)
                        return -EIO;
                if (clock_usec(CLOCK_MONOTONIC) >= end)
                        return -ETIMEDOUT;
                (void) nanosleep(&(struct timespec) { .tv_nsec = POLL_NSEC }, NULL);
        }
}
