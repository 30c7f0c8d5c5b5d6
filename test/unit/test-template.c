/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Templates: what the language can do, what it says of mistakes, and that hostile ones end. */

#include "launch/template/render.h"

#include "unit.h"

static Value *example(Arena *a) {
        Value *v = value_new(a, VALUE_MAP), *container = value_new(a, VALUE_MAP), *config = value_new(a, VALUE_MAP),
              *properties = value_new(a, VALUE_MAP), *devices = value_new(a, VALUE_MAP), *eth0 = value_new(a, VALUE_MAP);

        ck_assert_int_ge(value_set_text(a, v, "trigger", "create"), 0);
        ck_assert_int_ge(value_set_text(a, v, "path", "/etc/hosts"), 0);
        ck_assert_int_ge(value_set_text(a, container, "name", "web1"), 0);
        ck_assert_int_ge(value_set_text(a, config, "user.data", "a\nb"), 0);
        ck_assert_int_ge(value_set_text(a, config, "empty", ""), 0);
        ck_assert_int_ge(value_set_text(a, properties, "default", "<x>"), 0);
        ck_assert_int_ge(value_set_text(a, eth0, "type", "nic"), 0);
        ck_assert_int_ge(value_set(a, devices, "eth0", eth0), 0);
        ck_assert_int_ge(value_set(a, devices, "root", value_copy(a, eth0)), 0);
        ck_assert_int_ge(value_set(a, v, "container", container), 0);
        ck_assert_int_ge(value_set(a, v, "config", config), 0);
        ck_assert_int_ge(value_set(a, v, "properties", properties), 0);
        ck_assert_int_ge(value_set(a, v, "devices", devices), 0);
        return v;
}

static int render(const char *text, size_t size, char *output, size_t output_max, char error[static TEMPLATE_ERROR_MAX]) {
        size_t n = 0;
        Arena a;
        int r;

        ck_assert_int_ge(arena_new(16U << 20, &a), 0);
        r = template_render(&a, example(&a), text, size, output, output_max - 1, &n, error);
        output[n] = 0;
        arena_done(&a);
        return r;
}

