/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/host-architecture.h"
#include "shared/names.h"
#include "worker/architecture.h"
#include "worker/image-conf.h"
#include "worker/pull.h"
#include "worker/store.h"

/* Images of servers that have a name. */

static int check_architecture(Job *j, const char *name, const CatalogImage *i, bool force) {
        const char *architecture = architecture_normalize(i->architecture);

        if (force || (architecture && host_architecture_runs(architecture)))
                return 0;
        return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "'%s' is for %s, which this host cannot run. With --force it is pulled all the same.",
                           name_for_message(name), name_for_message(i->architecture));
}

int pull_prepare(Pull *p, Catalog *c, const char *name, bool force, char ret_fingerprint[static SHA256_TEXT_SIZE]) {
        _cleanup_(catalog_image_done) CatalogImage image = {};
        Job *j = p->job;
        struct stat st;
        int r;

        r = catalog_find(c, p->images_fd, name, &image);
        if (r >= 0)
                r = check_architecture(j, name, &image, force);
        if (r < 0)
                return r;
        memcpy(ret_fingerprint, image.fingerprint, SHA256_TEXT_SIZE);
        if (image.fingerprint[0] && fstatat(p->images_fd, image.fingerprint, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return 0;

        for (size_t i = 0; i < image.n_files; i++) {
                if (asprintf(p->urls + i, "%s/%s", c->remote.url, image.files[i].path) < 0) {
                        p->urls[i] = NULL;
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
                }
                memcpy(p->sums[i], image.files[i].sha256, SHA256_TEXT_SIZE);
                p->files[i] = (Download) { .sha256 = p->sums[i], .size = image.files[i].size };
        }
        p->import.n_fds = image.n_files;
        p->import.userdata = p;
        p->import.fingerprint = ret_fingerprint[0] ? ret_fingerprint : NULL;
        return 1;
}

/* An image that was pulled by this name before and is kept in step: nobody has to be asked. */
static int find_cached(Job *j, const char *remote, const char *name, char ret[static SHA256_TEXT_SIZE]) {
        _cleanup_close_ int images = -EBADF;
        struct dirent *de;
        uint64_t newest = 0;
        int fd, r, found = 0;
        DIR *d;

        r = store_open(j, DIR_IMAGES, &images);
        if (r < 0)
                return r;
        fd = openat(images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d) {
                (void) fd_close(fd);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the images: %m");
        }
        /* After a renewal the old one may still be there, because a container uses it. */
        while ((de = readdir(d))) {
                _cleanup_close_ int image = -EBADF;
                _cleanup_(image_conf_done) ImageConf conf = {};

                if (!fingerprint_valid(de->d_name))
                        continue;
                image = path_open_beneath(images, de->d_name, O_RDONLY | O_DIRECTORY, 0);
                if (image < 0 || image_conf_read(image, &conf) < 0 || !conf.auto_update || !streq_ptr(conf.remote, remote) || !streq_ptr(conf.remote_image, name))
                        continue;
                if (found && conf.uploaded_usec <= newest)
                        continue;
                newest = conf.uploaded_usec;
                memcpy(ret, de->d_name, SHA256_TEXT_SIZE);
                found = 1;
        }
        (void) closedir(d);
        return found;
}

static int add_aliases(Job *j, const char *fingerprint) {
        _cleanup_close_ int aliases_fd = -EBADF;
        _cleanup_strv_ char **aliases = NULL;
        int r;

        r = message_get_strv(j->request, "alias", &aliases);
        if (r >= 0)
                r = store_open(j, DIR_ALIASES, &aliases_fd);
        STRV_FOREACH(a, aliases) {
                char other[FINGERPRINT_LENGTH + 1];

                if (r >= 0 && (alias_read(aliases_fd, *a, other) < 0 || !streq(other, fingerprint)))
                        r = alias_point(j, aliases_fd, *a, fingerprint, false);
        }
        return r < 0 || !aliases ? r : path_sync_directory(aliases_fd);
}

int pull_remote(Job *j, const char *source) {
        const bool cached = message_get_bool(j->request, "cached") > 0, auto_update = message_get_bool(j->request, "auto-update") > 0;
        char remote[REMOTE_NAME_MAX + 1], fingerprint[SHA256_TEXT_SIZE] = "";
        const char *name = remote_split(source, remote);
        _cleanup_(catalog_done) Catalog catalog = {};
        _cleanup_(pull_done) Pull p = PULL_NONE;
        int r;

        if (isempty(name))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is neither a URL nor REMOTE:IMAGE.", name_for_message(source));
        if (message_get(j->request, "verify") || j->request->n_fds > 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "How the images of '%s' are verified is said where the remote is defined.", remote);
        if (cached) {
                r = find_cached(j, remote, name, fingerprint);
                if (r < 0)
                        return r;
                if (r > 0) {
                        job_result(j, "fingerprint=%s", fingerprint);
                        return 0;
                }
        }

        r = pull_open(j, false, &p);
        if (r >= 0)
                r = catalog_open(&p.downloader, remote, &catalog);
        if (r >= 0)
                r = pull_prepare(&p, &catalog, name, message_get_bool(j->request, "force") > 0, fingerprint);
        if (r < 0)
                return r;
        if (r > 0) {
                p.origin = (ImportOrigin) { .remote = remote, .remote_image = name, .source = p.urls[0], .auto_update = auto_update || cached, .cached = cached };
                r = import_run(j, &p.import);
                /* Of two that wanted a container of it at the same time, one was first. */
                if (!cached || j->failure.kind != FAILURE_IMAGE_EXISTS || !fingerprint[0])
                        return r;
                j->failure = (Failure) {};
        } else {
                r = add_aliases(j, fingerprint);
                if (r < 0)
                        return r;
        }
        job_result(j, "fingerprint=%s", fingerprint);
        return 0;
}

int pull_list(Job *j, const char *remote) {
        _cleanup_(catalog_done) Catalog catalog = {};
        _cleanup_(pull_done) Pull p = PULL_NONE;
        _cleanup_free_ char *text = NULL;
        int r;

        if (j->request->n_fds != 1)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "A file is needed that the list can be written to.");
        r = pull_open(j, false, &p);
        if (r >= 0)
                r = catalog_open(&p.downloader, remote, &catalog);
        if (r >= 0)
                r = catalog_list(&catalog, p.images_fd, &text);
        if (r < 0)
                return r;
        r = fd_write_all(j->request->fds[0], text, strlen(text));
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the list: %m") : 0;
}
