/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* A set of named objects, sorted by name, so that what is listed comes out sorted. An object is any struct whose first member is the
 * `char *` of its name. The table owns nothing. */

typedef struct Table {
        void **items;
        size_t n, room;
} Table;

void table_done(Table *t);
void *table_get(const Table *t, const char *name);
int table_put(Table *t, void *item); /* -EEXIST */
void *table_remove(Table *t, const char *name);

/* The items may not be added to or removed from in the loop. */
#define TABLE_FOREACH(type, item, t) \
        for (size_t _index = 0; _index < (t)->n; _index++) \
                for (type *item = (t)->items[_index]; item; item = NULL)
