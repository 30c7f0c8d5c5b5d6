/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/signature.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "worker/sandbox.h"

#define SECONDS_MAX 60
#define GPGV "/usr/bin/gpgv"
#define NOBODY 65534U

/* Which numbers the child's files have. */
enum { KEYRING_FD = 3, TEXT_FD, SIGNATURE_FD, OUTPUT_FD, _FD_MAX };

static int to_memory(const char *data, size_t size, int *ret_fd) {
        _cleanup_close_ int fd = memfd_create("signed", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, data, size);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int signature_load_keyring(Job *j, int fd, const char *name, int *ret_fd) {
        _cleanup_free_ char *keys = NULL;
        size_t size;
        int r;

        r = fd_read_string(fd, KEYRING_SIZE_MAX, &keys, &size);
        if (r >= 0 && size == 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, ENODATA, "The keyring '%s' is empty.", name_for_message(name));
        if (r >= 0)
                r = to_memory(keys, size, ret_fd);
        return r < 0 ? failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "The keyring '%s' cannot be read: %m", name_for_message(name)) : 0;
}

/* In the child, root of a user namespace that owns nothing. */
static int become_gpgv(const int *fds, bool detached) {
        const struct rlimit none = { 0, 0 }, cpu = { SECONDS_MAX, SECONDS_MAX };
        int keep[_FD_MAX - KEYRING_FD];
        int copies[_FD_MAX];

        /* Above all numbers that they are to have, so that none is closed by another's dup2(). */
        for (int i = KEYRING_FD; i < _FD_MAX; i++) {
                copies[i] = fds[i] < 0 ? -EBADF : fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
                keep[i - KEYRING_FD] = i;
                if (fds[i] >= 0 && copies[i] < 0)
                        return -errno;
        }
        for (int i = KEYRING_FD; i < _FD_MAX; i++)
                if (copies[i] >= 0 ? dup2(copies[i], i) < 0 : (close(i) < 0 && errno != EBADF))
                        return -errno;
        if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0)
                return -errno;
        (void) fd_close_all_except(keep, ELEMENTSOF(keep));
        /* /dev/fd/N is opened anew, and only what is in memory can be by nobody. */
        if (detached)
                (void) execl(GPGV, GPGV, "--quiet", "--keyring", "/proc/self/fd/3", "/proc/self/fd/5", "/proc/self/fd/4", NULL);
        else
                (void) execl(GPGV, GPGV, "--quiet", "--keyring", "/proc/self/fd/3", "--output", "/proc/self/fd/6", "/proc/self/fd/4", NULL);
        return -errno;
}

int signature_check(Job *j, int keyring_fd, const char *name, const char *text, size_t size, const char *signature, size_t signature_size,
                    char **ret, size_t *ret_size) {
        _cleanup_close_ int text_fd = -EBADF, signature_fd = -EBADF, output_fd = -EBADF;
        Failure *f = &j->failure;
        int r, status, fds[_FD_MAX];
        pid_t pid;

        if (access(GPGV, X_OK) < 0)
                return failure_set(f, FAILURE_NOT_SUPPORTED, ENOENT, "To check the signature of '%s', gpgv is needed: apt install gpgv.", name_for_message(name));
        r = to_memory(text, size, &text_fd);
        if (r >= 0 && signature)
                r = to_memory(signature, signature_size, &signature_fd);
        if (r >= 0 && !signature)
                r = to_memory("", 0, &output_fd);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to make a file in memory: %m");

        r = sandbox_fork(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, &pid);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to start gpgv: %m");
        if (r == 0) {
                memset(fds, -1, sizeof fds);
                fds[KEYRING_FD] = keyring_fd;
                fds[TEXT_FD] = text_fd;
                fds[SIGNATURE_FD] = signature_fd;
                fds[OUTPUT_FD] = output_fd;
                (void) become_gpgv(fds, signature);
                _exit(127);
        }
        status = child_wait_timeout(pid, SECONDS_MAX * 1000);
        if (status != 0)
                return failure_set(f, FAILURE_BAD_ARCHIVE, EBADMSG, "The signature of '%s' is not right: %s.", name_for_message(name),
                                   status == 127 ? "gpgv could not be executed" : status < 0 ? "gpgv crashed" :
                                   "none of the keys in its keyring made it, or what was signed has been changed");
        if (signature)
                return 0;
        if (lseek(output_fd, 0, SEEK_SET) < 0)
                r = -errno;
        else
                r = fd_read_string(output_fd, size, ret, ret_size);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to read what was signed: %m");
        return 0;
}
