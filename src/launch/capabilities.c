/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int capabilities_drop_bounding(uint64_t keep) {
        for (unsigned cap = 0; cap < 64; cap++) {
                if (keep & (UINT64_C(1) << cap))
                        continue;
                if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
                        if (errno == EINVAL) /* past the last one of this kernel */
                                break;
                        return -errno;
                }
        }
        return 0;
}

uint64_t capabilities_of_payload(uint64_t set, bool policy_namespace) {
        return set | (policy_namespace && set & UINT64_C(1) << CAP_SYS_ADMIN ? UINT64_C(1) << CAP_MAC_ADMIN : 0);
}

int capabilities_limit(uint64_t mask) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2], current[2];
        int r;

        r = capabilities_drop_bounding(mask);
        if (r < 0)
                return r;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        if (syscall(SYS_capget, &header, current) < 0)
                return -errno;
        for (int i = 0; i < 2; i++) {
                uint32_t keep = current[i].permitted & (uint32_t) (mask >> (32 * i));

                data[i] = (struct __user_cap_data_struct) { .effective = keep, .permitted = keep };
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
