/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/supervisor.h"

/* How a container ends: asked to, made to, or by itself. */

#define STOP_MARGIN_USEC (30 * USEC_PER_SEC)
#define ASK_AGAIN_USEC (200 * USEC_PER_MSEC)
#define ASK_AGAIN_MAX 50U

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

static bool has_signal(const char *status, const char *field, int sig) {
        const char *mask = strstr(status, field);

        return mask && strtoull(mask + strlen(field), NULL, 16) & UINT64_C(1) << (sig - 1);
}

/* The init of a pid namespace does not get a signal it has no handler for and does not block (pid_namespaces(7)), and one that was started a
 * moment ago does neither yet: what is sent too early is lost. True also when that cannot be told. */
static bool payload_listens(const Supervisor *s, int sig) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *status = NULL;
        char path[sizeof "/proc/" + DECIMAL_MAX];

        snprintf(path, sizeof path, "/proc/%d", (int) s->payload.pid);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return dir < 0 || path_read(dir, "status", 64 * 1024, &status, NULL) < 0 || has_signal(status, "\nSigCgt:", sig) ||
               has_signal(status, "\nSigBlk:", sig);
}

static void ask_to_stop(Supervisor *s, int sig) {
        if (pidfd_send_signal(s->payload.pidfd, sig, NULL, 0) < 0 && errno != ESRCH)
                supervisor_kill(s);
}

/* Again and again for a while: one that waits in sigtimedwait(2) cannot be told from one that does not listen. */
static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata) {
        Supervisor *s = userdata;
        int sig = stop_signal(s);
        bool listens = payload_listens(s, sig);

        ask_to_stop(s, sig);
        if (!listens && ++s->n_asked < ASK_AGAIN_MAX && sd_event_source_set_time_relative(source, ASK_AGAIN_USEC) >= 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

void supervisor_stop(Supervisor *s) {
        uint64_t timeout = s->settings->timeout_stop_usec;
        int sig = stop_signal(s);

        if (s->state >= SUPERVISOR_STOPPING)
                return;
        s->state = SUPERVISOR_STOPPING;
        if (timeout != USEC_INFINITY) {
                (void) sd_notifyf(false, "STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=%llu",
                                  (unsigned long long) (timeout + STOP_MARGIN_USEC));
                if (sd_event_add_time_relative(s->event, &s->stop_timer, CLOCK_MONOTONIC, timeout, 0, on_stop_timeout, s) < 0) {
                        supervisor_kill(s);
                        return;
                }
        } else
                (void) sd_notify(false, "STOPPING=1\nSTATUS=Stopping");

        scope_thaw(s->scope);
        if (!payload_listens(s, sig))
                (void) sd_event_add_time_relative(s->event, &s->ask_timer, CLOCK_MONOTONIC, ASK_AGAIN_USEC, 0, on_ask_again, s);
        ask_to_stop(s, sig);
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
