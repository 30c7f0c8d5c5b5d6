/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/destination.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

static mode_t current_umask(void) {
        mode_t mask = umask(0077);

        (void) umask(mask);
        return mask;
}

static bool path_is_link(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0 && S_ISLNK(st.st_mode);
}

/* A link to something that is no regular file is followed where links are the system's (/dev/stdout, /dev/fd/3). Anywhere else, /dev/shm included, a
 * container may have made it, in a directory that was copied from it, and a device is not what it is to choose; such a link is replaced like a file. */
static bool link_is_followed(const char *path) {
        _cleanup_free_ char *copy = strdup(path), *directory = NULL;

        directory = copy ? realpath(dirname(copy), NULL) : NULL;
        return directory && (streq(directory, "/dev") || startswith(directory, "/proc/") ||
                             (startswith(directory, "/dev/") && !streq(directory, "/dev/shm") && !startswith(directory, "/dev/shm/")));
}

int destination_open(const char *path, bool replace, Destination *ret) {
        _cleanup_(destination_done) Destination d = DESTINATION_NONE;
        const char *slash = strrchr(path, '/');
        struct stat st;

        d.replace = replace;
        d.path = strdup(path);
        if (!d.path)
                return -ENOMEM;

        if (stat(path, &st) >= 0) {
                if (S_ISDIR(st.st_mode))
                        return -EISDIR;
                if (!S_ISREG(st.st_mode) && (!path_is_link(path) || link_is_followed(path))) {
                        d.fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
                        if (d.fd < 0)
                                return -errno;
                        *ret = d;
                        d = DESTINATION_NONE;
                        return 0;
                }
                if (!replace)
                        return -EEXIST;
        }

        if (asprintf(&d.temporary, "%.*s.berthctl-XXXXXX", slash ? (int) (slash - path) + 1 : 0, path) < 0) {
                d.temporary = NULL;
                return -ENOMEM;
        }
        d.fd = mkostemp(d.temporary, O_CLOEXEC);
        if (d.fd < 0) {
                int r = -errno;

                free(d.temporary);
                d.temporary = NULL;
                return r;
        }
        if (fchmod(d.fd, 0666 & ~current_umask()) < 0)
                return -errno;
        *ret = d;
        d = DESTINATION_NONE;
        return 0;
}

int destination_commit(Destination *d) {
        if (!d->temporary)
                return 0;
        if (d->replace ? rename(d->temporary, d->path) < 0 : renameat2(AT_FDCWD, d->temporary, AT_FDCWD, d->path, RENAME_NOREPLACE) < 0)
                return -errno;
        free(d->temporary);
        d->temporary = NULL;
        return 0;
}

void destination_done(Destination *d) {
        if (d->temporary)
                (void) unlink(d->temporary);
        free(d->temporary);
        free(d->path);
        (void) fd_close(d->fd);
        *d = DESTINATION_NONE;
}
