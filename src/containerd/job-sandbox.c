/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job-sandbox.h"

#include <dirent.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "containerd/systemd.h"
#include "shared/names.h"

#define CAP(c) (UINT64_C(1) << CAP_##c)
/* A sanitizer's shadow and what it keeps of what was freed count as well. */
#define MIB (UINT64_C(1024) * 1024 * (HAVE_SANITIZER ? 4 : 1))

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
        bool volumes; /* works on the files of containers, which may be volumes of a store */
        uint64_t memory_max_bytes;
        uint64_t tasks_max;
} sandboxes[_JOB_KIND_MAX] = {
        [JOB_IMPORT] = { CAPS_USERNS, true, false, 1024 * MIB, 32 },
        [JOB_CREATE] = { CAPS_FILES | CAP(IPC_LOCK), false, true, 256 * MIB, 16 },
        /* Of what it copies, file capabilities and foreign owners are to be kept, and the nodes of a container that is, or was, privileged. */
        [JOB_CLONE] = { CAPS_FILES | CAP(SETFCAP) | CAP(MKNOD), false, true, 512 * MIB, 16 },
        [JOB_DELETE] = { CAPS_FILES, false, true, 256 * MIB, 16 },
        /* What was copied of one that runs, as for a clone; files are linked otherwise. */
        [JOB_SNAPSHOT] = { CAPS_FILES | CAP(SETFCAP) | CAP(MKNOD), false, true, 512 * MIB, 16 },
        [JOB_MOVE] = { CAPS_FILES | CAP(SETFCAP) | CAP(MKNOD), false, true, 512 * MIB, 16 },
        [JOB_RESTORE] = { CAPS_FILES, false, true, 256 * MIB, 16 },
        [JOB_CHANGE_SNAPSHOT] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        [JOB_DELETE_SNAPSHOTS] = { CAPS_FILES, false, true, 256 * MIB, 16 },
        [JOB_CHANGE_KEY] = { CAPS_FILES | CAP(IPC_LOCK), false, true, 256 * MIB, 16 },
        [JOB_RENAME] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        [JOB_REMOVE_IMAGE] = { CAPS_FILES, false, true, 256 * MIB, 16 },
        [JOB_ALIAS] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        [JOB_CONFIGURE] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        [JOB_COPY_TO] = { CAPS_ENTER, true, false, 512 * MIB, 32 },
        [JOB_COPY_FROM] = { CAPS_ENTER, true, false, 512 * MIB, 32 },
        [JOB_PROFILE] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        [JOB_PUBLISH] = { CAPS_ENTER, true, false, 1024 * MIB, 64 },
        /* What has the network is another unit (worker/helper-unit.h). */
        [JOB_PULL] = { CAPS_USERNS, true, false, 1024 * MIB, 32 },
        [JOB_BOOTSTRAP] = { CAPS_USERNS, true, false, 1024 * MIB, 64 },
        [JOB_REMOTE] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        [JOB_IMAGE] = { CAPS_USERNS, true, false, 256 * MIB, 16 },
        [JOB_SERVER] = { CAPS_FILES, false, false, 64 * MIB, 8 },
        /* Programs of the host make file systems and pools. */
        [JOB_STORES] = { CAPS_FILES | CAP(MKNOD) | CAP(SYS_ADMIN), false, true, 1024 * MIB, 64 },
        [JOB_COLLECT] = { CAPS_FILES, false, true, 256 * MIB, 16 },
};

static bool has_entries(const char *path) {
        struct dirent *de;
        bool found = false;
        DIR *d;

        d = opendir(path);
        if (!d)
                return false;
        while (!found && (de = readdir(d)))
                found = de->d_name[0] != '.';
        (void) closedir(d);
        return found;
}

bool job_sandbox_has_stores(void) {
        struct statfs f;

        return has_entries(BERTH_CONFIG_DIR "/" STORES_DIR) || has_entries(BERTH_VENDOR_DIR "/" STORES_DIR) ||
                (statfs(BERTH_STATE_DIR, &f) >= 0 && (unsigned long) f.f_type == BTRFS_SUPER_MAGIC);
}

bool job_sandbox_isolates(JobKind kind, bool stores) {
        /* A store may be anywhere. */
        return sandboxes[kind].isolated && !(stores && sandboxes[kind].volumes);
}

int job_sandbox_append(sd_bus_message *m, JobKind kind, bool stores, bool encrypted) {
        bool volumes = stores && sandboxes[kind].volumes;
        int r;

        r = systemd_append_property(m, "NoNewPrivileges", "b", true);
        if (r >= 0)
                r = systemd_append_property(m, "CapabilityBoundingSet", "t",
                                           sandboxes[kind].capabilities | (volumes ? CAP(SYS_ADMIN) : 0) | (encrypted ? CAP(IPC_LOCK) : 0));
        if (r >= 0)
                r = systemd_append_property(m, "MemoryMax", "t", sandboxes[kind].memory_max_bytes);
        /* It is the job who says which of its processes was killed; stopped by PID 1 it would think that it was cancelled. */
        if (r >= 0)
                r = systemd_append_property(m, "OOMPolicy", "s", "continue");
        if (r >= 0)
                r = systemd_append_property(m, "TasksMax", "t", sandboxes[kind].tasks_max);
        if (r >= 0)
                r = systemd_append_property(m, "OOMScoreAdjust", "i", 500);
        if (r >= 0)
                r = systemd_append_property(m, "LimitCORE", "t", UINT64_C(0));
        if (r >= 0)
                r = systemd_append_property(m, "UMask", "u", 0077U);
        if (r < 0 || !job_sandbox_isolates(kind, stores))
                return r;

        /* Two small filters. One of all calls would be the children's, too, which mount, make namespaces, and load stricter ones themselves. */
        if (r >= 0)
                r = systemd_append_property(m, "SystemCallArchitectures", "as", 1, "native");
        if (r >= 0)
                r = encrypted ? systemd_append_property(m, "RestrictAddressFamilies", "(bas)", 1, 2, "AF_UNIX", "AF_ALG") : /* libcryptsetup */
                                systemd_append_property(m, "RestrictAddressFamilies", "(bas)", 1, 1, "AF_UNIX");
        if (r >= 0)
                r = systemd_append_property(m, "RestrictRealtime", "b", true);
        if (r >= 0)
                r = systemd_append_property(m, "LockPersonality", "b", true);
        if (r >= 0)
                r = systemd_append_property(m, "MemoryDenyWriteExecute", "b", true);
        return r;
}
