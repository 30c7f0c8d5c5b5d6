/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/template/filter.h"

#include <string.h>

static char lower_char(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static char upper_char(char c) {
        return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A text of its own, to be changed in place. */
static Value *own_text(Arena *a, const Value *v) {
        Value *t = value_as_text(a, v);
        char *copy = t ? arena_alloc(a, t->size + 1) : NULL;

        if (!copy)
                return NULL;
        t->text = memcpy(copy, t->text, t->size);
        return t;
}

static Value *lower(Arena *a, const Value *v, const Value *argument) {
        Value *t = own_text(a, v);

        for (size_t i = 0; t && i < t->size; i++)
                ((char *) t->text)[i] = lower_char(t->text[i]);
        return t;
}

static Value *upper(Arena *a, const Value *v, const Value *argument) {
        Value *t = own_text(a, v);

        for (size_t i = 0; t && i < t->size; i++)
                ((char *) t->text)[i] = upper_char(t->text[i]);
        return t;
}

static Value *capfirst(Arena *a, const Value *v, const Value *argument) {
        Value *t = own_text(a, v);

        if (t && t->size > 0)
                ((char *) t->text)[0] = upper_char(t->text[0]);
        return t;
}

static Value *title(Arena *a, const Value *v, const Value *argument) {
        Value *t = own_text(a, v);

        for (size_t i = 0; t && i < t->size; i++)
                ((char *) t->text)[i] = i == 0 || is_blank(t->text[i - 1]) ? upper_char(t->text[i]) : lower_char(t->text[i]);
        return t;
}

static Value *trim(Arena *a, const Value *v, const Value *argument) {
        Value *t = value_as_text(a, v);

        while (t && t->size > 0 && is_blank(*t->text)) {
                t->text++;
                t->size--;
        }
        while (t && t->size > 0 && is_blank(t->text[t->size - 1]))
                t->size--;
        return t;
}

static Value *by_default(Arena *a, const Value *v, const Value *argument) {
        return value_copy(a, value_is_true(v) ? v : argument);
}

static Value *default_if_none(Arena *a, const Value *v, const Value *argument) {
        return value_copy(a, v->type == VALUE_NIL ? argument : v);
}

/* Characters, not bytes. */
static Value *length(Arena *a, const Value *v, const Value *argument) {
        int64_t n = 0;

        if (v->type == VALUE_TEXT)
                for (size_t i = 0; i < v->size; i++)
                        n += (v->text[i] & 0xc0) != 0x80;
        else
                n = (int64_t) v->count;
        return value_number(a, n);
}

static Value *length_is(Arena *a, const Value *v, const Value *argument) {
        Value *n = length(a, v, NULL);

        return n ? value_bool(a, value_equal(n, argument)) : NULL;
}

static Value *join(Arena *a, const Value *v, const Value *argument) {
        Value *separator = value_as_text(a, argument), *result = value_text(a, "", 0);
        size_t size = 0;
        char *p;

        if (!separator || !result || v->type == VALUE_TEXT || !v->first)
                return v->type == VALUE_TEXT ? value_copy(a, v) : result;
        for (const Value *i = v->first; i; i = i->next) {
                Value *t = value_as_text(a, i);

                if (!t)
                        return NULL;
                size += t->size + separator->size;
        }
        p = arena_alloc(a, size);
        if (!p)
                return NULL;
        result->text = p;
        for (const Value *i = v->first; i; i = i->next) {
                Value *t = value_as_text(a, i);

                if (!t)
                        return NULL;
                p = (char *) memcpy(p, t->text, t->size) + t->size;
                if (i->next)
                        p = (char *) memcpy(p, separator->text, separator->size) + separator->size;
        }
        result->size = (size_t) (p - result->text);
        return result;
}

static Value *split(Arena *a, const Value *v, const Value *argument) {
        Value *t = value_as_text(a, v), *separator = value_as_text(a, argument), *list = value_new(a, VALUE_LIST);
        const char *p, *end;

        if (!t || !separator || !list)
                return NULL;
        for (p = t->text, end = p + t->size;;) {
                const char *next = separator->size > 0 ? memmem(p, (size_t) (end - p), separator->text, separator->size) : NULL;
                Value *item = value_text(a, p, (size_t) ((next ?: end) - p));

                if (!item)
                        return NULL;
                value_append(list, item);
                if (!next)
                        return list;
                p = next + separator->size;
        }
}

static Value *first(Arena *a, const Value *v, const Value *argument) {
        if (v->type == VALUE_TEXT)
                return value_text(a, v->text, MIN_OF(v->size, (size_t) 1));
        return v->first ? value_copy(a, v->first) : value_new(a, VALUE_NIL);
}

static Value *last(Arena *a, const Value *v, const Value *argument) {
        if (v->type == VALUE_TEXT)
                return v->size > 0 ? value_text(a, v->text + v->size - 1, 1) : value_copy(a, v);
        return v->last ? value_copy(a, v->last) : value_new(a, VALUE_NIL);
}

/* Each character of from is replaced by what the table says of it; from and to are as long. */
static Value *replace_chars(Arena *a, const Value *v, const char *from, const char *const *to) {
        Value *t = value_as_text(a, v);
        size_t size = 0;
        char *p;

        for (size_t i = 0; t && i < t->size; i++) {
                const char *c = t->text[i] ? strchr(from, t->text[i]) : NULL;

                size += c ? strlen(to[c - from]) : 1;
        }
        p = t ? arena_alloc(a, size) : NULL;
        if (!p)
                return NULL;
        for (size_t i = 0, n = 0; i < t->size; i++) {
                const char *c = t->text[i] ? strchr(from, t->text[i]) : NULL;
                size_t k = c ? strlen(to[c - from]) : 1;

                memcpy(p + n, c ? to[c - from] : t->text + i, k);
                n += k;
        }
        t->text = p;
        t->size = size;
        return t;
}

static Value *escape(Arena *a, const Value *v, const Value *argument) {
        return replace_chars(a, v, "&<>\"'", (const char *const[]) { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" });
}

static Value *addslashes(Arena *a, const Value *v, const Value *argument) {
        return replace_chars(a, v, "\\\"'", (const char *const[]) { "\\\\", "\\\"", "\\'" });
}

static Value *cut(Arena *a, const Value *v, const Value *argument) {
        Value *parts = split(a, v, argument), *nothing = value_text(a, "", 0);

        return parts && nothing ? join(a, parts, nothing) : NULL;
}

static Value *integer(Arena *a, const Value *v, const Value *argument) {
        Value *t = trim(a, v, NULL);
        int64_t n = 0;
        bool negative;

        if (!t || v->type == VALUE_NUMBER)
                return t ? value_number(a, v->number) : NULL;
        negative = t->size > 0 && *t->text == '-';
        for (size_t i = negative; i < t->size && t->text[i] >= '0' && t->text[i] <= '9' && n < INT64_MAX / 100; i++)
                n = n * 10 + (t->text[i] - '0');
        return value_number(a, negative ? -n : n);
}

static Value *add(Arena *a, const Value *v, const Value *argument) {
        Value *parts = value_new(a, VALUE_LIST), *x = value_as_text(a, v), *y = value_as_text(a, argument), *nothing = value_text(a, "", 0);
        int64_t n;

        if (!parts || !x || !y || !nothing)
                return NULL;
        if (v->type == VALUE_NUMBER && argument->type == VALUE_NUMBER)
                return value_number(a, __builtin_add_overflow(v->number, argument->number, &n) ? 0 : n);
        value_append(parts, x);
        value_append(parts, y);
        return join(a, parts, nothing);
}

/* "yes,no,maybe" */
static Value *yesno(Arena *a, const Value *v, const Value *argument) {
        Value *comma = value_text(a, ",", 1), *words = value_text(a, "yes,no,maybe", 12), *w;

        if (!comma || !words)
                return NULL;
        words = split(a, argument->type == VALUE_TEXT ? argument : words, comma);
        if (!words)
                return NULL;
        w = words->first;
        if (!value_is_true(v) && w->next)
                w = v->type == VALUE_NIL && w->next->next ? w->next->next : w->next;
        return value_copy(a, w);
}

static Value *wordcount(Arena *a, const Value *v, const Value *argument) {
        Value *t = value_as_text(a, v);
        int64_t n = 0;

        for (size_t i = 0; t && i < t->size; i++)
                n += !is_blank(t->text[i]) && (i == 0 || is_blank(t->text[i - 1]));
        return t ? value_number(a, n) : NULL;
}

static Value *as_it_is(Arena *a, const Value *v, const Value *argument) {
        return value_copy(a, v);
}

static const struct {
        const char *name;
        Filter filter;
} filters[] = {
        { "add", add },             { "addslashes", addslashes }, { "capfirst", capfirst },   { "cut", cut },
        { "default", by_default },  { "default_if_none", default_if_none },                   { "e", escape },
        { "escape", escape },       { "first", first },           { "integer", integer },     { "join", join },
        { "last", last },           { "length", length },         { "length_is", length_is }, { "lower", lower },
        { "safe", as_it_is },       { "split", split },           { "title", title },         { "trim", trim },
        { "upper", upper },         { "wordcount", wordcount },   { "yesno", yesno },
};

Filter filter_find(const char *name, size_t size) {
        for (size_t i = 0; i < ELEMENTSOF(filters); i++)
                if (strlen(filters[i].name) == size && memcmp(filters[i].name, name, size) == 0)
                        return filters[i].filter;
        return NULL;
}
