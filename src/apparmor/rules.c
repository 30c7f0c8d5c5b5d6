/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apparmor/rules.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/strv.h"

#define ENTRIES_MAX 1024U
#define PATH_MAX_BYTES 256U

/* What is left of a path of the list, below the directory that is looked at. */
typedef struct Entries {
        char *paths[ENTRIES_MAX]; /* owned */
        unsigned lines[ENTRIES_MAX];
        size_t n;
} Entries;

typedef struct Writer {
        FILE *f;
        const char *permissions;
        unsigned line; /* of what is wrong */
        const char *reason;
} Writer;

static Entries *entries_free(Entries *e) {
        if (!e)
                return NULL;
        for (size_t i = 0; i < e->n; i++)
                free(e->paths[i]);
        free(e);
        return NULL;
}
DEFINE_CLEANUP(Entries *, entries_free)

static int entries_add(Entries *e, const char *path, unsigned line) {
        if (e->n == ENTRIES_MAX)
                return -E2BIG;
        e->paths[e->n] = strdup(path);
        if (!e->paths[e->n])
                return -ENOMEM;
        e->lines[e->n++] = line;
        return 0;
}

static int wrong(Writer *w, unsigned line, const char *reason) {
        w->line = line;
        w->reason = reason;
        return -EINVAL;
}

/* Plain characters, and * at the end of a part; ** is a whole part, the last. */
static int check_path(Writer *w, const char *path, unsigned line) {
        for (const char *part = path;; part = strchr(part, '/') + 1) {
                size_t n = strcspn(part, "/");
                bool last = part[n] == 0;

                if (n == 0)
                        return wrong(w, line, "a part of the path is empty");
                if (n == 2 && strncmp(part, "**", 2) == 0) {
                        if (!last)
                                return wrong(w, line, "** can only be the last part");
                        if (part == path)
                                return wrong(w, line, "** says nothing below the directory itself");
                } else
                        for (size_t i = 0; i < n; i++)
                                if (!isalnum((unsigned char) part[i]) && !strchr("_-.", part[i]) && !(part[i] == '*' && i == n - 1))
                                        return wrong(w, line, "has a character that is none of a-z, A-Z, 0-9, _ - . and * at the end of a part");
                if (last)
                        return 0;
        }
}

/* [abc0-9] at the beginning of the first part stands for as many paths. */
static int add_expanded(Writer *w, Entries *e, const char *path, unsigned line) {
        const char *end;
        int r = 0;

        if (path[0] != '[') {
                r = check_path(w, path, line);
                return r < 0 ? r : entries_add(e, path, line);
        }
        end = strchr(path, ']');
        if (!end || end == path + 1)
                return wrong(w, line, "has a [ without characters and ]");
        for (const char *p = path + 1; r >= 0 && p < end; p++) {
                bool range = p + 2 < end && p[1] == '-';
                unsigned char first = (unsigned char) *p, last = (unsigned char) (range ? p[2] : *p);

                for (int c = first; r >= 0 && c <= last; c++) {
                        char one[PATH_MAX_BYTES + 2];

                        snprintf(one, sizeof one, "%c%s", c, end + 1);
                        r = check_path(w, one, line);
                        if (r >= 0)
                                r = entries_add(e, one, line);
                }
                p += range ? 2 : 0;
        }
        return r;
}

static void deny(Writer *w, const char *directory, const char *format, ...) _printf_(3, 4);
static void deny(Writer *w, const char *directory, const char *format, ...) {
        va_list ap;

        fprintf(w->f, "deny %s/", directory);
        va_start(ap, format);
        vfprintf(w->f, format, ap);
        va_end(ap);
        fprintf(w->f, " %s,\n", w->permissions);
}

/* The first part of a path without the star at its end. */
static size_t name_length(const char *path, bool *ret_star) {
        size_t n = strcspn(path, "/");
        bool star = n > 0 && path[n - 1] == '*';

        if (ret_star)
                *ret_star = star;
        return star ? n - 1 : n;
}

static int write_directory(Writer *w, const char *directory, const Entries *e);

