/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line, and the verb table that it is checked against. */

#include "unit.h"

#include "machinectl-plugin/arguments.h"
#include "machinectl-plugin/verb.h"

#define PARSE(a, error, ...)                                                                    \
        ({                                                                                      \
                static const char *const _v[] = { "berthctl", __VA_ARGS__, NULL };              \
                                                                                                \
                arguments_parse((int) ELEMENTSOF(_v) - 1, (char **) _v, (a), (error));          \
        })

START_TEST(test_words_and_options) {
        _cleanup_(arguments_freep) Arguments *a = NULL;
        char *error = NULL;

        assert_ok(PARSE(&a, &error, "-q", "stop", "web1", "--timeout", "30", "web2", "-f"), error);
        ck_assert_str_eq(a->verb->name, "stop");
        ck_assert_uint_eq(a->n_words, 2);
        ck_assert_str_eq(a->words[0], "web1");
        ck_assert_str_eq(a->words[1], "web2");
        ck_assert_ptr_null(a->words[2]);
        ck_assert_str_eq(arguments_get(a, OPTION_TIMEOUT), "30");
        ck_assert(arguments_have(a, OPTION_FORCE) && arguments_have(a, OPTION_QUIET));
        ck_assert(!arguments_have(a, OPTION_HELP));
        ck_assert_ptr_null(arguments_get(a, OPTION_JSON));
}
END_TEST

START_TEST(test_values) {
        _cleanup_(arguments_freep) Arguments *a = NULL;
        char *error = NULL;

        assert_ok(PARSE(&a, &error, "launch", "--set=a=b", "-cc=d", "-c", "e=", "deb", "-ej"), error);
        ck_assert_uint_eq(strv_length(a->options[OPTION_SET]), 3);
        ck_assert_str_eq(a->options[OPTION_SET][0], "a=b");
        ck_assert_str_eq(a->options[OPTION_SET][1], "c=d");
        ck_assert_str_eq(a->options[OPTION_SET][2], "e=");
        ck_assert(arguments_have(a, OPTION_EPHEMERAL));
        ck_assert_str_eq(arguments_get(a, OPTION_JSON), "auto");
}
END_TEST

START_TEST(test_command) {
        static const struct {
                const char *const argv[10];
                size_t n;
                const char *first;
        } cases[] = {
                { { "berthctl", "exec", "web1", "--", "ls", "-l", "--all" }, 3, "ls" },
                { { "berthctl", "exec", "web1", "ls", "-l", "--all" }, 3, "ls" },
                { { "berthctl", "exec", "-T", "web1", "-u", "www", "--", "-x" }, 1, "-x" },
                { { "berthctl", "exec", "web1", "sh", "--", "-c" }, 3, "sh" },
                { { "berthctl", "exec", "--", "web1", "ls", "--help" }, 2, "ls" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(arguments_freep) Arguments *a = NULL;
                char *error = NULL;

                assert_ok(arguments_parse((int) strv_length((char *const *) cases[i].argv), (char **) cases[i].argv, &a, &error), error);
                ck_assert_str_eq(a->words[0], "web1");
                ck_assert_str_eq(a->words[1], cases[i].first);
                ck_assert_uint_eq(a->n_words - 1, cases[i].n);
                ck_assert(!arguments_have(a, OPTION_HELP));
        }
}
END_TEST

START_TEST(test_refused) {
        Arguments *a = NULL;
        char *error = NULL;

        assert_refused(PARSE(&a, &error, "lsit"), -EINVAL, error, "'lsit'", "'list'");
        assert_refused(PARSE(&a, &error, "qqqqqqqq"), -EINVAL, error, "'qqqqqqqq'", "berthctl help");
        assert_refused(PARSE(&a, &error, "list", "--nope"), -EINVAL, error, "--nope", "no option");
        assert_refused(PARSE(&a, &error, "list", "-Z"), -EINVAL, error, "-Z", "no option");
        assert_refused(PARSE(&a, &error, "list", "--no"), -EINVAL, error, "--no", "ambiguous");
        assert_refused(PARSE(&a, &error, "stop", "--force=yes", "x"), -EINVAL, error, "--force", "no value");
        assert_refused(PARSE(&a, &error, "stop", "x", "--timeout"), -EINVAL, error, "--timeout", "needs a value");
        assert_refused(PARSE(&a, &error, "kill", "x", "-s"), -EINVAL, error, "-s", "needs a value");
        assert_refused(PARSE(&a, &error, "start", "--force", "x"), -EINVAL, error, "'start'", "--force");
        assert_refused(PARSE(&a, &error, "start"), -EINVAL, error, "start", "NAME");
        assert_refused(PARSE(&a, &error, "exec", "x"), -EINVAL, error, "exec", "COMMAND");
        assert_refused(PARSE(&a, &error, "cat", "x", "y"), -EINVAL, error, "'y'", "Usage");
        arguments_free(a);
}
END_TEST

START_TEST(test_aliases) {
        static const char *const pairs[][2] = {
                { "ls", "list" }, { "poweroff", "stop" }, { "rm", "delete" }, { "pause", "freeze" }, { "images", "list-images" },
                { "list-transfers", "list-jobs" }, { "show-settings", "cat" },
        };
        _cleanup_(arguments_freep) Arguments *a = NULL;
        char *error = NULL;

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                const Verb *v = verb_find(pairs[i][0]);

                ck_assert_ptr_nonnull(v);
                ck_assert_str_eq(v->name, pairs[i][1]);
        }
        assert_ok(PARSE(&a, &error, "image", "alias", "create", "lts", "20bc"), error);
        ck_assert_str_eq(a->verb->name, "alias");
        ck_assert_str_eq(a->words[0], "create");
        ck_assert_uint_eq(a->n_words, 3);
}
END_TEST

