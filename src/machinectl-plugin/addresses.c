/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/addresses.h"

#include <arpa/inet.h>

#include "basic/strv.h"

#define TIMEOUT_USEC (3 * USEC_PER_SEC)

static bool is_link_local(int family, const uint8_t *bytes) {
        return family == AF_INET ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

static int on_answer(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error) {
        char text[INET6_ADDRSTRLEN];
        Addresses *a = userdata;
        const void *bytes;
        int32_t family;
        size_t size;
        int r;

        (*a->pending)--;
        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_enter_container(m, 'a', "(iay)") < 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'r', "iay") > 0) {
                r = sd_bus_message_read(m, "i", &family);
                if (r >= 0)
                        r = sd_bus_message_read_array(m, 'y', &bytes, &size);
                if (r < 0 || sd_bus_message_exit_container(m) < 0)
                        return 0;
                if (((family == AF_INET && size == 4) || (family == AF_INET6 && size == 16)) && !is_link_local(family, bytes) &&
                    inet_ntop(family, bytes, text, sizeof text))
                        (void) strv_extend(&a->addresses, text);
        }
        return 0;
}

void addresses_query(Ctl *c, Addresses *list, size_t n) {
        unsigned pending = 0;

        for (size_t i = 0; i < n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

                list[i].pending = &pending;
                if (sd_bus_message_new_method_call(c->bus, &m, "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager",
                                                   "GetMachineAddresses") >= 0 &&
                    sd_bus_message_append(m, "s", list[i].name) >= 0 && sd_bus_call_async(c->bus, NULL, m, on_answer, &list[i], TIMEOUT_USEC) >= 0)
                        pending++;
        }
        while (pending > 0) {
                int r = sd_bus_process(c->bus, NULL);

                if (r == 0)
                        r = sd_bus_wait(c->bus, TIMEOUT_USEC);
                if (r < 0)
                        return;
        }
}

void addresses_free(Addresses *list, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(list[i].name);
                strv_free(list[i].addresses);
        }
        free(list);
}
