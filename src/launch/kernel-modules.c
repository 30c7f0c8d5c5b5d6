/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/kernel-modules.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define LOAD_TIMEOUT (60 * USEC_PER_SEC)
#define NAME_MAX_LENGTH 56U /* MODULE_NAME_LEN of the kernel */
#define BUILTIN_SIZE_MAX (4U * 1024U * 1024U)

typedef struct Load {
        const char *unit;
        bool done;
} Load;

/* To the kernel '-' and '_' are one in a module's name. */
static void normalise(const char *name, char ret[static NAME_MAX_LENGTH + 1]) {
        snprintf(ret, NAME_MAX_LENGTH + 1, "%s", name);
        for (char *p = ret; *p; p++)
                if (*p == '-')
                        *p = '_';
}

/* One without a parameter is not in /sys/module; what kmod has, a list of files, one a line, is. */
static bool is_built_in(const char *name) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        char path[sizeof(struct utsname)], *line, *rest;
        struct utsname u;

        if (uname(&u) < 0)
                return false;
        snprintf(path, sizeof path, "/lib/modules/%s/modules.builtin", u.release);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fd_read_string(fd, BUILTIN_SIZE_MAX, &text, NULL) < 0)
                return false;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                char base[NAME_MAX_LENGTH + 1];
                char *slash = strrchr(line, '/'), *dot;

                if (!slash)
                        continue;
                dot = strchr(slash, '.');
                if (!dot)
                        continue;
                *dot = 0;
                normalise(slash + 1, base);
                if (streq(base, name))
                        return true;
        }
        return false;
}

static bool is_there(const char *module) {
        char name[NAME_MAX_LENGTH + 1], path[sizeof "/sys/module/" + NAME_MAX_LENGTH];

        normalise(module, name);
        snprintf(path, sizeof path, "/sys/module/%s", name);
        return access(path, F_OK) >= 0 || is_built_in(name);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *job, *unit, *result;
        Load *l = userdata;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) >= 0 && streq(unit, l->unit))
                l->done = true;
        return 0;
}

static int start_unit(sd_bus *bus, const char *unit, char **ret_reason) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t end = clock_usec(CLOCK_MONOTONIC) + LOAD_TIMEOUT;
        Load l = { .unit = unit };
        int r;

        r = sd_bus_match_signal(bus, &slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", on_job_removed, &l);
        if (r >= 0)
                r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartUnit", &error, NULL, "ss", unit, "replace");
        if (r < 0 && error.message)
                (void) free_and_strdup(ret_reason, error.message);
        while (r >= 0 && !l.done) {
                r = sd_bus_process(bus, NULL);
                if (r != 0)
                        continue;
                if (clock_usec(CLOCK_MONOTONIC) >= end)
                        return -ETIMEDOUT;
                r = sd_bus_wait(bus, USEC_PER_SEC);
        }
        return r < 0 ? r : 0;
}

int kernel_modules_load(sd_bus *bus, char *const *names, char **ret_error) {
        /* A kernel that can load none is what it is: what it has nobody lists, and what it lacks nobody can add. */
        if (!names || access("/proc/modules", F_OK) < 0)
                return 0;

        STRV_FOREACH(name, names) {
                char unit[sizeof "modprobe@.service" + NAME_MAX_LENGTH];
                _cleanup_free_ char *reason = NULL;
                int r;

                if (is_there(*name))
                        continue;
                snprintf(unit, sizeof unit, "modprobe@%s.service", *name);
                r = start_unit(bus, unit, &reason);
                /* modprobe@.service does well whatever modprobe(8) says. */
                if (r >= 0 && is_there(*name))
                        continue;
                if (asprintf(ret_error, "the kernel module '%s' (KernelModules=) cannot be loaded%s%s", *name, reason || r < 0 ? ": " : ", or is not there: see 'modprobe'",
                             reason ?: r < 0 ? strerror(-r) : "") < 0)
                        *ret_error = NULL;
                return r < 0 ? r : -ENOENT;
        }
        return 0;
}
