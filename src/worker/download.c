/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/download.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "shared/message.h"
#include "shared/names.h"
#include "worker/helper-unit.h"

#define BUFFER_SIZE (256U * 1024U)

int downloader_open(Job *j, bool only_public, Downloader *ret) {
        Downloader d = { .job = j, .fd = -EBADF, .only_public = only_public };
        _cleanup_free_ char *error = NULL;
        int r;

        r = server_settings_load("", &d.server, &error);
        if (r < 0 && r != -EBADMSG)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the settings of the server: %m");
        /* It may be the proxy's line that is wrong, and without a proxy more would be contacted than somebody wants. */
        if (r < 0) {
                server_settings_done(&d.server);
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: "The settings of the server cannot be read.");
        }
        *ret = d;
        return 0;
}

void downloader_done(Downloader *d) {
        d->fd = fd_close(d->fd);
        server_settings_done(&d->server);
}

/* It speaks with whoever is at the other end: nothing but that is left to it. No AF_UNIX: names are asked of DNS, and the bus is none of its business. */
static int append_properties(sd_bus_message *m, _unused_ const void *userdata) {
        int r;

        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                  "StandardOutput", "s", "journal",
                                  "StandardError", "s", "journal",
                                  "DynamicUser", "b", 1,
                                  "CapabilityBoundingSet", "t", (uint64_t) 0,
                                  "NoNewPrivileges", "b", 1,
                                  "ProtectSystem", "s", "strict",
                                  "ProtectHome", "s", "yes");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                          "PrivateDevices", "b", 1,
                                          "ProtectProc", "s", "invisible",
                                          "ProcSubset", "s", "pid",
                                          "ProtectControlGroups", "b", 1,
                                          "ProtectKernelModules", "b", 1,
                                          "ProtectKernelLogs", "b", 1,
                                          "ProtectClock", "b", 1,
                                          "RestrictNamespaces", "t", (uint64_t) 0,
                                          "RestrictRealtime", "b", 1,
                                          "LockPersonality", "b", 1,
                                          "MemoryDenyWriteExecute", "b", 1);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                          "SystemCallArchitectures", "as", 1, "native",
                                          "SystemCallFilter", "(bas)", 1, 1, "@system-service",
                                          "RestrictAddressFamilies", "(bas)", 1, 3, "AF_INET", "AF_INET6", "AF_NETLINK",
                                          "InaccessiblePaths", "as", 4, "-" BERTH_STATE_DIR, "-" BERTH_RUNTIME_DIR, "-" BERTH_CONFIG_DIR, "-/run/dbus",
                                          "LimitFSIZE", "t", (uint64_t) 0,
                                          "LimitCORE", "t", (uint64_t) 0,
                                          "MemoryMax", "t", (uint64_t) (HAVE_SANITIZER ? 512 : 128) * 1024 * 1024,
                                          "TasksMax", "t", (uint64_t) 16,
                                          "OOMScoreAdjust", "i", 500);
        return r;
}

static int start(Downloader *d) {
        return d->fd >= 0 ? 0 : helper_unit_start(d->job, "berth-pull", "berth: downloads", append_properties, NULL, &d->fd);
}

static int send_request(Downloader *d, const Download *file, int pipe_fd) {
        const struct {
                const char *field;
                ServerKey key;
        } proxies[] = { { "proxy-http", SERVER_PROXY_HTTP }, { "proxy-https", SERVER_PROXY_HTTPS }, { "proxy-ignore", SERVER_PROXY_IGNORE_HOSTS } };
        _cleanup_(message_freep) Message *m = NULL;
        int r;

        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "url", file->url);
        if (r >= 0)
                r = message_addf(m, "size-max", "%llu", (unsigned long long) (file->size > 0 ? file->size : file->size_max));
        if (r >= 0)
                r = message_addf(m, "stall-seconds", "%llu",
                                 (unsigned long long) (server_get_number(&d->server, SERVER_DOWNLOAD_STALL) / USEC_PER_SEC));
        if (r >= 0)
                r = message_add(m, "only-public", d->only_public ? "1" : "0");
        if (r >= 0 && file->done > 0)
                r = message_addf(m, "offset", "%llu", (unsigned long long) file->done);
        if (r >= 0 && file->size > 0)
                r = message_addf(m, "size", "%llu", (unsigned long long) file->size);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(proxies); i++)
                if (*server_get(&d->server, proxies[i].key))
                        r = message_add(m, proxies[i].field, server_get(&d->server, proxies[i].key));
        if (r >= 0)
                r = message_add_fd(m, pipe_fd);
        if (r >= 0)
                r = message_send(d->fd, m);
        return r < 0 ? failure_set(&d->job->failure, FAILURE_JOB_FAILED, r, "Failed to ask for a download: %m") : 0;
}