START_TEST(R30_language) {
        static const struct {
                const char *text, *output;
        } cases[] = {
                { "", "" },
                { "plain { text } %}", "plain { text } %}" },
                { "{{ container.name }} {{container[\"name\"]}} {{ trigger }}", "web1 web1 create" },
                { "[{{ nothing }}{{ container.nothing.more }}]", "[]" },
                { "{{ properties.default }}", "<x>" },
                { "{{ properties.default|escape }}", "&lt;x&gt;" },
                { "{{ nothing|default:\"x\" }}{{ config.empty|default:container.name|upper }}", "xWEB1" },
                { "{{ config_get(\"user.data\", \"no\") }}", "a\nb" },
                { "{{ config_get('user.none', properties.default) }}", "<x>" },
                { "{{ config_get(\"user.none\") }}", "" },
                { "{{ config[\"user.data\"]|length }} {{ devices|length }}", "3 2" },
                { "{% if config_get(\"x\", \"\") == \"\" %}no{% else %}yes{% endif %}", "no" },
                { "{% if trigger == \"copy\" %}a{% elif trigger == 'create' %}b{% elif 1 %}c{% else %}d{% endif %}", "b" },
                { "{% if 1 < 2 and not (2 < 1) or nothing %}a{% if false %}b{% else %}c{% endif %}{% endif %}", "ac" },
                { "{% if \"eb\" in container.name && !nothing %}a{% endif %}{% if 'root' in devices %}b{% endif %}", "ab" },
                { "{% for k, v in devices %}{{ k }}={{ v.type }}{% if not forloop.Last %},{% endif %}{% endfor %}", "eth0=nic,root=nic" },
                { "{% for k in devices %}{{ forloop.counter }}{{ k }} {% endfor %}{{ k }}", "1eth0 2root " },
                { "{% for x in 'a,b,c'|split:',' %}{{ x }}{% endfor %}{% for x in nothing %}y{% empty %}z{% endfor %}", "abcz" },
                { "{% for x in 'a,b'|split:',' %}{% for y in 'c,d'|split:\",\" %}{{ x }}{{ y }} {% endfor %}{% endfor %}", "ac ad bc bd " },
                { "{{ 'b a'|split:' '|join:'-' }}{{ 'aXb'|lower|capfirst }}{{ 'a b'|title }}", "b-aAxbA B" },
                { "{{ 2 + 3 * 4 }} {{ 7 / 2 }} {{ 7 % 4 }} {{ -1 }} {{ 'a' + 1 }}", "14 3 3 -1 a1" },
                { "{{ true }} {{ 1|yesno:'on,off' }} {{ ' 12 '|integer + 1 }}", "True on 13" },
                { "a\n{%- if true -%}\n b \n{%- endif %}\nc", "ab\nc" },
                { "a{# {{ x }} {% y #}b{% comment %}{{ 'x }}{% endcomment %}", NULL },
                { "a{# {{ x }} {% y 'q #}b{% comment %}{{ x|z }}{% endcomment %}", "ab" },
                { "{% set x = container.name|length %}{{ x }}", "4" },
                { "{% autoescape off %}{{ properties.default }}{% endautoescape %}", "<x>" },
                { "{{ 'abc'|first }}{{ 'abc'|last }}{{ 'a,b'|split:','|first }}{{ 'a,b'|split:','|last }}[{{ nothing|first }}]", "acab[]" },
                { "{{ 'a b  c'|wordcount }} {{ 'abc'|length_is:3 }} {{ 'a.b.c'|cut:'.' }} {{ 'x'|safe }}", "3 True abc x" },
                { "{{ nothing|default_if_none:'x' }}{{ ''|default_if_none:'y' }} {{ 2|add:3 }} {{ 'a\"b'|addslashes }}", "x 5 a\\\"b" },
                { "{% if 1 != 2 and 1 <= 1 and 2 >= 2 and 3 > 2 %}a{% endif %}{% if 1 != 1 or 2 <= 1 or 1 >= 2 or 2 > 3 %}b{% endif %}", "a" },
                { "{% set l = 'a,b'|split:',' %}{{ l.1 }}[{{ l.7 }}]{% if 'b' in l %}in{% endif %}{% if 'c' in l %}not{% endif %}", "b[]in" },
                { "{{ \"}} %} \\\" \\n\" }}", "}} %} \" \n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char output[1024], error[TEMPLATE_ERROR_MAX] = "";
                int r = render(cases[i].text, strlen(cases[i].text), output, sizeof output, error);

                ck_assert_msg((r >= 0) == !!cases[i].output, "%s: %s", cases[i].text, error);
                if (cases[i].output)
                        ck_assert_str_eq(output, cases[i].output);
        }
}
END_TEST

START_TEST(R30_mistakes) {
        static const struct {
                const char *text, *error;
        } cases[] = {
                { "a\n\n{{ x|nope }}", "line 3: there is no filter 'nope'" },
                { "\n{% if x %}\n", "line 2: there is no end of the block 'if'" },
                { "{% include \"/etc/shadow\" %}", "line 1: there is no tag 'include'" },
                { "{% ssi \"/etc/shadow\" %}", "line 1: there is no tag 'ssi'" },
                { "{{ read(\"/etc/shadow\") }}", "line 1: there is no function 'read'" },
                { "{{ x", "line 1: a tag has no end" },
                { "{{ 'x }}", "line 1: a tag has no end" },
                { "{{ x y }}", "line 1: this is one thing too many: 'y '" },
                { "{{ }}", "line 1: an expression is not complete" },
                { "{{ 1 / 0 }}", "line 1: a number is divided by 0" },
                { "{{ 99999999999999999999 }}", "line 1: a number is too large" },
                { "{{ 9223372036854775807 + 1 }}", "line 1: a number is too large" },
                { "{{ config_get(1) }}", "line 1: config_get() wants the name of a key" },
                { "{% else %}", "line 1: there is no tag 'else'" },
                { "{% for in x %}{% endfor %}", "line 1: a loop is written 'for NAME in …' or 'for KEY, VALUE in …'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char output[1024], error[TEMPLATE_ERROR_MAX] = "";

                ck_assert_int_eq(render(cases[i].text, strlen(cases[i].text), output, sizeof output, error), -EBADMSG);
                ck_assert_str_eq(error, cases[i].error);
        }
}
END_TEST

/* Each ends, soon, with a reason. */
START_TEST(S71_hostile) {
        char *text = calloc(1, TEMPLATE_SIZE_MAX), *output = malloc(TEMPLATE_OUTPUT_MAX), error[TEMPLATE_ERROR_MAX];

        ck_assert_ptr_nonnull(text);
        ck_assert_ptr_nonnull(output);

        /* Loops in loops. */
        for (unsigned kind = 0; kind < 4; kind++) {
                char *p = text;

                for (unsigned i = 0; i < (kind == 3 ? 3000 : 30); i++)
                        p = stpcpy(p, kind == 0   ? "{% for a in 'a.b.c.d.e.f.g.h'|split:'.' %}"
                                      : kind == 1 ? "{% set x = x + x + 'aaaaaaaaaaaaaaaa' %}"
                                      : kind == 2 ? "{% for a in 'a.b.c.d.e.f.g.h'|split:'.' %}{% set x = 'x' %}"
                                                  : "{% if 1 %}");
                p = stpcpy(p, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
                for (unsigned i = 0; i < (kind == 3 ? 3000 : 30); i++)
                        p = stpcpy(p, kind == 1 ? "" : kind == 3 ? "{% endif %}" : "{% endfor %}");
                error[0] = 0;
                ck_assert_int_eq(render(text, (size_t) (p - text), output, TEMPLATE_OUTPUT_MAX, error), -EBADMSG);
                ck_assert_str_ne(error, "");
        }
        /* Expressions in expressions. */
        for (const char *const *open = (const char *const[]) { "(", "not ", "a[", "config_get(", "-", "!", "x|default:", "[", "{{", "{%", "'", "\\", NULL }; *open; open++) {
                char *p = stpcpy(text, "{{");

                for (unsigned i = 0; i < 50000; i++)
                        p = stpcpy(p, *open);
                p = stpcpy(p, "}}");
                error[0] = 0;
                ck_assert_int_eq(render(text, (size_t) (p - text), output, TEMPLATE_OUTPUT_MAX, error), -EBADMSG);
                ck_assert_str_ne(error, "");
        }
        free(text);
        free(output);
}
END_TEST

START_TEST(S71_mutations) {
        static const char seed[] = "{% if a.b[\"c\"]|default:'x' == 1 and not d %}{{ config_get(\"e\", f)|upper }}{% elif 2 %}"
                                   "{% for g, h in devices %}{{ g }}{{ forloop.Counter }}{%- endfor %}{% else %}{# i #}{% endif %}\n";
        unsigned state = 1;

        for (unsigned i = 0; i < 3000; i++) {
                char text[sizeof seed], output[4096], error[TEMPLATE_ERROR_MAX] = "";

                memcpy(text, seed, sizeof seed);
                for (unsigned k = 0; k < 1 + i % 4; k++) {
                        state = state * 1103515245 + 12345;
                        text[(state >> 8) % (sizeof seed - 1)] = seed[(state >> 16) % (sizeof seed - 1)];
                }
                if (render(text, sizeof seed - 1 - i % 7, output, sizeof output, error) < 0)
                        ck_assert_ptr_eq(strstr(error, "line "), error);
        }
}
END_TEST

UNIT_TESTS("template", R30_language, R30_mistakes, S71_hostile, S71_mutations)
