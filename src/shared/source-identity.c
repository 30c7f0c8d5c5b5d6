/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/source-identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

int source_identity(int fd, char **ret) {
        struct statfs sfs;
        struct statx stx;
        uint64_t id;

        if (fstatfs(fd, &sfs) < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &stx) < 0)
                return -errno;
        memcpy(&id, &sfs.f_fsid, sizeof id);
        if (!(stx.stx_mask & STATX_BTIME))
                stx.stx_btime = (struct statx_timestamp) {};
        if (asprintf(ret, "%llx-%llx-%llx-%x", (unsigned long long) id, (unsigned long long) stx.stx_ino, (unsigned long long) stx.stx_btime.tv_sec,
                     stx.stx_btime.tv_nsec) < 0)
                return -ENOMEM;
        return 0;
}
