/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/partial.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/download.h"

#define PREFIX ".partial-"
#define AGE_MAX_SEC (24 * 60 * 60)
#define OPEN_TRIES 8U

typedef char PartialName[sizeof PREFIX + SHA256_TEXT_SIZE + DECIMAL_MAX];

static void print_name(const char *sha256, uid_t uid, PartialName ret) {
        int n = snprintf(ret, sizeof(PartialName), PREFIX "%.*s", (int) SHA256_TEXT_SIZE - 1, sha256);

        if (uid != 0)
                snprintf(ret + n, sizeof(PartialName) - (size_t) n, "-%u", (unsigned) uid);
}

/* > 0: removed; 0: somebody works on it. */
static int remove_unused(int images_fd, const char *name) {
        _cleanup_close_ int fd = path_open_beneath(images_fd, name, O_RDONLY | O_NONBLOCK, 0);

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
                return 0;
        return unlinkat(images_fd, name, 0) >= 0;
}

void partial_expire(int images_fd, size_t max) {
        /* Those that somebody works on do not count, and do not go. */
        for (size_t round = 0; round < 1024; round++) {
                int copy = openat(images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                DIR *d = copy < 0 ? NULL : fdopendir(copy);
                char oldest[NAME_MAX + 1] = "";
                time_t now = time(NULL), when = 0;
                struct dirent *de;
                struct stat st;
                size_t n = 0;

                if (!d) {
                        (void) fd_close(copy);
                        return;
                }
                while ((de = readdir(d))) {
                        _cleanup_close_ int fd = -EBADF;

                        if (!startswith(de->d_name, PREFIX))
                                continue;
                        fd = path_open_beneath(images_fd, de->d_name, O_RDONLY | O_NONBLOCK, 0);
                        if (fd < 0 || fstat(fd, &st) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                                continue;
                        n++;
                        if (!*oldest || st.st_mtime < when) {
                                snprintf(oldest, sizeof oldest, "%s", de->d_name);
                                when = st.st_mtime;
                        }
                }
                (void) closedir(d);
                if (!*oldest || (n <= max && when >= now - AGE_MAX_SEC && when <= now + AGE_MAX_SEC) || remove_unused(images_fd, oldest) <= 0)
                        return;
        }
}

int partial_open(Job *j, int images_fd, const char *sha256, uid_t uid, int *ret_fd) {
        PartialName name;

        print_name(sha256, uid, name);
        for (unsigned i = 0; fingerprint_valid(sha256) && i < OPEN_TRIES; i++) {
                _cleanup_close_ int fd = path_open_beneath(images_fd, name, O_RDWR | O_CREAT | O_NONBLOCK, 0600);
                struct stat st;

                if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                        break;
                /* It went between the two. */
                if (st.st_nlink == 0)
                        continue;
                partial_expire(images_fd, PARTIALS_MAX - 1);
                *ret_fd = TAKE_FD(fd);
                return 0;
        }
        return download_open_spool(j, images_fd, ret_fd);
}

void partial_forget(int images_fd, const char *sha256, uid_t uid) {
        PartialName name;

        print_name(sha256, uid, name);
        (void) unlinkat(images_fd, name, 0);
}
