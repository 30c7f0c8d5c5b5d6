/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/supervisor.h"

#include <assert.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-login.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/cgroup.h"
#include "launch/console.h"
#include "launch/control.h"
#include "launch/exec.h"
#include "launch/guest-notify.h"
#include "launch/machine.h"
#include "launch/payload.h"
#include "launch/scope.h"
#include "launch/session.h"
#include "settings/settings.h"
#include "shared/message.h"
#include "shared/names.h"
#include "shared/runtime-state.h"

#define SECCOMP_PROGRAM BERTH_LIBEXECDIR "/seccomp/default.bpf"
#define PERSONALISED "personalised"
#define RUN_IN_IDLE_USEC (30 * USEC_PER_SEC)
#define STOP_MARGIN_USEC (30 * USEC_PER_SEC)

typedef enum SupervisorState {
        SUPERVISOR_STARTING, /* the payload's PID 1 runs, and has not said READY=1 when it is expected to */
        SUPERVISOR_RUNNING,
        SUPERVISOR_STOPPING, /* it was asked to end */
        SUPERVISOR_KILLED,   /* it was made to end */
} SupervisorState;

typedef struct Supervisor {
        const SupervisorOptions *options;
        SupervisorState state;
        Settings *settings;
        Plan *plan;
        int container_fd, lock_fd, cgroup_leaf_fd;
        SeccompProgram seccomp;
        sd_bus *bus;
        sd_event *event;
        Scope *scope;
        Payload payload;
        ExecContext exec_context;
        Sessions *sessions;
        Console *console;
        Control *control;
        sd_event_source *stop_timer, *idle_timer;
        bool registered;
        int exit_status;
} Supervisor;

/* The sentence goes to the journal and, as the unit's status, to whoever asked for the start. */
static int _printf_(3, 4) start_error(Supervisor *s, int error, const char *format, ...) {
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
                return start_error(s, -errno, "cannot open '%s': %m", BERTH_STATE_DIR);
        snprintf(path, sizeof path, DIR_CONTAINERS "/%s", s->options->name);
        s->container_fd = path_open_beneath(state, path, O_RDONLY | O_DIRECTORY, 0);
        if (s->container_fd == -ENOENT)
                return start_error(s, -ENOENT, "there is no such container");
        if (s->container_fd < 0)
                return start_error(s, s->container_fd, "cannot open its directory: %m");

        s->lock_fd = openat(s->container_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (s->lock_fd < 0)
                return start_error(s, -errno, "cannot open its lock: %m");
        if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return start_error(s, -errno, errno == EWOULDBLOCK ? "it is in use: a job works on it, or it runs already" : "cannot lock it: %m");
        return 0;
}

static int load_settings(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = settings_load(s->options->name, &s->settings, &error);
        if (r < 0)
                return start_error(s, r, "%s", error ?: strerror(-r));
        if (!s->settings->image || !s->settings->uid_base)
                return start_error(s, -EBADMSG, "its container.conf names no image or no uid range");

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
        return r < 0 ? start_error(s, r, "cannot plan it: %m") : 0;
}

/* systemd-nspawn and others that follow it take a range by locking a file named after it; both sides then stay out of each other's way. */
static int lock_uid_range(Supervisor *s) {
        char path[64];
        int fd;

        (void) mkdir("/run/systemd/nspawn-uid", 0755);
        snprintf(path, sizeof path, "/run/systemd/nspawn-uid/%u", s->settings->uid_base);
        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return start_error(s, -errno, "cannot lock its uid range: %m");
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                int r = start_error(s, -errno, "its uid range from %u on is in use by another container manager", s->settings->uid_base);

                (void) fd_close(fd);
                return r;
        }
        /* Held by the fd for as long as we live; a file nobody locks is no claim. */
        return 0;
}

static int make_scope(Supervisor *s) {
        _cleanup_free_ char *own_unit = NULL, *error = NULL;
        _cleanup_close_ int cgroup = -EBADF;
        int r;

        (void) sd_pid_get_unit(0, &own_unit);
        r = scope_start(s->bus, s->options->name, own_unit, s->payload.pid, s->settings, &s->scope);
        if (r < 0)
                return start_error(s, r, "cannot ask PID 1 for its scope: %m");

        /* While PID 1 moves it, the payload sets itself up. */
        r = payload_wait_prepared(&s->payload, &error);
        if (r < 0)
                return start_error(s, r, "%s", error ?: "its first process died");
        r = scope_wait(s->scope, &error);
        if (r < 0)
                return start_error(s, r, "%s", error);

        r = cgroup_open_of(s->payload.pid, &cgroup);
        if (r >= 0)
                r = cgroup_make_leaf(cgroup, &s->cgroup_leaf_fd);
        if (r >= 0)
                r = cgroup_delegate(cgroup, s->settings->uid_base);
        return r < 0 ? start_error(s, r, "cannot delegate its cgroup: %m") : 0;
}

