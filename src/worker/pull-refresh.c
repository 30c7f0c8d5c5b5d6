/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/image-archive.h"
#include "shared/names.h"
#include "worker/image-conf.h"
#include "worker/partial.h"
#include "worker/pull.h"
#include "worker/remove-image.h"
#include "worker/store.h"

/* What berth-images.timer has done once a day. One image's trouble is no reason not to look at the next. */

typedef struct Refresh {
        Job *job;
        int images_fd, aliases_fd;
        uint64_t expiry_usec;
        Catalog catalog;      /* of the remote that was asked last */
        Failure first;        /* what went wrong first */
        unsigned removed, renewed;
} Refresh;

/* Takes the failure of one image away from the job. */
static void set_aside(Refresh *f, const char *what) {
        Job *j = f->job;

        if (j->failure.kind == FAILURE_NONE)
                (void) failure_set(&j->failure, FAILURE_JOB_FAILED, EIO, "Failed.");
        log_warning("'%s': %s", what, j->failure.text);
        if (f->first.kind == FAILURE_NONE)
                f->first = j->failure;
        j->failure = (Failure) {};
}

static int list_images(Refresh *f, char ***ret) {
        _cleanup_strv_ char **names = NULL;
        struct dirent *de;
        int fd, r = 0;
        DIR *d;

        fd = openat(f->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d) {
                (void) fd_close(fd);
                return failure_set(&f->job->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the images: %m");
        }
        while (r >= 0 && (de = readdir(d)))
                if (fingerprint_valid(de->d_name))
                        r = strv_extend(&names, de->d_name);
        (void) closedir(d);
        if (r >= 0)
                *ret = TAKE_PTR(names);
        return r;
}

static uint64_t last_use(int image_fd, const ImageConf *c) {
        uint64_t usec = c->uploaded_usec, t;
        struct stat st;

        if (fstatat(image_fd, IMAGE_USED_FILE, &st, AT_SYMLINK_NOFOLLOW) >= 0) {
                t = (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC;
                if (t > usec)
                        usec = t;
        }
        return usec;
}

/* One that somebody works with stays for today: 1, and no failure. Containers on it do not mind. */
static int discard(Refresh *f, const char *fingerprint) {
        _cleanup_free_ char *trash = NULL;
        Job *j = f->job;
        int r;

        r = remove_image(j, fingerprint, &trash);
        if (r >= 0) {
                if (trash)
                        store_empty_trash(j, trash);
                return 0;
        }
        if (j->failure.kind != FAILURE_BUSY && j->failure.kind != FAILURE_NO_SUCH_IMAGE)
                return r;
        j->failure = (Failure) {};
        return 1;
}

static int expire(Refresh *f, const char *fingerprint, int image_fd, const ImageConf *c) {
        uint64_t now = clock_usec(CLOCK_REALTIME), used = last_use(image_fd, c);
        int r;

        if (!c->cached || f->expiry_usec == USEC_INFINITY || now < used || now - used <= f->expiry_usec)
                return 0;
        r = discard(f, fingerprint);
        if (r < 0)
                return r;
        if (r == 0) {
                log_info("Image '%.12s', pulled from '%s:%s', was not used for long and is removed.", fingerprint, c->remote ?: "", c->remote_image ?: "");
                f->removed++;
        }
        return r == 0;
}

static void copy_use(int images_fd, const char *to, int from_fd) {
        _cleanup_close_ int image = path_open_beneath(images_fd, to, O_RDONLY | O_DIRECTORY, 0), fd = -EBADF;
        struct timespec times[2];
        struct stat st;

        if (image < 0 || fstat(from_fd, &st) < 0)
                return;
        /* One that was never used has been there since it was pulled. */
        if (fstatat(from_fd, IMAGE_USED_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 && fstatat(from_fd, "image.conf", &st, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        fd = openat(image, IMAGE_USED_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        times[0] = times[1] = st.st_mtim;
        if (fd >= 0)
                (void) futimens(fd, times);
}

static int move_aliases(Refresh *f, const char *from, const char *to) {
        _cleanup_strv_ char **aliases = NULL;
        int r;

        r = aliases_of(f->job->state_fd, from, &aliases);
        STRV_FOREACH(a, aliases)
                if (r >= 0)
                        r = alias_point(f->job, f->aliases_fd, *a, to, true);
        return r < 0 || !aliases ? r : path_sync_directory(f->aliases_fd);
}

static int renew(Refresh *f, const char *old, int image_fd, const ImageConf *c) {
        char fingerprint[SHA256_TEXT_SIZE] = "";
        _cleanup_(pull_done) Pull p = PULL_NONE;
        Job *j = f->job;
        uid_t caller = j->owner;
        int r;

        r = pull_open(j, false, &p);
        if (r >= 0 && !streq_ptr(f->catalog.remote.name, c->remote)) {
                catalog_done(&f->catalog);
                r = catalog_open(&p.downloader, c->remote, &f->catalog);
        }
        if (r >= 0)
                r = pull_prepare(&p, &f->catalog, c->remote_image, true, fingerprint);
        if (r < 0 || streq(fingerprint, old))
                return r;
        if (r > 0) {
                p.origin = (ImportOrigin) { .remote = c->remote, .remote_image = c->remote_image, .source = p.urls[0], .auto_update = true,
                                            .cached = c->cached, .public = c->public };
                /* It belongs to whom the old one did. */
                j->owner = c->owner;
                r = import_run(j, &p.import);
                j->owner = caller;
                if (r < 0)
                        return r;
                if (j->result && startswith(j->result, "fingerprint="))
                        snprintf(fingerprint, sizeof fingerprint, "%s", startswith(j->result, "fingerprint="));
                copy_use(f->images_fd, fingerprint, image_fd);
        }
        r = move_aliases(f, old, fingerprint);
        if (r >= 0)
                r = discard(f, old);
        if (r >= 0) {
                log_info("Image '%.12s' has followed '%.12s' as '%s:%s'.", fingerprint, old, c->remote, c->remote_image);
                f->renewed++;
        }
        return r;
}

static int look_at(Refresh *f, const char *fingerprint) {
        _cleanup_close_ int image = path_open_beneath(f->images_fd, fingerprint, O_RDONLY | O_DIRECTORY, 0);
        _cleanup_(image_conf_done) ImageConf c = {};
        int r;

        /* Gone meanwhile, or damaged, which others say. */
        if (image < 0 || image_conf_read(image, &c) < 0)
                return 0;
        r = expire(f, fingerprint, image, &c);
        if (r == 0 && c.auto_update && c.remote && c.remote_image)
                r = renew(f, fingerprint, image, &c);
        if (r < 0)
                set_aside(f, fingerprint);
        return r;
}

int pull_refresh(Job *j) {
        Refresh f = { .job = j, .images_fd = -EBADF, .aliases_fd = -EBADF };
        _cleanup_strv_ char **names = NULL;
        Downloader settings = DOWNLOADER_NONE;
        int r;

        r = downloader_open(j, false, &settings);
        if (r >= 0) {
                f.expiry_usec = server_get_number(&settings.server, SERVER_IMAGES_EXPIRY);
                downloader_done(&settings);
                r = store_open(j, DIR_IMAGES, &f.images_fd);
        }
        if (r >= 0)
                partial_expire(f.images_fd, PARTIALS_MAX);
        if (r >= 0)
                r = store_open(j, DIR_ALIASES, &f.aliases_fd);
        if (r >= 0)
                r = list_images(&f, &names);
        STRV_FOREACH(n, names) {
                if (r < 0)
                        break;
                if (job_cancelled())
                        r = job_fail_cancelled(j);
                else
                        (void) look_at(&f, *n);
        }
        catalog_done(&f.catalog);
        f.images_fd = fd_close(f.images_fd);
        f.aliases_fd = fd_close(f.aliases_fd);
        if (r >= 0 && f.first.kind != FAILURE_NONE) {
                j->failure = f.first;
                r = -f.first.error;
        }
        if (r >= 0)
                job_result(j, "removed=%u renewed=%u", f.removed, f.renewed);
        return r;
}
