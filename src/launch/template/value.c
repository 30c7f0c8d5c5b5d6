/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/template/value.h"

#include <string.h>
#include <sys/mman.h>

#include "basic/strv.h"

int arena_new(size_t size, Arena *ret) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED)
                return -errno;
        *ret = (Arena) { .base = p, .size = size };
        return 0;
}

void arena_done(Arena *a) {
        if (a->base)
                (void) munmap(a->base, a->size);
        *a = (Arena) {};
}

void *arena_alloc(Arena *a, size_t size) {
        size_t start = (a->used + 15) & ~(size_t) 15;

        if (start > a->size || size > a->size - start)
                return NULL;
        a->used = start + size;
        /* It came as zeroes from the kernel, and nothing is used twice. */
        return a->base + start;
}

Value *value_new(Arena *a, ValueType type) {
        Value *v = arena_alloc(a, sizeof *v);

        if (v)
                v->type = type;
        return v;
}

Value *value_text(Arena *a, const char *text, size_t size) {
        Value *v = value_new(a, VALUE_TEXT);

        if (v) {
                v->text = text;
                v->size = size;
        }
        return v;
}

Value *value_number(Arena *a, int64_t number) {
        Value *v = value_new(a, VALUE_NUMBER);

        if (v)
                v->number = number;
        return v;
}

Value *value_bool(Arena *a, bool b) {
        Value *v = value_number(a, b);

        if (v)
                v->type = VALUE_BOOL;
        return v;
}

void value_append(Value *list, Value *item) {
        if (list->last)
                list->last->next = item;
        else
                list->first = item;
        list->last = item;
        list->count++;
}

static char *copy_text(Arena *a, const char *text) {
        size_t n = strlen(text) + 1;
        char *p = arena_alloc(a, n);

        return p ? memcpy(p, text, n) : NULL;
}

int value_set(Arena *a, Value *map, const char *key, Value *v) {
        Value *old;

        if (!v)
                return -ENOMEM;
        old = value_member(map, key, strlen(key));
        if (old) {
                v->key = old->key;
                v->next = old->next;
                *old = *v;
                return 0;
        }
        v->key = copy_text(a, key);
        if (!v->key)
                return -ENOMEM;
        value_append(map, v);
        return 0;
}

int value_set_text(Arena *a, Value *map, const char *key, const char *text) {
        char *copy = copy_text(a, text);

        return copy ? value_set(a, map, key, value_text(a, copy, strlen(copy))) : -ENOMEM;
}

Value *value_member(const Value *map, const char *key, size_t key_size) {
        for (Value *v = map->type == VALUE_MAP ? map->first : NULL; v; v = v->next)
                if (strlen(v->key) == key_size && memcmp(v->key, key, key_size) == 0)
                        return v;
        return NULL;
}

bool value_is_true(const Value *v) {
        switch (v->type) {
        case VALUE_NIL:
                return false;
        case VALUE_BOOL:
        case VALUE_NUMBER:
                return v->number != 0;
        case VALUE_TEXT:
                return v->size > 0;
        case VALUE_LIST:
        case VALUE_MAP:
                return v->count > 0;
        }
        return false;
}

Value *value_copy(Arena *a, const Value *v) {
        Value *c = arena_alloc(a, sizeof *c);

        if (c) {
                *c = *v;
                c->next = NULL;
        }
        return c;
}

static Value *number_as_text(Arena *a, int64_t number) {
        uint64_t n = number < 0 ? -(uint64_t) number : (uint64_t) number;
        char *end = arena_alloc(a, DECIMAL_MAX), *p;

        if (!end)
                return NULL;
        end += DECIMAL_MAX;
        p = end;
        do
                *--p = (char) ('0' + n % 10);
        while (n /= 10);
        if (number < 0)
                *--p = '-';
        return value_text(a, p, (size_t) (end - p));
}

Value *value_as_text(Arena *a, const Value *v) {
        switch (v->type) {
        case VALUE_TEXT:
                return value_text(a, v->text, v->size);
        case VALUE_NUMBER:
                return number_as_text(a, v->number);
        case VALUE_BOOL:
                return v->number ? value_text(a, "True", 4) : value_text(a, "False", 5);
        case VALUE_NIL:
        case VALUE_LIST:
        case VALUE_MAP:
                break;
        }
        return value_text(a, "", 0);
}

int value_compare(const Value *a, const Value *b) {
        int r;

        if (a->type != VALUE_TEXT || b->type != VALUE_TEXT)
                return (a->number > b->number) - (a->number < b->number);
        r = memcmp(a->text, b->text, MIN_OF(a->size, b->size));
        return r != 0 ? r : (a->size > b->size) - (a->size < b->size);
}

bool value_equal(const Value *a, const Value *b) {
        if (a->type != b->type)
                return false;
        if (a->type == VALUE_TEXT)
                return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
        return a->type == VALUE_LIST || a->type == VALUE_MAP ? a->first == b->first : a->number == b->number;
}