static void tell(Downloader *d, const Download *file, uint64_t total) {
        uint64_t all = file->progress_all > 0 ? file->progress_all : total, done = file->progress_before + file->done;
        char text[96];

        if (all > 0)
                snprintf(text, sizeof text, "downloading, %.1f of %.1f MB", (double) done / 1e6, (double) all / 1e6);
        else
                snprintf(text, sizeof text, "downloading, %.1f MB", (double) done / 1e6);
        job_progress(d->job, all > 0 ? MIN_OF((double) done / (double) all, 1.0) : -1, text);
}

static int take_data(Downloader *d, Download *file, EVP_MD_CTX *hash, int pipe_fd, uint8_t *buffer) {
        const uint64_t max = file->size > 0 ? file->size : file->size_max;
        Failure *f = &d->job->failure;
        ssize_t n;
        int r;

        n = read(pipe_fd, buffer, BUFFER_SIZE);
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : failure_set(f, FAILURE_JOB_FAILED, errno, "Failed to read what is downloaded: %m");
        if (n == 0)
                return 0;
        if ((uint64_t) n > max - file->done)
                return failure_set(f, FAILURE_LIMIT_REACHED, EFBIG, "'%s' is longer than the %llu bytes that it may have.", name_for_message(file->url),
                                   (unsigned long long) max);
        r = fd_write_all(file->fd, buffer, (size_t) n);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to write what is downloaded: %m");
        if (EVP_DigestUpdate(hash, buffer, (size_t) n) != 1 || (file->also && EVP_DigestUpdate(file->also, buffer, (size_t) n) != 1))
                return failure_set(f, FAILURE_JOB_FAILED, EIO, "Failed to compute a SHA-256.");
        file->done += (uint64_t) n;
        return 1;
}

/* 0 when it is done, 1 when it goes on. */
static int take_answer(Downloader *d, const Download *file, uint64_t *total) {
        _cleanup_(message_freep) Message *m = NULL;
        Failure *f = &d->job->failure;
        _cleanup_free_ char *text = NULL;
        const char *event, *value;
        int r;

        r = message_receive(d->fd, &m);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, EPIPE, "The program that downloads ended before it had '%s'.", name_for_message(file->url));
        event = message_get(m, "event") ?: "";
        value = message_get(m, "value") ?: "";
        if (streq(event, "size")) {
                (void) parse_u64(value, UINT64_MAX, total);
                return 1;
        }
        if (streq(event, "done"))
                return 0;
        if (streq_ptr(message_get(m, "error"), "not-found"))
                return failure_set(f, FAILURE_NO_SUCH_FILE, ENOENT, "Download failed: the server has no '%s'.", name_for_message(file->url));
        r = string_escape(value, &text);
        if (r >= 0)
                r = streq_ptr(message_get(m, "error"), "changed") ? -ESTALE : -EIO;
        return failure_set(f, FAILURE_JOB_FAILED, r, "Download failed: %s.", text ?: "out of memory");
}

static int receive(Downloader *d, Download *file, EVP_MD_CTX *hash, int pipe_fd, int signal_fd, uint8_t *buffer) {
        bool data = true, answer = true;
        uint64_t total = 0;
        int r;

        while (data || answer) {
                struct pollfd p[] = { { .fd = signal_fd, .events = POLLIN },
                                      { .fd = data ? pipe_fd : -EBADF, .events = POLLIN },
                                      { .fd = answer ? d->fd : -EBADF, .events = POLLIN } };

                if (poll(p, ELEMENTSOF(p), -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return failure_set(&d->job->failure, FAILURE_JOB_FAILED, errno, "Failed to wait for a download: %m");
                }
                if (p[0].revents)
                        return job_fail_cancelled(d->job);
                if (p[1].revents) {
                        r = take_data(d, file, hash, pipe_fd, buffer);
                        if (r < 0)
                                return r;
                        data = r > 0;
                        tell(d, file, total);
                }
                if (p[2].revents) {
                        r = take_answer(d, file, &total);
                        if (r < 0)
                                return r;
                        answer = r > 0;
                }
        }
        return 0;
}

static int check(Downloader *d, Download *file, EVP_MD_CTX *hash) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        Failure *f = &d->job->failure;
        unsigned size;

        if (EVP_DigestFinal_ex(hash, digest, &size) != 1 || size * 2 + 1 != SHA256_TEXT_SIZE)
                return failure_set(f, FAILURE_JOB_FAILED, EIO, "Failed to compute a SHA-256.");
        for (unsigned i = 0; i < size; i++)
                sprintf(file->actual + i * 2, "%02x", digest[i]);
        if (file->size > 0 && file->done != file->size)
                return failure_set(f, FAILURE_BAD_ARCHIVE, EBADMSG, "'%s' has %llu bytes, and should have %llu.", name_for_message(file->url),
                                   (unsigned long long) file->done, (unsigned long long) file->size);
        if (file->sha256 && !streq(file->sha256, file->actual))
                return failure_set(f, FAILURE_BAD_ARCHIVE, EBADMSG, "'%s' is not what was promised: its SHA-256 is %s, and should be %s.",
                                   name_for_message(file->url), file->actual, file->sha256);
        return lseek(file->fd, 0, SEEK_SET) < 0 ? failure_set(f, FAILURE_JOB_FAILED, errno, "Failed to read what was downloaded: %m") : 0;
}

