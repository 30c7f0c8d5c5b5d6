/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* What a running container uses: the kernel's counters of its scope and of its network interfaces. They only ever grow (but memory and tasks);
 * rates are for who asks twice. */

typedef enum Figure {
        FIGURE_CPU_USEC,
        FIGURE_MEMORY_BYTES,
        FIGURE_MEMORY_LIMIT_BYTES,
        FIGURE_SWAP_BYTES,
        FIGURE_IO_READ_BYTES,
        FIGURE_IO_WRITE_BYTES,
        FIGURE_NET_IN_BYTES,  /* as the container sees it */
        FIGURE_NET_OUT_BYTES,
        FIGURE_TASKS,
        FIGURE_TASKS_LIMIT,
        _FIGURE_MAX,
} Figure;

#define FIGURE_UNKNOWN UINT64_MAX /* the kernel does not count it here, or there is no limit */

typedef struct Statistics {
        uint64_t figures[_FIGURE_MAX];
} Statistics;

const char *figure_to_string(Figure f);

/* The network interfaces of a namespace, read once for all containers. */
typedef struct InterfaceCounters InterfaceCounters;

/* Of the host. */
int interface_counters_read(InterfaceCounters **ret);
InterfaceCounters *interface_counters_free(InterfaceCounters *c);
DEFINE_CLEANUP(InterfaceCounters *, interface_counters_free)

/* -ENOENT when it does not run. host may be NULL. */
int statistics_read(Container *c, const InterfaceCounters *host, Statistics *ret);

/* For tests. */
int statistics_read_cgroup(int dir_fd, Statistics *s);
int interface_counters_parse(char *text, InterfaceCounters **ret);
bool interface_counters_find(const InterfaceCounters *c, const char *name, uint64_t *ret_received, uint64_t *ret_sent);
