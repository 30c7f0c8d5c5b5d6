/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/statistics.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/runtime-state.h"

#define KERNEL_FILE_MAX (64U * 1024U)
#define INTERFACES_FILE_MAX (4U * 1024U * 1024U)

static const char *const figure_names[_FIGURE_MAX] = {
        [FIGURE_CPU_USEC] = "cpu_usec",
        [FIGURE_MEMORY_BYTES] = "memory_bytes",
        [FIGURE_MEMORY_LIMIT_BYTES] = "memory_limit_bytes",
        [FIGURE_SWAP_BYTES] = "swap_bytes",
        [FIGURE_IO_READ_BYTES] = "io_read_bytes",
        [FIGURE_IO_WRITE_BYTES] = "io_write_bytes",
        [FIGURE_NET_IN_BYTES] = "net_in_bytes",
        [FIGURE_NET_OUT_BYTES] = "net_out_bytes",
        [FIGURE_TASKS] = "tasks",
        [FIGURE_TASKS_LIMIT] = "tasks_limit",
};

const char *figure_to_string(Figure f) {
        return f < _FIGURE_MAX ? figure_names[f] : NULL;
}

/* One number, or "max", which stays unknown. Where the kernel has no such file the guest may have made a directory of that name, which
 * path_read() refuses. */
static void read_number(int dir_fd, const char *file, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;

        if (path_read(dir_fd, file, KERNEL_FILE_MAX, &text, NULL) < 0)
                return;
        text[strcspn(text, "\n")] = 0;
        (void) parse_u64(text, UINT64_MAX, ret);
}

static void read_cpu(int dir_fd, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        char *line, *rest;

        if (path_read(dir_fd, "cpu.stat", KERNEL_FILE_MAX, &text, NULL) < 0)
                return;
        for (rest = text; (line = strsep(&rest, "\n"));)
                if (startswith(line, "usage_usec "))
                        (void) parse_u64(startswith(line, "usage_usec "), UINT64_MAX, ret);
}

/* "259:0 rbytes=… wbytes=… rios=…", a line a device. */
static void read_io(int dir_fd, uint64_t *ret_read, uint64_t *ret_written) {
        _cleanup_free_ char *text = NULL;
        uint64_t n, sum_read = 0, sum_written = 0;
        char *word, *rest;

        if (path_read(dir_fd, "io.stat", KERNEL_FILE_MAX, &text, NULL) < 0)
                return;
        for (rest = text; (word = strsep(&rest, " \n"));)
                if (startswith(word, "rbytes=") && parse_u64(startswith(word, "rbytes="), UINT64_MAX, &n) >= 0)
                        sum_read += n;
                else if (startswith(word, "wbytes=") && parse_u64(startswith(word, "wbytes="), UINT64_MAX, &n) >= 0)
                        sum_written += n;
        *ret_read = sum_read;
        *ret_written = sum_written;
}

int statistics_read_cgroup(int dir_fd, Statistics *s) {
        static const struct {
                const char *file;
                Figure figure;
        } numbers[] = {
                { "memory.current", FIGURE_MEMORY_BYTES },
                { "memory.max", FIGURE_MEMORY_LIMIT_BYTES },
                { "memory.swap.current", FIGURE_SWAP_BYTES },
                { "pids.current", FIGURE_TASKS },
                { "pids.max", FIGURE_TASKS_LIMIT },
        };

        assert(dir_fd >= 0 && s);

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                read_number(dir_fd, numbers[i].file, &s->figures[numbers[i].figure]);
        read_cpu(dir_fd, &s->figures[FIGURE_CPU_USEC]);
        read_io(dir_fd, &s->figures[FIGURE_IO_READ_BYTES], &s->figures[FIGURE_IO_WRITE_BYTES]);
        return 0;
}

struct InterfaceCounters {
        char *text;  /* owned: what the kernel said, cut into lines */
        char **lines; /* owned array, borrowed strings: "eth0: received … sent …" */
        size_t n;
};

