/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/template/expression.h"

#include <string.h>

#include "basic/strv.h"
#include "launch/template/filter.h"

/* Without stdio, which may ask the kernel for memory. */
int evaluation_fail(Evaluation *e, const char *reason, const char *what, size_t what_size) {
        char *p = e->error, *end = e->error + EVALUATION_ERROR_SIZE - 1;

        if (*p)
                return -EBADMSG;
        p = stpncpy(p, reason, (size_t) (end - p));
        if (what && end - p > 3) {
                size_t n = MIN_OF(what_size, MIN_OF((size_t) 60, (size_t) (end - p) - 3));

                p = stpcpy(p, " '");
                for (size_t i = 0; i < n; i++)
                        *p++ = (unsigned char) what[i] < 0x20 || (unsigned char) what[i] >= 0x7f ? '?' : what[i];
                *p++ = '\'';
        }
        *p = 0;
        return -EBADMSG;
}

static int full(Evaluation *e) {
        return evaluation_fail(e, "it needs too much memory", NULL, 0);
}

int evaluation_work(Evaluation *e) {
        return ++e->work > TEMPLATE_WORK_MAX ? evaluation_fail(e, "it does not come to an end", NULL, 0) : 0;
}

static bool is_name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void expression_skip_blanks(Evaluation *e) {
        while (e->p < e->end && (*e->p == ' ' || *e->p == '\t' || *e->p == '\n' || *e->p == '\r'))
                e->p++;
}

size_t expression_name(Evaluation *e, const char **ret) {
        const char *start;

        expression_skip_blanks(e);
        for (start = e->p; e->p < e->end && is_name_char(*e->p);)
                e->p++;
        *ret = start;
        return (size_t) (e->p - start);
}

bool expression_take(Evaluation *e, const char *token) {
        size_t n = strlen(token);

        expression_skip_blanks(e);
        if ((size_t) (e->end - e->p) < n || memcmp(e->p, token, n) != 0)
                return false;
        /* A word is not the beginning of a longer one. */
        if (is_name_char(token[n - 1]) && e->p + n < e->end && is_name_char(e->p[n]))
                return false;
        e->p += n;
        return true;
}

static int expect(Evaluation *e, const char *token) {
        return expression_take(e, token) ? 0 : evaluation_fail(e, "it lacks a", token, strlen(token));
}

static int take_text(Evaluation *e, Value **ret) {
        char quote = *e->p++, *copy;
        size_t n = 0;

        copy = arena_alloc(e->arena, (size_t) (e->end - e->p));
        if (!copy)
                return full(e);
        for (;;) {
                if (e->p >= e->end)
                        return evaluation_fail(e, "a text has no end", NULL, 0);
                if (*e->p == quote)
                        break;
                if (*e->p == '\\' && e->p + 1 < e->end) {
                        e->p++;
                        copy[n++] = *e->p == 'n' ? '\n' : *e->p == 't' ? '\t' : *e->p;
                } else
                        copy[n++] = *e->p;
                e->p++;
        }
        e->p++;
        *ret = value_text(e->arena, copy, n);
        return *ret ? 0 : full(e);
}

static int take_number(Evaluation *e, Value **ret) {
        int64_t n = 0;

        while (e->p < e->end && *e->p >= '0' && *e->p <= '9')
                if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *e->p++ - '0', &n))
                        return evaluation_fail(e, "a number is too large", NULL, 0);
        *ret = value_number(e->arena, n);
        return *ret ? 0 : full(e);
}

static int take_config_get(Evaluation *e, Value **ret) {
        Value *config = value_member(e->variables, "config", strlen("config")), *key, *fallback = NULL, *found;
        int r;

        r = expression_evaluate(e, &key);
        if (r >= 0 && expression_take(e, ","))
                r = expression_evaluate(e, &fallback);
        if (r >= 0)
                r = expect(e, ")");
        if (r < 0)
                return r;
        if (key->type != VALUE_TEXT)
                return evaluation_fail(e, "config_get() wants the name of a key", NULL, 0);
        found = config ? value_member(config, key->text, key->size) : NULL;
        *ret = found ?: fallback ?: value_text(e->arena, "", 0);
        return *ret ? 0 : full(e);
}

static int take_primary(Evaluation *e, Value **ret) {
        const char *name;
        size_t n;
        int r;

        expression_skip_blanks(e);
        if (e->p >= e->end)
                return evaluation_fail(e, "an expression is not complete", NULL, 0);
        if (*e->p == '"' || *e->p == '\'')
                return take_text(e, ret);
        if (*e->p >= '0' && *e->p <= '9')
                return take_number(e, ret);
        if (expression_take(e, "(")) {
                r = expression_evaluate(e, ret);
                return r < 0 ? r : expect(e, ")");
        }
        n = expression_name(e, &name);
        if (n == 0)
                return evaluation_fail(e, "this is no expression:", e->p, (size_t) (e->end - e->p));
        if (n == strlen("config_get") && memcmp(name, "config_get", n) == 0 && expression_take(e, "("))
                return take_config_get(e, ret);

        for (const char *const *word = (const char *const[]) { "true", "True", "false", "False", NULL }; *word; word++)
                if (n == strlen(*word) && memcmp(name, *word, n) == 0) {
                        *ret = value_bool(e->arena, **word == 't' || **word == 'T');
                        return *ret ? 0 : full(e);
                }
        *ret = value_member(e->variables, name, n) ?: value_new(e->arena, VALUE_NIL);
        if (*ret && e->p < e->end && *e->p == '(')
                return evaluation_fail(e, "there is no function", name, n);
        return *ret ? 0 : full(e);
}

