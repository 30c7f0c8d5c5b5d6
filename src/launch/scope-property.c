/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/scope-property.h"

#include <arpa/inet.h>

#include "basic/strv.h"
#include "launch/cpus.h"

/* "/path number" */
static int append_disks(sd_bus_message *m, char *const *list) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(st)");
        STRV_FOREACH(e, list) {
                const char *blank = strrchr(*e, ' ');
                _cleanup_free_ char *path = strndup(*e, (size_t) (blank - *e));
                uint64_t v = 0;

                if (!path)
                        return -ENOMEM;
                if (r >= 0)
                        r = parse_u64(blank + 1, UINT64_MAX, &v);
                if (r >= 0)
                        r = sd_bus_message_append(m, "(st)", path, v);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* "address/bits" */
static int append_address(sd_bus_message *m, const char *entry) {
        const char *slash = strrchr(entry, '/');
        _cleanup_free_ char *address = strndup(entry, (size_t) (slash - entry));
        int family = strchr(entry, ':') ? AF_INET6 : AF_INET, r;
        uint8_t bytes[16];
        uint32_t bits;

        if (!address)
                return -ENOMEM;
        if (inet_pton(family, address, bytes) != 1)
                return -EINVAL;
        r = parse_u32(slash + 1, 128, &bits);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "iayu");
        if (r >= 0)
                r = sd_bus_message_append(m, "i", family);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', bytes, family == AF_INET ? 4 : 16);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", bits);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_addresses(sd_bus_message *m, char *const *list) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(iayu)");
        STRV_FOREACH(e, list)
                if (r >= 0)
                        r = append_address(m, *e);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const UnitProperty *p) {
        if (streq(p->type, "a(st)"))
                return append_disks(m, p->list);
        if (streq(p->type, "a(iayu)"))
                return append_addresses(m, p->list);
        if (streq(p->type, "s"))
                return sd_bus_message_append(m, "s", p->text);
        if (streq(p->type, "ay"))
                return sd_bus_message_append_array(m, 'y', p->bytes, p->n_bytes);
        if (streq(p->type, "b"))
                return sd_bus_message_append(m, "b", (int) p->number);
        if (streq(p->type, "u"))
                return sd_bus_message_append(m, "u", (uint32_t) p->number);
        return sd_bus_message_append(m, "t", p->number);
}

int scope_property_append(sd_bus_message *m, const UnitProperty *p) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", p->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', p->type);
        if (r >= 0)
                r = append_value(m, p);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r;
}

static const Setting *row_of(const char *name) {
        const Setting *t;

        return setting_find(name, &t, NULL, NULL) >= 0 ? t : NULL;
}

/* What the row's property is, after what other settings have to say of it. Returns whether anything was assigned. */
static int resolve(const Setting *t, const Settings *s, UnitProperty *ret, uint8_t **ret_cpus) {
        bool soft = streq_ptr(s->memory_enforce, "soft");
        UnitProperty max;
        int r;

        *ret_cpus = NULL;
        r = setting_unit_property(t, s, ret);
        if (r == 0 && streq(t->name, "AllowedCPUs") && s->cpu_count > 0) {
                r = cpus_choose((unsigned) s->cpu_count, s->uid_base, ret_cpus, &ret->n_bytes);
                ret->bytes = *ret_cpus;
                return r < 0 ? r : 1;
        }
        if (soft && streq(t->name, "MemoryMax")) {
                *ret = (UnitProperty) { .name = t->property, .type = "t", .number = t->usual };
                return 0;
        }
        if (soft && r == 0 && streq(t->name, "MemoryHigh") && setting_unit_property(row_of("MemoryMax"), s, &max) > 0) {
                *ret = max;
                ret->name = streq(max.type, "u") ? t->property_scale : t->property;
                return 1;
        }
        return r;
}

int scope_property_append_row(sd_bus_message *m, const Setting *t, const Settings *s, bool change) {
        _cleanup_free_ uint8_t *cpus = NULL;
        bool list = t->type->property_type[0] == 'a' && t->type->property_type[1] == '(';
        UnitProperty p;
        int r;

        r = resolve(t, s, &p, &cpus);
        if (r < 0 || (r == 0 && !change))
                return r;
        /* PID 1 adds to these lists; an empty one clears. */
        if (list && change && p.list)
                r = scope_property_append(m, &(UnitProperty) { .name = t->property, .type = t->type->property_type });
        return r < 0 ? r : scope_property_append(m, &p);
}

void scope_property_mark(bool *rows) {
        static const struct {
                const char *name, *changes[2];
        } table[] = {
                { "CPUCount", { "AllowedCPUs" } },
                { "MemoryEnforce", { "MemoryMax", "MemoryHigh" } },
                { "MemoryMax", { "MemoryHigh" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (size_t k = 0; k < 2 && table[i].changes[k] && rows[row_of(table[i].name) - settings_table]; k++)
                        rows[row_of(table[i].changes[k]) - settings_table] = true;
}