static int register_machine(Supervisor *s) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = machine_register(s->bus, s->options->name, s->settings->uuid, s->payload.pid, &error);
        if (r == -EEXIST)
                return start_error(s, r, "%s", error ?: "another machine has its name");
        if (r < 0) {
                /* Without machined it runs all the same; machinectl does not know it then. */
                log_warning("Container '%s' is not known to systemd-machined: %s", s->options->name, error ?: strerror(-r));
                return 0;
        }
        s->registered = true;
        return 0;
}

static uint64_t now_realtime(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

static int write_state(Supervisor *s) {
        RuntimeState state = {
                .leader = s->payload.pid,
                .uid_base = s->settings->uid_base,
                .started_usec = now_realtime(),
                .ready = s->state >= SUPERVISOR_RUNNING,
        };

        return runtime_state_write(s->options->name, &state);
}

/* READY=1 of the unit: what the caller of `berthctl start` waits for. */
static int become_ready(Supervisor *s) {
        int r;

        if (s->state != SUPERVISOR_STARTING)
                return 0;
        s->state = SUPERVISOR_RUNNING;
        r = write_state(s);
        if (r < 0)
                return log_error_errno(r, "Failed to write the state of container '%s': %m", s->options->name);
        (void) sd_notifyf(false, "READY=1\nSTATUS=Running, leader %d", (int) s->payload.pid);
        return 0;
}

static void kill_payload(Supervisor *s) {
        s->state = SUPERVISOR_KILLED;
        (void) pidfd_send_signal(s->payload.pidfd, SIGKILL, NULL, 0);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Supervisor *s = userdata;

        log_warning("Container '%s' did not stop in time, killing it", s->options->name);
        kill_payload(s);
        return 0;
}

static int stop_signal(const Supervisor *s) {
        static const int by_kind[_PAYLOAD_KIND_MAX] = { [PAYLOAD_BUSYBOX] = SIGUSR2, [PAYLOAD_INIT] = SIGPWR, [PAYLOAD_PROGRAM] = SIGTERM };

        if (s->settings->kill_signal)
                return s->settings->kill_signal;
        return s->payload.kind == PAYLOAD_SYSTEMD ? SIGRTMIN + 3 : by_kind[s->payload.kind];
}

static void begin_stop(Supervisor *s) {
        uint64_t timeout = s->settings->timeout_stop_usec;
        int sig = stop_signal(s);

        if (s->state >= SUPERVISOR_STOPPING)
                return;
        s->state = SUPERVISOR_STOPPING;
        if (timeout != USEC_INFINITY) {
                (void) sd_notifyf(false, "STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=%llu",
                                  (unsigned long long) (timeout + STOP_MARGIN_USEC));
                if (sd_event_add_time_relative(s->event, &s->stop_timer, CLOCK_MONOTONIC, timeout, 0, on_stop_timeout, s) < 0) {
                        kill_payload(s);
                        return;
                }
        } else
                (void) sd_notify(false, "STOPPING=1\nSTATUS=Stopping");

        scope_thaw(s->scope);
        if (pidfd_send_signal(s->payload.pidfd, sig, NULL, 0) < 0 && errno != ESRCH)
                kill_payload(s);
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        begin_stop(userdata);
        return 0;
}

static int on_request_stop(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        begin_stop(userdata);
        return 0;
}

static void log_console_tail(Supervisor *s) {
        char kept[CONSOLE_KEEP_BYTES + 1], *rest = kept, *line;
        size_t n, skip = 0;

        n = console_kept(s->console, kept);
        kept[n] = 0;
        if (n > 2048)
                skip = n - 2048;
        for (rest = kept + skip; (line = strsep(&rest, "\n"));) {
                _cleanup_free_ char *escaped = NULL;

                line[strcspn(line, "\r")] = 0;
                if (!isempty(line) && string_escape(line, &escaped) >= 0)
                        log_info("console: %s", escaped);
        }
}

static int on_payload_exit(sd_event_source *source, const siginfo_t *si, void *userdata) {
        Supervisor *s = userdata;

        /* PID 1 of a pid namespace that calls reboot(2) ends by SIGHUP for a restart, by SIGINT for the rest (reboot(2), Linux 3.4). */
        if (si->si_code == CLD_EXITED) {
                s->exit_status = s->payload.kind == PAYLOAD_PROGRAM && s->state == SUPERVISOR_RUNNING ? si->si_status : 0;
                if (s->exit_status == SUPERVISOR_EXIT_REBOOT)
                        s->exit_status = EXIT_FAILURE;
                log_info("Container '%s' ended with status %d", s->options->name, si->si_status);
                if (s->state == SUPERVISOR_STARTING) {
                        s->exit_status = si->si_status ?: EXIT_FAILURE;
                        (void) start_error(s, -EPROTO, "its init ended with status %d before it was ready", si->si_status);
                        log_console_tail(s);
                }
        } else if (si->si_status == SIGHUP && s->state < SUPERVISOR_STOPPING) {
                log_info("Container '%s' reboots", s->options->name);
                s->exit_status = SUPERVISOR_EXIT_REBOOT;
        } else if (si->si_status == SIGINT || si->si_status == SIGHUP || s->state >= SUPERVISOR_STOPPING) {
                log_info("Container '%s' has been %s", s->options->name, s->state == SUPERVISOR_KILLED ? "killed" : "powered off");
                s->exit_status = 0;
        } else {
                log_error("The init of container '%s' was killed by signal %d", s->options->name, si->si_status);
                log_console_tail(s);
                s->exit_status = EXIT_FAILURE;
        }
        return sd_event_exit(s->event, 0);
}

static int on_guest_notify(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        GuestNotification n;
        Supervisor *s = userdata;
        int r;

        r = guest_notify_receive(fd, s->payload.pid, &n);
        if (r < 0)
                return 0;
        if (n.ready)
                return become_ready(s);
        if (n.status[0] && s->state <= SUPERVISOR_RUNNING)
                (void) sd_notifyf(false, "STATUS=Guest: %s", n.status);
        return 0;
}

/* --- requests on the control socket --- */

static void send_event(int fd, const char *event, int passed_fd) {
        _cleanup_(message_freep) Message *m = NULL;

        if (message_new(&m) >= 0 && message_add(m, "event", event) >= 0 && (passed_fd < 0 || message_add_fd(m, passed_fd) >= 0))
                (void) message_send(fd, m);
}

static void request_exec(Supervisor *s, int fd, Message *m) {
        _cleanup_(exec_request_done) ExecRequest request = EXEC_REQUEST_NONE;
        uint32_t rows = 0, columns = 0;
        int r;

        (void) message_get_u32(m, "rows", &rows);
        (void) message_get_u32(m, "columns", &columns);
        request.rows = rows;
        request.columns = columns;
        request.tty = message_get_bool(m, "tty") > 0;

        r = message_get_strv(m, "argv", &request.argv);
        if (r >= 0)
                r = message_get_strv(m, "env", &request.environment);
        if (r >= 0)
                r = free_and_strdup(&request.user, message_get(m, "user"));
        if (r >= 0)
                r = free_and_strdup(&request.working_directory, message_get(m, "cwd"));
        for (int i = 0; i < 3; i++)
                request.stdio[i] = message_take_fd(m, (size_t) i);

        if (r < 0 || strv_length(request.argv) == 0 || isempty(request.argv[0])) {
                connection_send_error(fd, "InvalidArgument", "a command is needed");
                (void) fd_close(fd);
                return;
        }
        for (int i = 0; i < 3 && !request.tty; i++)
                if (request.stdio[i] < 0 || isatty(request.stdio[i])) {
                        connection_send_error(fd, "InvalidArgument",
                                              "standard input, output and error are needed, and none of them may be a terminal of the host");
                        (void) fd_close(fd);
                        return;
                }

        s->idle_timer = sd_event_source_disable_unref(s->idle_timer);
        sessions_start(s->sessions, fd, &request);
}

static void request_console(Supervisor *s, int fd, Message *m) {
        _cleanup_close_ int stream = -EBADF;
        uint32_t rows, columns;
        int r;

        r = console_attach(s->console, &stream);
        if (r < 0)
                connection_send_error(fd, "LimitReached", "too many clients are attached to the console");
        else {
                if (message_get_u32(m, "rows", &rows) >= 0 && message_get_u32(m, "columns", &columns) >= 0)
                        (void) console_resize(s->console, rows, columns);
                send_event(fd, "attached", stream);
        }
        (void) fd_close(fd);
}

static void request_signal(Supervisor *s, int fd, Message *m) {
        uint32_t number;

        if (message_get_u32(m, "signal", &number) < 0 || number == 0 || number >= _NSIG)
                connection_send_error(fd, "InvalidArgument", "no such signal");
        else if (pidfd_send_signal(s->payload.pidfd, (int) number, NULL, 0) < 0)
                connection_send_error(fd, "NotRunning", strerror(errno));
        else
                send_event(fd, "done", -EBADF);
        (void) fd_close(fd);
}

static void request_reboot(Supervisor *s, int fd, Message *m) {
        static const int by_kind[_PAYLOAD_KIND_MAX] = { [PAYLOAD_SYSTEMD] = SIGINT, [PAYLOAD_BUSYBOX] = SIGTERM, [PAYLOAD_INIT] = SIGINT };
        int sig = by_kind[s->payload.kind];

        if (sig == 0)
                connection_send_error(fd, "NotSupported", "its payload is a program that cannot reboot; restart it instead");
        else if (pidfd_send_signal(s->payload.pidfd, sig, NULL, 0) < 0)
                connection_send_error(fd, "NotRunning", strerror(errno));
        else
                send_event(fd, "done", -EBADF);
        (void) fd_close(fd);
}

static void request_terminate(Supervisor *s, int fd, Message *m) {
        kill_payload(s);
        send_event(fd, "done", -EBADF);
        (void) fd_close(fd);
}

static void on_control_request(int fd, Message *m, void *userdata) {
        static const struct {
                const char *name;
                void (*function)(Supervisor *s, int fd, Message *m);
        } requests[] = {
                { "exec", request_exec },     { "console", request_console },     { "signal", request_signal },
                { "reboot", request_reboot }, { "terminate", request_terminate },
        };
        const char *name = message_get(m, "request");

        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                if (streq_ptr(name, requests[i].name)) {
                        requests[i].function(userdata, fd, m);
                        return;
                }
        connection_send_error(fd, "InvalidArgument", "no such request");
        (void) fd_close(fd);
}

static void on_sessions_idle(void *userdata) {
        Supervisor *s = userdata;

        if (s->options->run_in)
                kill_payload(s);
}

static int on_run_in_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        kill_payload(userdata);
        return 0;
}

