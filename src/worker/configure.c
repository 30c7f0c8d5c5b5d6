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
#include "worker/apparmor-check.h"
#include "worker/container-conf.h"
#include "worker/lend.h"
#include "worker/live.h"
#include "worker/profile.h"
#include "worker/store.h"

/* request: device, action add, set or remove. What it is told comes as settings. */
static int prepare_device(Job *j, const char *name, SettingsFile *f) {
        const char *device = message_get(j->request, "device"), *action = message_get(j->request, "action") ?: "";
        _cleanup_(settings_freep) Settings *before = NULL;
        _cleanup_free_ char *error = NULL, *type = NULL;
        const Device *d;
        bool is_own;
        int r;

        if (!device)
                return 0;
        r = settings_load_with(name, f, &before, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        d = devices_find(&before->devices, device);
        /* What a profile or another file gives is replaced, as a whole. */
        is_own = d && device_type(d) != DEVICE_NONE && settings_file_get_device(f, device, "Type", &type, &error) >= 0;

        if (streq(action, "add")) {
                if (is_own)
                        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EEXIST, "Container '%s' has a device '%s' already.", name, device);
                r = container_conf_check_device(j, f, device);
                if (r < 0)
                        return r;
                settings_file_remove_device(f, device);
                return lend_directory(j, device, f);
        }
        /* The root file system is there without being told of, and LXD's way to limit it is to set a size. */
        if (!d && streq(action, "set") && streq(device, "root")) {
                r = settings_file_set_device(f, device, "Type", "disk", &error);
                if (r >= 0)
                        r = settings_file_set_device(f, device, "Path", "/", &error);
                return r < 0 ? failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r)) : 0;
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

/* The file as it was, for when a container that runs cannot be given what is new: then it comes back, and nothing has changed. */
static int keep_before(Job *j, const char *name, int container_fd) {
        /* A job that was killed may have left one. */
        (void) unlinkat(container_fd, BEFORE, 0);
        if (linkat(container_fd, "container.conf", container_fd, BEFORE, 0) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to keep the settings of the container '%s': %m", name);
        return 0;
}

/* The container that runs follows, or all stays as it was. */
static int apply(Job *j, const char *name, int container_fd, char *const *keys, char ***next_start) {
        int r;

        /* A profile can change anything. */
        r = live_apply(j, name, strv_find(keys, "Profiles") || strv_find(keys, "Container.Profiles") ? NULL : keys, next_start);
        /* PID 1 has the last word on what a running container can be given, and the kernel on devices. */
        if (r == -EKEYREJECTED && renameat(container_fd, BEFORE, container_fd, "container.conf") >= 0) {
                (void) path_sync_directory(container_fd);
                (void) live_apply(j, name, keys, next_start);
        } else
                (void) unlinkat(container_fd, BEFORE, 0);
        return r;
}

/* configure: settings of a container are set and unset. Its directory is locked, not the container: it may be running. */
int job_configure(Job *j) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL, *before = NULL;
        _cleanup_close_ int containers = -EBADF, container = -EBADF, profiles = -EBADF;
        _cleanup_strv_ char **keys = NULL, **next_start = NULL;
        _cleanup_free_ char *joined = NULL;
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

        r = container_conf_read(j, name, container, &before);
        if (r >= 0)
                r = container_conf_read(j, name, container, &f);
        if (r >= 0)
                r = prepare_device(j, name, f);
        if (r >= 0 && message_get(j->request, "text"))
                r = container_conf_replace(j, name, &f);
        else if (r >= 0)
                r = container_conf_apply_request(j, name, f);
        if (r >= 0)
                r = profiles_lock(j, LOCK_SH, &profiles);
        if (r >= 0)
                r = profiles_check(j, f);
        if (r >= 0)
                r = apparmor_check(j, name, container, f);
        if (r >= 0)
                r = keep_before(j, name, container);
        if (r >= 0)
                r = container_conf_write(j, name, container, f);
        /* Still under the lock: a running container hears of changes in the order in which they were written. */
        if (r >= 0)
                r = message_get(j->request, "text") ? settings_file_changed_keys(before, f, &keys) : live_keys(j, &keys);
        /* A device that is removed is named by no key. */
        if (r >= 0 && message_get(j->request, "device"))
                r = strv_extendf(&keys, "Device.%s", message_get(j->request, "device"));
        if (r >= 0)
                r = apply(j, name, container, keys, &next_start);
        if (r >= 0)
                r = strv_join(next_start, " ", &joined);
        if (r < 0) {
                (void) unlinkat(container, BEFORE, 0);
                return r;
        }
        job_result(j, "next-start=%s", joined);
        container = fd_close(container);
        job_commit(j);
        return 0;
}
