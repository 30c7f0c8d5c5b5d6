/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/payload.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "launch/apparmor.h"
#include "launch/capabilities.h"
#include "shared/guest-user.h"
#include "launch/kernel-limits.h"
#include "launch/personality.h"
#include "launch/setup.h"
#include "launch/stub-init.h"
#include "shared/hook.h"
#include "shared/message.h"
#include "shared/mount.h"
#include "shared/userns.h"

static const char *const kind_names[_PAYLOAD_KIND_MAX] = {
        [PAYLOAD_SYSTEMD] = "systemd",
        [PAYLOAD_BUSYBOX] = "busybox",
        [PAYLOAD_INIT] = "init",
        [PAYLOAD_PROGRAM] = "program",
};

const char *payload_kind_to_string(PayloadKind k) {
        return k >= 0 && k < _PAYLOAD_KIND_MAX ? kind_names[k] : NULL;
}

PayloadKind payload_kind_from_string(const char *s) {
        for (int i = 0; i < _PAYLOAD_KIND_MAX; i++)
                if (streq(kind_names[i], s))
                        return (PayloadKind) i;
        return _PAYLOAD_KIND_INVALID;
}

static void wait_for_outer(Payload *p) {
        if (p->outer <= 0)
                return;
        while (waitpid(p->outer, NULL, 0) < 0 && errno == EINTR)
                ;
        p->outer = 0;
}

void payload_done(Payload *p) {
        if (p->outer > 0)
                (void) kill(p->outer, SIGKILL);
        wait_for_outer(p);
        p->pidfd = fd_close(p->pidfd);
        p->socket_fd = fd_close(p->socket_fd);
        p->console_fd = fd_close(p->console_fd);
        p->notify_fd = fd_close(p->notify_fd);
}

/* One byte each way where nothing but order matters. */
static int send_byte(int fd) {
        return send(fd, "", 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_byte(int fd) {
        char byte;
        ssize_t n;

        do
                n = recv(fd, &byte, 1, 0);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n == 0 ? -EPIPE : 0;
}

/* --- the child --- */

typedef struct Child {
        const PayloadContext *context;
        int socket_fd;
        int user_fd;           /* of the outer process: /proc/sys/user; -EBADF: needs none */
        int label_fd;          /* of the payload's: to give itself its label; -EBADF: it has none */
        Setup setup;
        PayloadKind kind;
        char **argv;
        bool stays;            /* when it fails, until it is killed */
} Child;

static _noreturn_ void child_fail(Child *c, int error, const char *sentence) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) >= 0 && message_add(m, "event", "error") >= 0 && message_addf(m, "errno", "%d", -error) >= 0 &&
            message_add(m, "message", sentence ?: strerror(-error)) >= 0)
                (void) message_send(c->socket_fd, m);
        /* PID 1 may be about to put us into the scope. One that never held a living process is never seen to become empty, and
         * its stop, asked for when the unit fails, would run into its timeout. */
        if (c->stays)
                (void) receive_byte(c->socket_fd);
        _exit(EXIT_FAILURE);
}

static _noreturn_ _printf_(3, 4) void child_failf(Child *c, int error, const char *format, ...) {
        char text[512];
        va_list ap;

        va_start(ap, format);
        errno = -error;
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        child_fail(c, error, text);
}

