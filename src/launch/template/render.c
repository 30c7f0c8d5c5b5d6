/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/template/render.h"

#include <string.h>

#include "basic/strv.h"
#include "launch/template/expression.h"

typedef enum PieceType {
        PIECE_TEXT,
        PIECE_PRINT,
        PIECE_TAG,
} PieceType;

typedef struct Piece {
        PieceType type;
        const char *text; /* without the brackets */
        size_t size;
        size_t line;
} Piece;

typedef struct Renderer {
        Evaluation e;
        Piece *pieces;
        size_t n_pieces;
        char *output;
        size_t output_size, output_max;
        size_t line;
        unsigned nesting;
        char reason[EVALUATION_ERROR_SIZE];
} Renderer;

static int fail(Renderer *r, const char *reason, const char *what, size_t what_size) {
        return evaluation_fail(&r->e, reason, what, what_size);
}

/* --- into pieces --- */

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the bracket that closes is; texts in quotes may hold one. */
static const char *find_close(const char *p, const char *end, char bracket) {
        char quote = 0;

        for (; p + 1 < end; p++)
                if (quote) {
                        if (*p == '\\')
                                p++;
                        else if (*p == quote)
                                quote = 0;
                } else if (bracket != '#' && (*p == '"' || *p == '\''))
                        quote = *p;
                else if (*p == bracket && p[1] == '}')
                        return p;
        return NULL;
}

static void add_piece(Renderer *r, PieceType type, const char *start, const char *end, size_t line) {
        if (start < end || type != PIECE_TEXT)
                r->pieces[r->n_pieces++] = (Piece) { .type = type, .text = start, .size = (size_t) (end - start), .line = line };
}

static int split_pieces(Renderer *r, const char *p, const char *end) {
        const char *text = p;
        size_t line = 1, brackets = 0;

        for (const char *q = p; q < end; q++)
                brackets += *q == '{';
        r->pieces = arena_alloc(r->e.arena, (2 * brackets + 1) * sizeof *r->pieces);
        if (!r->pieces)
                return fail(r, "it needs too much memory", NULL, 0);

        while (p < end) {
                const char *close, *before = p;
                char kind = p + 1 < end ? p[1] : 0;

                if (*p != '{' || (kind != '{' && kind != '%' && kind != '#')) {
                        line += *p++ == '\n';
                        continue;
                }
                r->line = line;
                close = find_close(p + 2, end, kind == '{' ? '}' : kind);
                if (!close)
                        return fail(r, "a tag has no end", NULL, 0);
                p += 2;
                if (p < close && *p == '-') {
                        p++;
                        while (before > text && is_blank(before[-1]))
                                before--;
                }
                add_piece(r, PIECE_TEXT, text, before, line);
                {
                        bool trim = close > p && close[-1] == '-';

                        if (kind != '#')
                                add_piece(r, kind == '{' ? PIECE_PRINT : PIECE_TAG, p, close - trim, line);
                        for (; p < close + 2 || (trim && p < end && is_blank(*p)); p++)
                                line += *p == '\n';
                }
                text = p;
        }
        add_piece(r, PIECE_TEXT, text, end, line);
        return 0;
}

/* --- blocks --- */

static void read_piece(Renderer *r, size_t at) {
        r->e.p = r->pieces[at].text;
        r->e.end = r->e.p + r->pieces[at].size;
        r->line = r->pieces[at].line;
}

static bool is_tag(const Renderer *r, size_t at, const char *name) {
        Evaluation e = { .p = r->pieces[at].text, .end = r->pieces[at].text + r->pieces[at].size };

        return r->pieces[at].type == PIECE_TAG && expression_take(&e, name);
}

/* The next piece after at, on the same level, that is the block's end or one of its parts. */
static int find_part(Renderer *r, size_t at, const char *begin, const char *end, const char *const *parts, size_t *ret) {
        size_t depth = 0, start = at;

        for (at++; at < r->n_pieces; at++) {
                if (is_tag(r, at, begin))
                        depth++;
                else if (is_tag(r, at, end)) {
                        if (depth-- == 0) {
                                *ret = at;
                                return 0;
                        }
                } else if (depth == 0)
                        for (const char *const *part = parts; part && *part; part++)
                                if (is_tag(r, at, *part)) {
                                        *ret = at;
                                        return 0;
                                }
                if (evaluation_work(&r->e) < 0)
                        return -EBADMSG;
        }
        r->line = r->pieces[start].line;
        return fail(r, "there is no end of the block", begin, strlen(begin));
}

static int expect_nothing(Renderer *r) {
        expression_skip_blanks(&r->e);
        return r->e.p == r->e.end ? 0 : fail(r, "this is one thing too many:", r->e.p, (size_t) (r->e.end - r->e.p));
}

