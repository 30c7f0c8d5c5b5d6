/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/help.h"

#include <stdio.h>

#include "basic/strv.h"

#define COLUMN 34

static const char *const group_titles[_VERB_GROUP_MAX] = {
        [GROUP_CONTAINERS] = "Containers",
        [GROUP_INSIDE] = "Inside a container",
        [GROUP_IMAGES] = "Images",
        [GROUP_SETTINGS] = "Settings",
        [GROUP_OTHER] = "Other",
};

static void print_row(const char *left, const char *right) {
        int width = 0;

        /* "…" is three bytes of UTF-8 and one column. */
        for (const char *p = left; *p; p++)
                width += (*p & 0xc0) != 0x80;
        if (width < COLUMN)
                printf("  %s%*s%s\n", left, COLUMN - width, "", right);
        else
                printf("  %s\n  %*s%s\n", left, COLUMN, "", right);
}

static void print_option(const OptionInfo *o) {
        char left[128], letter[4] = "  ";
        const char *comma = " ";

        if (!o->help)
                return;
        if (o->letter) {
                snprintf(letter, sizeof letter, "-%c", o->letter);
                comma = o->name ? "," : "";
        }
        if (o->name)
                snprintf(left, sizeof left, "%s%s --%s%s%s", letter, comma, o->name, o->argument ? "=" : "", o->argument ?: "");
        else
                snprintf(left, sizeof left, "%s", letter);
        print_row(left, o->help);
}

static void print_options(const char *title, uint64_t options) {
        bool first = true;

        for (size_t i = 0; i < option_table_size; i++)
                if (options & UINT64_C(1) << option_table[i].option) {
                        if (first)
                                printf("\n%s:\n", title);
                        first = false;
                        print_option(option_table + i);
                }
}

int help_print(void) {
        printf("berthctl [OPTIONS…] VERB …\n\nSystem containers, the systemd way.\n");
        for (VerbGroup g = 0; g < _VERB_GROUP_MAX; g++) {
                printf("\n%s:\n", group_titles[g]);
                for (size_t i = 0; i < verb_table_size; i++) {
                        const Verb *v = verb_table + i;
                        char left[128];

                        if (v->group != g || (v->flags & VERB_HIDDEN))
                                continue;
                        snprintf(left, sizeof left, "%s%s%s", v->name, *v->arguments ? " " : "", v->arguments);
                        print_row(left, v->help);
                }
        }
        print_options("Options of every verb", OPTIONS_COMMON);
        printf("\n'berthctl VERB --help' tells more about a verb, berthctl(1) about all of them.\n");
        return 0;
}

int help_print_verb(const Verb *v) {
        printf("berthctl %s%s%s%s\n\n%s.\n", v->name, v->options ? " [OPTIONS…]" : "", *v->arguments ? " " : "", v->arguments, v->help);
        if (v->aliases) {
                const char *separator = "\nAlso called: ";

                NULSTR_FOREACH(alias, v->aliases) {
                        printf("%s%s", separator, alias);
                        separator = ", ";
                }
                putchar('\n');
        }
        print_options("Options", v->options);
        if (v->more)
                printf("\n%s\n", v->more);
        print_options("Options of every verb", OPTIONS_COMMON);
        return 0;
}

void help_print_version(void) {
        printf("berthctl %s\n", BERTH_VERSION);
}
