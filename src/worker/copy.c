/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/settings.h"
#include "shared/names.h"
#include "storage/rootfs.h"
#include "shared/runtime-state.h"
#include "worker/copy-file.h"
#include "worker/pack.h"
#include "worker/sandbox.h"
#include "worker/store.h"
#include "worker/unlock.h"
#include "worker/unpack.h"

/* copy-to, copy-from: files of a container that runs or does not. A child process goes into the container's root file system and user
 * namespace and does all that touches files there; the job waits for what it says and can end it at any moment. */

#define CLEANUP_MSEC 3000

typedef struct Copy {
        Job *job;
        const char *name, *path;
        bool tar;
        int fd; /* the caller's; owned by the request */
        bool fd_is_file;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        Settings *settings; /* owned */
        pid_t leader;       /* 0: it does not run, and this job has its lock */
        int lock_fd;        /* owned */
        int unlocked_fd;    /* owned; keeps what one that is encrypted has written open */
} Copy;

/* What the child process says at its end. */
typedef struct CopyReport {
        Failure failure;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        uint64_t size;
} CopyReport;

static void copy_done(Copy *c) {
        c->settings = settings_free(c->settings);
        c->unlocked_fd = fd_close(c->unlocked_fd);
        c->lock_fd = fd_close(c->lock_fd);
}

static int take_number(Job *j, const char *key, uint32_t max, uint32_t *ret) {
        uint32_t v;
        int r;

        r = message_get_u32(j->request, key, &v);
        if (r == -ENOENT)
                return 0;
        if (r < 0 || v > max)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' must be a number from 0 to %u.", key, max);
        *ret = v;
        return 0;
}

static int check_fd(Copy *c, bool to) {
        Job *j = c->job;
        struct stat st;
        int flags;

        c->fd = j->request->n_fds == (message_get(j->request, "key") ? 2 : 1) ? j->request->fds[0] : -EBADF;
        if (c->fd < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EBADF, "A copy takes exactly one file.");
        flags = fcntl(c->fd, F_GETFL);
        if (flags < 0 || fstat(c->fd, &st) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the file that was passed: %m");
        if (flags & O_PATH || (flags & O_ACCMODE) == (to ? O_WRONLY : O_RDONLY))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EBADF, "The file that was passed is not open for %s.",
                                   to ? "reading" : "writing");
        if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "What was passed is neither a regular file nor a pipe.");
        c->fd_is_file = S_ISREG(st.st_mode);
        return 0;
}

static int prepare(Copy *c, bool to) {
        _cleanup_close_ int container = -EBADF;
        _cleanup_free_ char *error = NULL;
        const char *format;
        RuntimeState state;
        Job *j = c->job;
        int r;

        r = job_get(j, "name", &c->name);
        if (r >= 0)
                r = job_get(j, "path", &c->path);
        if (r >= 0)
                r = take_number(j, "mode", 07777, &c->mode);
        if (r >= 0)
                r = take_number(j, "uid", UID_RANGE_SIZE - 1, &c->uid);
        if (r >= 0)
                r = take_number(j, "gid", UID_RANGE_SIZE - 1, &c->gid);
        if (r >= 0)
                r = check_fd(c, to);
        if (r >= 0)
                r = store_open_container(j, c->name, &container);
        if (r < 0)
                return r;

        format = message_get(j->request, "format") ?: "file";
        c->tar = streq(format, "tar");
        if (!c->tar && !streq(format, "file"))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is no format of a copy, 'file' and 'tar' are.",
                                   name_for_message(format));
        if (c->path[0] != '/' || strlen(c->path) >= PATH_MAX)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is no absolute path.", name_for_message(c->path));

        r = settings_load(c->name, &c->settings, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "The settings of the container '%s' cannot be used: %s", c->name,
                                   error ?: strerror(-r));

        if (runtime_state_read(c->name, &state) >= 0)
                c->leader = state.leader;
        else {
                r = store_lock_container(j, c->name, container, &c->lock_fd);
                if (r >= 0)
                        r = container_unlock(j, c->name, c->settings, &c->unlocked_fd);
        }
        return r;
}

