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
#include "launch/coredump-mark.h"
#include "launch/credentials.h"
#include "launch/encryption.h"
#include "launch/hooks.h"
#include "launch/id-range.h"
#include "launch/kernel-modules.h"
#include "launch/machine.h"
#include "launch/process-limits.h"
#include "launch/quota.h"
#include "launch/seccomp-policy.h"
#include "launch/supervisor.h"
#include "shared/apparmor.h"
#include "shared/foreign-range.h"
#include "shared/names.h"
#include "storage/rootfs.h"
#include "shared/runtime-state.h"
#include "storage/luks.h"

#define PERSONALISED "personalised"
#define COPIED "copied"
#define RENAMED "renamed"

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

        if (supervisor_one_shot(s)) {
                s->settings->init = strv_free(s->settings->init);
                s->settings->stub_init = true;
                s->settings->notify_ready = NOTIFY_READY_NO;
                /* Nothing of the network: another may run with its addresses. */
                for (Device *d = s->settings->devices.items; d < s->settings->devices.items + s->settings->devices.n; d++)
                        if ((device_type(d) == DEVICE_NIC || device_type(d) == DEVICE_PROXY) && free_and_strdup(&d->values[DEVICE_TYPE], "none") < 0)
                                return log_oom();
                /* Something that lives for as long as the one command does; the stub init is all that is wanted. */
                r = strv_extend(&s->settings->init, "/bin/sh");
                for (const char *const *a = (const char *const[]) { "-c", "while :; do sleep 1000; done", NULL }; r >= 0 && *a; a++)
                        r = strv_extend(&s->settings->init, *a);
                if (r < 0)
                        return log_oom();
        }
        r = credentials_load(s->settings, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", error ?: strerror(-r));
        r = plan_new(s->options->name, s->settings, &s->plan);
        return r < 0 ? supervisor_start_error(s, r, "cannot plan it: %m") : 0;
}

/* systemd-nspawn and others that follow it take a range by locking a file named after it; both sides then stay out of each other's way. */
static int take_ids(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (s->settings->privileged && foreign_range_is_shared())
                return supervisor_start_error(s, -EOPNOTSUPP, "Privileged=yes cannot be had inside another container");
        r = id_range_settle(s->container_fd, s->options->name, s->settings, &error);
        if (r >= 0)
                r = id_range_lock(s->settings, &s->id_range, &error);
        return r < 0 ? supervisor_start_error(s, r, error ? "%s" : "cannot take its user ids: %m", error) : 0;
}

static int give_interfaces(Supervisor *s) {
        LentContext context = {
                .container = s->options->name,
                .uuid = s->settings->uuid,
                .layer = s->settings->layers[0],
                .id_base = rootfs_id_base(s->settings),
                .project = s->settings->uid_base,
                .owner = s->settings->owner,
                .container_fd = s->container_fd,
                .event = s->event,
                .namespaces = &s->namespaces,
                .disk_userns_fd = s->disk_userns_fd,
        };
        _cleanup_free_ char *error = NULL;
        int r;

        r = s->settings->privileged ? device_policy_new(s->bus, s->options->name, &s->device_policy) : 0;
        context.device_policy = s->device_policy;
        if (r >= 0)
                r = lent_new(&context, s->payload.pid, &s->lent);
        if (r >= 0)
                r = lent_add_interfaces(s->lent, &s->settings->devices, &error);
        return r < 0 ? supervisor_start_error(s, r, "%s", error ?: strerror(-r)) : 0;
}

