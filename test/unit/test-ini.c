/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/ini.h"

#include "unit.h"

static const IniLine *assignment(const Ini *ini, size_t n) {
        for (size_t i = 0; i < ini->n_lines; i++)
                if (ini->lines[i].kind == INI_ASSIGNMENT && n-- == 0)
                        return &ini->lines[i];
        return NULL;
}

START_TEST(syntax) {
        static const char text[] =
                "# first\n"
                "\n"
                "[A]\n"
                "K=1\n"
                "  K = two words  \n"
                "K=\n"
                ";Commented=1\n"
                "[B B]\n"
                "Long=a \\\n"
                "# in between\n"
                "   b\\\n"
                "c\n"
                "Equals=a=b=c";
        static const struct {
                const char *section, *key, *value;
                unsigned number;
        } expected[] = {
                { "A", "K", "1", 4 }, { "A", "K", "two words", 5 }, { "A", "K", "", 6 }, { "B B", "Long", "a     b c", 9 }, { "B B", "Equals", "a=b=c", 13 },
        };
        char *printed = NULL, *error = NULL;
        Ini ini, again;

        assert_ok(ini_parse(&ini, text, &error), error);
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                const IniLine *l = assignment(&ini, i);

                ck_assert_ptr_nonnull(l);
                ck_assert_str_eq(l->section, expected[i].section);
                ck_assert_str_eq(l->key, expected[i].key);
                ck_assert_str_eq(l->value, expected[i].value);
                ck_assert_uint_eq(l->number, expected[i].number);
        }
        ck_assert_ptr_null(assignment(&ini, ELEMENTSOF(expected)));

        ck_assert_int_eq(ini_print(&ini, &printed), 0);
        ck_assert(strncmp(printed, text, strlen(text)) == 0 && streq(printed + strlen(text), "\n"));
        assert_ok(ini_parse(&again, printed, &error), error);
        ck_assert_uint_eq(again.n_lines, ini.n_lines);
        free(printed);
        ini_done(&again);
        ini_done(&ini);
}
END_TEST

START_TEST(mistakes) {
        static const struct {
                const char *text, *line, *word;
        } bad[] = {
                { "K=1\n", "1:", "before the first" },
                { "[A]\nfoo\n", "2:", "neither" },
                { "[A]\n=1\n", "2:", "neither" },
                { "[A\nK=1\n", "1:", "section" },
                { "[]\n", "1:", "section" },
                { "[A]]\n", "1:", "section" },
                { "[A][B]\n", "1:", "section" },
                { "[A]\nK=a\\\n", "2:", "continued" },
                { "[A]\nK=a\\", "2:", "continued" },
                { "[A]\nK=a\\\n# c\n", "2:", "continued" },
                { "[A]\n\nK=a\x01\n", "3:", "control" },
                { "[A]\nK=a\r\n", "2:", "control" },
                { "# \xff\n", "1:", "UTF-8" },
                { "[A]\nK=\xe2\x80\xae\n", "2:", "control" },
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char *error = NULL;
                Ini ini;

                assert_refused(ini_parse(&ini, bad[i].text, &error), -EBADMSG, error, bad[i].line, bad[i].word);
                ck_assert_uint_eq(ini.n_lines, 0);
        }
}
END_TEST

START_TEST(limits) {
        _cleanup_free_ char *text = malloc(INI_LINES_MAX * 8);
        char *error = NULL, *p;
        Ini ini;

        p = stpcpy(text, "[A]\nK=");
        memset(p, 'x', INI_LINE_LENGTH_MAX);
        p[INI_LINE_LENGTH_MAX] = 0;
        assert_refused(ini_parse(&ini, text, &error), -EBADMSG, error, "2:", "too long");

        /* The same, in pieces. */
        p = stpcpy(text, "[A]\nK=");
        for (unsigned i = 0; i < INI_LINE_LENGTH_MAX / 4; i++)
                p = stpcpy(p, "xxx\\\n");
        stpcpy(p, "x");
        assert_refused(ini_parse(&ini, text, &error), -EBADMSG, error, "2:", "too long");

        p = stpcpy(text, "[A]\n");
        for (unsigned i = 0; i < INI_LINES_MAX; i++)
                p = stpcpy(p, "K=1\n");
        assert_refused(ini_parse(&ini, text, &error), -EBADMSG, error, "16385:", "too many lines");
}
END_TEST

START_TEST(changes) {
        char *printed = NULL, *error = NULL;
        Ini ini;

        assert_ok(ini_parse(&ini, "# c\n[A]\nK=1\n", &error), error);
        ck_assert_int_eq(ini_insert_assignment(&ini, 3, "A", "L", "2"), 0);
        ck_assert_int_eq(ini_append_section(&ini, "B"), 0);
        ck_assert_int_eq(ini_insert_assignment(&ini, ini.n_lines, "B", "M", ""), 0);
        ini_remove(&ini, 2);
        ck_assert_int_eq(ini_print(&ini, &printed), 0);
        ck_assert_str_eq(printed, "# c\n[A]\nL=2\n\n[B]\nM=\n");
        free(printed);
        ini_done(&ini);

        ck_assert(ini_value_fits("") && ini_value_fits("a b"));
        ck_assert(!ini_value_fits("a\\") && !ini_value_fits(" a") && !ini_value_fits("a\t") && !ini_value_fits("a\nB=1") && !ini_value_fits("\xff"));
}
END_TEST

UNIT_TESTS("ini", syntax, mistakes, limits, changes)
