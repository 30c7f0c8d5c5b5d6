/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why not a library: libinih cuts lines at 200 bytes as Debian builds it, does not join lines that end in a backslash, and gives
 * callbacks only, so that comments and order are lost on rewrite; libeconf returns one of several equal keys and has no notion of a list
 * that an empty assignment clears. Lists, long values and rewriting in place are what container.conf needs. */

#include "settings/ini.h"

#include <assert.h>
#include <stdio.h>

#include "basic/strv.h"
#include "settings/quote.h"

#define BLANKS " \t"

static void line_done(IniLine *l) {
        free(l->raw);
        free(l->section);
        free(l->key);
        free(l->value);
        *l = (IniLine) {};
}

void ini_done(Ini *ini) {
        for (size_t i = 0; i < ini->n_lines; i++)
                line_done(&ini->lines[i]);
        free(ini->lines);
        *ini = (Ini) {};
}

/* A new, empty line at position at. */
static int insert_line(Ini *ini, size_t at, IniLine **ret) {
        assert(at <= ini->n_lines);

        if (ini->n_lines >= INI_LINES_MAX)
                return -E2BIG;
        if (ini->n_lines >= ini->n_allocated) {
                size_t n = MAX_OF(ini->n_allocated * 2, (size_t) 32);
                IniLine *p = reallocarray(ini->lines, n, sizeof *p);

                if (!p)
                        return -ENOMEM;
                ini->lines = p;
                ini->n_allocated = n;
        }
        memmove(ini->lines + at + 1, ini->lines + at, (ini->n_lines - at) * sizeof *ini->lines);
        ini->n_lines++;
        ini->lines[at] = (IniLine) {};
        *ret = &ini->lines[at];
        return 0;
}

void ini_remove(Ini *ini, size_t at) {
        assert(at < ini->n_lines);

        line_done(&ini->lines[at]);
        ini->n_lines--;
        memmove(ini->lines + at, ini->lines + at + 1, (ini->n_lines - at) * sizeof *ini->lines);
}

static int copy_trimmed(const char *s, size_t n, char **ret) {
        while (n > 0 && strchr(BLANKS, s[0])) {
                s++;
                n--;
        }
        while (n > 0 && strchr(BLANKS, s[n - 1]))
                n--;
        *ret = strndup(s, n);
        return *ret ? 0 : -ENOMEM;
}

static bool is_comment(const char *line) {
        line += strspn(line, BLANKS);
        return *line == '#' || *line == ';';
}

static size_t line_length(const char *p) {
        return strcspn(p, "\n");
}

/* The logical line that begins at p: its raw length without the last newline, how many lines it has, and, continued lines joined by a
 * blank and comments between them dropped, its text. */
static int read_logical(const char *p, size_t *ret_size, unsigned *ret_lines, char **ret_text) {
        _cleanup_free_ char *text = NULL;
        const char *q = p;
        size_t filled = 0;
        unsigned n = 0;

        for (;;) {
                size_t size = line_length(q), keep = size;
                bool comment = is_comment(q), continued = !comment && size > 0 && q[size - 1] == '\\';

                n++;
                if (continued)
                        keep--;
                if (!comment || n == 1) {
                        char *t;

                        if (filled + keep + 2 > INI_LINE_LENGTH_MAX)
                                return -E2BIG;
                        t = realloc(text, filled + keep + 2);
                        if (!t)
                                return -ENOMEM;
                        text = t;
                        memcpy(text + filled, q, keep);
                        filled += keep;
                        if (continued)
                                text[filled++] = ' ';
                        text[filled] = 0;
                }
                q += size;
                /* A comment between continued lines does not end them; one on its own is a line of its own. */
                if (!continued && !(comment && n > 1))
                        break;
                /* What is written behind such an end later would become part of this line. */
                if (!*q || !*++q)
                        return -EBADMSG;
        }

        *ret_size = (size_t) (q - p);
        *ret_lines = n;
        *ret_text = TAKE_PTR(text);
        return 0;
}

static int fail(char **ret_error, unsigned number, const char *reason) {
        return asprintf(ret_error, "%u: %s", number, reason) < 0 ? -ENOMEM : -EBADMSG;
}

static int parse_line(IniLine *l, const char *section, const char *text, char **ret_error) {
        const char *p = text + strspn(text, BLANKS), *end = p + strlen(p);
        int r;

        while (end > p && strchr(BLANKS, end[-1]))
                end--;

        if (p == end || is_comment(p))
                l->kind = INI_OTHER;
        else if (*p == '[') {
                if (end - p < 3 || end[-1] != ']' || memchr(p + 1, '[', (size_t) (end - p - 1)) || memchr(p, ']', (size_t) (end - p - 1)))
                        return fail(ret_error, l->number, "a section is written '[Name]'.");
                l->kind = INI_SECTION;
                l->section = strndup(p + 1, (size_t) (end - p - 2));
                return l->section ? 0 : -ENOMEM;
        } else {
                const char *equals = strchr(p, '=');

                if (!equals || equals == p)
                        return fail(ret_error, l->number, "neither an assignment 'Key=value', nor a '[Section]', nor a '# comment'.");
                if (!section)
                        return fail(ret_error, l->number, "an assignment before the first '[Section]'.");
                l->kind = INI_ASSIGNMENT;
                r = copy_trimmed(p, (size_t) (equals - p), &l->key);
                if (r < 0)
                        return r;
                r = copy_trimmed(equals + 1, (size_t) (end - equals - 1), &l->value);
                if (r < 0)
                        return r;
        }

        return free_and_strdup(&l->section, section);
}