/* In the child. keep: fds that it needs besides 0 to 2. */
static int enter(Copy *c, int *keep, size_t n_keep, int *ret_root_fd, Failure *f) {
        int r;

        r = fd_close_all_except(keep, n_keep);
        if (r >= 0)
                r = rootfs_enter(c->name, c->settings, c->leader, ret_root_fd);
        /* Nobody in there can see this process, and if somebody could, it is none to look into. */
        if (r >= 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
                       prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)) /* the change of ids took it away */
                r = -errno;
        if (r == -ESRCH && c->leader > 0)
                return failure_set(f, FAILURE_BUSY, r, "The container '%s' has just stopped; try again.", c->name);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to get at the files of the container '%s': %m", c->name);
        return 0;
}

static pid_t fork_child(void) {
        pid_t parent = getpid(), pid;

        pid = fork();
        if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
                _exit(EXIT_FAILURE);
        return pid;
}

static void _noreturn_ run_child(Copy *c, bool to, int report_fd) {
        CopyReport report = { .mode = MODE_UNSET };
        CopyFile file = { .path = c->path, .fd = c->fd, .fd_is_file = c->fd_is_file, .mode = c->mode, .uid = c->uid, .gid = c->gid,
                          .keep = message_get_bool(c->job->request, "keep") > 0 };
        int keep[] = { c->fd, report_fd, -EBADF };
        struct stat st = {};
        int root_fd, r = 0;

        /* A half-written file in the container is to go before we do: SIGTERM, which is blocked, ends the copy and not the process. */
        keep[2] = file.cancel_fd = fd_open_stop_signals();
        if (file.cancel_fd < 0)
                r = file.cancel_fd;
        else if (!to && c->tar)
                r = pack_prepare();
        if (r < 0)
                (void) failure_set(&report.failure, FAILURE_JOB_FAILED, r, "Failed to prepare the copy: %m");
        else
                r = enter(c, keep, ELEMENTSOF(keep), &root_fd, &report.failure);
        if (r >= 0) {
                if (to)
                        r = copy_file_to(root_fd, &file, &report.failure);
                else if (c->tar)
                        r = pack_run(root_fd, c->path, c->fd, &report.failure);
                else
                        r = copy_file_from(root_fd, &file, &st, &report.failure);
        }
        report.mode = st.st_mode & 07777;
        report.uid = st.st_uid;
        report.gid = st.st_gid;
        report.size = (uint64_t) st.st_size;
        _exit(fd_write_all(report_fd, &report, sizeof report) < 0 || r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* The child's report, unless the job is cancelled before. */
static int wait_for_report(Job *j, int report_fd, CopyReport *ret) {
        _cleanup_close_ int signal_fd = -EBADF;

        signal_fd = fd_open_stop_signals();
        if (signal_fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, signal_fd, "Failed to wait for signals: %m");

        for (;;) {
                struct pollfd p[] = { { .fd = signal_fd, .events = POLLIN }, { .fd = report_fd, .events = POLLIN } };

                if (poll(p, ELEMENTSOF(p), -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to wait for the copy: %m");
                }
                if (p[0].revents)
                        return job_fail_cancelled(j);
                if (fd_read_all(report_fd, ret, sizeof *ret) != sizeof *ret)
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, EIO, "The process that copies stopped.");
                if (ret->failure.kind == FAILURE_NONE)
                        return 0;
                j->failure = ret->failure;
                j->failure.text[FAILURE_TEXT_MAX - 1] = 0;
                return -ret->failure.error;
        }
}

/* It gets a moment to take away what it has begun in the container, where a file system may hang it. */
static void end_child(pid_t pid, int report_fd, bool to) {
        struct pollfd p = { .fd = report_fd, .events = POLLIN };

        if (to && kill(pid, SIGTERM) >= 0)
                (void) poll(&p, 1, CLEANUP_MSEC);
        if (!to || !(p.revents & POLLIN))
                (void) kill(pid, SIGKILL);
}

static int copy_in_child(Copy *c, bool to) {
        _cleanup_close_ int report_read = -EBADF, report_write = -EBADF;
        CopyReport report;
        Job *j = c->job;
        int fds[2], r;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        report_read = fds[0];
        report_write = fds[1];

        job_progress(j, -1, "copying");
        pid = fork_child();
        if (pid < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to start a process for the copy: %m");
        if (pid == 0)
                run_child(c, to, report_write);

        report_write = fd_close(report_write);
        r = wait_for_report(j, report_read, &report);
        if (r < 0)
                end_child(pid, report_read, to);
        (void) child_wait(pid);
        if (r < 0)
                return r;
        if (!to && !c->tar)
                job_result(j, "mode=%u uid=%u gid=%u size=%llu", report.mode, report.uid, report.gid, (unsigned long long) report.size);
        return 0;
}

/* The directory that a tar goes to; made when only it is missing. */
static int open_target(int root_fd, const char *path, Failure *f) {
        _cleanup_free_ char *copy = strdup(path);
        char *directory, *name;
        int fd, dir;

        fd = path_open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd == -ENOENT && copy && split_path(copy, &directory, &name) >= 0) {
                dir = path_open_in_root(root_fd, directory, O_RDONLY | O_DIRECTORY, 0);
                if (dir >= 0 && mkdirat(dir, name, 0755) >= 0)
                        fd = path_open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);
                (void) fd_close(dir);
        }
        if (fd == -ENOENT)
                return failure_set(f, FAILURE_NO_SUCH_FILE, fd, "There is no directory '%s' in the container.", name_for_message(path));
        if (fd < 0)
                return failure_set(f, FAILURE_JOB_FAILED, fd, "Opening the directory '%s' in the container failed: %m", name_for_message(path));
        return fd;
}

/* WriterStart (worker/unpack.h) inside a container */
static int start_writer(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, void *userdata, pid_t *ret_pid) {
        int keep[] = { stream_fd, report_fd }, root_fd, target;
        WriterReport report = {};
        Copy *c = userdata;
        int r;

        *ret_pid = fork_child();
        if (*ret_pid < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to start the process that writes files: %m");
        if (*ret_pid > 0)
                return 1;

        (void) umask(0022);
        r = enter(c, keep, ELEMENTSOF(keep), &root_fd, &report.failure);
        if (r >= 0)
                r = target = open_target(root_fd, c->path, &report.failure);
        if (r >= 0)
                writer_run(stream_fd, target, WRITER_IN_USE, shared, &report);
        if (r >= 0 && report.failure.kind == FAILURE_NONE && syncfs(target) < 0)
                (void) failure_set(&report.failure, FAILURE_JOB_FAILED, errno, "Failed to write the files to the disk: %m");
        r = fd_write_all(report_fd, &report, sizeof report);
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int unpack_into_container(Copy *c) {
        _cleanup_close_ int containers = -EBADF, scratch = -EBADF;
        _cleanup_free_ char *scratch_name = NULL;
        WriterReport report;
        UnpackInput input;
        Job *j = c->job;
        int r;

        r = unpack_open_input(j, c->fd, &input);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r >= 0)
                r = store_make_new(j, containers, &scratch_name, &scratch);
        if (r < 0)
                return r;
        r = unpack_run(j, &input, scratch, NULL, start_writer, c, &report);
        (void) path_remove_tree(containers, scratch_name);
        if (r >= 0 && report.dropped_attributes > 0)
                log_notice("Left out %llu extended attributes that a container cannot be given.", (unsigned long long) report.dropped_attributes);
        return r;
}

static int copy(Job *j, bool to) {
        _cleanup_(copy_done) Copy c = {
                .job = j, .mode = MODE_UNSET, .uid = (uid_t) -1, .gid = (gid_t) -1, .fd = -EBADF, .lock_fd = -EBADF, .unlocked_fd = -EBADF,
        };
        int r;

        r = prepare(&c, to);
        if (r >= 0)
                r = to && c.tar ? unpack_into_container(&c) : copy_in_child(&c, to);
        if (r < 0)
                return r;
        c.unlocked_fd = fd_close(c.unlocked_fd);
        c.lock_fd = fd_close(c.lock_fd);
        job_commit(j);
        return 0;
}

int job_copy_to(Job *j) {
        return copy(j, true);
}

int job_copy_from(Job *j) {
        return copy(j, false);
}