static int put(Renderer *r, const char *text, size_t size) {
        if (size > r->output_max - r->output_size)
                return fail(r, "what comes out of it is too large", NULL, 0);
        memcpy(r->output + r->output_size, text, size);
        r->output_size += size;
        return evaluation_work(&r->e);
}

static int render_pieces(Renderer *r, size_t at, size_t end);

static int render_if(Renderer *r, size_t at, size_t *ret_end) {
        static const char *const parts[] = { "elif", "else", NULL };
        bool done = false;
        Value *v;
        int k;

        for (;;) {
                bool take = !done;
                size_t next;

                read_piece(r, at);
                if (is_tag(r, at, "else")) {
                        (void) expression_take(&r->e, "else");
                        k = expect_nothing(r);
                        if (k < 0)
                                return k;
                } else if (!done) {
                        if (!expression_take(&r->e, "elif"))
                                (void) expression_take(&r->e, "if");
                        k = expression_evaluate(&r->e, &v);
                        if (k >= 0)
                                k = expect_nothing(r);
                        if (k < 0)
                                return k;
                        take = value_is_true(v);
                }
                k = find_part(r, at, "if", "endif", parts, &next);
                if (k >= 0 && take)
                        k = render_pieces(r, at + 1, next);
                if (k < 0)
                        return k;
                done |= take;
                if (is_tag(r, next, "endif")) {
                        *ret_end = next;
                        return 0;
                }
                at = next;
        }
}

static int set_variable(Renderer *r, const char *name, size_t size, const Value *v) {
        Value *copy = value_copy(r->e.arena, v);
        char *key = arena_alloc(r->e.arena, size + 1);

        if (!copy || !key)
                return fail(r, "it needs too much memory", NULL, 0);
        memcpy(key, name, size);
        return value_set(r->e.arena, r->e.variables, key, copy) < 0 ? fail(r, "it needs too much memory", NULL, 0) : 0;
}

static int set_forloop(Renderer *r, int64_t i, int64_t n) {
        Arena *a = r->e.arena;
        Value *loop = value_new(a, VALUE_MAP);
        int k;

        if (!loop)
                return fail(r, "it needs too much memory", NULL, 0);
        /* pongo2's spelling, and Django's. */
        for (unsigned lower = 0; lower < 2; lower++) {
                k = value_set(a, loop, lower ? "counter" : "Counter", value_number(a, i + 1));
                if (k >= 0)
                        k = value_set(a, loop, lower ? "counter0" : "Counter0", value_number(a, i));
                if (k >= 0)
                        k = value_set(a, loop, lower ? "revcounter" : "Revcounter", value_number(a, n - i));
                if (k >= 0)
                        k = value_set(a, loop, lower ? "first" : "First", value_bool(a, i == 0));
                if (k >= 0)
                        k = value_set(a, loop, lower ? "last" : "Last", value_bool(a, i == n - 1));
                if (k < 0)
                        return fail(r, "it needs too much memory", NULL, 0);
        }
        return set_variable(r, "forloop", strlen("forloop"), loop);
}

