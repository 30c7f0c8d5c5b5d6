/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/device-file.h"
#include "shared/names.h"
#include "worker/container-conf.h"
#include "worker/running.h"
#include "worker/store.h"

static bool touches_devices(const Job *j) {
        STRV_FOREACH(f, j->request->fields)
                if (startswith(*f, "device=") || startswith(*f, "setting=Device.") || startswith(*f, "unset=Device."))
                        return true;
        return false;
}

/* request: device, action add, set or remove. What it is told comes as settings. */
static int prepare_device(Job *j, const char *name, SettingsFile *f) {
        const char *device = message_get(j->request, "device"), *action = message_get(j->request, "action") ?: "";
        _cleanup_(settings_freep) Settings *before = NULL;
        _cleanup_free_ char *error = NULL;
        const Device *d;
        bool is_there;
        int r;

        if (!device)
                return 0;
        r = settings_load_with(name, f, &before, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        d = devices_find(&before->devices, device);
        is_there = d && device_type(d) != DEVICE_NONE;

        if (streq(action, "add")) {
                if (is_there)
                        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EEXIST, "Container '%s' has a device '%s' already.", name, device);
                settings_file_remove_device(f, device);
                return 0;
        }
        if (!d)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, ENOENT, "Container '%s' has no device '%s'.", name, device);
        if (streq(action, "set"))
                return 0;
        if (!streq(action, "remove"))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'action' is none of add, set, remove.");
        if (!settings_file_has_device(f, device))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EPERM,
                                   "The device '%s' of container '%s' comes from a profile or another file; to do without it, set its type to none.", device, name);
        settings_file_remove_device(f, device);
        return 0;
}

#define BEFORE ".container.conf.before"

/* The file as it was, for when a device cannot be given: then it comes back, and nothing has changed. */
static int keep_before(Job *j, const char *name, int container_fd) {
        if (!touches_devices(j))
                return 0;
        /* A job that was killed may have left one. */
        (void) unlinkat(container_fd, BEFORE, 0);
        if (linkat(container_fd, "container.conf", container_fd, BEFORE, 0) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to keep the settings of the container '%s': %m", name);
        return 0;
}

/* The container that runs follows, or all stays as it was. */
static int apply_devices(Job *j, const char *name, int container_fd) {
        int r;

        if (!touches_devices(j))
                return 0;
        r = running_request(j, name, "devices");
        if (r < 0 && renameat(container_fd, BEFORE, container_fd, "container.conf") >= 0) {
                (void) path_sync_directory(container_fd);
                (void) running_request(j, name, "devices");
        } else
                (void) unlinkat(container_fd, BEFORE, 0);
        return r;
}

/* configure: settings of a container are set and unset. Its directory is locked, not the container: it may be running. */
int job_configure(Job *j) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_close_ int containers = -EBADF, container = -EBADF;
        const char *name;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = store_open_container(j, name, &container);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;

        container = fd_close(container);
        r = store_lock(containers, name, LOCK_EX, &container);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_CONTAINER, r, "There is no container '%s'.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to lock the container '%s': %m", name);

        r = container_conf_read(j, name, container, &f);
        if (r >= 0)
                r = prepare_device(j, name, f);
        if (r >= 0)
                r = container_conf_apply_request(j, name, f);
        if (r >= 0)
                r = keep_before(j, name, container);
        if (r >= 0)
                r = container_conf_write(j, name, container, f);
        if (r >= 0)
                r = apply_devices(j, name, container);
        if (r < 0)
                return r;
        job_commit(j);
        return 0;
}
