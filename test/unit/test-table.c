/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table keeps its objects sorted and finds each of them. */
#include "containerd/table.h"

#include "unit.h"

typedef struct Thing {
        char *name;
        unsigned number;
} Thing;

START_TEST(puts_gets_removes) {
        enum { N = 500 };
        _cleanup_free_ Thing *things = calloc(N, sizeof(Thing));
        const char *last = "";
        Table t = {};

        for (unsigned i = 0; i < N; i++) {
                things[i].number = i * 7919 % N;
                ck_assert_int_gt(asprintf(&things[i].name, "c%u", things[i].number), 0);
                ck_assert_int_eq(table_put(&t, things + i), 0);
                ck_assert_int_eq(table_put(&t, things + i), -EEXIST);
        }
        ck_assert_uint_eq(t.n, N);
        TABLE_FOREACH(Thing, i, &t) {
                ck_assert_int_lt(strcmp(last, i->name), 0);
                last = i->name;
        }
        for (unsigned i = 0; i < N; i++)
                ck_assert_ptr_eq(table_get(&t, things[i].name), things + i);
        ck_assert_ptr_null(table_get(&t, "d"));
        ck_assert_ptr_null(table_get(&t, ""));
        ck_assert_ptr_null(table_remove(&t, "nobody"));
        for (unsigned i = 0; i < N; i += 2)
                ck_assert_ptr_eq(table_remove(&t, things[i].name), things + i);
        ck_assert_uint_eq(t.n, N / 2);
        for (unsigned i = 0; i < N; i++)
                ck_assert_ptr_eq(table_get(&t, things[i].name), i % 2 ? things + i : NULL);
        for (unsigned i = 0; i < N; i++)
                free(things[i].name);
        table_done(&t);
}
END_TEST

UNIT_TESTS("table", puts_gets_removes)