/* All that is in the list of name, which is the first part of some path in it, star and all. */
static int write_name(Writer *w, const char *directory, const char *name, size_t n, const Entries *e) {
        _cleanup_(entries_freep) Entries *below = calloc(1, sizeof *below);
        _cleanup_free_ char *path = NULL;
        int r;

        if (!below)
                return -ENOMEM;
        for (size_t i = 0; i < e->n; i++) {
                const char *p = e->paths[i];

                if (strcspn(p, "/") != n || strncmp(p, name, n) != 0 || !p[n])
                        continue;
                if (streq(p + n + 1, "**"))
                        return 0;
                r = entries_add(below, p + n + 1, e->lines[i]);
                if (r < 0)
                        return r;
        }
        if (below->n == 0) {
                deny(w, directory, "%.*s/**", (int) n, name);
                return 0;
        }
        if (asprintf(&path, "%s/%.*s", directory, (int) n, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return write_directory(w, path, below);
}

/* Names that begin with the prefix and are none of the list. */
static int write_prefix(Writer *w, const char *directory, const char *prefix, size_t n, const Entries *e) {
        bool next[UCHAR_MAX + 1] = {}, is_name = false, any = false;
        const char *name = NULL;
        size_t name_n = 0;
        int r;

        for (size_t i = 0; i < e->n; i++) {
                const char *p = e->paths[i];
                bool star;
                size_t length = name_length(p, &star);

                if (length < n || strncmp(p, prefix, n) != 0)
                        continue;
                if (length == n) {
                        if (is_name && star != (name[name_n - 1] == '*'))
                                return wrong(w, e->lines[i], "is a name that another line has with * behind it");
                        is_name = true;
                        name = p;
                        name_n = strcspn(p, "/");
                } else {
                        any = true;
                        next[(unsigned char) p[n]] = true;
                }
                if (is_name && name_n > n && any)
                        return wrong(w, e->lines[i], "is a name that another line has with * behind it");
        }

        if (is_name) {
                r = write_name(w, directory, name, name_n, e);
                /* With a star, every name that begins so has been dealt with. */
                if (r < 0 || name_n > n)
                        return r;
        }
        if (!any) {
                deny(w, directory, "%.*s?*{,/**}", (int) n, prefix);
                return 0;
        }

        /* A class with ^ matches a slash as well. */
        {
                char class[2 * UCHAR_MAX + 2], *to = class;

                for (int c = 0; c <= UCHAR_MAX; c++)
                        if (next[c]) {
                                if (c == '-')
                                        *to++ = '\\';
                                *to++ = (char) c;
                        }
                *to = 0;
                /* The prefix itself is no name either. */
                if (!is_name && n > 0)
                        deny(w, directory, "%.*s{,[^%s/]*}{,/**}", (int) n, prefix, class);
                else
                        deny(w, directory, "%.*s[^%s/]*{,/**}", (int) n, prefix, class);
        }
        for (int c = 0; c <= UCHAR_MAX; c++) {
                char longer[PATH_MAX_BYTES + 2];

                if (!next[c])
                        continue;
                snprintf(longer, sizeof longer, "%.*s%c", (int) n, prefix, c);
                r = write_prefix(w, directory, longer, n + 1, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int write_directory(Writer *w, const char *directory, const Entries *e) {
        return write_prefix(w, directory, "", 0, e);
}

static int write_section(Writer *w, const char *directory, const Entries *e, unsigned line) {
        if (e->n == 0)
                return wrong(w, line, "is a directory without anything below it");
        return write_directory(w, directory, e);
}

int apparmor_rules_write(const char *text, const char *permissions, FILE *f, unsigned *ret_line, const char **ret_reason) {
        _cleanup_free_ char *copy = strdup(text), *directory = NULL;
        _cleanup_(entries_freep) Entries *e = calloc(1, sizeof *e);
        Writer w = { .f = f, .permissions = permissions };
        unsigned line = 0, section = 0;
        int r = 0;

        if (!copy || !e)
                return -ENOMEM;
        for (char *rest = copy, *l; r >= 0 && (l = strsep(&rest, "\n"));) {
                bool indented = *l == ' ' || *l == '\t';

                line++;
                l += strspn(l, " \t");
                l[strcspn(l, "#")] = 0;
                l[strcspn(l, " \t")] = 0;
                if (!*l)
                        continue;
                if (strlen(l) > PATH_MAX_BYTES)
                        r = wrong(&w, line, "is too long");
                else if (indented)
                        r = directory ? add_expanded(&w, e, l, line) : wrong(&w, line, "stands before the first directory");
                else {
                        if (directory)
                                r = write_section(&w, directory, e, section);
                        entries_free(e);
                        e = calloc(1, sizeof *e);
                        section = line;
                        if (r >= 0 && (!e || free_and_strdup(&directory, l) < 0))
                                r = -ENOMEM;
                        if (r >= 0 && (l[0] != '/' || endswith(l, "/")))
                                r = wrong(&w, line, "is no directory: it begins with / and does not end with one");
                }
        }
        if (r >= 0)
                r = directory ? write_section(&w, directory, e, section) : wrong(&w, line, "the list is empty");
        if (r == -EINVAL) {
                *ret_line = w.line;
                *ret_reason = w.reason;
        }
        return r;
}