InterfaceCounters *interface_counters_free(InterfaceCounters *c) {
        if (!c)
                return NULL;
        free(c->text);
        free(c->lines);
        free(c);
        return NULL;
}

int interface_counters_parse(char *text, InterfaceCounters **ret) {
        _cleanup_(interface_counters_freep) InterfaceCounters *c = calloc(1, sizeof *c);
        char *line, *rest;

        if (!c) {
                free(text);
                return -ENOMEM;
        }
        c->text = rest = text;
        while ((line = strsep(&rest, "\n"))) {
                char **more;

                if (!strchr(line, ':'))
                        continue;
                more = reallocarray(c->lines, c->n + 1, sizeof *more);
                if (!more)
                        return -ENOMEM;
                c->lines = more;
                c->lines[c->n++] = line + strspn(line, " ");
        }
        *ret = TAKE_PTR(c);
        return 0;
}

/* The namespace's counters by a process in it: the manager has a namespace of its own. */
static int read_counters(pid_t pid, InterfaceCounters **ret) {
        char path[sizeof "/proc/" + DECIMAL_MAX];
        _cleanup_close_ int dir = -EBADF;
        char *text;
        int r;

        snprintf(path, sizeof path, "/proc/%d", (int) pid);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        r = path_read(dir, "net/dev", INTERFACES_FILE_MAX, &text, NULL);
        return r < 0 ? r : interface_counters_parse(text, ret);
}

int interface_counters_read(InterfaceCounters **ret) {
        return read_counters(1, ret);
}

bool interface_counters_find(const InterfaceCounters *c, const char *name, uint64_t *ret_received, uint64_t *ret_sent) {
        for (size_t i = 0; c && i < c->n; i++) {
                const char *rest = startswith(c->lines[i], name);
                unsigned long long received, sent;

                if (rest && *rest == ':' && sscanf(rest + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &received, &sent) == 2) {
                        *ret_received = received;
                        *ret_sent = sent;
                        return true;
                }
        }
        return false;
}

/* At a host's end in and out are the other way round. An interface without one is found by the name that it was given in the container. */
static void read_net(const char *container, pid_t leader, const InterfaceCounters *host, Statistics *s) {
        _cleanup_(interface_counters_freep) InterfaceCounters *guest = NULL;
        _cleanup_strv_ char **interfaces = NULL;
        uint64_t in = 0, out = 0;

        /* Not there: it has no device at all, so it has no traffic. */
        (void) runtime_interfaces_read(container, &interfaces);
        STRV_FOREACH(i, interfaces) {
                const char *name = startswith(*i, "host ");
                uint64_t received, sent;

                if (name && interface_counters_find(host, name, &received, &sent)) {
                        in += sent;
                        out += received;
                        continue;
                }
                name = startswith(*i, "guest ");
                if (!name || (!guest && read_counters(leader, &guest) < 0))
                        continue;
                if (interface_counters_find(guest, name, &received, &sent)) {
                        in += received;
                        out += sent;
                }
        }
        s->figures[FIGURE_NET_IN_BYTES] = in;
        s->figures[FIGURE_NET_OUT_BYTES] = out;
}

int statistics_read(Container *c, const InterfaceCounters *host, Statistics *ret) {
        _cleanup_close_ int dir = -EBADF;
        pid_t leader = container_leader(c);
        Statistics s;
        int r;

        if (leader <= 0)
                return -ENOENT;
        for (size_t i = 0; i < _FIGURE_MAX; i++)
                s.figures[i] = FIGURE_UNKNOWN;
        dir = container_open_cgroup(c->name, leader);
        if (dir < 0)
                return -ENOENT;
        r = statistics_read_cgroup(dir, &s);
        if (r < 0)
                return r;
        read_net(c->name, leader, host, &s);
        *ret = s;
        return 0;
}
