/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/options.h"

#include <assert.h>

#include "basic/strv.h"
#include "shared/bus-names.h"

static int option_read(sd_bus_message *m, const Option *o) {
        char type[] = { o->type, 0 };
        int b, r;

        switch (o->type) {

        case 'b':
                r = sd_bus_message_read(m, "v", type, &b);
                if (r > 0)
                        *(bool *) o->value = b;
                return r;

        case 'u':
                return sd_bus_message_read(m, "v", type, (uint32_t *) o->value);

        case 't':
                return sd_bus_message_read(m, "v", type, (uint64_t *) o->value);

        case 'h':
                return sd_bus_message_read(m, "v", type, (int *) o->value);

        default:
                assert(o->type == 's');
                return sd_bus_message_read(m, "v", type, (const char **) o->value);
        }
}

int options_read(sd_bus_message *m, const Option *options, size_t n, OptionOther other, void *userdata, sd_bus_error *error) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const Option *o = NULL;
                const char *name;

                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < n && !o; i++)
                        if (streq(options[i].name, name))
                                o = options + i;
                r = o ? option_read(m, o) : other ? other(m, name, userdata) : 0;
                if (r == -ENXIO)
                        return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "Option '%s' has the wrong type.", name);
                if (r < 0)
                        return r;
                if (r == 0)
                        return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "Unknown option '%s'.", name);
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}