/* The member of a map, the item of a list; whatever is not there is nothing. */
static Value *member_of(Evaluation *e, const Value *v, const char *key, size_t n) {
        Value *found = value_member(v, key, n), *item;
        size_t index = 0;

        if (found || n == 0 || n > 6)
                return found ?: value_new(e->arena, VALUE_NIL);
        for (size_t i = 0; i < n; i++) {
                if (key[i] < '0' || key[i] > '9')
                        return value_new(e->arena, VALUE_NIL);
                index = index * 10 + (size_t) (key[i] - '0');
        }
        for (item = v->type == VALUE_LIST ? v->first : NULL; item && index > 0; index--)
                item = item->next;
        return item ?: value_new(e->arena, VALUE_NIL);
}

static int take_subscripts(Evaluation *e, Value **v) {
        while (e->p < e->end && (*e->p == '.' || *e->p == '[')) {
                const char *key;
                size_t n;
                int r;

                r = evaluation_work(e);
                if (r < 0)
                        return r;
                if (*e->p++ == '.') {
                        n = expression_name(e, &key);
                        if (n == 0)
                                return evaluation_fail(e, "there is no name after a '.'", NULL, 0);
                } else {
                        Value *subscript, *text;

                        r = expression_evaluate(e, &subscript);
                        if (r >= 0)
                                r = expect(e, "]");
                        if (r < 0)
                                return r;
                        text = value_as_text(e->arena, subscript);
                        if (!text)
                                return full(e);
                        key = text->text;
                        n = text->size;
                }
                *v = member_of(e, *v, key, n);
                if (!*v)
                        return full(e);
        }
        return 0;
}

static int take_filters(Evaluation *e, Value **v) {
        while (expression_take(e, "|")) {
                Value *argument;
                const char *name;
                Filter filter;
                size_t n;
                int r;

                n = expression_name(e, &name);
                filter = filter_find(name, n);
                if (!filter)
                        return evaluation_fail(e, "there is no filter", name, n);
                argument = value_new(e->arena, VALUE_NIL);
                if (!argument)
                        return full(e);
                r = evaluation_work(e);
                if (r >= 0 && expression_take(e, ":")) {
                        r = take_primary(e, &argument);
                        if (r >= 0)
                                r = take_subscripts(e, &argument);
                }
                if (r < 0)
                        return r;
                *v = filter(e->arena, *v, argument);
                if (!*v)
                        return full(e);
        }
        return 0;
}

static int take_operand(Evaluation *e, Value **ret) {
        bool negative, invert;
        int r;

        r = evaluation_work(e);
        if (r < 0)
                return r;
        expression_skip_blanks(e);
        invert = e->p + 1 < e->end && *e->p == '!' && e->p[1] != '=' && expression_take(e, "!");
        negative = expression_take(e, "-");
        r = take_primary(e, ret);
        if (r >= 0)
                r = take_subscripts(e, ret);
        if (r >= 0)
                r = take_filters(e, ret);
        if (r < 0 || (!negative && !invert))
                return r;
        *ret = negative ? value_number(e->arena, (*ret)->type == VALUE_NUMBER && (*ret)->number != INT64_MIN ? -(*ret)->number : 0)
                        : value_bool(e->arena, !value_is_true(*ret));
        return *ret ? 0 : full(e);
}

typedef enum Operator {
        OPERATOR_OR, OPERATOR_AND, OPERATOR_EQUAL, OPERATOR_UNEQUAL, OPERATOR_AT_MOST, OPERATOR_AT_LEAST, OPERATOR_LESS, OPERATOR_MORE,
        OPERATOR_IN, OPERATOR_ADD, OPERATOR_SUBTRACT, OPERATOR_MULTIPLY, OPERATOR_DIVIDE, OPERATOR_REMAINDER,
} Operator;

/* Longer ones before those that they begin with. */
static const struct {
        const char *token;
        Operator operator;
        unsigned level;
} operators[] = {
        { "or", OPERATOR_OR, 0 },         { "||", OPERATOR_OR, 0 },       { "and", OPERATOR_AND, 1 },     { "&&", OPERATOR_AND, 1 },
        { "==", OPERATOR_EQUAL, 3 },      { "!=", OPERATOR_UNEQUAL, 3 },  { "<>", OPERATOR_UNEQUAL, 3 },  { "<=", OPERATOR_AT_MOST, 3 },
        { ">=", OPERATOR_AT_LEAST, 3 },   { "<", OPERATOR_LESS, 3 },      { ">", OPERATOR_MORE, 3 },      { "in", OPERATOR_IN, 3 },
        { "+", OPERATOR_ADD, 4 },         { "-", OPERATOR_SUBTRACT, 4 },  { "*", OPERATOR_MULTIPLY, 5 },  { "/", OPERATOR_DIVIDE, 5 },
        { "%", OPERATOR_REMAINDER, 5 },
};
#define LEVEL_NOT 2U
#define LEVEL_OPERAND 6U

