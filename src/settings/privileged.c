/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/privileged.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>

#include "basic/macro.h"

#define PREFIX "Privileged=yes and "
#define IDS 65536

/* They are about the host, not about a namespace; with LINUX_IMMUTABLE there would be files that nobody could delete with the container. */
static const struct {
        unsigned capability;
        const char *name;
} never[] = {
        { CAP_AUDIT_CONTROL, "CAP_AUDIT_CONTROL" }, { CAP_AUDIT_READ, "CAP_AUDIT_READ" }, { CAP_BLOCK_SUSPEND, "CAP_BLOCK_SUSPEND" },
        { CAP_BPF, "CAP_BPF" }, { CAP_LINUX_IMMUTABLE, "CAP_LINUX_IMMUTABLE" }, { CAP_MAC_ADMIN, "CAP_MAC_ADMIN" },
        { CAP_MAC_OVERRIDE, "CAP_MAC_OVERRIDE" }, { CAP_PERFMON, "CAP_PERFMON" }, { CAP_SYS_MODULE, "CAP_SYS_MODULE" },
        { CAP_SYS_PACCT, "CAP_SYS_PACCT" }, { CAP_SYS_RAWIO, "CAP_SYS_RAWIO" }, { CAP_SYS_TIME, "CAP_SYS_TIME" },
        { CAP_SYSLOG, "CAP_SYSLOG" }, { CAP_WAKE_ALARM, "CAP_WAKE_ALARM" },
};

static int refuse(char **ret_error, const char *what, const char *why) {
        if (asprintf(ret_error, PREFIX "%s exclude each other: %s.", what, why) < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}

int privileged_check(const Settings *s, char **ret_error) {
        if (!s->privileged)
                return 0;
        if (s->idmap_base != 0)
                return refuse(ret_error, "IDMapBase=", "a privileged container has the host's ids from 0 on");
        if (s->idmap_size > IDS)
                return refuse(ret_error, "IDMapSize=", "a privileged container has the host's ids from 0 to 65535");
        if (s->nesting)
                return refuse(ret_error, "Nesting=", "what nesting opens is bounded by a user namespace alone");
        if (s->intercept_mknod || s->intercept_mount || s->intercept_sysinfo)
                return refuse(ret_error, s->intercept_mknod ? "InterceptMknod=" : s->intercept_mount ? "InterceptMount=" : "InterceptSysinfo=",
                              "calls are intercepted for what a user namespace does not allow");
        if (s->inotify_instances_max > 0 || s->inotify_watches_max > 0)
                return refuse(ret_error, s->inotify_instances_max > 0 ? "InotifyInstancesMax=" : "InotifyWatchesMax=", "the kernel counts these by user namespace");
        if (devices_share_network(&s->devices))
                return refuse(ret_error, "NicType=host", "its root would have all rights over the host's network");
        for (size_t i = 0; i < ELEMENTSOF(never); i++)
                if (s->capabilities & UINT64_C(1) << never[i].capability)
                        return refuse(ret_error, never[i].name, "it is a right over the host as a whole");
        return 0;
}
