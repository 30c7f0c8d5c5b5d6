/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/clock.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "launch/encryption.h"
#include "launch/hooks.h"
#include "launch/supervisor.h"
#include "shared/unit-timeout.h"

/* How a container ends: asked to, made to, or by itself. */

#define ASK_AGAIN_USEC (100 * USEC_PER_MSEC)
#define INIT_SETUP_USEC (10 * USEC_PER_SEC)

void supervisor_kill(Supervisor *s) {
        s->state = SUPERVISOR_KILLED;
        (void) pidfd_send_signal(s->payload.pidfd, SIGKILL, NULL, 0);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Supervisor *s = userdata;

        log_warning("Container '%s' did not stop in time, killing it", s->options->name);
        supervisor_kill(s);
        return 0;
}

static int stop_signal(const Supervisor *s) {
        static const int by_kind[_PAYLOAD_KIND_MAX] = { [PAYLOAD_BUSYBOX] = SIGUSR2, [PAYLOAD_INIT] = SIGPWR, [PAYLOAD_PROGRAM] = SIGTERM };

        if (s->settings->kill_signal)
                return s->settings->kill_signal;
        return s->payload.kind == PAYLOAD_SYSTEMD ? SIGRTMIN + 3 : by_kind[s->payload.kind];
}

/* The first process of a pid namespace does not get a signal that it has no handler for (pid_namespaces(7)): an init that was executed a
 * moment ago loses its request to stop. A blocked signal waits until somebody takes it. */
static bool takes_signal(const Supervisor *s, int sig) {
        _cleanup_fclose_ FILE *f = NULL;
        char path[64], line[256];

        snprintf(path, sizeof path, "/proc/%d/status", (int) s->payload.pid);
        f = fopen(path, "re");
        if (!f)
                return true;
        while (fgets(line, sizeof line, f)) {
                const char *mask = startswith(line, "SigBlk:") ?: startswith(line, "SigCgt:");

                if (mask && strtoull(mask, NULL, 16) & UINT64_C(1) << (sig - 1))
                        return true;
        }
        return false;
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata);

static void ask_to_stop(Supervisor *s) {
        int sig = stop_signal(s);
        /* Asked before: who waits in sigwaitinfo(2) seems to have no handler (the kernel shows the awaited signals as not blocked), and hears
         * us twice. Later in its life an init has what it needs, and may take a second request for an urgent one. */
        bool again = !s->settings->stub_init && clock_usec(CLOCK_MONOTONIC) < s->executed_usec + INIT_SETUP_USEC && !takes_signal(s, sig);

        if (pidfd_send_signal(s->payload.pidfd, sig, NULL, 0) < 0 && errno != ESRCH) {
                supervisor_kill(s);
                return;
        }
        s->ask_timer = sd_event_source_disable_unref(s->ask_timer);
        if (again)
                (void) sd_event_add_time_relative(s->event, &s->ask_timer, CLOCK_MONOTONIC, ASK_AGAIN_USEC, USEC_PER_MSEC, on_ask_again, s);
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata) {
        ask_to_stop(userdata);
        return 0;
}

void supervisor_stop(Supervisor *s) {
        uint64_t timeout = s->settings->timeout_stop_usec;

        if (s->state >= SUPERVISOR_STOPPING)
                return;
        s->state = SUPERVISOR_STOPPING;
        (void) sd_notify(false, "STOPPING=1\nSTATUS=Stopping");
        /* What it takes is not taken from the payload's time. */
        supervisor_late_hook(s, HOOK_STOP);
        unit_timeout_extend(timeout);
        if (timeout != USEC_INFINITY && sd_event_add_time_relative(s->event, &s->stop_timer, CLOCK_MONOTONIC, timeout, 0, on_stop_timeout, s) < 0) {
                supervisor_kill(s);
                return;
        }
        supervisor_release(s);
        /* A frozen payload could not act on the signal. */
        (void) scope_thaw(s->scope, NULL, NULL, NULL);
        ask_to_stop(s);
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

int supervisor_on_payload_exit(sd_event_source *source, const siginfo_t *si, void *userdata) {
        Supervisor *s = userdata;

        /* PID 1 of a pid namespace that calls reboot(2) ends by SIGHUP for a restart, by SIGINT for the rest (reboot(2), Linux 3.4). */
        if (si->si_code == CLD_EXITED) {
                s->exit_status = s->payload.kind == PAYLOAD_PROGRAM && s->state == SUPERVISOR_RUNNING ? si->si_status : 0;
                if (s->exit_status == SUPERVISOR_EXIT_REBOOT)
                        s->exit_status = EXIT_FAILURE;
                log_info("Container '%s' ended with status %d", s->options->name, si->si_status);
                if (s->state == SUPERVISOR_STARTING) {
                        s->exit_status = si->si_status ?: EXIT_FAILURE;
                        (void) supervisor_start_error(s, -EPROTO, "its init ended with status %d before it was ready", si->si_status);
                        log_console_tail(s);
                }
        } else if (si->si_status == SIGHUP && s->state < SUPERVISOR_STOPPING) {
                log_info("Container '%s' reboots", s->options->name);
                s->exit_status = SUPERVISOR_EXIT_REBOOT;
                encryption_keep(s->volume_fd);
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
