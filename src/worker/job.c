/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/job.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"

#define PROGRESS_INTERVAL_USEC (100 * USEC_PER_MSEC)

static void set_signals(int how) {
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        (void) sigprocmask(how, &mask, NULL);
}

int job_await(int request_fd) {
        struct pollfd p = { .fd = request_fd, .events = POLLIN };
        char c;

        while (poll(&p, 1, -1) < 0)
                if (errno != EINTR)
                        return -errno;
        return recv(request_fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ? -ENODATA : 0;
}

int job_open(Job *j, int request_fd, const char *state_dir) {
        uint32_t owner;
        int r;

        assert(j && state_dir);

        *j = (Job) { .state_fd = -EBADF, .channel_fd = request_fd };

        set_signals(SIG_BLOCK);
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return log_error_errno(errno, "Failed to set up signals: %m");

        r = message_receive(request_fd, &j->request);
        if (r < 0)
                return log_error_errno(r, "Failed to receive the job's request: %m");
        if (message_get_u32(j->request, "id", &j->id) < 0 || message_get_u32(j->request, "owner", &owner) < 0)
                return log_error_errno(EBADMSG, "The job's request has no id or no owner.");
        j->owner = owner;

        j->state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (j->state_fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to open '%s': %m", state_dir);
        return 0;
}

void job_close(Job *j) {
        j->request = message_free(j->request);
        free(TAKE_PTR(j->result));
        j->state_fd = fd_close(j->state_fd);
}

int job_get(Job *j, const char *key, const char **ret) {
        const char *value = message_get(j->request, key);

        if (!value)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "The job's request has no field '%s'.", key);
        *ret = value;
        return 0;
}

bool job_cancelled(void) {
        sigset_t pending;

        return sigpending(&pending) >= 0 && (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT));
}

int job_fail_cancelled(Job *j) {
        return failure_set(&j->failure, FAILURE_CANCELLED, ECANCELED, "The job was cancelled.");
}

void job_progress(Job *j, double fraction, const char *what) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        if (now - j->progress_usec < PROGRESS_INTERVAL_USEC)
                return;
        j->progress_usec = now;
        if (fraction >= 0 && j->progress_to > 0)
                fraction = j->progress_from + fraction * (j->progress_to - j->progress_from);
        (void) sd_notifyf(0, "STATUS=progress %.2f %s", fraction, what);
}

void job_result(Job *j, const char *format, ...) {
        char text[FAILURE_TEXT_MAX];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        (void) sd_notifyf(0, "STATUS=result %s", text);
        (void) free_and_strdup(&j->result, text);
}

/* What PID 1 tells the manager as well, some milliseconds later; that is for one that was not there when the job began. */
static void tell_manager(Job *j) {
        _cleanup_(message_freep) Message *m = NULL;
        int r;

        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "done", "1");
        if (r >= 0 && j->result)
                r = message_add(m, "result", j->result);
        if (r >= 0 && fd_set_nonblock(j->channel_fd, true) >= 0)
                (void) message_send(j->channel_fd, m);
}

void job_commit(Job *j) {
        /* The manager first: PID 1, once woken, may be given this processor. */
        tell_manager(j);
        (void) sd_notify(0, "READY=1");
        /* What is left to do may end at any moment. */
        set_signals(SIG_UNBLOCK);
        j->committed = true;
}

void job_report_failure(Job *j) {
        _cleanup_free_ char *text = NULL;

        if (j->failure.kind == FAILURE_NONE)
                (void) failure_set(&j->failure, FAILURE_JOB_FAILED, EIO, "The job failed; its log says more.");

        /* A newline would begin another assignment of the notification. */
        if (string_escape(j->failure.text, &text) < 0)
                return;
        (void) sd_notifyf(0, "STATUS=error %s %s", failure_kind_to_string(j->failure.kind), text);
        log_error("%s", text);
}
