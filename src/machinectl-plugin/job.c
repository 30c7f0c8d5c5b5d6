/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/job.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/progress.h"
#include "machinectl-plugin/report.h"
#include "shared/bus-names.h"

#define CANCELLING_MAX 2U

typedef struct Waiting {
        Ctl *ctl;
        const char *target;      /* borrowed */
        Progress progress;
        uint32_t job;            /* 0: not known yet */
        char *job_path;          /* owned */
        double fraction;
        char *status;            /* owned */
        unsigned interrupts;
        bool cancel_sent;
        int log_fd;              /* borrowed; negative: there is none, or nothing more of it */
        sd_bus_message *reply;   /* owned; NULL: not answered yet */
        sd_bus_slot *new_slot, *properties_slot, *call_slot; /* owned: they end with this struct, the connection may live on */
} Waiting;

static void send_cancel(Waiting *w) {
        if (w->interrupts == 0 || w->cancel_sent || w->job == 0)
                return;
        log_debug("calling %s.CancelJob", BERTH_MANAGER_INTERFACE);
        /* The answer that counts is that of the call we wait for; a job that ended meanwhile cannot be cancelled. */
        w->cancel_sent = sd_bus_call_method_async(w->ctl->bus, NULL, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, "CancelJob",
                                                  NULL, NULL, "u", w->job) >= 0;
}

static int on_job_new(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const char *path, *kind, *target, *client, *self;
        Waiting *w = userdata;
        uint32_t id;

        if (w->job > 0 || sd_bus_message_read(m, "uosss", &id, &path, &kind, &target, &client) < 0)
                return 0;
        if (sd_bus_get_unique_name(w->ctl->bus, &self) < 0 || !streq(client, self))
                return 0;
        if (free_and_strdup(&w->job_path, path) >= 0)
                w->job = id;
        send_cancel(w);
        return 0;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const char *interface, *name, *contents, *status;
        Waiting *w = userdata;

        if (!w->job_path || !streq_ptr(sd_bus_message_get_path(m), w->job_path))
                return 0;
        if (sd_bus_message_read(m, "s", &interface) < 0 || !streq(interface, BERTH_JOB_INTERFACE))
                return 0;
        if (sd_bus_message_enter_container(m, 'a', "{sv}") <= 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &name) < 0 || sd_bus_message_peek_type(m, NULL, &contents) < 0)
                        return 0;
                if (streq(name, "Progress") && streq(contents, "d")) {
                        if (sd_bus_message_read(m, "v", "d", &w->fraction) < 0)
                                return 0;
                } else if (streq(name, "Status") && streq(contents, "s")) {
                        if (sd_bus_message_read(m, "v", "s", &status) < 0 || free_and_strdup(&w->status, status) < 0)
                                return 0;
                } else if (sd_bus_message_skip(m, "v") < 0)
                        return 0;
                if (sd_bus_message_exit_container(m) < 0)
                        return 0;
        }
        if (w->interrupts == 0)
                progress_draw(&w->progress, w->fraction, w->status ?: "");
        return 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Waiting *w = userdata;

        w->reply = sd_bus_message_ref(m);
        return 0;
}

static int match(Waiting *w, const char *path, const char *path_namespace, const char *interface, const char *member,
                 sd_bus_message_handler_t handler, sd_bus_slot **ret_slot) {
        _cleanup_free_ char *rule = NULL;

        if (asprintf(&rule, "type='signal',sender='" BERTH_BUS_NAME "',%s='%s',interface='%s',member='%s'",
                     path ? "path" : "path_namespace", path ?: path_namespace, interface, member) < 0)
                return -ENOMEM;
        return sd_bus_add_match_async(w->ctl->bus, ret_slot, rule, handler, NULL, w);
}

static void interrupted(Waiting *w) {
        progress_clear(&w->progress);
        if (++w->interrupts == 1)
                report_note("Cancelling; interrupt again to leave without waiting.");
        send_cancel(w);
}

/* It comes in whole lines. */
static void show_log(Waiting *w) {
        char buffer[8192];
        ssize_t n;

        n = read(w->log_fd, buffer, sizeof buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0) {
                w->log_fd = -EBADF;
                return;
        }
        progress_clear(&w->progress);
        (void) fwrite(buffer, 1, (size_t) n, stderr);
        if (w->interrupts == 0)
                progress_draw(&w->progress, w->fraction, w->status ?: "");
}