/* The first candidate that is an executable file. Its name after all symlinks tells what kind of init it is. */
static int find_init(Child *c) {
        const Plan *plan = c->context->plan;
        int root_fd = c->setup.root_fd;

        STRV_FOREACH(candidate, plan->init) {
                _cleanup_close_ int fd = -EBADF;
                char link[64], real[4096];
                const char *base;
                struct stat st;
                ssize_t n;

                if (!plan->init_is_candidates && candidate != plan->init)
                        break;
                fd = path_open_in_root(root_fd, *candidate, O_PATH, 0);
                if (fd < 0 && !plan->init_is_candidates)
                        return fd;
                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
                        continue;

                snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
                n = readlink(link, real, sizeof real - 1);
                if (n < 0)
                        return -errno;
                real[n] = 0;
                base = strrchr(real, '/');
                base = base ? base + 1 : real;

                if (!plan->init_is_candidates)
                        c->kind = streq(base, "systemd") ? PAYLOAD_SYSTEMD : PAYLOAD_PROGRAM;
                else
                        c->kind = streq(base, "systemd") ? PAYLOAD_SYSTEMD : startswith(base, "busybox") ? PAYLOAD_BUSYBOX : PAYLOAD_INIT;
                if (plan->settings->stub_init)
                        c->kind = PAYLOAD_PROGRAM;
                return plan->init_is_candidates ? strv_extend(&c->argv, *candidate) : strv_copy(plan->init, &c->argv);
        }
        return -ENOENT;
}

static int wait_for_scope(Setup *s, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Child *c = userdata;
        int r;

        r = find_init(c);
        if (r < 0) {
                s->error = strdup(c->context->plan->init_is_candidates ? "the image has no init: none of /sbin/init, /init and their like is there"
                                                                       : "the program that Init= names is not there");
                return r;
        }

        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "event", "prepared");
        if (r >= 0)
                r = message_add(m, "kind", payload_kind_to_string(c->kind));
        if (r >= 0)
                r = message_add_fd(m, s->console_master_fd);
        if (r >= 0)
                r = message_add_fd(m, s->notify_fd);
        if (r >= 0)
                r = message_send(c->socket_fd, m);
        if (r >= 0)
                r = receive_byte(c->socket_fd);
        return r;
}

static int run_hook(Setup *s, const char *hook, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Child *c = userdata;
        int r;

        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "event", "hook");
        if (r >= 0)
                r = message_add(m, "hook", hook);
        if (r >= 0)
                r = message_send(c->socket_fd, m);
        return r < 0 ? r : receive_byte(c->socket_fd);
}

/* A program of the container's own, confined as the payload is; its output goes to the console. */
static void run_start_hook(Child *c) {
        const Plan *plan = c->context->plan;
        HookContext hook = { .name = plan->name, .settings = plan->settings, .leader = 1, .rootfs = "/", .mount_namespace_fd = -EBADF,
                             .environment = plan->environment };
        _cleanup_free_ char *error = NULL;
        int r;

        if (!plan->settings->hooks[HOOK_START])
                return;
        r = hooks_run(HOOK_START, &hook, &error);
        if (r < 0)
                child_failf(c, r, error ? "%s" : "cannot run its start hooks: %m", error);
}

static int reset_signals(void) {
        sigset_t none;

        for (int sig = 1; sig < _NSIG; sig++)
                if (sig != SIGKILL && sig != SIGSTOP)
                        (void) signal(sig, SIG_DFL);
        sigemptyset(&none);
        return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Standard input, output and error become the console; nothing else stays open but the socket, which closes at exec. */
static int take_console(Child *c, bool controlling) {
        int keep[] = { c->socket_fd, c->label_fd }, slave = c->setup.console_slave_fd;

        if (setsid() < 0)
                return -errno;
        for (int i = 0; i < 3; i++)
                if (dup2(slave, i) < 0)
                        return -errno;
        /* An init takes its console itself; a program wants ^C. */
        if (controlling && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
                return -errno;
        return fd_close_all_except(keep, c->label_fd >= 0 ? 2 : 1);
}

/* The supervisor has the listener before any call can wait for it. */
static int intercept(Child *c) {
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!intercept_is_wanted(c->context->plan->settings))
                return 0;
        fd = intercept_filter_apply(c->context->plan->settings);
        if (fd < 0)
                return fd;
        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "event", "listener");
        if (r >= 0)
                r = message_add_fd(m, fd);
        return r < 0 ? r : message_send(c->socket_fd, m);
}