static bool take_operator(Evaluation *e, unsigned level, Operator *ret) {
        for (size_t i = 0; i < ELEMENTSOF(operators); i++)
                if (operators[i].level == level && expression_take(e, operators[i].token)) {
                        *ret = operators[i].operator;
                        return true;
                }
        return false;
}

static bool contains(const Value *haystack, const Value *needle) {
        if (haystack->type == VALUE_TEXT && needle->type == VALUE_TEXT)
                return memmem(haystack->text, haystack->size, needle->text, needle->size);
        if (haystack->type == VALUE_MAP && needle->type == VALUE_TEXT)
                return value_member(haystack, needle->text, needle->size);
        for (const Value *i = haystack->type == VALUE_LIST ? haystack->first : NULL; i; i = i->next)
                if (value_equal(i, needle))
                        return true;
        return false;
}

static int calculate(Evaluation *e, Operator operator, const Value *a, const Value *b, Value **ret) {
        int64_t n = 0;
        bool overflow = false;

        if (operator == OPERATOR_ADD && (a->type != VALUE_NUMBER || b->type != VALUE_NUMBER)) {
                *ret = filter_find("add", 3)(e->arena, a, b);
                return *ret ? 0 : full(e);
        }
        if (operator == OPERATOR_ADD)
                overflow = __builtin_add_overflow(a->number, b->number, &n);
        else if (operator == OPERATOR_SUBTRACT)
                overflow = __builtin_sub_overflow(a->number, b->number, &n);
        else if (operator == OPERATOR_MULTIPLY)
                overflow = __builtin_mul_overflow(a->number, b->number, &n);
        else if (b->number == 0 || (a->number == INT64_MIN && b->number == -1))
                return evaluation_fail(e, "a number is divided by 0", NULL, 0);
        else
                n = operator == OPERATOR_DIVIDE ? a->number / b->number : a->number % b->number;
        if (overflow)
                return evaluation_fail(e, "a number is too large", NULL, 0);
        *ret = value_number(e->arena, n);
        return *ret ? 0 : full(e);
}

static int apply(Evaluation *e, Operator operator, const Value *a, const Value *b, Value **ret) {
        bool answer = false;

        switch (operator) {
        case OPERATOR_ADD:
        case OPERATOR_SUBTRACT:
        case OPERATOR_MULTIPLY:
        case OPERATOR_DIVIDE:
        case OPERATOR_REMAINDER:
                return calculate(e, operator, a, b, ret);
        case OPERATOR_OR:
                answer = value_is_true(a) || value_is_true(b);
                break;
        case OPERATOR_AND:
                answer = value_is_true(a) && value_is_true(b);
                break;
        case OPERATOR_EQUAL:
                answer = value_equal(a, b);
                break;
        case OPERATOR_UNEQUAL:
                answer = !value_equal(a, b);
                break;
        case OPERATOR_AT_MOST:
                answer = value_compare(a, b) <= 0;
                break;
        case OPERATOR_AT_LEAST:
                answer = value_compare(a, b) >= 0;
                break;
        case OPERATOR_LESS:
                answer = value_compare(a, b) < 0;
                break;
        case OPERATOR_MORE:
                answer = value_compare(a, b) > 0;
                break;
        case OPERATOR_IN:
                answer = contains(b, a);
                break;
        }
        *ret = value_bool(e->arena, answer);
        return *ret ? 0 : full(e);
}

static int take_level(Evaluation *e, unsigned level, Value **ret) {
        Operator operator;
        Value *right;
        int r;

        if (level == LEVEL_OPERAND)
                return take_operand(e, ret);
        if (level == LEVEL_NOT && expression_take(e, "not")) {
                if (++e->depth > EXPRESSION_DEPTH_MAX)
                        return evaluation_fail(e, "it is nested too deep", NULL, 0);
                r = take_level(e, LEVEL_NOT, ret);
                e->depth--;
                if (r >= 0)
                        *ret = value_bool(e->arena, !value_is_true(*ret));
                return r < 0 ? r : *ret ? 0 : full(e);
        }
        r = take_level(e, level + 1, ret);
        while (r >= 0 && level != LEVEL_NOT && take_operator(e, level, &operator)) {
                r = take_level(e, level + 1, &right);
                if (r >= 0)
                        r = apply(e, operator, *ret, right, ret);
        }
        return r;
}

int expression_evaluate(Evaluation *e, Value **ret) {
        int r;

        if (++e->depth > EXPRESSION_DEPTH_MAX)
                return evaluation_fail(e, "it is nested too deep", NULL, 0);
        r = take_level(e, 0, ret);
        e->depth--;
        return r;
}
