/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job-sandbox.h"

#include <linux/capability.h>

#include "containerd/systemd.h"

#define CAP(c) (UINT64_C(1) << CAP_##c)
#define MIB (UINT64_C(1024) * 1024)

/* Reading and changing berth's own trees, whose files belong to ids of the foreign range. */
#define CAPS_FILES (CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID))
/* Making a user namespace with a range of ids and working in it; file capabilities and devices are given inside only. */
#define CAPS_USERNS (CAPS_FILES | CAP(SETUID) | CAP(SETGID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(SYS_ADMIN) | CAP(SYS_CHROOT) | CAP(MKNOD) | CAP(KILL))
/* Entering the namespaces of a container that runs. */
#define CAPS_ENTER (CAPS_USERNS | CAP(SYS_PTRACE))

/* A private network and mount namespace cost milliseconds each, which is much of what a create takes: they are for the kinds that read
 * what strangers made. RestrictNamespaces= is for none: workers make user namespaces. */
static const struct {
        uint64_t capabilities;
        bool isolated;
        uint64_t memory_max_bytes;
        uint64_t tasks_max;
} sandboxes[_JOB_KIND_MAX] = {
        [JOB_IMPORT] = { CAPS_USERNS, true, 1024 * MIB, 32 },
        [JOB_CREATE] = { CAPS_FILES, false, 256 * MIB, 16 },
        [JOB_DELETE] = { CAPS_FILES, false, 256 * MIB, 16 },
        [JOB_REMOVE_IMAGE] = { CAPS_FILES, false, 256 * MIB, 16 },
        [JOB_ALIAS] = { CAPS_FILES, false, 64 * MIB, 8 },
        [JOB_CONFIGURE] = { CAPS_FILES, false, 64 * MIB, 8 },
        [JOB_COPY_TO] = { CAPS_ENTER, true, 512 * MIB, 32 },
        [JOB_COPY_FROM] = { CAPS_ENTER, true, 512 * MIB, 32 },
        [JOB_PROFILE] = { CAPS_FILES, false, 64 * MIB, 8 },
        [JOB_COLLECT] = { CAPS_FILES, false, 256 * MIB, 16 },
};

int job_sandbox_append(sd_bus_message *m, JobKind kind) {
        int r;

        r = systemd_append_property(m, "NoNewPrivileges", "b", true);
        if (r >= 0)
                r = systemd_append_property(m, "CapabilityBoundingSet", "t", sandboxes[kind].capabilities);
        if (r >= 0)
                r = systemd_append_property(m, "MemoryMax", "t", sandboxes[kind].memory_max_bytes);
        if (r >= 0)
                r = systemd_append_property(m, "TasksMax", "t", sandboxes[kind].tasks_max);
        if (r >= 0)
                r = systemd_append_property(m, "OOMScoreAdjust", "i", 500);
        if (r >= 0)
                r = systemd_append_property(m, "LimitCORE", "t", UINT64_C(0));
        if (r >= 0)
                r = systemd_append_property(m, "UMask", "u", 0077U);
        if (r < 0 || !sandboxes[kind].isolated)
                return r;

        r = systemd_append_property(m, "PrivateNetwork", "b", true);
        if (r >= 0)
                r = systemd_append_property(m, "ProtectSystem", "s", "strict");
        if (r >= 0)
                r = systemd_append_property(m, "ProtectHome", "s", "yes");
        if (r >= 0)
                r = systemd_append_property(m, "ReadWritePaths", "as", 2, BERTH_STATE_DIR, BERTH_RUNTIME_DIR);
        return r;
}
