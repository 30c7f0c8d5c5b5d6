/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/scope-property.h"

#include "basic/strv.h"

static int append_value(sd_bus_message *m, const UnitProperty *p) {
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

int scope_property_append_row(sd_bus_message *m, const Setting *t, const Settings *s) {
        UnitProperty p;

        setting_unit_property(t, s, &p);
        return scope_property_append(m, &p);
}