static int confine(Child *c) {
        const Settings *s = c->context->plan->settings;
        int r;

        if (s->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        r = intercept(c);
        if (r < 0)
                return r;
        r = seccomp_program_apply(c->context->seccomp);
        if (r < 0)
                return r;
        return capabilities_limit(capabilities_of_payload(s->capabilities, c->context->policy_namespace));
}

/* While /proc is still the host's. */
static void prepare_label(Child *c) {
        if (!c->context->label)
                return;
        c->label_fd = apparmor_open();
        if (c->label_fd < 0)
                child_failf(c, c->label_fd, c->label_fd == -EOPNOTSUPP ? "there is no AppArmor here for its profile '%s'" : "cannot enter the AppArmor profile '%s': %m",
                            c->context->label);
}

/* Who looks from outside sees what it is called; we see only what our own policy namespace says. */
static void enter_profile(Child *c) {
        _cleanup_(message_freep) Message *m = NULL;
        const char *label = c->context->label;
        int r;

        if (!label)
                return;
        r = apparmor_change(c->label_fd, label);
        if (r < 0)
                child_failf(c, r, r == -ENOENT ? "the AppArmor profile '%s' is not loaded" : "cannot enter the AppArmor profile '%s': %m", label);
        c->label_fd = fd_close(c->label_fd);
        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "event", "labelled");
        if (r >= 0)
                r = message_send(c->socket_fd, m);
        if (r >= 0)
                r = receive_byte(c->socket_fd);
        if (r < 0)
                _exit(EXIT_FAILURE);
}

static _noreturn_ void child_exec_program(Child *c, char **environment) {
        const Settings *s = c->context->plan->settings;
        _cleanup_(guest_user_done) GuestUser user = {};
        _cleanup_close_ int root = -EBADF;
        int r;

        if (s->user) {
                root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                r = guest_user_find(root, s->user, &user);
                if (r < 0)
                        child_failf(c, r, "the image has no user '%s'", s->user);
        }
        if (s->working_directory && chdir(s->working_directory) < 0)
                child_failf(c, -errno, "cannot enter the working directory '%s': %m", s->working_directory);
        if (s->user) {
                /* Its console can be opened by name, too: images have logs that are links to /dev/stdout. */
                (void) fchown(STDOUT_FILENO, user.uid, (gid_t) -1);
                r = guest_user_become(&user);
                if (r < 0)
                        child_failf(c, r, "cannot become user '%s': %m", s->user);
        }
        /* Not execvpe(3), which gives what the kernel cannot execute, such as a program for another machine, to /bin/sh. */
        execve(c->argv[0], c->argv, environment);
        if (errno == ENOEXEC && personality_foreign_architecture(s))
                child_failf(c, -errno, "cannot execute '%s': its image is for %s, which this host's kernel executes only with an emulator that binfmt_misc knows "
                            "(package qemu-user-static, or qemu-user-binfmt)", c->argv[0], personality_foreign_architecture(s));
        child_failf(c, -errno, "cannot execute '%s': %m", c->argv[0]);
}

