/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/unpack.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "worker/reader.h"
#include "worker/sandbox.h"
#include "worker/squashfs.h"
#include "worker/window.h"

#define FEED_BUFFER_SIZE (256U * 1024U)
#define PIPE_SIZE (1024 * 1024)
#define AHEAD_BYTES (UINT64_C(16) * 1024 * 1024)
#define READER_GRACE_MSEC 5000 /* a reader that nobody reads from has no reason to stay */

typedef struct Unpack {
        Job *job;
        UnpackInput *input;
        EVP_MD_CTX *hash;
        UnpackShared *shared;
        pid_t reader, writer;
        int feed_fd;   /* to the reader; closed at the input's end */
        int report_fd; /* from the writer */
        int signal_fd;
        int window_fd; /* of the reader; negative: it has none */
        bool input_ended;
        uint64_t ahead; /* how far the kernel was asked to read */
        uint8_t *buffer;
        size_t begin, end;
} Unpack;

int unpack_open_input(Job *j, int fd, UnpackInput *ret) {
        struct stat st;
        int flags;

        if (fd < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EBADF, "No archive was passed.");
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &st) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the archive: %m");
        if (flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EBADF, "The archive is not open for reading.");
        if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "The archive is neither a regular file nor a pipe.");

        *ret = (UnpackInput) { .fd = fd, .is_file = S_ISREG(st.st_mode), .keep_fd = -EBADF, .size = S_ISREG(st.st_mode) ? (uint64_t) st.st_size : 0 };
        if (ret->size > UNPACK_INPUT_MAX)
                return failure_set(&j->failure, FAILURE_LIMIT_REACHED, EFBIG, "The archive is larger than the limit of %llu GiB.",
                                   (unsigned long long) (UNPACK_INPUT_MAX >> 30));
        ret->squashfs = ret->is_file && pread(fd, ret->magic, 4, 0) == 4 && memcmp(ret->magic, "hsqs", 4) == 0;
        if (ret->is_file)
                (void) posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        return 0;
}

static int make_pipe(int *ret_read, int *ret_write) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        /* Only speed: the user's share of pipe memory may be used up. */
        (void) fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
        *ret_read = fds[0];
        *ret_write = fds[1];
        return 0;
}

/* In large pieces: a read that waits its turn behind all that is being written takes many milliseconds, in which nobody has anything to do. */
static void read_ahead(Unpack *u) {
        if (!u->input->is_file || u->ahead >= u->input->size || u->input->done + AHEAD_BYTES / 2 < u->ahead)
                return;
        (void) posix_fadvise(u->input->fd, (off_t) u->ahead, (off_t) AHEAD_BYTES, POSIX_FADV_WILLNEED);
        u->ahead += AHEAD_BYTES;
}

static int fill(Unpack *u) {
        ssize_t n;

        read_ahead(u);
        do
                n = u->input->is_file ? pread(u->input->fd, u->buffer, FEED_BUFFER_SIZE, (off_t) u->input->done)
                                      : read(u->input->fd, u->buffer, FEED_BUFFER_SIZE);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return failure_set(&u->job->failure, FAILURE_JOB_FAILED, errno, "Failed to read the archive: %m");
        if (n == 0) {
                u->input_ended = true;
                u->feed_fd = fd_close(u->feed_fd);
                return 0;
        }

        u->input->done += (uint64_t) n;
        if (u->shared->kept && u->input->done > u->shared->room)
                return failure_set(&u->job->failure, FAILURE_LIMIT_REACHED, EFBIG, "The archive is larger than the %llu bytes that there are for it (DiskPerUserMax= in berth.conf).",
                                   (unsigned long long) u->shared->room);
        if (u->input->done > UNPACK_INPUT_MAX)
                return failure_set(&u->job->failure, FAILURE_LIMIT_REACHED, EFBIG, "The archive is larger than the limit of %llu GiB.",
                                   (unsigned long long) (UNPACK_INPUT_MAX >> 30));
        if (u->hash && EVP_DigestUpdate(u->hash, u->buffer, (size_t) n) != 1)
                return failure_set(&u->job->failure, FAILURE_JOB_FAILED, EIO, "Failed to compute the archive's SHA-256.");
        if (u->input->keep_fd >= 0) {
                int r = fd_write_all(u->input->keep_fd, u->buffer, (size_t) n);

                if (r < 0)
                        return failure_set(&u->job->failure, FAILURE_JOB_FAILED, r, "Failed to keep the archive: %m");
        }
        for (size_t i = 0; i < (size_t) n && u->input->magic_size < UNPACK_MAGIC_MAX; i++)
                u->input->magic[u->input->magic_size++] = u->buffer[i];
        /* A window in a file changes all the time, and would be written again with each. */
        if (u->input->writeback && !window_file_used(u->window_fd))
                writeback_add(u->input->writeback, (uint64_t) n);
        u->begin = 0;
        u->end = (size_t) n;
        atomic_store_explicit(&u->shared->in_bytes, u->input->done, memory_order_relaxed);
        return 0;
}

