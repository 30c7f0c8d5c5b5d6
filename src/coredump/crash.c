/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "coredump/crash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

#define CGROUP_SIZE_MAX (16U * 1024U)

void crash_done(Crash *c) {
        c->proc_fd = fd_close(c->proc_fd);
}

/* Behind the slice that all of berth's units of one owner are in, or NULL. From the root on: below it, a user names cgroups too. */
static const char *skip_slice(const char *cgroup) {
        static const char machines[] = "/machine.slice/" BERTH_SLICE "/", users[] = "/user.slice/user-";
        char expected[2 * BERTH_SLICE_MAX];
        const char *rest;
        unsigned uid;

        rest = startswith(cgroup, machines);
        if (rest)
                return rest;
        rest = startswith(cgroup, users);
        if (!rest || sscanf(rest, "%u", &uid) != 1)
                return NULL;
        snprintf(expected, sizeof expected, "%s%u.slice/" BERTH_USER_SLICE "/", users, uid, uid);
        return startswith(cgroup, expected);
}

/* The scope is the container's: what is below it the guest has named, and it can be in no other. */
bool crash_find_container(const char *cgroup, char ret[static CONTAINER_NAME_MAX + 1]) {
        const char *scope;
        char unit[CONTAINER_NAME_MAX + 32];

        cgroup = startswith(cgroup, "0::") ? cgroup : strstr(cgroup, "\n0::");
        if (cgroup)
                cgroup = strchr(cgroup, '/');
        scope = cgroup ? skip_slice(cgroup) : NULL;
        if (!scope)
                return false;
        /* A slice of the administrator's may be between. */
        for (;; scope += strcspn(scope, "/\n") + 1) {
                size_t n = strcspn(scope, "/\n");

                snprintf(unit, sizeof unit, "%.*s", (int) MIN_OF(n, sizeof unit - 1), scope);
                if (n < sizeof unit && endswith(unit, ".scope"))
                        return container_from_unit(unit, ret) != NULL;
                if (scope[n] != '/')
                        return false;
        }
}

int crash_read(const char *const *arguments, Crash *ret) {
        _cleanup_(crash_done) Crash c = { .arguments = arguments, .proc_fd = -EBADF };
        _cleanup_free_ char *cgroup = NULL;
        _cleanup_close_ int fd = -EBADF;
        char path[32];
        uint32_t pid;
        size_t size;
        int r;

        r = parse_u32(arguments[CRASH_PID], INT32_MAX, &pid);
        if (r < 0)
                return r;
        c.pid = (pid_t) pid;
        snprintf(path, sizeof path, "/proc/%d", (int) c.pid);
        c.proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (c.proc_fd < 0)
                return -errno;
        fd = openat(c.proc_fd, "cgroup", O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_string(fd, CGROUP_SIZE_MAX, &cgroup, &size);
        if (r < 0)
                return r;
        if (!crash_find_container(cgroup, c.container))
                c.container[0] = 0;
        *ret = c;
        c = (Crash) CRASH_NONE;
        return 0;
}