/* --- */

/* Whatever comes later is born in the container's pid namespace: exec needs no second fork, and its command is our own child. */
static int join_pid_namespace(Supervisor *s) {
        return setns(s->payload.pidfd, CLONE_NEWPID) < 0 ? -errno : 0;
}

static int start_serving(Supervisor *s) {
        _cleanup_free_ char *path = NULL;
        int r;

        s->exec_context = (ExecContext) {
                .plan = s->plan,
                .seccomp = &s->seccomp,
                .leader_pidfd = s->payload.pidfd,
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
                r = control_new(s->event, path, on_control_request, s, &s->control);
        return r < 0 ? start_error(s, r, "cannot serve its control socket: %m") : 0;
}

static int watch_events(Supervisor *s) {
        int r;

        r = sd_event_add_child_pidfd(s->event, NULL, s->payload.pidfd, WEXITED, on_payload_exit, s);
        if (r >= 0)
                r = sd_event_add_signal(s->event, NULL, SIGTERM, on_stop_signal, s);
        if (r >= 0)
                r = sd_event_add_signal(s->event, NULL, SIGINT, on_stop_signal, s);
        if (r >= 0)
                r = sd_event_add_io(s->event, NULL, s->payload.notify_fd, EPOLLIN, on_guest_notify, s);
        if (r >= 0)
                r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = scope_watch_stop(s->scope, on_request_stop, s);
        if (r >= 0 && s->options->run_in)
                r = sd_event_add_time_relative(s->event, &s->idle_timer, CLOCK_MONOTONIC, RUN_IN_IDLE_USEC, 0, on_run_in_idle, s);
        return r < 0 ? start_error(s, r, "cannot watch it: %m") : 0;
}

static int start_payload(Supervisor *s) {
        _cleanup_(rootfs_layers_close) RootfsLayers layers = ROOTFS_LAYERS_NONE;
        _cleanup_free_ char *error = NULL;
        PayloadContext context = { .plan = s->plan, .seccomp = &s->seccomp, .layers = &layers };
        int r;

        r = seccomp_program_load(SECCOMP_PROGRAM, &s->seccomp);
        if (r < 0)
                return start_error(s, r, "cannot load its seccomp filter '%s': %m", SECCOMP_PROGRAM);
        r = rootfs_open_layers(s->options->name, s->settings, &layers);
        if (r < 0)
                return start_error(s, r, "cannot open its image or its layer: %m");
        context.personalise = faccessat(s->container_fd, PERSONALISED, F_OK, AT_SYMLINK_NOFOLLOW) < 0;

        r = payload_clone(&context, &s->payload);
        if (r < 0)
                return start_error(s, r, "cannot make its namespaces: %m");
        r = make_scope(s);
        if (r < 0)
                return r;
        r = register_machine(s);
        if (r < 0)
                return r;
        r = payload_wait_ready(&s->payload, true, &error);
        if (r < 0)
                return start_error(s, r, "%s", error ?: "its first process died");

        r = start_serving(s);
        if (r < 0)
                return r;
        r = payload_exec(&s->payload, &error);
        if (r < 0)
                return start_error(s, r, "%s", error ?: "its init could not be executed");
        if (context.personalise) {
                int fd = openat(s->container_fd, PERSONALISED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

                (void) fd_close(fd);
        }
        return watch_events(s);
}

static bool expects_ready(const Supervisor *s) {
        if (s->settings->notify_ready == NOTIFY_READY_AUTO)
                return s->payload.kind == PAYLOAD_SYSTEMD;
        return s->settings->notify_ready == NOTIFY_READY_YES;
}

static int run(Supervisor *s) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        for (const int *sig = (const int[]) { SIGCHLD, SIGTERM, SIGINT, 0 }; *sig; sig++)
                sigaddset(&mask, *sig);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return log_error_errno(errno, "Failed to block signals: %m");
        (void) signal(SIGPIPE, SIG_IGN);
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

        r = lock_container(s);
        if (r >= 0)
                r = load_settings(s);
        if (r >= 0)
                r = lock_uid_range(s);
        if (r < 0)
                return r;
        r = sd_bus_open_system(&s->bus);
        if (r < 0)
                return start_error(s, r, "cannot connect to the system bus: %m");
        r = sd_event_new(&s->event);
        if (r < 0)
                return start_error(s, r, "%m");

        r = start_payload(s);
        if (r < 0)
                return r;
        r = write_state(s);
        if (r < 0)
                return start_error(s, r, "cannot write its state: %m");
        if (!expects_ready(s)) {
                r = become_ready(s);
                if (r < 0)
                        return r;
        } else
                (void) sd_notify(false, "STATUS=Waiting for the guest to be ready");

        r = sd_event_loop(s->event);
        return r < 0 ? log_error_errno(r, "Event loop failed: %m") : 0;
}

static void supervisor_done(Supervisor *s) {
        if (s->payload.pidfd >= 0) {
                (void) pidfd_send_signal(s->payload.pidfd, SIGKILL, NULL, 0);
                (void) waitid(P_PIDFD, (id_t) s->payload.pidfd, &(siginfo_t) {}, WEXITED);
        }
        control_free(s->control);
        sessions_free(s->sessions);
        console_free(s->console);
        if (s->registered)
                machine_unregister(s->bus, s->options->name);
        scope_free(s->scope);
        payload_done(&s->payload);
        sd_event_source_disable_unref(s->stop_timer);
        sd_event_source_disable_unref(s->idle_timer);
        if (s->bus) {
                (void) sd_bus_detach_event(s->bus);
                sd_bus_flush_close_unref(s->bus);
        }
        sd_event_unref(s->event);
        seccomp_program_done(&s->seccomp);
        plan_free(s->plan);
        settings_free(s->settings);
        (void) fd_close(s->cgroup_leaf_fd);
        (void) fd_close(s->lock_fd);
        (void) fd_close(s->container_fd);
}

int supervisor_run(const SupervisorOptions *options) {
        Supervisor s = {
                .options = options,
                .container_fd = -EBADF,
                .lock_fd = -EBADF,
                .cgroup_leaf_fd = -EBADF,
                .payload = PAYLOAD_NONE,
        };
        int r;

        r = run(&s);
        supervisor_done(&s);
        return r < 0 ? EXIT_FAILURE : s.exit_status;
}
