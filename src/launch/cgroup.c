/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

#define LEAF ".berth"
#define PAYLOAD "payload"

int cgroup_open_of(pid_t pid, int *ret_fd) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int file = -EBADF, top = -EBADF;
        char path[64], *line, *rest;
        int r, fd;

        snprintf(path, sizeof path, "/proc/%d/cgroup", (int) pid);
        file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;
        r = fd_read_string(file, 64 * 1024, &text, NULL);
        if (r < 0)
                return r;

        for (rest = text; (line = strsep(&rest, "\n"));) {
                const char *cgroup = startswith(line, "0::/");

                if (!cgroup)
                        continue;
                top = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (top < 0)
                        return -errno;
                fd = path_open_beneath(top, cgroup, O_RDONLY | O_DIRECTORY, 0);
                if (fd < 0)
                        return fd;
                *ret_fd = fd;
                return 0;
        }
        return -ENODATA;
}

int cgroup_delegate(int cgroup_fd, uint32_t uid) {
        _cleanup_close_ int file = -EBADF;
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        int r;

        file = open("/sys/kernel/cgroup/delegate", O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;
        r = fd_read_string(file, 4096, &text, NULL);
        if (r < 0)
                return r;

        if (fchown(cgroup_fd, uid, uid) < 0)
                return -errno;
        for (rest = text; (line = strsep(&rest, "\n"));)
                if (!isempty(line) && fchownat(cgroup_fd, line, uid, uid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                        return -errno;
        return 0;
}

int cgroup_make_leaf(int cgroup_fd, int *ret_fd) {
        int fd;

        fd = path_make_directory(cgroup_fd, LEAF, 0755);
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        return 0;
}

static int write_file(int cgroup_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(cgroup_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static int write_number(int cgroup_fd, const char *name, int number) {
        char text[DECIMAL_MAX];

        snprintf(text, sizeof text, "%d", number);
        return write_file(cgroup_fd, name, text);
}

int cgroup_limit(int cgroup_fd, int descendants, int depth) {
        int r = write_number(cgroup_fd, "cgroup.max.descendants", descendants);

        return r < 0 ? r : write_number(cgroup_fd, "cgroup.max.depth", depth);
}

/* All that PID 1 gives the scope; one that cannot be passed on (cpu, beside real-time processes) is missed by the guest, not by its limits. */
static int pass_controllers_on(int cgroup_fd) {
        _cleanup_close_ int file = openat(cgroup_fd, "cgroup.controllers", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        char *rest, *word, line[64];
        int r;

        if (file < 0)
                return -errno;
        r = fd_read_string(file, 4096, &text, NULL);
        if (r < 0)
                return r;
        for (rest = text; (word = strsep(&rest, " \n"));)
                if (*word && strlen(word) < sizeof line - 1) {
                        snprintf(line, sizeof line, "+%s", word);
                        (void) write_file(cgroup_fd, "cgroup.subtree_control", line);
                }
        return 0;
}

int cgroup_make_payload(int cgroup_fd, pid_t pid, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;
        char text[32];
        int r;

        fd = path_make_directory(cgroup_fd, PAYLOAD, 0755);
        if (fd < 0)
                return fd;
        snprintf(text, sizeof text, "%d", (int) pid);
        r = write_file(fd, "cgroup.procs", text);
        if (r >= 0)
                r = pass_controllers_on(cgroup_fd);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