static _noreturn_ void child_main(Child *c) {
        const Plan *plan = c->context->plan;
        bool stub = plan->settings->stub_init;
        int r;

        c->stays = true;
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        r = receive_byte(c->socket_fd);
        if (r < 0)
                _exit(EXIT_FAILURE);

        r = userns_become_root();
        if (r < 0)
                child_failf(c, r, "cannot become root of the user namespace: %m");
        /* After the change of ids, which clears it (prctl(2)). Should the supervisor be gone already, the next message never comes. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                child_fail(c, -errno, NULL);
        prepare_label(c);

        c->setup.plan = plan;
        c->setup.personalise = c->context->personalise;
        c->setup.renamed = c->context->renamed;
        c->setup.templates = c->context->templates;
        c->setup.hooks = c->context->hooks;
        c->setup.policy_namespace = c->context->policy_namespace;
        c->setup.run_hook = run_hook;
        c->setup.wait_for_scope = wait_for_scope;
        c->setup.userdata = c;
        r = setup_run(&c->setup);
        if (r < 0)
                child_fail(c, r, c->setup.error);

        r = send_byte(c->socket_fd);
        if (r >= 0)
                r = receive_byte(c->socket_fd);
        if (r < 0)
                _exit(EXIT_FAILURE);

        r = reset_signals();
        if (r >= 0)
                r = take_console(c, c->kind == PAYLOAD_PROGRAM && !stub);
        if (r < 0)
                child_failf(c, r, "cannot set up the console: %m");
        (void) umask((mode_t) plan->settings->umask);
        r = personality_apply(plan->settings);
        if (r < 0)
                child_failf(c, r, "this host's kernel cannot be '%s' (Personality=): %m", plan->settings->personality);
        r = confine(c);
        if (r < 0)
                child_failf(c, r, "cannot confine the payload: %m");
        enter_profile(c);
        run_start_hook(c);

        if (stub) {
                r = stub_init_fork();
                if (r < 0)
                        child_failf(c, r, "cannot start the stub init: %m");
                if (r > 0)
                        stub_init_run((pid_t) r, c->socket_fd);
        }
        child_exec_program(c, plan->environment);
}

/* --- the process in the outer user namespace (rootfs.h), which mounts the root and clones the child --- */

/* With CLONE_PARENT the exit signal is the caller's own and must not be given (clone(2)). */
static pid_t clone_child(uint64_t flags) {
        struct clone_args args = { .flags = flags, .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD };

        return (pid_t) syscall(SYS_clone3, &args, sizeof args);
}

static uint64_t user_namespace(const Plan *p) {
        return p->settings->privileged ? 0 : CLONE_NEWUSER;
}

static int outer_clone_payload(Child *c, pid_t *ret_pid) {
        UidRange map = rootfs_container_map(c->context->plan->settings);
        pid_t pid;
        int r;

        /* A child of the supervisor's, not of ours: we are gone soon. */
        pid = clone_child(CLONE_PARENT | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | user_namespace(c->context->plan) |
                          (c->context->plan->host_network ? 0 : CLONE_NEWNET));
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_main(c);

        r = user_namespace(c->context->plan) ? userns_write_maps(pid, &map, 1) : 0;
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                return r;
        }
        *ret_pid = pid;
        return 0;
}

static _noreturn_ void outer_main(Child *c) {
        const Settings *settings = c->context->plan->settings;
        int r, mount_fd;
        pid_t pid;

        /* While the supervisor writes our maps. */
        r = c->user_fd >= 0 ? kernel_limits_set(c->user_fd, settings) : 0;
        c->user_fd = fd_close(c->user_fd);
        if (r < 0)
                child_failf(c, r, "cannot limit its use of namespaces and inotify: %m");
        r = receive_byte(c->socket_fd);
        if (r < 0)
                _exit(EXIT_FAILURE);
        r = rootfs_assemble(c->context->layers, rootfs_id_base(settings), &mount_fd);
        if (r < 0)
                child_failf(c, r, "cannot put together the file system of image and layer: %m");
        c->setup.root_mount_fd = mount_fd;

        r = outer_clone_payload(c, &pid);
        if (r < 0)
                child_failf(c, r, "cannot make its namespaces: %m");
        if (send(c->socket_fd, &pid, sizeof pid, MSG_NOSIGNAL) < 0)
                _exit(EXIT_FAILURE);
        _exit(EXIT_SUCCESS);
}

/* --- the supervisor's side --- */

static int error_from_message(const Message *m, char **ret_error);

static int receive_pid(int fd, pid_t *ret, char **ret_error) {
        _cleanup_(message_freep) Message *m = NULL;
        char data[4096];
        ssize_t n;
        int r;

        n = socket_receive(fd, data, sizeof data, NULL, NULL);
        if (n < 0)
                return (int) n;
        if (n == sizeof *ret) {
                memcpy(ret, data, sizeof *ret);
                return 0;
        }
        r = message_parse(data, (size_t) n, &m);
        return r < 0 ? r : error_from_message(m, ret_error);
}

