/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* check: what this host offers, what is missing, and how to get it. */

#include <stdio.h>

#include "basic/strv.h"
#include "machinectl-plugin/host-check.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"

static const char *colour(CheckResult result, bool needed) {
        return result == CHECK_OK ? COLOUR_GREEN : result == CHECK_UNKNOWN ? COLOUR_GREY : needed ? COLOUR_RED : COLOUR_YELLOW;
}

static int print_json(Ctl *c, const CheckResult *results, char *const *details) {
        _cleanup_json_ json_object *list = json_object_new_array();

        if (!list)
                return report_oom();
        for (size_t i = 0; i < check_table_size; i++) {
                const Check *k = check_table + i;
                json_object *o = json_object_new_object();

                if (!o)
                        return report_oom();
                json_object_object_add(o, "check", json_object_new_string(k->name));
                json_object_object_add(o, "result", json_object_new_string(check_result_to_string(results[i])));
                json_object_object_add(o, "needed", json_object_new_boolean(k->needed));
                json_object_object_add(o, "detail", details[i] ? json_object_new_string(details[i]) : NULL);
                json_object_object_add(o, "effect", json_object_new_string(k->effect));
                json_object_object_add(o, "remedy", json_object_new_string(k->remedy));
                json_object_array_add(list, o);
        }
        return json_print(list, c->style.json, stdout);
}

static int print_table(Ctl *c, const CheckResult *results, char *const *details) {
        static const TableColumn columns[] = {
                { "CHECK", "check" }, { "RESULT", "result" }, { "WHAT", "what", TABLE_SHRINK }, { "DETAIL", "detail", TABLE_SHRINK },
        };
        _cleanup_(table_freep) Table *t = NULL;

        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        for (size_t i = 0; i < check_table_size; i++) {
                table_add_text(t, check_table[i].name, NULL);
                table_add_text(t, check_result_to_string(results[i]), colour(results[i], check_table[i].needed));
                table_add_text(t, check_table[i].what, NULL);
                table_add_text(t, details[i], NULL);
        }
        if (table_print(t, &c->style, stdout) < 0)
                return report_oom();
        for (size_t i = 0; i < check_table_size && !c->quiet; i++)
                if (results[i] == CHECK_MISSING)
                        printf("\n%s%s: %s\n  To get it: %s\n", check_table[i].name, check_table[i].needed ? " is needed" : "", check_table[i].effect,
                               check_table[i].remedy);
        return 0;
}

int check_needed(Ctl *c) {
        int r = 0;

        for (size_t i = 0; i < check_table_size; i++) {
                _cleanup_free_ char *detail = NULL;

                if (check_table[i].needed && check_table[i].look(c, &detail) == CHECK_MISSING)
                        r = report_failure("%s: %s: %s To get it: %s", check_table[i].what, detail ?: "missing", check_table[i].effect, check_table[i].remedy);
        }
        return r;
}

int verb_check(Ctl *c) {
        CheckResult results[64];
        char *details[64] = {};
        bool missing = false;
        int r;

        if (check_table_size > ELEMENTSOF(results))
                return report_oom();
        for (size_t i = 0; i < check_table_size; i++) {
                results[i] = check_table[i].look(c, &details[i]);
                missing = missing || (check_table[i].needed && results[i] == CHECK_MISSING);
        }
        r = c->style.json != JSON_OFF ? print_json(c, results, details) : print_table(c, results, details);
        for (size_t i = 0; i < check_table_size; i++)
                free(details[i]);
        return r < 0 ? r : missing;
}
