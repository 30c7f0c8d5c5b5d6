/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/polkit.h"

#include <assert.h>
#include <stdio.h>

#include "basic/log.h"
#include "basic/strv.h"

#define SERVICE "org.freedesktop.PolicyKit1"
#define OBJECT "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define FLAG_ALLOW_USER_INTERACTION 1U
#define ANSWER_TIMEOUT_USEC (25 * USEC_PER_SEC)
#define ANSWER_TIMEOUT_INTERACTIVE_USEC (300 * USEC_PER_SEC) /* somebody types a password */

struct PolkitCheck {
        sd_bus *bus;              /* borrowed */
        sd_bus_slot *slot;
        char cancellation_id[DECIMAL_MAX];
        PolkitDone done;
        void *userdata;
};

static PolkitAnswer read_answer(sd_bus_message *reply) {
        int authorized, challenge, r;

        if (sd_bus_message_is_method_error(reply, NULL)) {
                const sd_bus_error *e = sd_bus_message_get_error(reply);

                /* polkit's own errors (the action is unknown, the caller has gone) are a no; all others mean that it did not judge. */
                log_debug("polkit did not answer: %s", e->message);
                return startswith(e->name, SERVICE) ? POLKIT_NO : POLKIT_UNAVAILABLE;
        }
        r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        if (r > 0)
                r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
        if (r <= 0)
                return POLKIT_UNAVAILABLE;
        return authorized ? POLKIT_YES : challenge ? POLKIT_CHALLENGE : POLKIT_NO;
}

static int on_answer(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        PolkitCheck *c = userdata;
        PolkitDone done = c->done;
        void *done_userdata = c->userdata;

        c->slot = sd_bus_slot_unref(c->slot);
        free(c);
        done(done_userdata, read_answer(reply));
        return 0;
}

static int append_details(sd_bus_message *m, char *const *details) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{ss}");
        if (r < 0)
                return r;
        for (size_t i = 0; details && details[i] && details[i + 1]; i += 2) {
                r = sd_bus_message_append(m, "{ss}", details[i], details[i + 1]);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

int polkit_check(sd_bus *bus, const char *sender, const char *action, char *const *details, bool interactive,
                 PolkitDone done, void *userdata, PolkitCheck **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        static uint64_t serial;
        PolkitCheck *c;
        int r;

        assert(bus && sender && action && done && ret);

        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        *c = (PolkitCheck) { .bus = bus, .done = done, .userdata = userdata };
        snprintf(c->cancellation_id, sizeof c->cancellation_id, "%llu", (unsigned long long) ++serial);

        r = sd_bus_message_new_method_call(bus, &m, SERVICE, OBJECT, INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender, action);
        if (r >= 0)
                r = append_details(m, details);
        if (r >= 0)
                r = sd_bus_message_append(m, "us", interactive ? FLAG_ALLOW_USER_INTERACTION : 0U, c->cancellation_id);
        if (r >= 0)
                r = sd_bus_call_async(bus, &c->slot, m, on_answer, c,
                                      interactive ? ANSWER_TIMEOUT_INTERACTIVE_USEC : ANSWER_TIMEOUT_USEC);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

PolkitCheck *polkit_check_free(PolkitCheck *c) {
        if (!c)
                return NULL;
        /* Takes the dialog away that may be open. */
        (void) sd_bus_call_method_async(c->bus, NULL, SERVICE, OBJECT, INTERFACE, "CancelCheckAuthorization", NULL, NULL, "s",
                                        c->cancellation_id);
        sd_bus_slot_unref(c->slot);
        free(c);
        return NULL;
}