static int make_scope(Supervisor *s) {
        _cleanup_free_ char *own_unit = NULL, *error = NULL, *scope_error = NULL;
        _cleanup_close_ int cgroup = -EBADF, payload = -EBADF;
        int r;

        (void) sd_pid_get_unit(0, &own_unit);
        r = scope_start(s->bus, s->options->name, own_unit, s->payload.pid, s->settings, &s->scope);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot ask PID 1 for its scope: %m");

        /* While PID 1 moves it, the payload sets itself up, and gets its interfaces. */
        r = give_interfaces(s);
        if (r >= 0) {
                r = payload_wait_prepared(&s->payload, &error);
                if (r < 0)
                        (void) supervisor_start_error(s, r, "%s", error ?: "its first process died");
        }
        if (r < 0) {
                /* It goes when the payload, which waits for that, is killed in it. */
                (void) scope_wait(s->scope, &scope_error);
                return r;
        }
        r = scope_wait(s->scope, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", r == -ECANCELED ? "it was stopped meanwhile" : error ?: strerror(-r));

        r = cgroup_open_of(s->payload.pid, &cgroup);
        if (r >= 0 && s->settings->privileged && device_policy_check(cgroup) < 0)
                return supervisor_start_error(s, -EOPNOTSUPP, "PID 1 cannot keep the host's devices from a privileged container here: its scope has no device policy in the kernel");
        if (r >= 0 && s->settings->privileged)
                r = cgroup_make_payload(cgroup, s->payload.pid, &payload);
        if (r >= 0)
                r = cgroup_make_leaf(payload >= 0 ? payload : cgroup, &s->cgroup_leaf_fd);
        if (r >= 0)
                r = cgroup_limit(cgroup, s->settings->cgroups_max, s->settings->cgroup_depth_max);
        if (r >= 0)
                r = cgroup_delegate(payload >= 0 ? payload : cgroup, rootfs_id_base(s->settings));
        if (r < 0)
                return supervisor_start_error(s, r, "cannot delegate its cgroup: %m");

        r = coredump_mark_watch(s->event, TAKE_FD(cgroup), &s->coredump_mark);
        if (r < 0)
                (void) log_warning_errno(r, "Core dumps of container %s may stay on the host: %m", s->options->name);
        return 0;
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

static void on_sessions_idle(const siginfo_t *last, void *userdata) {
        Supervisor *s = userdata;

        if (!supervisor_one_shot(s))
                return;
        if (!last)
                log_info("The command in container '%s' could not be started", s->options->name);
        else if (last->si_code == CLD_EXITED)
                log_info("The command in container '%s' ended with status %d", s->options->name, last->si_status);
        else
                log_info("The command in container '%s' was ended by signal %d", s->options->name, last->si_status);
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
                .intercept = s->intercept,
                .label = s->label,
                .policy_namespace = s->policy_namespace,
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
 * devices that come while it runs: the host's ends of interfaces, nodes that belong to the container's ids, images, directories of others and maps of their ids;
 * and at the end, its AppArmor profile goes. */
static int drop_privileges(const Supervisor *s) {
        uint64_t exec = 0;

        /* A hook that is still to come has what we have, and it is the administrator's. */
        if (s->hooks & (1U << HOOK_STOP | 1U << HOOK_POST_STOP))
                return 0;
        /* In no user namespace of its own a command has what its parent, we, have left. */
        if (s->settings->privileged)
                exec = s->settings->capabilities | UINT64_C(1) << CAP_SYS_CHROOT;
        return capabilities_limit(exec | UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_MKNOD |
                                  UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_DAC_READ_SEARCH | UINT64_C(1) << CAP_SETUID |
                                  UINT64_C(1) << CAP_SETGID | (s->profile_loaded ? UINT64_C(1) << CAP_MAC_ADMIN : 0) | limits_capabilities(s->settings));
}

/* So that a limit can come while it runs, too. A file system that has no projects has no limits, and that is all. A limit that its number had before
 * it was this container's, or before it was taken from it while it did not run, is no more; others come with the devices. */
static void join_quota(const Supervisor *s) {
        _cleanup_free_ char *ignored = NULL;
        _cleanup_close_ int layer = -EBADF;
        int r;

        r = s->settings->layers ? rootfs_limit_layer(s->settings->layers[0], UINT64_MAX, &ignored) : -EBADMSG;
        if (r > 0)
                return;
        if (r >= 0)
                r = layer = rootfs_open_layer(s->settings->layers[0], &ignored);
        r = r < 0 ? r : quota_join(layer, s->settings->uid_base);
        if (r >= 0)
                (void) quota_set(layer, s->settings->uid_base, 0, &ignored);
        if (r < 0 && r != -EOPNOTSUPP && r != -ENOTTY)
                log_warning_errno(r, "Cannot make the layer of container '%s' a project of its file system, ignoring: %m", s->options->name);
}

/* Hosts that have it not at all have no use for listening either. */
static int give_lxcfs(Supervisor *s) {
        bool required = streq(s->settings->lxcfs, "yes");
        int r;

        if (streq(s->settings->lxcfs, "no"))
                return 0;
        r = lxcfs_is_there() ? lxcfs_attach(&s->namespaces, s->event) : -ENOENT;
        if (r < 0 && required)
                return supervisor_start_error(s, r, "the host's lxcfs, which Lxcfs=yes asks for, does not run or does not answer: %m");
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                log_warning_errno(r, "Container '%s' does without the host's lxcfs: %m", s->options->name);
        r = lxcfs_watch(s->bus, s->event, &s->namespaces, s->options->name, &s->lxcfs);
        if (r < 0)
                log_warning_errno(r, "Container '%s' does not hear of a restart of lxcfs: %m", s->options->name);
        return 0;
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

static int prepare_intercept(Supervisor *s) {
        const InterceptContext context = {
                .container = s->options->name,
                .settings = s->settings,
                .namespaces = &s->namespaces,
                .cgroup_fd = &s->cgroup_leaf_fd,
                .started_usec = clock_usec(CLOCK_BOOTTIME),
        };
        int r;

        if (!intercept_is_wanted(s->settings))
                return 0;
        r = intercept_new(s->event, &context, &s->intercept);
        return r < 0 ? supervisor_start_error(s, r, "cannot intercept system calls: %m") : 0;
}

static int load_profile(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = apparmor_load(s->container_fd, s->options->name, s->settings, &error);
        s->profile_loaded = !s->settings->apparmor_profile && apparmor_state() == APPARMOR_OURS;
        s->policy_namespace = s->profile_loaded && apparmor_has_namespace(s->settings);
        if (r >= 0)
                r = apparmor_label(s->options->name, s->settings, &s->label);
        return r < 0 ? supervisor_start_error(s, r, error ? "%s" : "cannot load its AppArmor profile: %m", error) : 0;
}

static int start_payload(Supervisor *s) {
        _cleanup_(templates_done) Templates templates = {};
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_close_ int volume = -EBADF;
        _cleanup_free_ char *error = NULL;
        PayloadContext context = { .plan = s->plan, .seccomp = &s->seccomp, .layers = &layers };
        const char *limit;
        int r;

        r = seccomp_policy_load(s->settings, &s->seccomp, &s->seccomp_path, &error);
        if (r < 0)
                return supervisor_start_error(s, r, error ? "%s" : "cannot load its seccomp filter: %m", error);
        r = load_profile(s);
        if (r >= 0)
                r = prepare_intercept(s);
        if (r < 0)
                return r;
        r = encryption_open(s->options->name, s->settings, &volume, &error);
        if (r < 0)
                return supervisor_start_error(s, r, "%s", r == -ECANCELED ? "it was stopped meanwhile" : error ?: strerror(-r));
        join_quota(s);
        r = rootfs_open_layers(s->options->name, s->settings, &layers, &error);
        if (r < 0)
                return error ? supervisor_start_error(s, r, "%s", error) : supervisor_start_error(s, r, "cannot open its image or its layer: %m");
        volume = fd_close(volume);
        s->disk_userns_fd = TAKE_FD(layers.userns_fd);
        context.personalise = faccessat(s->container_fd, PERSONALISED, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
        context.renamed = faccessat(s->container_fd, RENAMED, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
        r = templates_load(s->settings, context.personalise, faccessat(s->container_fd, COPIED, F_OK, AT_SYMLINK_NOFOLLOW) >= 0, &templates, &error);
        if (r < 0)
                return supervisor_start_error(s, r, error ? "%s" : "cannot read its image's templates: %m", error);
        context.templates = &templates;
        context.hooks = s->hooks;
        context.on_hook = on_hook;
        context.userdata = s;
        context.intercept = s->intercept;
        context.label = s->label;
        context.policy_namespace = s->policy_namespace;

        r = payload_clone(&context, &s->payload, &error);
        if (r >= 0) {
                const char *unique_name;

                /* While it makes its namespaces, the bus says who we are, which the scope needs to be told. */
                (void) sd_bus_get_unique_name(s->bus, &unique_name);
                r = payload_wait_cloned(&s->payload, &error);
        }
        if (r < 0)
                return supervisor_start_error(s, r, error ? "%s" : "cannot make its namespaces: %m", error);
        /* Not before the payload is cloned: what it forks does not get it. */
        if (s->settings->encrypted)
                s->volume_fd = luks_open_device(s->settings->layers[0]);
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
        r = give_lxcfs(s);
        if (r >= 0)
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
        if (context.renamed)
                (void) unlinkat(s->container_fd, RENAMED, 0);
        r = drop_privileges(s);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot drop its supervisor's privileges: %m");
        return 0;
}

static int load_modules(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = kernel_modules_load(s->bus, s->settings->kernel_modules, &error);
        return r < 0 ? supervisor_start_error(s, r, "%s", error ?: strerror(-r)) : 0;
}

int supervisor_start(Supervisor *s) {
        int r;

        r = lock_container(s);
        if (r >= 0)
                r = load_settings(s);
        if (r >= 0)
                r = take_ids(s);
        if (r < 0)
                return r;
        s->hooks = supervisor_find_hooks(s);
        r = supervisor_start_hook(s, HOOK_PRE_START);
        if (r < 0)
                return r;
        r = sd_bus_open_system(&s->bus);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot connect to the system bus: %m");
        r = load_modules(s);
        if (r < 0)
                return r;
        return start_payload(s);
}