/* A name means one verb; every option of the table can be given to some verb; what people see is there. */
START_TEST(test_table) {
        uint64_t used = OPTIONS_COMMON;

        for (size_t i = 0; i < verb_table_size; i++) {
                const Verb *v = verb_table + i;

                used |= v->options;
                ck_assert_ptr_eq(verb_find(v->name), v);
                NULSTR_FOREACH(alias, v->aliases)
                        ck_assert_msg(verb_find(alias) == v, "'%s' is an alias of '%s' and of another verb", alias, v->name);
                ck_assert_ptr_nonnull(v->run);
                ck_assert_ptr_nonnull(v->arguments);
                ck_assert_uint_le(v->min_words, v->max_words);
                ck_assert_msg(v->help && !endswith(v->help, "."), "the help of '%s' is no title", v->name);
        }
        ck_assert_uint_eq(used, UINT64_MAX >> (64 - _OPTION_MAX));

        for (size_t i = 0; i < option_table_size; i++)
                for (size_t k = 0; k < i; k++) {
                        const OptionInfo *a = option_table + i, *b = option_table + k;

                        /* A letter may be two options', if no verb takes both, or one is another spelling that gives way. */
                        for (size_t v = 0; v < verb_table_size && a->letter && a->letter == b->letter && (a->name || a->help); v++) {
                                uint64_t both = UINT64_C(1) << a->option | UINT64_C(1) << b->option;

                                ck_assert_msg(((verb_table[v].options | OPTIONS_COMMON) & both) != both, "two options -%c of '%s'", a->letter, verb_table[v].name);
                        }
                        ck_assert_msg(!a->name || !b->name || !streq(a->name, b->name), "two options --%s", a->name);
                }
}
END_TEST

/* Every verb and option is in the manual page. */
START_TEST(test_manual) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        FILE *f = fopen(SOURCE_ROOT "/docs/man/berthctl.1.scd", "re");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_gt(getdelim(&text, &n, 0, f), 0);
        fclose(f);

        for (size_t i = 0; i < verb_table_size; i++) {
                _cleanup_free_ char *bold = NULL;

                if (verb_table[i].flags & VERB_HIDDEN)
                        continue;
                ck_assert_int_ge(asprintf(&bold, "*%s*", verb_table[i].name), 0);
                ck_assert_msg(strstr(text, bold), "the verb '%s' is not in the manual page", verb_table[i].name);
                NULSTR_FOREACH(alias, verb_table[i].aliases)
                        ck_assert_msg(strchr(alias, ' ') || strstr(text, alias), "the alias '%s' is not in the manual page", alias);
        }
        for (size_t i = 0; i < option_table_size; i++) {
                _cleanup_free_ char *option = NULL;

                if (!option_table[i].help || !option_table[i].name)
                        continue;
                ck_assert_int_ge(asprintf(&option, "--%s", option_table[i].name), 0);
                ck_assert_msg(strstr(text, option), "the option '%s' is not in the manual page", option);
        }
}
END_TEST

UNIT_TESTS("arguments", test_words_and_options, test_values, test_command, test_refused, test_aliases, test_table, test_manual)
