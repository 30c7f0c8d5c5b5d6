/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table for people: as help on a terminal, and as the table of the manual page. */

#include "settings/table.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "settings/device.h"

void settings_print_help(FILE *f) {
        const char *section = "";

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                if (!streq(section, t->section)) {
                        fprintf(f, "%s[%s]\n", *section ? "\n" : "", t->section);
                        section = t->section;
                }
                fprintf(f, "  %s=  (%s; %s; %s", t->name, t->type->name, setting_when_to_string(t->when), setting_who_to_string(t->who));
                if (t->lxd)
                        fprintf(f, "; LXD: %s", t->lxd);
                fprintf(f, ")\n      %s\n", t->help);
                if (t->fallback)
                        fprintf(f, "      Default: %s\n", t->fallback);
        }
        devices_print_help(f);
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
                print_escaped(f, t->type->list ? "Assignments add up, each " : "Value: ");
                print_escaped(f, t->type->expects);
                fputs(". ", f);
                fprintf(f, "Set by: %s. Takes effect: %s.", setting_who_to_string(t->who), setting_when_to_string(t->when));
                if (t->lxd) {
                        fputs(" LXD: ", f);
                        print_escaped(f, t->lxd);
                        fputc('.', f);
                }
                fputs("\n\n", f);
                if (t->fallback)
                        print_list_or_value(f, "Default: ", t->fallback);
        }
}
