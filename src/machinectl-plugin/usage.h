/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* What containers use, from two answers of ListStatistics: what is counted becomes a rate. Negative: not known. */

typedef enum UsageColumn {
        USAGE_NAME,
        USAGE_CPU,           /* percent of one CPU */
        USAGE_MEMORY,        /* bytes */
        USAGE_MEMORY_LIMIT,
        USAGE_IO_READ,       /* bytes a second */
        USAGE_IO_WRITE,
        USAGE_NET_IN,
        USAGE_NET_OUT,
        USAGE_TASKS,
        _USAGE_COLUMN_MAX,
} UsageColumn;

typedef struct UsageSample UsageSample; /* one answer */

int usage_sample(Ctl *c, UsageSample **ret); /* reports failures */
UsageSample *usage_sample_free(UsageSample *s);
DEFINE_CLEANUP(UsageSample *, usage_sample_free)

typedef struct Usage {
        const char *name; /* borrowed from the sample */
        double values[_USAGE_COLUMN_MAX];
} Usage;

/* Those in now; rates are unknown of what was not in before, which may be NULL. */
int usage_compare(const UsageSample *before, const UsageSample *now, Usage **ret, size_t *ret_n);
void usage_sort(Usage *list, size_t n, UsageColumn by);
