/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/reply.h"

#include "basic/log.h"

void reply_when_done(void *message, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message;
        int r;

        r = error ? sd_bus_reply_method_error(m, error) : sd_bus_reply_method_return(m, NULL);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of %s, ignoring: %m", sd_bus_message_get_member(m));
}

void reply_when_job_done(void *message, _unused_ const Job *job, const sd_bus_error *error) {
        reply_when_done(message, error);
}

int reply_later(sd_bus_message *m, int r) {
        if (r < 0) {
                sd_bus_message_unref(m);
                return r;
        }
        return 1;
}
