/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/hooks.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "shared/hook.h"
#include "shared/names.h"

unsigned supervisor_find_hooks(const Supervisor *s) {
        unsigned found = 0;

        for (int t = 0; t < _HOOK_TYPE_MAX; t++)
                if (hooks_exist((HookType) t, s->options->name, s->settings))
                        found |= 1U << t;
        return found;
}

static int open_mount_namespace(pid_t pid) {
        char path[64];
        int fd;

        snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Our children have been born in the container's pid namespace since it was joined; a hook is a process of the host. */
static int leave_pid_namespace(void) {
        _cleanup_close_ int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

        return own < 0 || setns(own, CLONE_NEWPID) < 0 ? -errno : 0;
}

int supervisor_run_hook(Supervisor *s, HookType type, char **ret_error) {
        const bool in_mount_namespace = type == HOOK_PRE_MOUNT || type == HOOK_MOUNT;
        _cleanup_close_ int mount_namespace = -EBADF;
        HookContext c = {
                .name = s->options->name,
                .settings = s->settings,
                .leader = type != HOOK_POST_STOP ? s->payload.pid : 0,
                .rootfs = type == HOOK_MOUNT ? BERTH_RUNTIME_DIR : NULL,
                .until_stopped = type < HOOK_STOP,
                .target = type < HOOK_STOP ? NULL : s->exit_status == SUPERVISOR_EXIT_REBOOT ? "reboot" : "stop",
        };
        int r;

        if (!(s->hooks & 1U << type))
                return 0;
        if (in_mount_namespace) {
                mount_namespace = open_mount_namespace(s->payload.pid);
                if (mount_namespace < 0)
                        return mount_namespace;
        }
        c.mount_namespace_fd = in_mount_namespace ? mount_namespace : -EBADF;

        if (s->in_pid_namespace) {
                r = leave_pid_namespace();
                if (r < 0)
                        return r;
        }
        r = hooks_run(type, &c, ret_error);
        if (s->in_pid_namespace && type != HOOK_POST_STOP && setns(s->payload.pidfd, CLONE_NEWPID) < 0 && errno != ESRCH && r >= 0)
                r = -errno;
        return r;
}

int supervisor_start_hook(Supervisor *s, HookType type) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = supervisor_run_hook(s, type, &error);
        return r < 0 ? supervisor_start_error(s, r, error ? "%s" : "cannot run its hooks: %m", error) : 0;
}

void supervisor_late_hook(Supervisor *s, HookType type) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = supervisor_run_hook(s, type, &error);
        if (r < 0)
                log_warning_errno(r, error ? "Container '%s': %s" : "Container '%s': cannot run its %s hooks: %m", s->options->name,
                                  error ?: hook_type_to_string(type));
}
