/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/networkd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include "basic/fd.h"
#include "basic/macro.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/unit-wait.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define NETWORKD_UNIT "systemd-networkd.service"
#define START_USEC (20 * USEC_PER_SEC)

/* A host whose network another manager keeps may have files here that nobody reads today. */
static int find_foreign_files(const char *directory, bool *ret) {
        struct dirent *de;
        DIR *d = opendir(directory);

        if (!d)
                return errno == ENOENT ? 0 : -errno;
        while ((de = readdir(d)))
                if (endswith(de->d_name, ".network") || endswith(de->d_name, ".netdev"))
                        *ret = true;
        (void) closedir(d);
        return 0;
}

/* As networkd is set up by default, it takes away routing rules that others have made; and where the host is a container, systemd's own files
 * give it the interface that may be another's. All of this goes with the next boot. */
static int write_conf(void) {
        static const struct {
                const char *directory, *name, *text;
        } files[] = {
                { "/run/systemd/networkd.conf.d", "10-berth.conf",
                  "# Written by berth, which has started systemd-networkd for its bridge: routes and rules of others stay.\n"
                  "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n" },
                { "/run/systemd/network/80-container-host0.network.d", "10-berth.conf",
                  "# Written by berth, which has started systemd-networkd for its bridge: this interface was not networkd's before.\n"
                  "[Link]\nUnmanaged=yes\n" },
        };
        int r;

        if (mkdir("/run/systemd/network", 0755) < 0 && errno != EEXIST)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_close_ int dir = -EBADF;

                if (mkdir(files[i].directory, 0755) < 0 && errno != EEXIST)
                        return -errno;
                dir = open(files[i].directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (dir < 0 || fchmod(dir, 0755) < 0)
                        return -errno;
                r = path_write_atomic(dir, files[i].name, files[i].text, strlen(files[i].text), 0644);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int start(sd_bus *bus, char **ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        bool foreign = false;
        int r;

        r = find_foreign_files("/etc/systemd/network", &foreign);
        if (r >= 0)
                r = find_foreign_files("/run/systemd/network", &foreign);
        if (r < 0)
                return r;
        if (foreign) {
                *ret_error = strdup("systemd-networkd does not run, and has files in '/etc/systemd/network' or '/run/systemd/network' that would come into force");
                return -EBUSY;
        }
        r = write_conf();
        if (r < 0)
                return r;
        r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD_PATH, "org.freedesktop.systemd1.Manager", "StartUnit", &error, NULL, "ss", NETWORKD_UNIT, "replace");
        if (r >= 0)
                r = unit_wait(bus, NETWORKD_UNIT, true, START_USEC);
        if (r < 0 && asprintf(ret_error, "systemd-networkd does not start: %s", error.message ?: "see 'systemctl status systemd-networkd'") < 0)
                *ret_error = NULL;
        return r;
}

static int reload(sd_bus *bus, char **ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(bus, "org.freedesktop.network1", "/org/freedesktop/network1", "org.freedesktop.network1.Manager", "Reload", &error, NULL, NULL);
        if (r < 0 && asprintf(ret_error, "systemd-networkd does not read its files again: %s", error.message ?: strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

int networkd_open(sd_bus **ret_bus, bool *ret_runs) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_free_ char *state = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = unit_state(bus, NETWORKD_UNIT, &state);
        if (r < 0)
                return r;
        *ret_runs = streq(state, "active") || streq(state, "reloading");
        *ret_bus = TAKE_PTR(bus);
        return 0;
}

int networkd_bring_in(sd_bus *bus, bool runs, char **ret_error) {
        return runs ? reload(bus, ret_error) : start(bus, ret_error);
}
