/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/statistics.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "unit.h"

static const char net_dev[] =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
        "    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0\n"
        "bv-c1_eth0: 18446744073709551615 2 0    0    0     0          0         0     4000       3    0    0    0     0       0          0\n"
        "bv-c1_eth01:       7       2    0    0    0     0          0         0        8       3    0    0    0     0       0          0\n"
        "broken:\n";

START_TEST(interfaces) {
        _cleanup_(interface_counters_freep) InterfaceCounters *c = NULL;
        uint64_t received, sent;

        ck_assert_int_eq(interface_counters_parse(strdup(net_dev), &c), 0);
        ck_assert(interface_counters_find(c, "bv-c1_eth0", &received, &sent));
        ck_assert_uint_eq(received, UINT64_MAX);
        ck_assert_uint_eq(sent, 4000);
        ck_assert(interface_counters_find(c, "lo", &received, &sent));
        ck_assert_uint_eq(received, 100);
        ck_assert(!interface_counters_find(c, "bv-c1_eth", &received, &sent));
        ck_assert(!interface_counters_find(c, "broken", &received, &sent));
        ck_assert(!interface_counters_find(c, "", &received, &sent));
        ck_assert(!interface_counters_find(NULL, "lo", &received, &sent));
}
END_TEST

static void write_text(int dir, const char *name, const char *text) {
        ck_assert_int_eq(path_write_atomic(dir, name, text, strlen(text), 0644), 0);
}

/* What is not there, or is something else, stays unknown. */
START_TEST(cgroup) {
        char path[] = "/tmp/berth-test-XXXXXX";
        _cleanup_close_ int dir = -EBADF;
        Statistics s;

        memset(&s, 0xff, sizeof s);
        ck_assert_ptr_nonnull(mkdtemp(path));
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir, 0);
        write_text(dir, "cpu.stat", "usage_usec 1234\nuser_usec 1000\n");
        write_text(dir, "memory.current", "4096\n");
        write_text(dir, "memory.max", "max\n");
        write_text(dir, "io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=1 wbytes=2 rios=1\n");
        ck_assert_int_eq(mkdirat(dir, "pids.current", 0755), 0);
        write_text(dir, "pids.max", "not a number\n");
        ck_assert_int_eq(statistics_read_cgroup(dir, &s), 0);
        ck_assert_uint_eq(s.figures[FIGURE_CPU_USEC], 1234);
        ck_assert_uint_eq(s.figures[FIGURE_MEMORY_BYTES], 4096);
        ck_assert_uint_eq(s.figures[FIGURE_IO_READ_BYTES], 11);
        ck_assert_uint_eq(s.figures[FIGURE_IO_WRITE_BYTES], 22);
        for (const Figure *f = (const Figure[]) { FIGURE_MEMORY_LIMIT_BYTES, FIGURE_SWAP_BYTES, FIGURE_TASKS, FIGURE_TASKS_LIMIT, _FIGURE_MAX }; *f < _FIGURE_MAX; f++)
                ck_assert_uint_eq(s.figures[*f], FIGURE_UNKNOWN);
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, path), 0);
}
END_TEST

START_TEST(names) {
        for (Figure f = 0; f < _FIGURE_MAX; f++)
                ck_assert_ptr_nonnull(figure_to_string(f));
}
END_TEST

UNIT_TESTS("statistics", interfaces, cgroup, names)
