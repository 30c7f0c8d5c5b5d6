/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/builder.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "settings/server.h"
#include "worker/helper-unit.h"

#define PROGRAM "berth-bootstrap"
#define LINE_MAX_BYTES 1024U
#define STATUS_MAX 70
#define END_TIMEOUT_MSEC 10000
#define LOG_TIMEOUT_MSEC 2000
#define CAP(c) (UINT64_C(1) << CAP_##c)

typedef struct Builder {
        Job *job;
        const char *directory;
        int fd;                      /* owned: to berth-bootstrap */
        int said_read, said_write;   /* owned: what the builder prints */
        int log_fd;                  /* borrowed; negative: nobody reads it, or not any more */
        char line[LINE_MAX_BYTES];   /* what of a line has come */
        size_t n;
        char reason[LINE_MAX_BYTES]; /* the first line that looks like one, or else the last */
        bool reason_is_error;
} Builder;

static void builder_done(Builder *b) {
        b->fd = fd_close(b->fd);
        b->said_read = fd_close(b->said_read);
        b->said_write = fd_close(b->said_write);
}

void built_done(Built *b) {
        free(TAKE_PTR(b->title));
        free(TAKE_PTR(b->builder));
        b->leftovers = strv_free(b->leftovers);
}

/* It makes a user namespace and gives it ids: no other privilege is left to it. Of the host's network all is left, because that is what it is for. Nothing may lie over
 * files of /proc, or the kernel would let nobody mount a new one in a pid namespace of a user namespace (mount_too_revealing()). */
static int append_properties(sd_bus_message *m, const void *userdata) {
        const Builder *b = userdata;
        int r;

        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                  "StandardOutputFileDescriptor", "h", b->said_write,
                                  "StandardErrorFileDescriptor", "h", b->said_write,
                                  "CapabilityBoundingSet", "t", CAP(SETUID) | CAP(SETGID) | CAP(KILL),
                                  "NoNewPrivileges", "b", 1,
                                  "ProtectSystem", "s", "strict",
                                  "ProtectHome", "s", "yes",
                                  "PrivateTmp", "b", 1,
                                  "PrivateDevices", "b", 1,
                                  "ProtectClock", "b", 1,
                                  "ProtectKernelModules", "b", 1,
                                  "RestrictRealtime", "b", 1,
                                  "SystemCallErrorNumber", "i", EPERM);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                          "SystemCallArchitectures", "as", 1, "native",
                                          "SystemCallFilter", "(bas)", 1, 2, "@system-service", "@mount",
                                          "RestrictAddressFamilies", "(bas)", 1, 4, "AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK",
                                          "TemporaryFileSystem", "a(ss)", 1, "/mnt", "",
                                          "BindPaths", "a(ssbt)", 1, b->directory, "/mnt/root", 0, UINT64_C(0),
                                          "InaccessiblePaths", "as", 3, "-" BERTH_RUNTIME_DIR, "-" BERTH_CONFIG_DIR, "-/run/dbus",
                                          "LimitCORE", "t", UINT64_C(0),
                                          "MemoryMax", "t", UINT64_C(2) * 1024 * 1024 * 1024,
                                          "TasksMax", "t", UINT64_C(512));
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)", "OOMScoreAdjust", "i", 500);
        return r;
}

/* As apt and dnf write them. */
static bool looks_like_error(const char *line) {
        static const char *const beginnings[] = { "E: ", "Error: ", "error: ", "No match for argument" };

        for (size_t i = 0; i < ELEMENTSOF(beginnings); i++)
                if (startswith(line, beginnings[i]))
                        return true;
        return false;
}

/* A reader that does not read must not keep the job from being cancelled: a pipe with room takes PIPE_BUF bytes at once. */
static void tell(Builder *b, const char *text) {
        struct pollfd p = { .fd = b->log_fd, .events = POLLOUT };
        char line[PIPE_BUF];
        int n;

        if (b->log_fd < 0)
                return;
        n = snprintf(line, sizeof line, "%.*s\n", (int) sizeof line - 2, text);
        if (poll(&p, 1, LOG_TIMEOUT_MSEC) <= 0 || !(p.revents & POLLOUT) || fd_write_all(b->log_fd, line, (size_t) n) < 0)
                b->log_fd = -EBADF;
}

static void on_line(Builder *b) {
        _cleanup_free_ char *text = NULL;
        char status[STATUS_MAX + 16];

        b->line[b->n] = 0;
        b->n = 0;
        if (isempty(b->line) || string_escape(b->line, &text) < 0)
                return;
        log_info("%s", text);
        tell(b, text);
        if (!b->reason_is_error) {
                b->reason_is_error = looks_like_error(text);
                snprintf(b->reason, sizeof b->reason, "%s", text);
        }
        snprintf(status, sizeof status, "building, %.*s", STATUS_MAX, text);
        job_progress(b->job, -1, status);
}