static int prepare_outer(const Plan *plan, const KernelLimits *limits, pid_t pid, char **ret_error) {
        UidRange map[ROOTFS_OUTER_RANGES];
        const char *limit;
        int r;

        if (!user_namespace(plan))
                return 0;
        rootfs_outer_map(plan->settings, map);
        r = userns_write_maps(pid, map, ELEMENTSOF(map));
        if (r < 0)
                return r;
        r = kernel_limits_give(limits, plan->settings, pid, &limit);
        errno = -r;
        if (r < 0 && asprintf(ret_error, "cannot apply %s=: %m", limit) < 0)
                *ret_error = NULL;
        return r;
}

int payload_clone(const PayloadContext *context, Payload *ret, char **ret_error) {
        _cleanup_(payload_done) Payload p = PAYLOAD_NONE;
        _cleanup_close_ int child_fd = -EBADF, user_fd = -EBADF, sys_fd = -EBADF;
        KernelLimits limits;
        int pair[2], r;

        r = user_namespace(context->plan) ? kernel_limits_open(&user_fd) : 0;
        if (r < 0)
                return r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        p.socket_fd = pair[0];
        p.on_hook = context->on_hook;
        p.userdata = context->userdata;
        p.intercept = context->intercept;
        p.label = context->label;
        child_fd = pair[1];

        if (context->plan->host_network) {
                /* One of the host's network, which is ours here: what is mounted below the host's own is not seen. */
                r = mount_new("sysfs", "sysfs", NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &sys_fd);
                if (r < 0)
                        return r;
        }
        if (user_namespace(context->plan))
                kernel_limits_begin(context->plan->settings, &limits);
        p.outer = clone_child(CLONE_NEWNS | user_namespace(context->plan));
        r = p.outer < 0 ? -errno : 0;
        if (p.outer != 0 && user_namespace(context->plan))
                kernel_limits_end(&limits);
        if (r < 0)
                return r;
        if (p.outer == 0) {
                Child c = { .context = context, .socket_fd = TAKE_FD(child_fd), .user_fd = TAKE_FD(user_fd), .label_fd = -EBADF, .setup = SETUP_INIT };

                /* Our end in the child would keep it from seeing the supervisor go. */
                p.socket_fd = fd_close(p.socket_fd);
                c.setup.sys_mount_fd = TAKE_FD(sys_fd);
                outer_main(&c);
        }
        rootfs_layers_close(context->layers);

        r = prepare_outer(context->plan, &limits, p.outer, ret_error);
        if (r >= 0)
                r = send_byte(p.socket_fd);
        if (r < 0)
                return r;
        *ret = p;
        p = (Payload) PAYLOAD_NONE;
        return 0;
}

int payload_wait_cloned(Payload *p, char **ret_error) {
        int r;

        r = receive_pid(p->socket_fd, &p->pid, ret_error);
        if (r < 0)
                return r;
        /* It is our child and waits for a word of ours: the number cannot have become another's. */
        p->pidfd = pidfd_open(p->pid, 0);
        return p->pidfd < 0 ? -errno : send_byte(p->socket_fd);
}

static int error_from_message(const Message *m, char **ret_error) {
        uint32_t error = EPROTO;

        (void) message_get_u32(m, "errno", &error);
        if (ret_error && !*ret_error)
                *ret_error = strdup(message_get(m, "message") ?: "the payload's first process failed");
        return error > 0 && error < 4096 ? -(int) error : -EPROTO;
}

/* Positive: it was one that waits for a hook, and goes on. */
static int serve_hook(Payload *p, const Message *m, char **ret_error) {
        HookType type;
        int r;

        if (!streq_ptr(message_get(m, "event"), "hook"))
                return 0;
        type = hook_type_from_string(message_get(m, "hook") ?: "");
        if (type < 0 || !p->on_hook)
                return -EPROTO;
        r = p->on_hook(type, p->userdata, ret_error);
        if (r >= 0)
                r = send_byte(p->socket_fd);
        return r < 0 ? r : 1;
}