/* The items of a text are its bytes; nothing has none. */
static int render_items(Renderer *r, const Value *v, const char *const names[2], const size_t sizes[2], size_t at, size_t end) {
        int64_t i = 0;
        int k;

        for (const Value *item = v->type == VALUE_LIST || v->type == VALUE_MAP ? v->first : NULL; item; item = item->next, i++) {
                Value *key = item->key && v->type == VALUE_MAP ? value_text(r->e.arena, item->key, strlen(item->key)) : value_number(r->e.arena, i);

                if (!key)
                        return fail(r, "it needs too much memory", NULL, 0);
                k = set_forloop(r, i, (int64_t) v->count);
                /* One name is the item of a list, the key of a map. */
                if (k >= 0)
                        k = set_variable(r, names[0], sizes[0], v->type == VALUE_MAP || sizes[1] > 0 ? key : item);
                if (k >= 0 && sizes[1] > 0)
                        k = set_variable(r, names[1], sizes[1], item);
                if (k >= 0)
                        k = render_pieces(r, at, end);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int render_for(Renderer *r, size_t at, size_t *ret_end) {
        static const char *const parts[] = { "empty", NULL };
        Value *outer = r->e.variables, *inner, *v;
        const char *names[2] = {};
        size_t sizes[2] = {}, next = at, end;
        int k;

        read_piece(r, at);
        (void) expression_take(&r->e, "for");
        sizes[0] = expression_name(&r->e, &names[0]);
        if (expression_take(&r->e, ","))
                sizes[1] = expression_name(&r->e, &names[1]);
        if (sizes[0] == 0 || !expression_take(&r->e, "in"))
                return fail(r, "a loop is written 'for NAME in …' or 'for KEY, VALUE in …'", NULL, 0);
        k = expression_evaluate(&r->e, &v);
        if (k >= 0) {
                (void) expression_take(&r->e, "sorted");
                k = expect_nothing(r);
        }
        if (k >= 0)
                k = find_part(r, at, "for", "endfor", parts, &next);
        end = next;
        if (k >= 0 && is_tag(r, next, "empty"))
                k = find_part(r, next, "for", "endfor", NULL, &end);
        if (k < 0)
                return k;

        /* What is set inside is gone afterwards. The members themselves are never changed but replaced in the copy of the map. */
        inner = value_new(r->e.arena, VALUE_MAP);
        if (!inner)
                return fail(r, "it needs too much memory", NULL, 0);
        for (const Value *m = outer->first; m; m = m->next) {
                Value *copy = value_copy(r->e.arena, m);

                if (!copy)
                        return fail(r, "it needs too much memory", NULL, 0);
                value_append(inner, copy);
        }
        r->e.variables = inner;
        k = value_is_true(v) ? render_items(r, v, names, sizes, at + 1, next) : next != end ? render_pieces(r, next + 1, end) : 0;
        r->e.variables = outer;
        *ret_end = end;
        return k;
}

static int render_set(Renderer *r, size_t at, size_t *ret_end) {
        const char *name;
        size_t n;
        Value *v;
        int k;

        read_piece(r, at);
        (void) expression_take(&r->e, "set");
        n = expression_name(&r->e, &name);
        if (n == 0 || !expression_take(&r->e, "="))
                return fail(r, "a variable is set by 'set NAME = …'", NULL, 0);
        k = expression_evaluate(&r->e, &v);
        if (k >= 0)
                k = expect_nothing(r);
        *ret_end = at;
        return k < 0 ? k : set_variable(r, name, n, v);
}

static int render_comment(Renderer *r, size_t at, size_t *ret_end) {
        return find_part(r, at, "comment", "endcomment", NULL, ret_end);
}

static int render_autoescape(Renderer *r, size_t at, size_t *ret_end) {
        int k = find_part(r, at, "autoescape", "endautoescape", NULL, ret_end);

        return k < 0 ? k : render_pieces(r, at + 1, *ret_end);
}

static const struct {
        const char *name;
        int (*render)(Renderer *r, size_t at, size_t *ret_end); /* *ret_end: the last piece of the block */
} tags[] = {
        { "if", render_if }, { "for", render_for }, { "set", render_set }, { "comment", render_comment }, { "autoescape", render_autoescape },
};

static int render_tag(Renderer *r, size_t at, size_t *ret_end) {
        const char *name;
        size_t n;
        int k;

        for (size_t i = 0; i < ELEMENTSOF(tags); i++)
                if (is_tag(r, at, tags[i].name)) {
                        if (++r->nesting > TEMPLATE_NESTING_MAX)
                                return fail(r, "it is nested too deep", NULL, 0);
                        k = tags[i].render(r, at, ret_end);
                        r->nesting--;
                        return k;
                }
        read_piece(r, at);
        n = expression_name(&r->e, &name);
        return fail(r, "there is no tag", name, n);
}

static int render_pieces(Renderer *r, size_t at, size_t end) {
        Value *v;
        int k = 0;

        for (; k >= 0 && at < end; at++) {
                const Piece *piece = &r->pieces[at];

                r->line = piece->line;
                switch (piece->type) {
                case PIECE_TEXT:
                        k = put(r, piece->text, piece->size);
                        break;
                case PIECE_PRINT:
                        read_piece(r, at);
                        k = expression_evaluate(&r->e, &v);
                        if (k >= 0)
                                k = expect_nothing(r);
                        if (k >= 0)
                                v = value_as_text(r->e.arena, v);
                        if (k >= 0)
                                k = v ? put(r, v->text, v->size) : fail(r, "it needs too much memory", NULL, 0);
                        break;
                case PIECE_TAG:
                        k = render_tag(r, at, &at);
                        break;
                }
        }
        return k;
}

static void explain(const Renderer *r, char error[static TEMPLATE_ERROR_MAX]) {
        char digits[DECIMAL_MAX], *p = digits + sizeof digits - 1;
        size_t n = r->line;

        *p = 0;
        do
                *--p = (char) ('0' + n % 10);
        while (n /= 10);
        stpcpy(stpcpy(stpcpy(stpcpy(error, "line "), p), ": "), r->reason);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): what is rendered is written there. */
int template_render(Arena *arena, const Value *variables, const char *text, size_t size, char *output, size_t output_max, size_t *ret_size,
                    char error[static TEMPLATE_ERROR_MAX]) {
        Renderer r = { .e = { .arena = arena, .variables = value_copy(arena, variables) }, .output = output, .output_max = output_max, .line = 1 };
        int k;

        r.e.error = r.reason;
        k = r.e.variables ? split_pieces(&r, text, text + size) : fail(&r, "it needs too much memory", NULL, 0);
        if (k >= 0)
                k = render_pieces(&r, 0, r.n_pieces);
        if (k < 0)
                explain(&r, error);
        else
                *ret_size = r.output_size;
        return k;
}