static void hash_free(EVP_MD_CTX **h) {
        EVP_MD_CTX_free(*h);
}

/* What an earlier job has left: as good as its hash, which is that of all in the end. */
static int take_up(Downloader *d, Download *file, EVP_MD_CTX *hash, uint8_t *buffer) {
        Failure *f = &d->job->failure;
        struct stat st;
        ssize_t n;

        file->done = file->found = 0;
        if (!file->sha256 || fstat(file->fd, &st) < 0 || st.st_size == 0)
                return 0;
        if ((uint64_t) st.st_size > (file->size > 0 ? file->size : file->size_max) || lseek(file->fd, 0, SEEK_SET) < 0)
                return ftruncate(file->fd, 0) < 0 ? failure_set(f, FAILURE_JOB_FAILED, errno, "Failed to write what is downloaded: %m") : 0;
        job_progress(d->job, -1, "reading what is there");
        while ((n = read(file->fd, buffer, BUFFER_SIZE)) != 0) {
                if (job_cancelled())
                        return job_fail_cancelled(d->job);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return failure_set(f, FAILURE_JOB_FAILED, errno, "Failed to read what was downloaded: %m");
                if (EVP_DigestUpdate(hash, buffer, (size_t) n) != 1 || (file->also && EVP_DigestUpdate(file->also, buffer, (size_t) n) != 1))
                        return failure_set(f, FAILURE_JOB_FAILED, EIO, "Failed to compute a SHA-256.");
                file->done += (uint64_t) n;
        }
        file->found = file->done;
        log_info("Going on behind %llu bytes of '%s', which are there.", (unsigned long long) file->found, name_for_message(file->url));
        return 0;
}

int download_run(Downloader *d, Download *file) {
        _cleanup_close_ int signal_fd = -EBADF, pipe_read = -EBADF, pipe_write = -EBADF;
        _cleanup_(hash_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
        _cleanup_free_ uint8_t *buffer = malloc(BUFFER_SIZE);
        int fds[2], r;

        assert(file->url && file->fd >= 0 && (file->size_max > 0 || file->size > 0));

        if (!buffer || !hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
                return failure_set(&d->job->failure, FAILURE_JOB_FAILED, ENOMEM, "Failed to set up SHA-256.");
        signal_fd = fd_open_stop_signals();
        if (signal_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&d->job->failure, FAILURE_JOB_FAILED, errno, "Failed to prepare a download: %m");
        pipe_read = fds[0];
        pipe_write = fds[1];
        (void) fcntl(pipe_write, F_SETPIPE_SZ, 1024 * 1024);

        r = take_up(d, file, hash, buffer);
        if (r < 0)
                return r;
        if (file->size > 0 && file->done == file->size)
                return check(d, file, hash);
        r = start(d);
        if (r >= 0)
                r = send_request(d, file, pipe_write);
        pipe_write = fd_close(pipe_write);
        if (r >= 0)
                r = receive(d, file, hash, pipe_read, signal_fd, buffer);
        return r < 0 ? r : check(d, file, hash);
}

int download_open_spool(Job *j, int dir_fd, int *ret_fd) {
        char name[] = ".new-spool-0000000000";
        int fd;

        fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EOPNOTSUPP) {
                snprintf(name, sizeof name, ".new-spool-%u", (unsigned) j->id);
                fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
                if (fd >= 0)
                        (void) unlinkat(dir_fd, name, 0);
        }
        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a file for what is downloaded: %m");
        *ret_fd = fd;
        return 0;
}

int download_to_memory(Downloader *d, Download *file, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = memfd_create("download", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return failure_set(&d->job->failure, FAILURE_JOB_FAILED, errno, "Failed to make a file in memory: %m");
        file->fd = fd;
        r = download_run(d, file);
        if (r >= 0) {
                r = fd_read_string(fd, file->size_max, ret, ret_size);
                if (r < 0)
                        r = failure_set(&d->job->failure, FAILURE_JOB_FAILED, r, "Failed to read what was downloaded: %m");
        }
        file->fd = -EBADF;
        return r;
}