int payload_wait_prepared(Payload *p, char **ret_error) {
        _cleanup_(message_freep) Message *m = NULL;
        int r;

        do {
                m = message_free(m);
                r = message_receive(p->socket_fd, &m);
                if (r >= 0)
                        r = serve_hook(p, m, ret_error);
        } while (r > 0);
        /* Gone by now: its mount namespace went with it, and that takes the kernel longer than the payload took to get here. */
        wait_for_outer(p);
        if (r < 0)
                return r;
        if (!streq_ptr(message_get(m, "event"), "prepared"))
                return error_from_message(m, ret_error);

        p->kind = payload_kind_from_string(message_get(m, "kind") ?: "");
        p->console_fd = message_take_fd(m, 0);
        p->notify_fd = message_take_fd(m, 1);
        return p->kind < 0 || p->console_fd < 0 || p->notify_fd < 0 ? -EPROTO : 0;
}

static int take_listener(Payload *p, Message *m) {
        int fd;

        if (!streq_ptr(message_get(m, "event"), "listener"))
                return 0;
        fd = message_take_fd(m, 0);
        return fd < 0 || !p->intercept ? -EPROTO : intercept_add_listener(p->intercept, fd) < 0 ? -ENOMEM : 1;
}

static int look_at_label(Payload *p, Message *m, char **ret_error) {
        _cleanup_free_ char *label = NULL;
        int r;

        if (!streq_ptr(message_get(m, "event"), "labelled"))
                return 0;
        if (!p->label)
                return -EPROTO;
        r = apparmor_verify(p->pid, p->label, &label);
        if (r == -ESTALE && asprintf(ret_error, "the kernel confines it as '%s' instead of '%s'", label, p->label) < 0)
                *ret_error = NULL;
        if (r >= 0)
                r = send_byte(p->socket_fd);
        return r < 0 ? r : 1;
}

/* What runs inside before the payload does, the start hook, may make calls that are intercepted. */
static int serve_calls(Payload *p) {
        struct pollfd pollfd = { .fd = p->socket_fd, .events = POLLIN };
        int r;

        while (p->intercept && (r = poll(&pollfd, 1, 20)) <= 0) {
                if (r < 0 && errno != EINTR)
                        return -errno;
                (void) intercept_dispatch(p->intercept);
        }
        return 0;
}

/* Either one byte or an error message; at the end of file the meaning is the caller's. */
static int wait_step(Payload *p, char **ret_error) {
        _cleanup_(message_freep) Message *m = NULL;
        char data[4096];
        ssize_t n;
        int r;

        do {
                m = message_free(m);
                r = serve_calls(p);
                if (r < 0)
                        return r;
                n = recv(p->socket_fd, data, sizeof data, MSG_PEEK);
                if (n >= 0 && n <= 1)
                        n = recv(p->socket_fd, data, sizeof data, 0);
                if (n <= 1)
                        return n < 0 ? -errno : n == 0 ? -ENODATA : 0;
                r = message_receive(p->socket_fd, &m);
                if (r >= 0)
                        r = take_listener(p, m);
                if (r == 0)
                        r = look_at_label(p, m, ret_error);
                if (r == 0)
                        r = serve_hook(p, m, ret_error);
        } while (r > 0);
        return r < 0 ? r : error_from_message(m, ret_error);
}

int payload_scope_is_there(Payload *p) {
        return send_byte(p->socket_fd);
}

int payload_wait_ready(Payload *p, char **ret_error) {
        return wait_step(p, ret_error);
}

int payload_exec(Payload *p, char **ret_error) {
        int r;

        r = send_byte(p->socket_fd);
        if (r < 0)
                return r;
        /* The socket closes at exec: end of file is success. */
        r = wait_step(p, ret_error);
        p->socket_fd = fd_close(p->socket_fd);
        return r == -ENODATA ? 0 : r < 0 ? r : -EPROTO;
}
