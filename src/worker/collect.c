/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "shared/uid-lease.h"
#include "worker/container-conf.h"
#include "worker/overlay.h"
#include "worker/store.h"

/* collect: what jobs that were killed, or a host that went down, have left. Whatever is being worked on is locked by who works on it. */

static bool is_new(const char *name) {
        return startswith(name, NEW_PREFIX);
}

static bool is_any(const char *name) {
        return !streq(name, ".") && !streq(name, "..");
}

static void remove_unlocked(int dir_fd, const char *directory, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = store_lock(dir_fd, name, LOCK_EX | LOCK_NB, &fd);
        if (r == -EWOULDBLOCK || r == -ENOENT)
                return;
        /* ENOTDIR, ELOOP: no directory; nobody makes such a thing here, it is removed all the same. */
        if (r >= 0 || r == -ENOTDIR || r == -ELOOP)
                r = store_remove_tree(dir_fd, name);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to remove '%s/%s': %m", directory, name_for_message(name));
        else
                log_info("Removed '%s/%s', which an earlier job left.", directory, name_for_message(name));
}

static int open_directory(Job *j, const char *directory, DIR **ret) {
        DIR *d;
        int fd;

        fd = path_open_beneath(j->state_fd, directory, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        d = fdopendir(fd);
        if (!d) {
                int r = -errno;

                (void) fd_close(fd);
                return r;
        }
        *ret = d;
        return 0;
}

static void collect_directory(Job *j, const char *directory, bool (*wanted)(const char *name)) {
        struct dirent *de;
        DIR *d;
        int r;

        r = open_directory(j, directory, &d);
        if (r < 0) {
                if (r != -ENOENT)
                        (void) log_warning_errno(r, "Failed to read '%s': %m", directory);
                return;
        }
        while ((de = readdir(d)))
                if (wanted(de->d_name))
                        remove_unlocked(dirfd(d), directory, de->d_name);
        (void) closedir(d);
}

/* An alias whose image is not there names nothing. Nobody makes one before its image is there. */
static void collect_aliases(Job *j) {
        struct dirent *de;
        DIR *d;

        if (open_directory(j, DIR_ALIASES, &d) < 0)
                return;
        while ((de = readdir(d))) {
                struct stat st;

                if (!is_any(de->d_name) || fstatat(dirfd(d), de->d_name, &st, 0) >= 0 || errno != ENOENT)
                        continue;
                if (unlinkat(dirfd(d), de->d_name, 0) >= 0)
                        log_info("Removed the alias '%s', whose image is gone.", name_for_message(de->d_name));
        }
        (void) closedir(d);
}

/* What a renaming that was killed has left undone. A lease is taken before its container is there, so only an old container can be without. */
static void repair_leases(Job *j) {
        struct dirent *de;
        DIR *d;

        if (open_directory(j, DIR_CONTAINERS, &d) < 0)
                return;
        while ((de = readdir(d))) {
                int64_t base;
                int r;

                if (!container_name_valid(de->d_name))
                        continue;
                base = container_conf_uid_base(j->state_fd, de->d_name);
                r = base > 0 ? uid_lease_repair(j->state_fd, (uint32_t) base, de->d_name) : 0;
                if (r < 0)
                        (void) log_warning_errno(r, "The range of user ids of '%s' is not in its name: %m", de->d_name);
        }
        (void) closedir(d);
}

int job_collect(Job *j) {
        int r;

        /* Nothing here is half done when it is interrupted. */
        job_commit(j);

        collect_directory(j, DIR_IMAGES, is_new);
        collect_directory(j, DIR_CONTAINERS, is_new);
        collect_aliases(j);
        repair_leases(j);
        r = uid_lease_collect(j->state_fd, container_conf_uid_base);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to look for unused ranges of user ids: %m");
        overlay_collect(j, -EBADF);
        collect_directory(j, DIR_TRASH, is_any);
        return 0;
}
