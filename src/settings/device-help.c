/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of devices' keys for people: as help on a terminal, and for the manual page. */

#include <string.h>

#include "basic/strv.h"
#include "settings/device-table.h"

void devices_print_help(FILE *f) {
        fputs("\n[Device NAME]\n", f);
        for (const DeviceKeyRow *row = device_table; row < device_table + _DEVICE_KEY_MAX; row++) {
                fprintf(f, "  %s=  (%s; live; %s", row->name, row->expects, setting_who_to_string(row->who));
                if (row->owner_values) {
                        fputs(", owner:", f);
                        NULSTR_EACH(v, row->owner_values)
                                fprintf(f, " %s", v);
                }
                if (row->lxd)
                        fprintf(f, "; LXD: %s", row->lxd);
                fprintf(f, ")\n      %s\n", row->help);
                if (row->fallback)
                        fprintf(f, "      Default: %s\n", row->fallback);
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

static void print_types(FILE *f, unsigned types) {
        const char *separator = "";

        for (int t = 0; t < _DEVICE_TYPE_MAX; t++)
                if (types & 1U << t) {
                        fputs(separator, f);
                        print_escaped(f, device_type_to_string((DeviceType) t));
                        separator = ", ";
                }
}

void devices_print_manual(FILE *f) {
        for (const DeviceKeyRow *row = device_table; row < device_table + _DEVICE_KEY_MAX; row++) {
                fprintf(f, "*%s=*\n\t", row->name);
                print_escaped(f, row->help);
                fputs("\n\n\tValue: ", f);
                print_escaped(f, row->expects);
                fputs(". Of: ", f);
                print_types(f, row->types);
                fprintf(f, ". Set by: %s", setting_who_to_string(row->who));
                if (row->owner_values) {
                        fputs(", the owner may set:", f);
                        NULSTR_EACH(v, row->owner_values) {
                                fputc(' ', f);
                                print_escaped(f, v);
                        }
                }
                fputc('.', f);
                if (row->lxd) {
                        fputs(" LXD:", f);
                        NULSTR_EACH(v, row->lxd) {
                                fputc(' ', f);
                                print_escaped(f, v);
                        }
                        fputc('.', f);
                }
                if (row->fallback) {
                        fputs(" Default: ", f);
                        print_escaped(f, row->fallback);
                        fputc('.', f);
                }
                fputs("\n\n", f);
        }
}
