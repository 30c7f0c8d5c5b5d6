/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table for people: as help on a terminal, and as the table of the manual page. */

#include "settings/table.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "settings/lxd.h"

static void print_lxd(FILE *f, const Setting *t) {
        const char *before = "; LXD: ";

        if (t->lxd) {
                fprintf(f, "%s%s", before, t->lxd);
                before = ", ";
        }
        for (size_t i = 0; i < n_lxd_keys; i++)
                if (setting_is_meant(t, lxd_keys[i].key)) {
                        fprintf(f, "%s%s", before, lxd_keys[i].key);
                        before = ", ";
                }
}

static void print_plain(FILE *f, const char *text) {
        fputs(text, f);
}

static void print_expects(FILE *f, const Setting *t, const char *prefix, void (*print)(FILE *f, const char *text)) {
        char range[64];

        print(f, prefix);
        if (t->choices) {
                print(f, "one of: ");
                print(f, t->choices);
        } else if (t->type == &setting_type_integer) {
                snprintf(range, sizeof range, "a number from %lld to %llu", (long long) t->min, (unsigned long long) t->max);
                print(f, range);
        } else
                print(f, t->type->expects);
}

void settings_print_help(FILE *f) {
        const char *section = "";

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                if (!streq(section, t->section)) {
                        fprintf(f, "%s[%s]\n", *section ? "\n" : "", t->section);
                        section = t->section;
                }
                fprintf(f, "  %s=  (%s; %s; %s", t->name, t->type->name, setting_when_to_string(t->when), setting_who_to_string(t->who));
                print_lxd(f, t);
                fprintf(f, ")\n      %s\n", t->help);
                print_expects(f, t, "      Value: ", print_plain);
                fputc('\n', f);
                if (t->fallback)
                        fprintf(f, "      Default: %s\n", t->fallback);
        }
}

/* scdoc takes these for its own. */
static void print_escaped(FILE *f, const char *text) {
        for (; *text; text++) {
                if (strchr("\\*_<>#~`-.[]", *text))
                        fputc('\\', f);
                fputc(*text, f);
        }
}

static void print_list_or_value(FILE *f, const char *label, const char *text) {
        fprintf(f, "\t%s", label);
        print_escaped(f, text);
        fputs("\n\n", f);
}

void settings_print_manual(FILE *f) {
        const char *section = "";

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                if (!streq(section, t->section)) {
                        fprintf(f, "## [%s]\n\n", t->section);
                        section = t->section;
                }
                fprintf(f, "*%s=*\n", t->name);
                print_list_or_value(f, "", t->help);
                fputs("\t", f);
                print_expects(f, t, t->type->list ? "Assignments add up, each " : "Value: ", print_escaped);
                fputs(". ", f);
                fprintf(f, "Set by: %s. Takes effect: %s.", setting_who_to_string(t->who), setting_when_to_string(t->when));
                if (t->lxd) {
                        fputs(" LXD: ", f);
                        print_escaped(f, t->lxd);
                        fputc('.', f);
                }
                for (size_t i = 0; i < n_lxd_keys; i++)
                        if (setting_is_meant(t, lxd_keys[i].key)) {
                                fputs(" LXD: ", f);
                                print_escaped(f, lxd_keys[i].key);
                                fputc('.', f);
                        }
                fputs("\n\n", f);
                if (t->fallback)
                        print_list_or_value(f, "Default: ", t->fallback);
        }
}
