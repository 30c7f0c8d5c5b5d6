/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/usage.h"

#include <stdlib.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"

/* One for each figure that is shown; what the manager counts beside these is left out. */
static const struct {
        const char *figure;
        UsageColumn column;
        double scale; /* of a rate a second; 0: as it is */
} figures[] = {
        { "cpu_usec", USAGE_CPU, 100.0 / USEC_PER_SEC },
        { "memory_bytes", USAGE_MEMORY, 0 },
        { "memory_limit_bytes", USAGE_MEMORY_LIMIT, 0 },
        { "io_read_bytes", USAGE_IO_READ, 1 },
        { "io_write_bytes", USAGE_IO_WRITE, 1 },
        { "net_in_bytes", USAGE_NET_IN, 1 },
        { "net_out_bytes", USAGE_NET_OUT, 1 },
        { "tasks", USAGE_TASKS, 0 },
};

typedef struct Row {
        char *name; /* owned */
        uint64_t counts[ELEMENTSOF(figures)]; /* UINT64_MAX: not known */
} Row;

struct UsageSample {
        uint64_t usec;
        Row *rows; /* owned */
        size_t n;
};

UsageSample *usage_sample_free(UsageSample *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                free(s->rows[i].name);
        free(s->rows);
        free(s);
        return NULL;
}

static int read_row(sd_bus_message *m, Row *row) {
        const char *figure;
        uint64_t value;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(figures); i++)
                row->counts[i] = UINT64_MAX;
        r = sd_bus_message_enter_container(m, 'a', "{st}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{st}", &figure, &value)) > 0)
                for (size_t i = 0; i < ELEMENTSOF(figures); i++)
                        if (streq(figures[i].figure, figure))
                                row->counts[i] = value;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_rows(sd_bus_message *m, UsageSample *s) {
        const char *name;
        int r;

        r = sd_bus_message_read(m, "t", &s->usec);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sa{st})");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sa{st}")) > 0) {
                Row *more = reallocarray(s->rows, s->n + 1, sizeof *more);

                if (!more)
                        return -ENOMEM;
                s->rows = more;
                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        break;
                more[s->n].name = strdup(name);
                if (!more[s->n].name)
                        return -ENOMEM;
                r = read_row(m, &more[s->n++]);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

int usage_sample(Ctl *c, UsageSample **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(usage_sample_freep) UsageSample *s = NULL;
        int r;

        r = bus_method(c, "ListStatistics", NULL, &reply, "");
        if (r < 0)
                return r;
        s = calloc(1, sizeof *s);
        if (!s)
                return report_oom();
        r = read_rows(reply, s);
        if (r < 0)
                return bus_report_parse(r);
        *ret = TAKE_PTR(s);
        return 0;
}

static const Row *find(const UsageSample *s, const char *name) {
        for (size_t i = 0; s && i < s->n; i++)
                if (streq(s->rows[i].name, name))
                        return s->rows + i;
        return NULL;
}

int usage_compare(const UsageSample *before, const UsageSample *now, Usage **ret, size_t *ret_n) {
        double seconds = before && now->usec > before->usec ? (double) (now->usec - before->usec) / USEC_PER_SEC : 0;
        Usage *list = calloc(MAX_OF(now->n, (size_t) 1), sizeof *list);

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < now->n; i++) {
                const Row *row = now->rows + i, *old = find(before, row->name);

                list[i].name = row->name;
                for (size_t k = 0; k < _USAGE_COLUMN_MAX; k++)
                        list[i].values[k] = -1;
                for (size_t k = 0; k < ELEMENTSOF(figures); k++) {
                        double *value = &list[i].values[figures[k].column];

                        if (row->counts[k] == UINT64_MAX)
                                continue;
                        if (figures[k].scale == 0)
                                *value = (double) row->counts[k];
                        /* One that was restarted in between counts from the beginning again. */
                        else if (old && seconds > 0 && old->counts[k] != UINT64_MAX && row->counts[k] >= old->counts[k])
                                *value = (double) (row->counts[k] - old->counts[k]) / seconds * figures[k].scale;
                }
        }
        *ret = list;
        *ret_n = now->n;
        return 0;
}

/* What is read and what is written counts together. */
static double weight(const Usage *u, UsageColumn by) {
        if (by == USAGE_IO_READ || by == USAGE_NET_IN)
                return u->values[by] + u->values[by + 1];
        return u->values[by];
}

static int compare(const void *a, const void *b, void *userdata) {
        const Usage *x = a, *y = b;
        UsageColumn by = *(const UsageColumn *) userdata;
        double m = by == USAGE_NAME ? 0 : weight(x, by), n = by == USAGE_NAME ? 0 : weight(y, by);

        return m < n ? 1 : m > n ? -1 : strverscmp(x->name, y->name);
}

void usage_sort(Usage *list, size_t n, UsageColumn by) {
        qsort_r(list, n, sizeof *list, compare, &by);
}