/* All of it into a file of the job's, which nobody else can change: what is hashed has to be what is read. *ret_fd: that file, to be read only. */
static int take_whole(Unpack *u, int scratch_fd, int *ret_fd) {
        _cleanup_close_ int file = -EBADF;
        char path[sizeof "/proc/self/fd/" + DECIMAL_MAX];
        int r, fd;

        /* A clone is such a file already. */
        if (u->input->keep_fd < 0 && !u->input->cloned) {
                file = openat(scratch_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
                if (file < 0)
                        return failure_set(&u->job->failure, FAILURE_JOB_FAILED, errno, "Failed to make a file for the squashfs: %m");
                u->input->keep_fd = file;
        }
        snprintf(path, sizeof path, "/proc/self/fd/%d", u->input->cloned ? u->input->fd : u->input->keep_fd);
        for (r = 0; r >= 0 && !u->input_ended;) {
                r = fill(u);
                u->begin = u->end = 0;
                if (r >= 0 && job_cancelled())
                        r = job_fail_cancelled(u->job);
                job_progress(u->job, u->input->size > 0 ? 0.3 * MIN_OF((double) u->input->done / (double) u->input->size, 1.0) : 0, "reading");
        }
        if (file >= 0)
                u->input->keep_fd = -EBADF;
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return failure_set(&u->job->failure, FAILURE_JOB_FAILED, errno, "Failed to open the squashfs: %m");
        *ret_fd = fd;
        return 0;
}

static int start_reader(Unpack *u, int in_fd, int out_fd, int scratch_fd) {
        _cleanup_close_ int void_fd = -EBADF;
        int r;

        r = sandbox_open_void(scratch_fd, &void_fd);
        if (r < 0)
                return r;
        r = sandbox_fork(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, &u->reader);
        if (r != 0)
                return r;

        /* What the writer believes is not for who may be taken over. */
        (void) munmap(u->shared, sizeof *u->shared);
        /* Without it, which is only memory, the reader does as well. */
        if (u->window_fd >= 0)
                (void) window_map(u->window_fd);
        r = sandbox_become_parser(in_fd, out_fd, void_fd, READER_MEMORY_MAX);
        if (r >= 0)
                r = u->input->squashfs ? squashfs_run(0, u->input->done, 1) : reader_run(0, 1, u->input->layer);
        _exit(r >= 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int start_writer(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, int root_fd, WriterTarget target, pid_t *ret_pid) {
        int r;
        int keep[] = { stream_fd, report_fd, root_fd };
        WriterReport report;

        r = sandbox_fork(0, ret_pid);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to start the process that writes files: %m");
        if (r > 0)
                return 1;

        r = sandbox_become_writer(root_fd, keep, ELEMENTSOF(keep));
        if (r >= 0) {
                writer_run(stream_fd, root_fd, target, shared, &report);
                r = fd_write_all(report_fd, &report, sizeof report);
        } else
                (void) log_error_errno(r, "Failed to set up the process that writes files: %m");
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int unpack_start_writer(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, void *userdata, pid_t *ret_pid) {
        return start_writer(j, stream_fd, report_fd, shared, *(int *) userdata, WRITER_FRESH, ret_pid);
}

int unpack_start_layer_writer(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, void *userdata, pid_t *ret_pid) {
        return start_writer(j, stream_fd, report_fd, shared, *(int *) userdata, WRITER_LAYER, ret_pid);
}

/* Moves bytes until there is a report or the reader is gone. */
static int feed(Unpack *u) {
        for (;;) {
                bool full = u->begin < u->end;
                struct pollfd p[] = {
                        { .fd = u->signal_fd, .events = POLLIN },
                        { .fd = u->report_fd, .events = POLLIN },
                        { .fd = -EBADF },
                };
                ssize_t n;
                int r;

                if (u->input_ended)
                        ;
                else if (!full && u->input->is_file) {
                        r = fill(u);
                        if (r < 0)
                                return r;
                        job_progress(u->job, u->input->size > 0 ? 0.95 * MIN_OF((double) u->input->done / (double) u->input->size, 1.0) : 0,
                                     "unpacking");
                        continue;
                } else if (!full)
                        p[2] = (struct pollfd) { .fd = u->input->fd, .events = POLLIN };
                else {
                        n = write(u->feed_fd, u->buffer + u->begin, u->end - u->begin);
                        if (n >= 0) {
                                u->begin += (size_t) n;
                                if (!job_cancelled())
                                        continue;
                        } else if (errno == EPIPE) {
                                /* The reader has said why, through the writer. */
                                u->input_ended = true;
                                u->feed_fd = fd_close(u->feed_fd);
                                continue;
                        } else if (errno != EAGAIN && errno != EINTR)
                                return failure_set(&u->job->failure, FAILURE_JOB_FAILED, errno, "Failed to pass on the archive: %m");
                        p[2] = (struct pollfd) { .fd = u->feed_fd, .events = POLLOUT };
                }

                if (poll(p, ELEMENTSOF(p), -1) < 0 && errno != EINTR)
                        return failure_set(&u->job->failure, FAILURE_JOB_FAILED, errno, "Failed to wait for the archive: %m");
                if (p[0].revents)
                        return job_fail_cancelled(u->job);
                if (p[1].revents)
                        return 0;
                if (p[2].revents && !u->input_ended && !full) {
                        r = fill(u);
                        if (r < 0)
                                return r;
                        job_progress(u->job, -1, "unpacking");
                }
        }
}

/* What became of the reader when it did not live to say why. */
static int explain_reader(Unpack *u, int status) {
        Failure *f = &u->job->failure;

        *f = (Failure) {};
        if (status == -SIGXCPU || status == -SIGKILL)
                return failure_set(f, FAILURE_BAD_ARCHIVE, EBADMSG, "The archive takes too much time or memory to read; its reader was stopped.");
        if (status == -SIGBUS && window_file_used(u->window_fd))
                return failure_set(f, FAILURE_NO_SPACE, ENOSPC, "There is no room on the disk for the %u MiB that decompressing this archive takes for a while.",
                                   WINDOW_FILE_BYTES >> 20);
        if (status < 0)
                return failure_set(f, FAILURE_BAD_ARCHIVE, EBADMSG, "The archive could not be read: its reader crashed (signal %d).", -status);
        return failure_set(f, FAILURE_BAD_ARCHIVE, EBADMSG, "The archive could not be read: its reader stopped.");
}

static int finish(Unpack *u, int result, WriterReport *ret) {
        int reader_status, writer_status;
        ssize_t n = -1;

        if (result >= 0) {
                n = fd_read_all(u->report_fd, ret, sizeof *ret);
                if (n != (ssize_t) sizeof *ret)
                        result = failure_set(&u->job->failure, FAILURE_JOB_FAILED, EIO, "The process that writes files stopped.");
                else if (ret->failure.kind != FAILURE_NONE) {
                        u->job->failure = ret->failure;
                        u->job->failure.text[FAILURE_TEXT_MAX - 1] = 0;
                        result = -ret->failure.error;
                }
        }

        /* A reader that failed ends by itself, and how it ended is wanted. */
        u->feed_fd = fd_close(u->feed_fd);
        if (result < 0) {
                if (u->writer > 0)
                        (void) kill(u->writer, SIGKILL);
                if (u->reader > 0 && !(n == (ssize_t) sizeof *ret && ret->stream_broken))
                        (void) kill(u->reader, SIGKILL);
        }
        writer_status = u->writer > 0 ? child_wait(u->writer) : EXIT_FAILURE;
        reader_status = u->reader > 0 ? child_wait_timeout(u->reader, READER_GRACE_MSEC) : EXIT_FAILURE;

        if (result < 0) {
                if (n == (ssize_t) sizeof *ret && ret->stream_broken)
                        return explain_reader(u, reader_status);
                return result;
        }
        /* All of the input has gone through the hash, and all of it to a reader that found it good, or the fingerprint would name
         * something else than what was unpacked. */
        if (!u->input_ended || u->begin < u->end || reader_status != EXIT_SUCCESS || writer_status != EXIT_SUCCESS)
                return explain_reader(u, reader_status);
        return 0;
}

uint64_t unpack_room(const Job *j) {
        const char *text = message_get(j->request, "room");
        uint64_t room;

        if (!text)
                return UINT64_MAX;
        return parse_u64(text, UINT64_MAX, &room) < 0 || room < j->unpacked ? 0 : room - j->unpacked;
}

int unpack_run(Job *j, UnpackInput *input, int scratch_fd, EVP_MD_CTX *hash, WriterStart start, void *userdata, WriterReport *ret) {
        _cleanup_close_ int in_read = -EBADF, stream_read = -EBADF, stream_write = -EBADF, report_write = -EBADF, report_read = -EBADF,
                            signal_fd = -EBADF;
        _cleanup_free_ uint8_t *buffer = NULL;
        _cleanup_close_ int window_fd = -EBADF;
        Unpack u = { .job = j, .input = input, .hash = hash, .feed_fd = -EBADF, .window_fd = -EBADF };
        int r;

        signal_fd = fd_open_stop_signals();
        buffer = malloc(FEED_BUFFER_SIZE);
        u.shared = mmap(NULL, sizeof *u.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (signal_fd < 0 || !buffer || u.shared == MAP_FAILED)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to prepare unpacking: %m");
        u.signal_fd = signal_fd;
        u.buffer = buffer;
        u.shared->room = unpack_room(j);
        u.shared->kept = input->keep_fd >= 0 || input->cloned;

        if (input->squashfs) {
                r = take_whole(&u, scratch_fd, &in_read);
                if (r < 0)
                        goto out;
        } else {
                if (window_make_file(scratch_fd, &window_fd) >= 0)
                        u.window_fd = window_fd;
                r = make_pipe(&in_read, &u.feed_fd);
        }
        if (r >= 0)
                r = make_pipe(&stream_read, &stream_write);
        if (r >= 0)
                r = make_pipe(&report_read, &report_write);
        u.report_fd = report_read;
        if (r >= 0)
                r = start_reader(&u, in_read, stream_write, scratch_fd);
        if (r < 0)
                r = failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to start the archive's reader: %m");
        else
                r = start(j, stream_read, report_write, u.shared, userdata, &u.writer);

        /* Each pipe ends when the process at its other side does. */
        in_read = fd_close(in_read);
        stream_read = fd_close(stream_read);
        stream_write = fd_close(stream_write);
        report_write = fd_close(report_write);

        if (r >= 0 && !input->squashfs) {
                r = fd_set_nonblock(u.feed_fd, true);
                if (r < 0)
                        (void) failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to prepare unpacking: %m");
        }
        if (r >= 0)
                r = feed(&u);
        r = finish(&u, r, ret);
        if (r >= 0)
                j->unpacked += ret->bytes + (u.shared->kept ? input->done : 0);
out:
        (void) munmap(u.shared, sizeof *u.shared);
        return r;
}
