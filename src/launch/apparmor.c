/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macro.h"
#include "basic/strv.h"

#define LABEL_MAX_BYTES 8192U

int apparmor_open(void) {
        _cleanup_close_ int fd = open("/proc/thread-self/attr/apparmor/current", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        struct statfs sfs;

        if (fd < 0)
                return errno == ENOENT ? -EOPNOTSUPP : -errno;
        if (fstatfs(fd, &sfs) < 0)
                return -errno;
        return sfs.f_type == PROC_SUPER_MAGIC ? TAKE_FD(fd) : -EXDEV;
}

/* What aa_change_profile(3) does; the library would be in every supervisor. */
int apparmor_change(int fd, const char *label) {
        _cleanup_free_ char *command = NULL;
        ssize_t n;

        if (asprintf(&command, "changeprofile %s", label) < 0) {
                command = NULL;
                return -ENOMEM;
        }
        /* One write is one command. */
        n = write(fd, command, strlen(command));
        return n < 0 ? -errno : (size_t) n == strlen(command) ? 0 : -EIO;
}

int apparmor_verify(pid_t pid, const char *label, char **ret_label) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *rest;
        char path[64];
        size_t size;
        int r;

        snprintf(path, sizeof path, "/proc/%d/attr/apparmor/current", (int) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fd_read_string(fd, LABEL_MAX_BYTES, &text, &size);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        /* Behind it stands the mode, "(enforce)". */
        rest = startswith(text, label);
        if (rest && (!*rest || startswith(rest, " (")))
                return 0;
        *ret_label = TAKE_PTR(text);
        return -ESTALE;
}
