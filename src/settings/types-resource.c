/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of [Resource]: decoded to the bus properties that systemd takes for a scope (org.freedesktop.systemd1(5)). */

#include "settings/property.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/quantity.h"

UnitProperty *setting_property_find(const Setting *t, const Settings *s) {
        for (size_t i = 0; i < s->n_unit_properties; i++) {
                UnitProperty *p = &s->unit_properties[i];

                if (streq(p->name, t->property) || (t->property_scale && streq(p->name, t->property_scale)))
                        return p;
        }
        return NULL;
}

void setting_property_clear(const Setting *t, Settings *s) {
        UnitProperty *p = setting_property_find(t, s);

        if (!p)
                return;
        free(p->bytes);
        free(p->text);
        strv_free(p->list);
        s->n_unit_properties--;
        memmove(p, p + 1, (size_t) (s->unit_properties + s->n_unit_properties - p) * sizeof *p);
        if (s->n_unit_properties == 0) {
                free(s->unit_properties);
                s->unit_properties = NULL;
        }
}

int setting_unit_property(const Setting *t, const Settings *s, UnitProperty *ret) {
        const UnitProperty *p = setting_property_find(t, s);

        *ret = p ? *p : (UnitProperty) { .name = t->property, .type = t->type->property_type, .number = t->usual };
        if (!p && t->choices)
                ret->text = (char *) t->usual_word;
        return p != NULL;
}

/* Takes what p owns, on failure too. */
int setting_property_set(const Setting *t, Settings *s, UnitProperty p) {
        UnitProperty *all;

        setting_property_clear(t, s);
        all = reallocarray(s->unit_properties, s->n_unit_properties + 1, sizeof *all);
        if (!all) {
                free(p.bytes);
                free(p.text);
                strv_free(p.list);
                return -ENOMEM;
        }
        s->unit_properties = all;
        s->unit_properties[s->n_unit_properties++] = p;
        return 0;
}

static int set_number(const Setting *t, Settings *s, uint64_t v) {
        return setting_property_set(t, s, (UnitProperty) { .name = t->property, .type = "t", .number = v });
}

/* systemd rounds percentages to the same fraction. */
static int set_scale(const Setting *t, Settings *s, uint64_t permyriad) {
        return setting_property_set(t, s, (UnitProperty) { .name = t->property_scale, .type = "u", .number = (permyriad * UINT32_MAX + 5000) / 10000 });
}

static int print_scale(const UnitProperty *p, char **ret) {
        return print_permyriad((p->number * 10000 + UINT32_MAX / 2) / UINT32_MAX, ret);
}

static int apply_memory(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t v;
        int r;

        if (streq(text, "infinity"))
                return set_number(t, s, UINT64_MAX);
        if (endswith(text, "%")) {
                if (!t->property_scale)
                        return setting_reason(ret_reason, "is a percentage, which PID 1 does not take for this");
                r = parse_permyriad(text, 10000, &v);
                return r < 0 ? r : set_scale(t, s, v);
        }
        r = parse_size(text, &v);
        return r < 0 ? r : set_number(t, s, v);
}

static int print_memory(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        if (!p)
                return -ENODATA;
        if (streq(p->type, "u"))
                return print_scale(p, ret);
        if (p->number == UINT64_MAX)
                return (*ret = strdup("infinity")) ? 0 : -ENOMEM;
        return print_size(p->number, ret);
}

static int apply_tasks(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t v;
        int r;

        if (streq(text, "infinity"))
                return set_number(t, s, UINT64_MAX);
        if (endswith(text, "%")) {
                r = parse_permyriad(text, 10000, &v);
                if (r >= 0 && v == 0)
                        r = -ERANGE;
                return r < 0 ? r : set_scale(t, s, v);
        }
        r = parse_u64(text, t->max, &v);
        if (r >= 0 && v == 0)
                r = -ERANGE;
        return r < 0 ? r : set_number(t, s, v);
}

static int print_plain(const UnitProperty *p, char **ret) {
        if (p->number == UINT64_MAX)
                return (*ret = strdup("infinity")) ? 0 : -ENOMEM;
        return asprintf(ret, "%llu", (unsigned long long) p->number) < 0 ? -ENOMEM : 0;
}

static int print_tasks(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        if (!p)
                return -ENODATA;
        return streq(p->type, "u") ? print_scale(p, ret) : print_plain(p, ret);
}

static int apply_weight(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_u64(text, t->max, &v);
        if (r >= 0 && v == 0)
                r = -ERANGE;
        return r < 0 ? r : set_number(t, s, v);
}

static int apply_cpu_weight(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        /* On the bus weight 0 is the idle scheduling class of the cgroup, cpu.idle. */
        return streq(text, "idle") ? set_number(t, s, 0) : apply_weight(t, s, text, again, ret_reason);
}

static int print_weight(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        if (!p)
                return -ENODATA;
        if (p->number == 0)
                return (*ret = strdup("idle")) ? 0 : -ENOMEM;
        return print_plain(p, ret);
}

#define USEC_PER_PERMYRIAD (USEC_PER_SEC / 10000)

static int apply_quota(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t v;
        int r;

        if (streq(text, "infinity"))
                return set_number(t, s, USEC_INFINITY);
        r = parse_permyriad(text, t->max, &v);
        if (r >= 0 && v == 0)
                r = -ERANGE;
        return r < 0 ? r : set_number(t, s, v * USEC_PER_PERMYRIAD);
}

static int print_quota(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        if (!p)
                return -ENODATA;
        return p->number == USEC_INFINITY ? print_plain(p, ret) : print_permyriad(p->number / USEC_PER_PERMYRIAD, ret);
}

static int apply_bits(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        UnitProperty p = { .name = t->property, .type = "ay" };
        int r;

        r = parse_bit_list(text, t->max + 1, &p.bytes, &p.n_bytes);
        return r < 0 ? r : setting_property_set(t, s, p);
}

static int print_bits(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        return p ? print_bit_list(p->bytes, p->n_bytes, ret) : -ENODATA;
}

const SettingType setting_type_memory = {
        .name = "size", .expects = "a size, such as 512M, 1.5G, 512MiB, 40% or infinity", .example = "512M",
        .property_type = "t", .apply = apply_memory, .print = print_memory, .clear = setting_property_clear,
};

const SettingType setting_type_tasks = {
        .name = "count", .expects = "a number above 0, such as 500, 10% or infinity", .example = "500",
        .property_type = "t", .apply = apply_tasks, .print = print_tasks, .clear = setting_property_clear,
};

const SettingType setting_type_weight = {
        .name = "weight", .expects = "a weight from 1 to 10000", .example = "250",
        .property_type = "t", .apply = apply_weight, .print = print_weight, .clear = setting_property_clear,
};

const SettingType setting_type_cpu_weight = {
        .name = "weight or idle", .expects = "a weight from 1 to 10000, or idle", .example = "idle",
        .property_type = "t", .apply = apply_cpu_weight, .print = print_weight, .clear = setting_property_clear,
};

const SettingType setting_type_quota = {
        .name = "percentage", .expects = "a percentage of one CPU's time, such as 150%, or infinity", .example = "150%",
        .property_type = "t", .apply = apply_quota, .print = print_quota, .clear = setting_property_clear,
};

const SettingType setting_type_bits = {
        .name = "number list", .expects = "a list of numbers, such as 0-3 6", .example = "0-3 6",
        .property_type = "ay", .apply = apply_bits, .print = print_bits, .clear = setting_property_clear,
};