/* One look at the whole text: valid UTF-8, no control characters but tab and newline. */
static int check_text(const char *text, char **ret_error) {
        _cleanup_free_ char *blank = NULL, *escaped = NULL;
        unsigned number = 1;
        int r;

        blank = strdup(text);
        if (!blank)
                return -ENOMEM;
        for (char *p = blank; *p; p++)
                if (*p == '\t' || *p == '\n')
                        *p = ' ';
        r = string_escape(blank, &escaped);
        if (r < 0)
                return r;

        for (size_t i = 0; text[i]; i++) {
                if (blank[i] != escaped[i])
                        return fail(ret_error, number, "a control character, or text that is not valid UTF-8.");
                if (text[i] == '\n')
                        number++;
        }
        return 0;
}

static int parse_lines(Ini *ini, const char *text, char **ret_error) {
        const char *section = NULL;
        unsigned number = 1;
        int r;

        for (const char *p = text; *p;) {
                _cleanup_free_ char *logical = NULL;
                unsigned n;
                size_t size;
                IniLine *l;

                r = read_logical(p, &size, &n, &logical);
                if (r == -E2BIG)
                        return fail(ret_error, number, "the line is too long.");
                if (r == -EBADMSG)
                        return fail(ret_error, number, "the file ends in the middle of a continued line.");
                if (r < 0)
                        return r;
                r = insert_line(ini, ini->n_lines, &l);
                if (r == -E2BIG)
                        return fail(ret_error, number, "the file has too many lines.");
                if (r < 0)
                        return r;

                l->number = number;
                l->raw = strndup(p, size);
                if (!l->raw)
                        return -ENOMEM;
                r = parse_line(l, section, logical, ret_error);
                if (r < 0)
                        return r;
                section = l->section;

                number += n;
                p += size;
                if (*p)
                        p++;
        }
        return 0;
}

int ini_parse(Ini *ini, const char *text, char **ret_error) {
        int r;

        assert(ini);
        assert(text);
        assert(ret_error);

        *ini = (Ini) {};
        r = check_text(text, ret_error);
        if (r >= 0)
                r = parse_lines(ini, text, ret_error);
        if (r < 0)
                ini_done(ini);
        return r;
}

int ini_print(const Ini *ini, char **ret) {
        size_t size = 1;
        char *text, *p;

        for (size_t i = 0; i < ini->n_lines; i++)
                size += strlen(ini->lines[i].raw) + 1;
        text = p = malloc(size);
        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < ini->n_lines; i++) {
                p = stpcpy(p, ini->lines[i].raw);
                *p++ = '\n';
        }
        *p = 0;
        *ret = text;
        return 0;
}

bool ini_value_fits(const char *value) {
        size_t n = strlen(value);

        if (n == 0)
                return true;
        return n < INI_LINE_LENGTH_MAX - 256 && value[n - 1] != '\\' && !strchr(BLANKS, value[0]) && !strchr(BLANKS, value[n - 1]) &&
               text_is_plain(value) > 0;
}

int ini_insert_assignment(Ini *ini, size_t at, const char *section, const char *key, const char *value) {
        IniLine *l;
        int r;

        assert(ini_value_fits(value));

        r = insert_line(ini, at, &l);
        if (r < 0)
                return r;
        l->kind = INI_ASSIGNMENT;
        l->section = strdup(section);
        l->key = strdup(key);
        l->value = strdup(value);
        if (!l->section || !l->key || !l->value || asprintf(&l->raw, "%s=%s", key, value) < 0) {
                l->raw = NULL;
                ini_remove(ini, at);
                return -ENOMEM;
        }
        return 0;
}

int ini_append_section(Ini *ini, const char *section) {
        bool first = ini->n_lines == 0;
        IniLine *l;
        int r;

        if (!first) {
                r = insert_line(ini, ini->n_lines, &l);
                if (r < 0)
                        return r;
                l->raw = strdup("");
                if (!l->raw) {
                        ini_remove(ini, ini->n_lines - 1);
                        return -ENOMEM;
                }
        }
        r = insert_line(ini, ini->n_lines, &l);
        if (r < 0)
                return r;
        l->kind = INI_SECTION;
        l->section = strdup(section);
        if (!l->section || asprintf(&l->raw, "[%s]", section) < 0) {
                l->raw = NULL;
                ini_remove(ini, ini->n_lines - 1);
                return -ENOMEM;
        }
        return 0;
}
