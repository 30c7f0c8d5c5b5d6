/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/tree-archive.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "machinectl-plugin/process.h"
#include "machinectl-plugin/report.h"
#include "shared/userns.h"

/* A compressor's last frame, or tar's end mark, is in there. */
#define HELD_BACK 65536U
#define TAR_INCOMPLETE 2
#define IDS 65536U /* of a container */

/* Passes on all but the end until it is known how tar ended. */
static int relay(int from_fd, int to_fd, pid_t tar) {
        static uint8_t buffer[4 * HELD_BACK];
        size_t n = 0;
        int code;

        for (;;) {
                ssize_t k = read(from_fd, buffer + n, sizeof buffer - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        break;
                n += (size_t) k;
                if (n > HELD_BACK) {
                        if (fd_write_all(to_fd, buffer, n - HELD_BACK) < 0) {
                                (void) kill(tar, SIGTERM);
                                (void) process_wait(tar);
                                return 0; /* whoever reads knows why he has stopped */
                        }
                        memmove(buffer, buffer + n - HELD_BACK, HELD_BACK);
                        n = HELD_BACK;
                }
        }
        code = process_wait(tar);
        /* 1: a file changed while it was read; what is there is whole all the same. */
        if (code >= 0 && code < TAR_INCOMPLETE)
                (void) fd_write_all(to_fd, buffer, n);
        return code == 1 ? 0 : code;
}

/* Where the owners of the tree have their numbers from 0 on. */
static int enter_ids_of(int directory_fd) {
        _cleanup_close_ int proc_fd = -EBADF;
        struct stat st;
        int r;

        if (fchdir(directory_fd) < 0 || fstat(directory_fd, &st) < 0)
                return -errno;
        if (st.st_uid < IDS)
                return 0;
        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return -errno;
        r = userns_enter_new(proc_fd, &(UidRange) { .inside = 0, .outside = st.st_uid, .size = IDS }, 1);
        return r < 0 ? r : userns_become_root();
}

int tree_archive_start(int directory_fd, int *ret_fd, pid_t *ret_pid) {
        _cleanup_close_ int tar_read = -EBADF, tar_write = -EBADF, out_read = -EBADF, out_write = -EBADF;
        /* Names of extended headers, and those of sparse files in later versions, would have tar's process id in them. */
        const char *arguments[] = {
                "tar", "--create", "--file=-", "--numeric-owner", "--sparse", "--sparse-version=0.0", "--one-file-system", "--sort=name", "--acls", "--xattrs",
                "--xattrs-include=*", "--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
                access("/usr/bin/zstd", X_OK) >= 0 ? "--use-compress-program=zstd -3 -T0 -q" : "--", ".", NULL,
        };
        int fds[2], r;
        pid_t tar, pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        tar_read = fds[0];
        tar_write = fds[1];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        out_read = fds[0];
        out_write = fds[1];

        (void) fflush(stdout);
        pid = fork();
        if (pid < 0)
                return report_failure("Cannot start a process: %m.");
        if (pid == 0) {
                (void) signal(SIGPIPE, SIG_IGN);
                out_read = fd_close(out_read);
                r = enter_ids_of(directory_fd);
                if (r < 0)
                        fprintf(stderr, "berthctl: Cannot read a tree of other ids than those of the host: %s.\n", strerror(-r));
                if (r >= 0)
                        r = process_start(arguments, -EBADF, tar_write, &tar);
                tar_write = fd_close(tar_write);
                _exit(r < 0 ? 127 : relay(tar_read, out_write, tar));
        }
        *ret_fd = TAKE_FD(out_read);
        *ret_pid = pid;
        return 0;
}
