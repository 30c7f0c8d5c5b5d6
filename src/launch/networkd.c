/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/networkd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "basic/fd.h"
#include "basic/macro.h"
#include "basic/path.h"
#include "basic/strv.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define NETWORKD_UNIT "systemd-networkd.service"
#define NETWORKD_UNIT_PATH SYSTEMD_PATH "/unit/systemd_2dnetworkd_2eservice"
#define NETWORKD_CONF_DIRECTORY "/run/systemd/networkd.conf.d"
#define START_POLLS 400U
#define START_POLL_NSEC (50 * 1000 * 1000)

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

/* As networkd is set up by default, it takes away routing rules that others have made. */
static int write_conf(void) {
        static const char text[] =
                "# Written by berth, which has started systemd-networkd for its bridge: routes and rules of others stay.\n"
                "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n";
        _cleanup_close_ int dir = -EBADF;

        if (mkdir(NETWORKD_CONF_DIRECTORY, 0755) < 0 && errno != EEXIST)
                return -errno;
        dir = open(NETWORKD_CONF_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || fchmod(dir, 0755) < 0)
                return -errno;
        return path_write_atomic(dir, "10-berth.conf", text, strlen(text), 0644);
}

static int get_state(sd_bus *bus, char **ret) {
        return sd_bus_get_property_string(bus, SYSTEMD, NETWORKD_UNIT_PATH, "org.freedesktop.systemd1.Unit", "ActiveState", NULL, ret);
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
                *ret_error = strdup("systemd-networkd does not run, and has files in '/etc/systemd/network' or '/run/systemd/network' that would come into force; "
                                    "start it yourself when they may, or make a bridge of that name");
                return -EBUSY;
        }
        r = write_conf();
        if (r < 0)
                return r;
        r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD_PATH, "org.freedesktop.systemd1.Manager", "StartUnit", &error, NULL, "ss", NETWORKD_UNIT, "replace");
        for (unsigned i = 0; r >= 0 && i < START_POLLS; i++) {
                _cleanup_free_ char *state = NULL;

                r = get_state(bus, &state);
                if (r >= 0 && streq(state, "active"))
                        return 0;
                if (r >= 0 && streq(state, "failed"))
                        r = -EIO;
                else
                        (void) nanosleep(&(struct timespec) { .tv_nsec = START_POLL_NSEC }, NULL);
        }
        if (asprintf(ret_error, "systemd-networkd does not start: %s", error.message ?: "see 'systemctl status systemd-networkd'") < 0)
                *ret_error = NULL;
        return r < 0 ? r : -ETIMEDOUT;
}

static int reload(sd_bus *bus, char **ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(bus, "org.freedesktop.network1", "/org/freedesktop/network1", "org.freedesktop.network1.Manager", "Reload", &error, NULL, NULL);
        if (r < 0 && asprintf(ret_error, "systemd-networkd does not read its files again: %s", error.message ?: strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

int networkd_bring_in(char **ret_error) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_free_ char *state = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = get_state(bus, &state);
        if (r < 0)
                return r;
        return streq(state, "active") || streq(state, "reloading") ? reload(bus, ret_error) : start(bus, ret_error);
}