static int wait_for_reply(Waiting *w, int signal_fd) {
        sd_bus *bus = w->ctl->bus;

        while (!w->reply) {
                struct pollfd fds[3] = { { .fd = signal_fd, .events = POLLIN }, {}, { .fd = w->log_fd, .events = POLLIN } };
                int r;

                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;

                fds[1].fd = sd_bus_get_fd(bus);
                r = sd_bus_get_events(bus);
                if (r < 0)
                        return r;
                fds[1].events = (short) r;
                if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[2].revents)
                        show_log(w);
                if (fds[0].revents) {
                        struct signalfd_siginfo info;

                        if (read(signal_fd, &info, sizeof info) == (ssize_t) sizeof info)
                                interrupted(w);
                        if (w->interrupts >= CANCELLING_MAX) {
                                report_note("Not waiting. See 'berthctl list-jobs' for what still runs.");
                                return -ECANCELED;
                        }
                }
        }
        return 0;
}

static int finish(Waiting *w, sd_bus_message **ret_reply, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(w->reply);

        if (!error) {
                if (w->interrupts > 0)
                        report_note("Too late to cancel: it is done.");
                if (ret_reply)
                        *ret_reply = TAKE_PTR(w->reply);
                return 0;
        }
        if (w->interrupts > 0) {
                if (streq(error->name, BERTH_ERROR_CANCELLED))
                        report_note("Cancelled; nothing was changed.");
                else
                        (void) bus_report(w->ctl, -sd_bus_message_get_errno(w->reply), error, w->target);
                return -ECANCELED;
        }
        if (ret_error) {
                (void) sd_bus_error_copy(ret_error, error);
                return -EREMOTEIO;
        }
        return bus_report(w->ctl, -sd_bus_message_get_errno(w->reply), error, w->target);
}

static int wait_for_job(Ctl *c, sd_bus_message *m, const char *target, int log_fd, sd_bus_message **ret_reply, sd_bus_error *ret_error) {
        Waiting w = { .ctl = c, .target = target, .fraction = -1, .log_fd = log_fd };
        _cleanup_close_ int signal_fd = -EBADF;
        sigset_t wanted, old;
        int r;

        (void) sigemptyset(&wanted);
        (void) sigaddset(&wanted, SIGINT);
        (void) sigaddset(&wanted, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &wanted, &old) < 0)
                return report_failure("Cannot block signals: %m.");
        signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signal_fd < 0)
                return report_failure("Cannot wait for signals: %m.");

        progress_begin(&w.progress, c->quiet ? NULL : stderr);

        /* Progress is a convenience: a bus that does not let us watch it is no reason to fail. */
        (void) match(&w, BERTH_BUS_PATH, NULL, BERTH_MANAGER_INTERFACE, "JobNew", on_job_new, &w.new_slot);
        if (w.progress.f)
                (void) match(&w, NULL, BERTH_JOB_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_properties,
                             &w.properties_slot);

        r = sd_bus_call_async(c->bus, &w.call_slot, m, on_reply, &w, UINT64_MAX);
        if (r >= 0)
                r = wait_for_reply(&w, signal_fd);
        /* All that there is: the job has ended, and so has what wrote. */
        while (r >= 0 && w.log_fd >= 0 && poll(&(struct pollfd) { .fd = w.log_fd, .events = POLLIN }, 1, 0) > 0)
                show_log(&w);
        progress_clear(&w.progress);
        if (r >= 0)
                r = finish(&w, ret_reply, ret_error);
        else if (r != -ECANCELED)
                r = bus_report(c, r, NULL, target);

        sd_bus_slot_unref(w.new_slot);
        sd_bus_slot_unref(w.properties_slot);
        sd_bus_slot_unref(w.call_slot);
        sd_bus_message_unref(w.reply);
        free(w.status);
        free(w.job_path);
        (void) sigprocmask(SIG_SETMASK, &old, NULL);
        return r;
}

int job_call(Ctl *c, sd_bus_message *m, const char *target, sd_bus_message **ret_reply) {
        return wait_for_job(c, m, target, -EBADF, ret_reply, NULL);
}

int job_call_with_log(Ctl *c, sd_bus_message *m, const char *target, int log_fd, sd_bus_message **ret_reply) {
        return wait_for_job(c, m, target, log_fd, ret_reply, NULL);
}

int job_try(Ctl *c, sd_bus_message *m, const char *target, sd_bus_message **ret_reply, sd_bus_error *ret_error) {
        return wait_for_job(c, m, target, -EBADF, ret_reply, ret_error);
}