/* 0 at the end */
static int take_said(Builder *b) {
        char buffer[4096];
        ssize_t n;

        n = read(b->said_read, buffer, sizeof buffer);
        if (n < 0)
                return errno == EINTR ? 1 : -errno;
        for (ssize_t i = 0; i < n; i++) {
                if (buffer[i] == '\n' || buffer[i] == '\r' || b->n == sizeof b->line - 1)
                        on_line(b);
                if (buffer[i] != '\n' && buffer[i] != '\r')
                        b->line[b->n++] = buffer[i];
        }
        if (n == 0 && b->n > 0)
                on_line(b);
        return n > 0;
}

/* Whoever holds an end of its output may still write to the tree. */
static void wait_for_end(Builder *b) {
        struct pollfd p = { .fd = b->said_read, .events = POLLIN };

        b->fd = fd_close(b->fd);
        b->log_fd = -EBADF;
        while (b->said_read >= 0) {
                if (poll(&p, 1, END_TIMEOUT_MSEC) <= 0 || take_said(b) <= 0)
                        return;
        }
}

static int send_request(Builder *b, int keyring_fd) {
        static const char *const fields[] = { "family", "release", "variant", "mirror" };
        const struct {
                const char *field;
                ServerKey key;
        } proxies[] = { { "proxy-http", SERVER_PROXY_HTTP }, { "proxy-https", SERVER_PROXY_HTTPS }, { "proxy-ignore", SERVER_PROXY_IGNORE_HOSTS } };
        _cleanup_(server_settings_done) ServerSettings server = {};
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_strv_ char **include = NULL;
        _cleanup_free_ char *error = NULL;
        Job *j = b->job;
        int r;

        r = server_settings_load("", &server, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: "The settings of the server cannot be read.");
        r = message_new(&m);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++)
                if (message_get(j->request, fields[i]))
                        r = message_add(m, fields[i], message_get(j->request, fields[i]));
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(proxies); i++)
                if (*server_get(&server, proxies[i].key))
                        r = message_add(m, proxies[i].field, server_get(&server, proxies[i].key));
        if (r >= 0)
                r = message_get_strv(j->request, "include", &include);
        if (r >= 0)
                r = message_add_strv(m, "include", include);
        if (r >= 0 && keyring_fd >= 0)
                r = message_add_fd(m, keyring_fd);
        if (r >= 0)
                r = message_send(b->fd, m);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to ask for what is to be built: %m") : 0;
}

static int take_answer(Builder *b, Built *ret) {
        _cleanup_(message_freep) Message *m = NULL;
        Failure *f = &b->job->failure;
        _cleanup_free_ char *text = NULL;
        int r;

        r = message_receive(b->fd, &m);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, EPIPE, "The program that builds ended before it was done.");
        if (!streq_ptr(message_get(m, "event"), "done")) {
                r = string_escape(message_get(m, "value") ?: "no reason is given", &text);
                if (r < 0)
                        return r;
                /* What the builder said is of use where it is the builder that has failed. */
                wait_for_end(b);
                if (streq_ptr(message_get(m, "error"), "argument"))
                        return failure_set(f, FAILURE_INVALID_ARGUMENT, EINVAL, "It cannot be built: %s.", text);
                return failure_set(f, FAILURE_JOB_FAILED, EIO, "It could not be built: %s%s%.600s%s", text, *b->reason ? " (" : "", b->reason, *b->reason ? ")." : ".");
        }
        r = free_and_strdup(&ret->title, message_get(m, "title"));
        if (r >= 0)
                r = free_and_strdup(&ret->builder, message_get(m, "builder"));
        if (r >= 0)
                r = message_get_strv(m, "leftover", &ret->leftovers);
        return r;
}

static int receive(Builder *b, int signal_fd, Built *ret) {
        bool says = true;
        int r;

        for (;;) {
                struct pollfd p[] = { { .fd = signal_fd, .events = POLLIN },
                                      { .fd = says ? b->said_read : -EBADF, .events = POLLIN },
                                      { .fd = b->fd, .events = POLLIN } };

                if (poll(p, ELEMENTSOF(p), -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return failure_set(&b->job->failure, FAILURE_JOB_FAILED, errno, "Failed to wait for what is built: %m");
                }
                if (p[0].revents)
                        return job_fail_cancelled(b->job);
                if (p[1].revents) {
                        r = take_said(b);
                        if (r < 0)
                                return failure_set(&b->job->failure, FAILURE_JOB_FAILED, r, "Failed to read what the builder says: %m");
                        says = r > 0;
                } else if (p[2].revents)
                        return take_answer(b, ret);
        }
}

int builder_run(Job *j, const char *directory, int keyring_fd, int log_fd, Built *ret) {
        _cleanup_(builder_done) Builder b = { .job = j, .directory = directory, .fd = -EBADF, .said_read = -EBADF, .said_write = -EBADF, .log_fd = log_fd };
        _cleanup_close_ int signal_fd = -EBADF;
        int fds[2], r;

        signal_fd = fd_open_stop_signals();
        if (signal_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to prepare what is built: %m");
        b.said_read = fds[0];
        b.said_write = fds[1];
        r = helper_unit_start(j, PROGRAM, "berth: builds a root file system", append_properties, &b, &b.fd);
        b.said_write = fd_close(b.said_write);
        if (r >= 0)
                r = send_request(&b, keyring_fd);
        if (r >= 0)
                r = receive(&b, signal_fd, ret);
        wait_for_end(&b);
        return r;
}
