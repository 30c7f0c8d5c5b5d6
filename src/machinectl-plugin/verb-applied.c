/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* show --effective: what all settings files together say, and which one said it. show --applied: what is in force in the running container,
 * from the kernel and from PID 1. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/table.h"
#include "shared/names.h"

#define SYSTEMD "org.freedesktop.systemd1"

static int get_effective(Ctl *c, const char *name, sd_bus_message **ret_reply, const char **ret_text) {
        int r;

        r = bus_method(c, "GetSettings", name, ret_reply, "sb", name, true);
        if (r < 0)
                return r;
        r = sd_bus_message_read(*ret_reply, "s", ret_text);
        return r < 0 ? bus_report_parse(r) : 0;
}

/* "Section.Key=value  # source"; cut in place. */
static bool split_line(char *line, char **ret_key, char **ret_value, char **ret_source) {
        char *equals = strchr(line, '='), *source = NULL;

        if (!equals)
                return false;
        for (char *p = equals; (p = strstr(p, "  # ")); p++)
                source = p;
        if (!source)
                return false;
        *equals = *source = 0;
        *ret_key = line;
        *ret_value = equals + 1;
        *ret_source = source + strlen("  # ");
        return true;
}

static int show_effective_of(Ctl *c, const char *name) {
        static const TableColumn columns[] = { { "SETTING", "setting" }, { "VALUE", "value", TABLE_SHRINK }, { "SOURCE", "source" } };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        _cleanup_free_ char *copy = NULL;
        const char *text;
        int r;

        r = get_effective(c, name, &reply, &text);
        if (r < 0)
                return r;
        copy = strdup(text);
        if (!copy || table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
                char *key, *value, *source;

                if (!split_line(line, &key, &value, &source))
                        continue;
                table_add_text(t, key, NULL);
                table_add_text(t, value, NULL);
                table_add_text(t, source, NULL);
        }
        return ctl_print_table(c, t, "settings");
}

/* Reads a property of the scope as the row's own form of it. -ENODATA: it is the usual. */
static int read_property(sd_bus_message *m, const Setting *t, char **ret) {
        const char *type = t->type->property_type;
        UnitProperty p = { .name = t->property, .type = type };
        _cleanup_free_ UnitProperty *only = NULL;
        _cleanup_strv_ char **list = NULL;
        Settings s = {};
        const char *text;
        size_t size;
        uint32_t u;
        int r, b;

        if (streq(type, "t"))
                r = sd_bus_message_read(m, "t", &p.number);
        else if (streq(type, "u")) {
                r = sd_bus_message_read(m, "u", &u);
                p.number = r >= 0 ? u : 0;
        } else if (streq(type, "b")) {
                r = sd_bus_message_read(m, "b", &b);
                p.number = r > 0 && b;
        } else if (streq(type, "s")) {
                r = sd_bus_message_read(m, "s", &text);
                p.text = (char *) (r >= 0 ? text : "");
        } else if (streq(type, "ay")) {
                const void *bytes;

                r = sd_bus_message_read_array(m, 'y', &bytes, &size);
                p.bytes = (uint8_t *) bytes;
                p.n_bytes = size;
        } else if (streq(type, "a(st)")) {
                uint64_t v;

                r = sd_bus_message_enter_container(m, 'a', "(st)");
                while (r >= 0 && (r = sd_bus_message_read(m, "(st)", &text, &v)) > 0)
                        r = strv_extendf(&list, "%s %llu", text, (unsigned long long) v);
                p.list = list;
        } else
                return -ENODATA;
        if (r < 0)
                return r;
        if ((streq(type, "t") && p.number == t->usual) || (streq(type, "ay") && p.n_bytes == 0) || (streq(type, "a(st)") && !list))
                return -ENODATA;
        only = malloc(sizeof *only);
        if (!only)
                return -ENOMEM;
        *only = p;
        s.unit_properties = only;
        s.n_unit_properties = 1;
        return t->type->print(t, &s, ret);
}

/* The last value of the setting in the text of all that is effective. */
static char *find_effective(const char *text, const Setting *t) {
        _cleanup_free_ char *copy = strdup(text), *wanted = NULL;
        char *found = NULL;

        if (!copy || asprintf(&wanted, "%s.%s", t->section, t->name) < 0)
                return NULL;
        for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
                char *key, *value, *source;

                if (!split_line(line, &key, &value, &source) || !streq(key, wanted))
                        continue;
                free(found);
                found = strdup(value);
        }
        return found;
}

static void add_row(Table *t, const char *what, const char *applied, const char *set) {
        table_add_text(t, what, NULL);
        table_add_text(t, applied, NULL);
        table_add_text(t, set, NULL);
}

static int add_properties(Ctl *c, Table *t, const char *name, const char *effective) {
        _cleanup_free_ char *scope = NULL, *path = NULL;
        int r;

        if (container_scope(name, &scope) < 0 || sd_bus_path_encode("/org/freedesktop/systemd1/unit", scope, &path) < 0)
                return report_oom();
        for (const Setting *s = settings_table; s < settings_table + n_settings_table; s++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                _cleanup_free_ char *value = NULL, *set = find_effective(effective, s);

                /* The newest ones are unknown to an older systemd. */
                if (!s->type->property_type ||
                    sd_bus_get_property(c->bus, SYSTEMD, path, "org.freedesktop.systemd1.Scope", s->property, NULL, &reply, s->type->property_type) < 0)
                        continue;
                r = read_property(reply, s, &value);
                if (r < 0 && r != -ENODATA)
                        return bus_report_parse(r);
                if (value || set)
                        add_row(t, s->name, value, set);
        }
        return 0;
}

static int show_applied_of(Ctl *c, const char *name) {
        static const TableColumn columns[] = { { "WHAT", "what" }, { "IN FORCE", "in_force", TABLE_SHRINK }, { "SETTING", "setting", TABLE_SHRINK } };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *settings = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        const char *key, *value, *effective;
        int r;

        r = get_effective(c, name, &settings, &effective);
        if (r < 0)
                return r;
        r = bus_method(c, "GetApplied", name, &reply, "s", name);
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        r = add_properties(c, t, name, effective);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &key, &value)) > 0)
                add_row(t, key, value, NULL);
        return r < 0 ? bus_report_parse(r) : ctl_print_table(c, t, "things");
}

int show_effective(Ctl *c) {
        bool applied = arguments_have(c->args, OPTION_APPLIED);
        int result = 0, r;

        if (c->args->n_words == 0 || (applied && arguments_have(c->args, OPTION_EFFECTIVE)))
                return report_usage("Usage: berthctl show --effective NAME…, berthctl show --applied NAME…");
        STRV_FOREACH(name, c->args->words) {
                r = applied ? show_applied_of(c, *name) : show_effective_of(c, *name);
                if (r != 0)
                        result = r;
        }
        return result;
}
