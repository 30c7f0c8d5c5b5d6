/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/personality.h"

#include <errno.h>
#include <sys/personality.h>

#include "basic/strv.h"
#include "shared/host-architecture.h"

int personality_apply(const Settings *s) {
        bool automatic = !s->personality || streq(s->personality, "auto");
        const char *wanted = automatic ? s->architecture : s->personality;

        if (!wanted)
                return 0;
        if (host_architecture_is_32bit_of(wanted))
                return personality(PER_LINUX32) < 0 ? -errno : 0;
        /* What an image says of itself need not be so; its programs will tell. */
        return host_architecture_is(wanted) || automatic ? 0 : -EOPNOTSUPP;
}

const char *personality_foreign_architecture(const Settings *s) {
        if (!s->architecture || host_architecture_is(s->architecture) || host_architecture_is_32bit_of(s->architecture))
                return NULL;
        return s->architecture;
}
