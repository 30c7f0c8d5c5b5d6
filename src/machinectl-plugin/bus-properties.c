/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/bus.h"

#include "basic/log.h"
#include "shared/bus-names.h"

/* Values of the bus as JSON values, any type. Lists of pairs with a string first ({s…} dictionaries) become objects. */

static int read_value(sd_bus_message *m, json_object **ret);

static int read_basic(sd_bus_message *m, char type, json_object **ret) {
        union {
                const char *s;
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
        } v = {};
        int r;

        if (type == 'h')
                return -EOPNOTSUPP;
        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        switch (type) {
        case 'y':
                *ret = json_object_new_int(v.y);
                break;
        case 'b':
                *ret = json_object_new_boolean(v.b);
                break;
        case 'n':
                *ret = json_object_new_int(v.n);
                break;
        case 'q':
                *ret = json_object_new_int(v.q);
                break;
        case 'i':
                *ret = json_object_new_int(v.i);
                break;
        case 'u':
                *ret = json_object_new_int64(v.u);
                break;
        case 'x':
                *ret = json_object_new_int64(v.x);
                break;
        case 't':
                *ret = json_object_new_uint64(v.t);
                break;
        case 'd':
                *ret = json_object_new_double(v.d);
                break;
        default: /* s, o, g */
                *ret = json_object_new_string(v.s);
        }
        return *ret ? 0 : -ENOMEM;
}

static int read_members(sd_bus_message *m, json_object *array) {
        int r;

        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                json_object *item;

                r = read_value(m, &item);
                if (r < 0)
                        return r;
                json_object_array_add(array, item);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_dictionary(sd_bus_message *m, json_object *object) {
        int r;

        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                const char *key;
                json_object *item;

                r = sd_bus_message_enter_container(m, 'e', NULL);
                if (r >= 0)
                        r = sd_bus_message_read_basic(m, 's', &key);
                if (r >= 0)
                        r = read_value(m, &item);
                if (r < 0)
                        return r;
                json_object_object_add(object, key, item);
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_value(sd_bus_message *m, json_object **ret) {
        _cleanup_json_ json_object *o = NULL;
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (type != 'a' && type != 'v' && type != 'r' && type != 'e')
                return read_basic(m, type, ret);

        r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;
        if (type == 'v') {
                r = read_value(m, &o);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        } else if (type == 'a' && contents[0] == '{' && contents[1] == 's') {
                o = json_object_new_object();
                r = o ? read_dictionary(m, o) : -ENOMEM;
        } else {
                o = json_object_new_array();
                r = o ? read_members(m, o) : -ENOMEM;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(o);
        return 0;
}

int bus_get_properties(Ctl *c, const char *path, const char *interface, const char *target, json_object **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = bus_open(c);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(c->bus, &m, BERTH_BUS_NAME, path, "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", interface);
        if (r < 0)
                return bus_report_create(r);
        log_debug("reading the properties of %s", path);
        r = bus_call(c, m, target, &reply);
        if (r < 0)
                return r;
        r = read_value(reply, ret);
        if (r < 0)
                return bus_report_parse(r);
        return 0;
}
