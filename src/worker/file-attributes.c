/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/file-attributes.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

/* What an overlay inside of it has noted is escaped, user.overlay.overlay.*, and is a guest's own. */
#define NAMES_MAX 65536U
#define VALUE_MAX 65536U

static int copy_attribute(int from_fd, int to_fd, const char *name, char *buffer) {
        ssize_t n = fgetxattr(from_fd, name, buffer, VALUE_MAX);

        if (n < 0)
                return errno == ENODATA ? 0 : -errno;
        return fsetxattr(to_fd, name, buffer, (size_t) n, 0) < 0 ? -errno : 0;
}

static int copy_attributes(int from_fd, int to_fd) {
        _cleanup_free_ char *names = NULL, *buffer = NULL;
        ssize_t n;
        int r = 0;

        n = flistxattr(from_fd, NULL, 0);
        if (n <= 0)
                return n < 0 && errno != ENOTSUP ? -errno : 0;
        names = malloc(NAMES_MAX);
        buffer = malloc(VALUE_MAX);
        if (!names || !buffer)
                return -ENOMEM;
        n = flistxattr(from_fd, names, NAMES_MAX);
        if (n < 0)
                return -errno;
        for (const char *p = names; r >= 0 && p < names + n; p += strlen(p) + 1)
                if ((!startswith(p, "user.overlay.") || startswith(p, "user.overlay.overlay.")) && (startswith(p, "user.") || startswith(p, "system.posix_acl_")))
                        r = copy_attribute(from_fd, to_fd, p, buffer);
        return r;
}

int file_attributes_copy(int from_fd, int to_fd) {
        struct stat st;
        int r;

        if (fstat(from_fd, &st) < 0 || fchown(to_fd, st.st_uid, st.st_gid) < 0 || fchmod(to_fd, st.st_mode & 07777) < 0)
                return -errno;
        r = copy_attributes(from_fd, to_fd);
        if (r < 0)
                return r;
        return futimens(to_fd, (const struct timespec[]) { st.st_atim, st.st_mtim }) < 0 ? -errno : 0;
}
