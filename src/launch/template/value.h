/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "basic/macro.h"

/* What the expressions of a template are about. All of it lives in one arena of fixed size, made before the process that renders locks itself
 * up: a template can use that much memory and no more, and nothing is freed one by one. */

typedef struct Arena {
        char *base;       /* owned */
        size_t size, used;
} Arena;

int arena_new(size_t size, Arena *ret);
void arena_done(Arena *a);
void *arena_alloc(Arena *a, size_t size); /* zeroed; NULL when it is full */

typedef enum ValueType {
        VALUE_NIL, /* what a name stands for that nothing is called */
        VALUE_BOOL,
        VALUE_NUMBER,
        VALUE_TEXT,
        VALUE_LIST,
        VALUE_MAP, /* a list whose items have keys */
} ValueType;

typedef struct Value Value;
struct Value {
        ValueType type;
        int64_t number;   /* bool, number */
        const char *text;
        size_t size;      /* of text */
        const char *key;  /* of a map's member */
        Value *first, *last, *next;
        size_t count;
};

Value *value_text(Arena *a, const char *text, size_t size);
Value *value_number(Arena *a, int64_t number);
Value *value_bool(Arena *a, bool b);
Value *value_new(Arena *a, ValueType type);

/* Takes the item, which must not be in another list. */
void value_append(Value *list, Value *item);
/* Replaces a member of that name; copies key and text. -ENOMEM when the arena is full. */
int value_set(Arena *a, Value *map, const char *key, Value *v);
int value_set_text(Arena *a, Value *map, const char *key, const char *text);

Value *value_member(const Value *map, const char *key, size_t key_size);
bool value_is_true(const Value *v);
/* A copy that may be put into another list; what is in it is shared. */
Value *value_copy(Arena *a, const Value *v);
/* As {{ }} prints it: text is itself, nothing is "". */
Value *value_as_text(Arena *a, const Value *v);
int value_compare(const Value *a, const Value *b);
bool value_equal(const Value *a, const Value *b);
