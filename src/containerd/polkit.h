/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* One question to polkit, asked without waiting. The subject is always the caller's unique bus name: a pid could be somebody else's by
 * the time polkit looks (CVE-2013-4288), and a name that has gone is refused by polkit, never taken for root. */

typedef enum PolkitAnswer {
        POLKIT_YES,
        POLKIT_NO,
        POLKIT_CHALLENGE,   /* no, but it would ask somebody if the caller allowed that */
        POLKIT_UNAVAILABLE, /* polkit is not there, or did not answer in time */
} PolkitAnswer;

typedef struct PolkitCheck PolkitCheck;
typedef void (*PolkitDone)(void *userdata, PolkitAnswer answer);

/* details: key, value, key, value…, NULL. *ret is done() or freed, whichever comes first; it must not be used after done(). */
int polkit_check(sd_bus *bus, const char *sender, const char *action, char *const *details, bool interactive,
                 PolkitDone done, void *userdata, PolkitCheck **ret);
/* Withdraws the question; done() will not be called. */
PolkitCheck *polkit_check_free(PolkitCheck *c);
DEFINE_CLEANUP(PolkitCheck *, polkit_check_free)
