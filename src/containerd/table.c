/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/table.h"

#include <assert.h>
#include <string.h>

static const char *item_name(const void *item) {
        return *(char *const *) item;
}

/* Where name is, or where it would have to be. */
static size_t table_position(const Table *t, const char *name, bool *ret_found) {
        size_t low = 0, high = t->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int c = strcmp(item_name(t->items[middle]), name);

                if (c == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = false;
        return low;
}

void table_done(Table *t) {
        free(t->items);
        *t = (Table) {};
}

void *table_get(const Table *t, const char *name) {
        bool found;
        size_t i;

        assert(t && name);

        i = table_position(t, name, &found);
        return found ? t->items[i] : NULL;
}

int table_put(Table *t, void *item) {
        bool found;
        size_t i;

        assert(t && item);

        i = table_position(t, item_name(item), &found);
        if (found)
                return -EEXIST;
        if (t->n >= t->room) {
                size_t room = MAX_OF(t->room * 2, (size_t) 16);
                void **items = reallocarray(t->items, room, sizeof(void *));

                if (!items)
                        return -ENOMEM;
                t->items = items;
                t->room = room;
        }
        memmove(t->items + i + 1, t->items + i, (t->n - i) * sizeof(void *));
        t->items[i] = item;
        t->n++;
        return 0;
}

void *table_remove(Table *t, const char *name) {
        bool found;
        void *item;
        size_t i;

        assert(t && name);

        i = table_position(t, name, &found);
        if (!found)
                return NULL;
        item = t->items[i];
        memmove(t->items + i, t->items + i + 1, (--t->n - i) * sizeof(void *));
        return item;
}
