/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysinfo(2) with the container's figures: memory, swap and processes of its cgroup, its own uptime. Where it has no limit, or the kernel counts
 * nothing, the host's stay. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/intercept-caller.h"

#define FILE_SIZE_MAX (64U * 1024U)

static int read_file(int cgroup_fd, const char *name, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        char path[64];
        size_t size;

        /* The fd is of a leaf, where commands go. */
        snprintf(path, sizeof path, "../%s", name);
        fd = openat(cgroup_fd, path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd_read_string(fd, FILE_SIZE_MAX, ret, &size);
}

static uint64_t read_number(int cgroup_fd, const char *name) {
        _cleanup_free_ char *text = NULL;
        uint64_t v;

        if (read_file(cgroup_fd, name, &text) < 0)
                return UINT64_MAX;
        text[strcspn(text, "\n")] = 0;
        return parse_u64(text, UINT64_MAX, &v) < 0 ? UINT64_MAX : v;
}

static uint64_t read_statistic(int cgroup_fd, const char *key) {
        _cleanup_free_ char *text = NULL;
        unsigned long long v;

        if (read_file(cgroup_fd, "memory.stat", &text) < 0)
                return 0;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                const char *value = startswith(line, key);

                if (value && sscanf(value, " %llu", &v) == 1)
                        return v;
        }
        return 0;
}

static uint64_t less(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

int intercept_sysinfo(const InterceptCall *c) {
        uint64_t unit, max, current, now = clock_usec(CLOCK_BOOTTIME);
        int cgroup_fd = *c->context->cgroup_fd;
        struct sysinfo s;

        if (sysinfo(&s) < 0)
                return -errno;
        unit = s.mem_unit ?: 1;
        s.uptime = (long) (less(now, c->context->started_usec) / USEC_PER_SEC);

        max = read_number(cgroup_fd, "memory.max");
        current = read_number(cgroup_fd, "memory.current");
        if (max / unit < s.totalram && current != UINT64_MAX) {
                s.totalram = max / unit;
                s.freeram = less(max, current) / unit;
                s.bufferram = read_statistic(cgroup_fd, "file") / unit;
        }
        if (current != UINT64_MAX)
                s.sharedram = read_statistic(cgroup_fd, "shmem") / unit;

        max = read_number(cgroup_fd, "memory.swap.max");
        current = read_number(cgroup_fd, "memory.swap.current");
        if (max / unit < s.totalswap && current != UINT64_MAX) {
                s.totalswap = max / unit;
                s.freeswap = less(max, current) / unit;
        }
        current = read_number(cgroup_fd, "pids.current");
        if (current != UINT64_MAX)
                s.procs = (unsigned short) MIN_OF(current, (uint64_t) UINT16_MAX);
        return caller_write(c, c->request->data.args[0], &s, sizeof s);
}
