/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/clock.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/capabilities.h"
#include "launch/cgroup.h"
#include "launch/hooks.h"
#include "launch/process-limits.h"
#include "launch/machine.h"
#include "launch/supervisor.h"
#include "shared/names.h"
#include "shared/runtime-state.h"

#define PERSONALISED "personalised"
#define COPIED "copied"

/* The sentence goes to the journal and, as the unit's status, to whoever asked for the start. */
int supervisor_start_error(Supervisor *s, int error, const char *format, ...) {
        char text[1024];
        va_list ap;

        errno = abs(error);
        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);

        (void) sd_notifyf(false, "STATUS=error Container '%s' cannot start: %s", s->options->name, text);
        return log_error_errno(error, "Container '%s' cannot start: %s", s->options->name, text);
}

static int lock_container(Supervisor *s) {
        _cleanup_close_ int state = -EBADF;
        char path[sizeof DIR_CONTAINERS + CONTAINER_NAME_MAX + 2];

        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return supervisor_start_error(s, -errno, "cannot open '%s': %m", BERTH_STATE_DIR);
        snprintf(path, sizeof path, DIR_CONTAINERS "/%s", s->options->name);
        s->container_fd = path_open_beneath(state, path, O_RDONLY | O_DIRECTORY, 0);
        if (s->container_fd == -ENOENT)
                return supervisor_start_error(s, -ENOENT, "there is no such container");
        if (s->container_fd < 0)
                return supervisor_start_error(s, s->container_fd, "cannot open its directory: %m");

        s->lock_fd = openat(s->container_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (s->lock_fd < 0)
                return supervisor_start_error(s, -errno, "cannot open its lock: %m");
        if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return supervisor_start_error(s, -errno, errno == EWOULDBLOCK ? "it is in use: a job works on it, or it runs already" : "cannot lock it: %m");
        return 0;
}

static int load_settings(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (fstatat(s->container_fd, "container.conf", &s->settings_stat, AT_SYMLINK_NOFOLLOW) < 0)
                return supervisor_start_error(s, -errno, "cannot look at its container.conf: %m");
        r = settings_load(s->options->name, &s->settings, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", error ?: strerror(-r));
        if (!s->settings->image || !s->settings->uid_base)
                return supervisor_start_error(s, -EBADMSG, "its container.conf names no image or no uid range");

        if (s->options->run_in) {
                s->settings->init = strv_free(s->settings->init);
                s->settings->stub_init = true;
                s->settings->notify_ready = NOTIFY_READY_NO;
                /* Something that lives for as long as the one command does; the stub init is all that is wanted. */
                r = strv_extend(&s->settings->init, "/bin/sh");
                for (const char *const *a = (const char *const[]) { "-c", "while :; do sleep 1000; done", NULL }; r >= 0 && *a; a++)
                        r = strv_extend(&s->settings->init, *a);
                if (r < 0)
                        return log_oom();
        }
        r = plan_new(s->options->name, s->settings, &s->plan);
        return r < 0 ? supervisor_start_error(s, r, "cannot plan it: %m") : 0;
}

/* systemd-nspawn and others that follow it take a range by locking a file named after it; both sides then stay out of each other's way. */
static int lock_uid_range(Supervisor *s) {
        char path[64];
        int fd;

        (void) mkdir("/run/systemd/nspawn-uid", 0755);
        snprintf(path, sizeof path, "/run/systemd/nspawn-uid/%u", s->settings->uid_base);
        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return supervisor_start_error(s, -errno, "cannot lock its uid range: %m");
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                int r = supervisor_start_error(s, -errno, "its uid range from %u on is in use by another container manager", s->settings->uid_base);

                (void) fd_close(fd);
                return r;
        }
        /* A file nobody locks is no claim: what stays of it after our end is harmless. */
        s->uid_range_fd = fd;
        return 0;
}

static int make_scope(Supervisor *s) {
        _cleanup_free_ char *own_unit = NULL, *error = NULL, *scope_error = NULL;
        _cleanup_close_ int cgroup = -EBADF;
        int r;

        (void) sd_pid_get_unit(0, &own_unit);
        r = scope_start(s->bus, s->options->name, own_unit, s->payload.pid, s->settings, &s->scope);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot ask PID 1 for its scope: %m");

        /* While PID 1 moves it, the payload sets itself up. */
        r = payload_wait_prepared(&s->payload, &error);
        if (r < 0) {
                /* It goes when the payload, which waits for that, is killed in it. */
                (void) scope_wait(s->scope, &scope_error);
                return supervisor_start_error(s, r, "%s", error ?: "its first process died");
        }
        r = scope_wait(s->scope, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", r == -ECANCELED ? "it was stopped meanwhile" : error ?: strerror(-r));

        r = cgroup_open_of(s->payload.pid, &cgroup);
        if (r >= 0)
                r = cgroup_make_leaf(cgroup, &s->cgroup_leaf_fd);
        if (r >= 0)
                r = cgroup_delegate(cgroup, s->settings->uid_base);
        return r < 0 ? supervisor_start_error(s, r, "cannot delegate its cgroup: %m") : 0;
}

static int register_machine(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int32_t indices[DEVICES_MAX];
        size_t n_indices;
        int r;

        n_indices = lent_host_indices(s->lent, indices);
        r = machine_register(s->bus, s->options->name, s->settings->uuid, s->payload.pid, indices, n_indices, &error);
        if (r == -EEXIST)
                return supervisor_start_error(s, r, "%s", error ?: "another machine has its name");
        if (r < 0) {
                /* Without machined it runs all the same; machinectl does not know it then. */
                log_warning("Container '%s' is not known to systemd-machined: %s", s->options->name, error ?: strerror(-r));
                return 0;
        }
        s->registered = true;
        return 0;
}

static void on_sessions_idle(void *userdata) {
        Supervisor *s = userdata;

        if (s->options->run_in)
                supervisor_kill(s);
}

/* Whatever comes later is born in the container's pid namespace: exec needs no second fork, and its command is our own child. */
static int join_pid_namespace(Supervisor *s) {
        if (setns(s->payload.pidfd, CLONE_NEWPID) < 0)
                return -errno;
        s->in_pid_namespace = true;
        return 0;
}

static int start_serving(Supervisor *s) {
        _cleanup_free_ char *path = NULL;
        int r;

        s->exec_context = (ExecContext) {
                .plan = s->plan,
                .seccomp = &s->seccomp,
                .namespaces = &s->namespaces,
                .cgroup_fd = s->cgroup_leaf_fd,
        };
        r = join_pid_namespace(s);
        if (r >= 0)
                r = sessions_new(s->event, &s->exec_context, on_sessions_idle, s, &s->sessions);
        if (r >= 0)
                r = console_new(s->event, TAKE_FD(s->payload.console_fd), &s->console);
        if (r >= 0)
                r = runtime_control_path(s->options->name, &path);
        if (r >= 0)
                r = control_new(s->event, path, supervisor_on_request, s, &s->control);
        return r < 0 ? supervisor_start_error(s, r, "cannot serve its control socket: %m") : 0;
}

/* What is left to do needs little. Over its user namespace, and so over what runs in it, the payload's creator has every capability by being
 * its owner (user_namespaces(7)); systemd and machined ask for two in the initial one before they act on a unit or a machine. The others are for
 * devices that come while it runs: the host's ends of interfaces, and nodes that belong to the container's ids. */
static int drop_privileges(const Supervisor *s) {
        /* A hook that is still to come has what we have, and it is the administrator's. */
        if (s->hooks & (1U << HOOK_STOP | 1U << HOOK_POST_STOP))
                return 0;
        return capabilities_limit(UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_MKNOD |
                                  UINT64_C(1) << CAP_CHOWN | limits_capabilities(s->settings));
}

static int give_interfaces(Supervisor *s) {
        const LentContext context = {
                .container = s->options->name,
                .uuid = s->settings->uuid,
                .uid_base = s->settings->uid_base,
                .namespaces = &s->namespaces,
        };
        _cleanup_free_ char *error = NULL;
        int r;

        r = lent_new(&context, s->payload.pid, &s->lent);
        /* A command in a container that is stopped gets no interfaces: another may run with its addresses. */
        if (r >= 0 && !s->options->run_in)
                r = lent_add_interfaces(s->lent, &s->settings->devices, &error);
        return r < 0 ? supervisor_start_error(s, r, "%s", error ?: strerror(-r)) : 0;
}

static int give_rest(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = lent_add_rest(s->lent, &s->settings->devices, &error);
        return r < 0 ? supervisor_start_error(s, r, "%s", error ?: strerror(-r)) : 0;
}

static int on_hook(HookType type, void *userdata, char **ret_error) {
        return supervisor_run_hook(userdata, type, ret_error);
}

static int start_payload(Supervisor *s) {
        _cleanup_(templates_done) Templates templates = {};
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_free_ char *error = NULL;
        PayloadContext context = { .plan = s->plan, .seccomp = &s->seccomp, .layers = &layers };
        const char *limit;
        int r;

        r = seccomp_program_load(SUPERVISOR_SECCOMP_PROGRAM, &s->seccomp);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot load its seccomp filter '%s': %m", SUPERVISOR_SECCOMP_PROGRAM);
        r = rootfs_open_layers(s->options->name, s->settings, &layers);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot open its image or its layer: %m");
        context.personalise = faccessat(s->container_fd, PERSONALISED, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
        r = templates_load(s->settings, context.personalise, faccessat(s->container_fd, COPIED, F_OK, AT_SYMLINK_NOFOLLOW) >= 0, &templates, &error);
        if (r < 0)
                return supervisor_start_error(s, r, error ? "%s" : "cannot read its image's templates: %m", error);
        context.templates = &templates;
        context.hooks = s->hooks;
        context.on_hook = on_hook;
        context.userdata = s;

        r = payload_clone(&context, &s->payload);
        if (r >= 0) {
                const char *unique_name;

                /* While it makes its namespaces, the bus says who we are, which the scope needs to be told. */
                (void) sd_bus_get_unique_name(s->bus, &unique_name);
                r = payload_wait_cloned(&s->payload, &error);
        }
        if (r < 0)
                return supervisor_start_error(s, r, error ? "%s" : "cannot make its namespaces: %m", error);
        r = give_interfaces(s);
        if (r >= 0)
                r = make_scope(s);
        if (r < 0)
                return r;
        /* What the payload still does, it does beside us. */
        r = payload_scope_is_there(&s->payload);
        if (r < 0)
                return supervisor_start_error(s, r, "its first process died");
        r = register_machine(s);
        if (r >= 0)
                r = start_serving(s);
        if (r < 0)
                return r;
        r = payload_wait_ready(&s->payload, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", error ?: "its first process died");
        r = limits_apply(s->settings, s->payload.pid, &limit);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot apply %s=: %m", limit);
        r = namespaces_open(s->payload.pid, &s->namespaces);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot open its namespaces: %m");
        r = give_rest(s);
        if (r >= 0)
                r = supervisor_start_hook(s, HOOK_START_HOST);
        if (r < 0)
                return r;
        r = payload_exec(&s->payload, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", error ?: "its init could not be executed");
        s->executed_usec = clock_usec(CLOCK_MONOTONIC);
        if (context.personalise) {
                int fd = openat(s->container_fd, PERSONALISED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

                (void) fd_close(fd);
        }
        r = drop_privileges(s);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot drop its supervisor's privileges: %m");
        return 0;
}

int supervisor_start(Supervisor *s) {
        int r;

        r = lock_container(s);
        if (r >= 0)
                r = load_settings(s);
        if (r >= 0)
                r = lock_uid_range(s);
        if (r < 0)
                return r;
        s->hooks = supervisor_find_hooks(s);
        r = supervisor_start_hook(s, HOOK_PRE_START);
        if (r < 0)
                return r;
        r = sd_bus_open_system(&s->bus);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot connect to the system bus: %m");
        return start_payload(s);
}
