/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "launch/guest-notify.h"
#include "launch/hooks.h"
#include "launch/machine.h"
#include "shared/apparmor.h"
#include "shared/names.h"
#include "shared/runtime-state.h"
#include "storage/rootfs.h"

#define STOP_WAIT_SEC 5 /* the manager asks PID 1 right after us */

static int write_state(Supervisor *s) {
        RuntimeState state = {
                .leader = s->payload.pid,
                .uid_base = rootfs_id_base(s->settings),
                .privileged = s->settings->privileged,
                .started_usec = clock_usec(CLOCK_REALTIME),
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

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        Supervisor *s = userdata;

        s->asked_to_stop = true;
        supervisor_stop(s);
        return 0;
}

static int on_request_stop(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        supervisor_stop(userdata);
        return 0;
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

static int on_run_in_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        supervisor_kill(userdata);
        return 0;
}

/* Before the payload's end, with which the loop ends: a signal that it has taken and not told is lost (await_stop()). After what the control socket
 * has (control.c): who is to be killed is not asked to stop. */
static int watch_stop_signals(Supervisor *s) {
        int r = 0;

        for (const int *sig = (const int[]) { SIGTERM, SIGINT, 0 }; r >= 0 && *sig; sig++) {
                _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;

                r = sd_event_add_signal(s->event, &source, *sig, on_stop_signal, s);
                if (r >= 0)
                        r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT + 1);
                if (r >= 0)
                        r = sd_event_source_set_floating(source, true);
        }
        return r;
}

static int watch_events(Supervisor *s) {
        int r;

        r = sd_event_add_child_pidfd(s->event, NULL, s->payload.pidfd, WEXITED, supervisor_on_payload_exit, s);
        if (r >= 0)
                r = watch_stop_signals(s);
        if (r >= 0)
                r = sd_event_add_io(s->event, NULL, s->payload.notify_fd, EPOLLIN, on_guest_notify, s);
        if (r >= 0)
                r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = scope_watch_stop(s->scope, on_request_stop, s);
        if (r >= 0 && supervisor_one_shot(s))
                r = sd_event_add_time_relative(s->event, &s->idle_timer, CLOCK_MONOTONIC, SUPERVISOR_RUN_IN_IDLE_USEC, 0, on_run_in_idle, s);
        return r < 0 ? supervisor_start_error(s, r, "cannot watch it: %m") : 0;
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

        r = sd_event_new(&s->event);
        if (r < 0)
                return supervisor_start_error(s, r, "%m");
        r = supervisor_start(s);
        if (r >= 0)
                r = watch_events(s);
        if (r < 0)
                return r;
        r = write_state(s);
        if (r < 0)
                return supervisor_start_error(s, r, "cannot write its state: %m");
        if (!expects_ready(s)) {
                r = become_ready(s);
                if (r < 0)
                        return r;
        } else
                (void) sd_notify(false, "STATUS=" STATUS_BOOTS);
        supervisor_catch_up(s);

        r = sd_event_loop(s->event);
        return r < 0 ? log_error_errno(r, "Event loop failed: %m") : 0;
}

static void supervisor_done(Supervisor *s) {
        if (s->payload.pidfd >= 0) {
                (void) pidfd_send_signal(s->payload.pidfd, SIGKILL, NULL, 0);
                (void) waitid(P_PIDFD, (id_t) s->payload.pidfd, &(siginfo_t) {}, WEXITED);
        }
        control_free(s->control);
        hold_free(s->hold);
        lent_free(s->lent);
        lxcfs_free(s->lxcfs);
        sd_bus_slot_unref(s->change_slot);
        sessions_free(s->sessions);
        intercept_free(s->intercept);
        console_free(s->console);
        if (s->registered)
                machine_unregister(s->bus, s->options->name);
        device_policy_free(s->device_policy);
        if (s->scope && s->executed_usec == 0)
                scope_end(s->scope);
        scope_free(s->scope);
        namespaces_done(&s->namespaces);
        payload_done(&s->payload);
        if (s->profile_loaded)
                apparmor_unload(s->options->name, s->settings);
        supervisor_late_hook(s, HOOK_POST_STOP);
        sd_event_source_disable_unref(s->stop_timer);
        sd_event_source_disable_unref(s->ask_timer);
        sd_event_source_disable_unref(s->idle_timer);
        if (s->bus) {
                (void) sd_bus_detach_event(s->bus);
                sd_bus_flush_close_unref(s->bus);
        }
        sd_event_unref(s->event);
        seccomp_program_done(&s->seccomp);
        free(s->seccomp_path);
        free(s->label);
        plan_free(s->plan);
        settings_free(s->settings);
        settings_free(s->live);
        (void) fd_close(s->cgroup_leaf_fd);
        coredump_mark_free(s->coredump_mark);
        id_range_unlock(&s->id_range);
        (void) fd_close(s->disk_userns_fd);
        (void) fd_close(s->volume_fd);
        (void) fd_close(s->lock_fd);
        (void) fd_close(s->container_fd);
}

static bool stop_is_pending(void) {
        sigset_t set;

        return sigpending(&set) == 0 && (sigismember(&set, SIGTERM) > 0 || sigismember(&set, SIGINT) > 0);
}

/* A unit that ends before PID 1 was asked to stop it would be started again by its Restart=. The signal is blocked since run(). */
static void await_stop(const Supervisor *s) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        while (sigtimedwait(&set, NULL, &(struct timespec) { .tv_sec = STOP_WAIT_SEC }) < 0)
                if (errno != EINTR) {
                        log_warning("Container '%s' was killed, and nobody stops its unit", s->options->name);
                        return;
                }
}

int supervisor_run(const SupervisorOptions *options) {
        Supervisor s = {
                .options = options,
                .container_fd = -EBADF,
                .lock_fd = -EBADF,
                .volume_fd = -EBADF,
                .disk_userns_fd = -EBADF,
                .cgroup_leaf_fd = -EBADF,
                .payload = PAYLOAD_NONE,
                .namespaces = NAMESPACES_NONE,
        };
        int r;

        r = run(&s);
        /* What is not wanted any more has not failed. */
        if (r < 0 && stop_is_pending())
                r = -ECANCELED;
        supervisor_done(&s);
        if (s.terminated && !s.asked_to_stop)
                await_stop(&s);
        return r == -ECANCELED ? EXIT_SUCCESS : r < 0 ? EXIT_FAILURE : s.exit_status;
}
