/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/verb.h"

#include <string.h>

#include "basic/strv.h"

#define WORD_LENGTH_MAX 32U

const Verb *verb_find(const char *name) {
        for (size_t i = 0; i < verb_table_size; i++) {
                const Verb *v = verb_table + i;

                if (streq(v->name, name))
                        return v;
                NULSTR_FOREACH(alias, v->aliases)
                        if (streq(alias, name))
                                return v;
        }
        return NULL;
}

/* How many letters to add, drop, change or swap with the next (optimal string alignment). */
static unsigned distance(const char *a, const char *b) {
        unsigned d[WORD_LENGTH_MAX + 1][WORD_LENGTH_MAX + 1];
        size_t n = strlen(a), m = strlen(b);

        if (n > WORD_LENGTH_MAX || m > WORD_LENGTH_MAX)
                return UINT32_MAX;

        for (size_t i = 0; i <= n; i++)
                d[i][0] = (unsigned) i;
        for (size_t j = 0; j <= m; j++)
                d[0][j] = (unsigned) j;
        for (size_t i = 1; i <= n; i++)
                for (size_t j = 1; j <= m; j++) {
                        unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

                        best = MIN_OF(best, d[i - 1][j] + 1);
                        best = MIN_OF(best, d[i][j - 1] + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                best = MIN_OF(best, d[i - 2][j - 2] + 1);
                        d[i][j] = best;
                }
        return d[n][m];
}

const char *verb_nearest(const char *name) {
        /* A third of the letters wrong is a typing mistake, more is another word. */
        unsigned limit = (unsigned) strlen(name) / 3 + 1, best = limit + 1;
        const char *found = NULL;

        for (size_t i = 0; i < verb_table_size; i++) {
                const Verb *v = verb_table + i;
                unsigned d;

                if (v->flags & VERB_HIDDEN)
                        continue;
                d = distance(name, v->name);
                if (d < best) {
                        best = d;
                        found = v->name;
                }
                NULSTR_FOREACH(alias, v->aliases) {
                        d = distance(name, alias);
                        if (d < best) {
                                best = d;
                                found = alias;
                        }
                }
        }
        return found;
}
