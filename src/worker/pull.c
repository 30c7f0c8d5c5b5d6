/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/checksums.h"
#include "worker/download.h"
#include "worker/partial.h"
#include "worker/pull.h"
#include "worker/signature.h"
#include "worker/store.h"
#include "worker/unpack.h"

/* pull: what a server has becomes an image. All of it is downloaded and has the right hash before anything of it is unpacked. */

#define DOWNLOAD_SHARE 0.7 /* of the job's progress */
#define SUMS "SHA256SUMS"
#define SUMS_SIZE_MAX (4U * 1024U * 1024U)
#define SIGNATURE_SIZE_MAX (64U * 1024U)

void pull_done(Pull *p) {
        downloader_done(&p->downloader);
        for (size_t i = 0; i < PULL_FILES_MAX; i++) {
                free(TAKE_PTR(p->urls[i]));
                p->fds[i] = fd_close(p->fds[i]);
        }
        p->images_fd = fd_close(p->images_fd);
}

int pull_open(Job *j, bool only_public, Pull *p) {
        int r;

        *p = (Pull) PULL_NONE;
        r = downloader_open(j, only_public, &p->downloader);
        if (r >= 0)
                r = store_open(j, DIR_IMAGES, &p->images_fd);
        p->job = j;
        p->import.fds = p->fds;
        p->import.begin = pull_files;
        p->import.origin = &p->origin;
        return r;
}

/* What came by the time that it failed is there for the next who asks, unless that is what is wrong with it, or there is no room for it. */
static int download_one(Pull *p, Download *d) {
        Job *j = p->job;
        int r;

        r = download_run(&p->downloader, d);
        /* Something else than its beginning was there. */
        if ((r == -EBADMSG || r == -ESTALE) && d->found > 0 && !d->also && ftruncate(d->fd, 0) >= 0 && lseek(d->fd, 0, SEEK_SET) == 0) {
                log_notice("What was there of '%s' is no part of it; downloading all of it.", name_for_message(d->url));
                j->failure = (Failure) {};
                r = download_run(&p->downloader, d);
        }
        if (d->sha256 && (r >= 0 || d->done == 0 || (d->size > 0 && d->done == d->size) || r == -EBADMSG || r == -ESTALE ||
                          r == -ENOSPC || r == -EDQUOT || r == -EFBIG))
                partial_forget(p->images_fd, d->sha256, p->uid);
        return r;
}

/* ImportSource.begin: names and aliases are good. */
int pull_files(Job *j, void *userdata) {
        Pull *p = userdata;
        /* What came of it may stay when the job is gone: it is no larger than what the user may take. */
        const uint64_t room = unpack_room(j), size_max = MIN_OF(MAX_OF(room, (uint64_t) 1), UNPACK_INPUT_MAX);
        uint64_t all = 0, before = 0;
        int r;

        j->progress_from = 0;
        j->progress_to = DOWNLOAD_SHARE;
        for (size_t i = 0; i < p->import.n_fds; i++)
                all += p->files[i].size;
        for (size_t i = 0; i < p->import.n_fds; i++) {
                Download *d = p->files + i;

                r = d->sha256 ? partial_open(j, p->images_fd, d->sha256, p->uid, p->fds + i) : download_open_spool(j, p->images_fd, p->fds + i);
                if (r < 0)
                        return r;
                d->fd = p->fds[i];
                d->url = p->urls[i];
                d->size_max = size_max;
                d->progress_before = before;
                d->progress_all = all;
                r = download_one(p, d);
                if (r < 0)
                        return r;
                before += d->done;
        }
        /* The network's end. */
        p->downloader.fd = fd_close(p->downloader.fd);
        j->progress_from = DOWNLOAD_SHARE;
        j->progress_to = 1;
        return 0;
}

/* The part behind the last '/', without a question or a fragment. */
static char *file_of(const char *url) {
        size_t n = strcspn(url, "?#");
        char *path = strndup(url, n), *slash = path ? strrchr(path, '/') : NULL, *name;

        name = slash ? strdup(slash + 1) : NULL;
        free(path);
        return name;
}

static int name_image(Job *j, const char *file) {
        static const char *const endings[] = { ".gz", ".xz", ".zst", ".bz2", ".tgz", ".txz", ".tar" };
        _cleanup_free_ char *name = strdup(file);

        if (!name)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
                char *end = (char *) endswith(name, endings[i]);

                if (end && end > name)
                        *end = 0;
        }
        return alias_valid(name) ? message_add(j->request, "alias", name) : 0;
}

static int find_sum(Job *j, const char *sums, const char *url, const char *file, char ret[static SHA256_TEXT_SIZE]) {
        if (checksums_find(sums, file, ret) < 0)
                return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, ENOENT, "'%s' has no SHA-256 of '%s'.", name_for_message(url), name_for_message(file));
        return 0;
}

static int beside(const char *url, const char *file, char **ret) {
        const char *slash = strrchr(url, '/');

        return asprintf(ret, "%.*s%s", (int) (slash - url + 1), url, file) < 0 ? -ENOMEM : 0;
}

static int fetch_sum(Pull *p, const char *url, const char *file, bool signed_too) {
        _cleanup_free_ char *plain = strndup(url, strcspn(url, "?#")), *sums_url = NULL, *signature_url = NULL, *sums = NULL, *signature = NULL;
        Download d = { .size_max = SUMS_SIZE_MAX };
        _cleanup_close_ int keyring = -EBADF;
        size_t size = 0, signature_size = 0;
        Job *j = p->job;
        int r;

        r = !plain ? -ENOMEM : beside(plain, SUMS, &sums_url);
        if (r >= 0)
                r = beside(plain, SUMS ".gpg", &signature_url);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Out of memory.");
        if (signed_too) {
                r = signature_load_keyring(j, j->request->fds[0], "keyring", &keyring);
                if (r < 0)
                        return r;
        }
        d.url = sums_url;
        r = download_to_memory(&p->downloader, &d, &sums, &size);
        if (r >= 0 && signed_too) {
                d = (Download) { .url = signature_url, .size_max = SIGNATURE_SIZE_MAX };
                r = download_to_memory(&p->downloader, &d, &signature, &signature_size);
                if (r >= 0)
                        r = signature_check(j, keyring, sums_url, sums, size, signature, signature_size, NULL, NULL);
        }
        return r < 0 ? r : find_sum(j, sums, sums_url, file, p->sums[0]);
}

static int choose_check(Pull *p, const char *url, bool *ret_sums, bool *ret_signature) {
        const char *verify = message_get(p->job->request, "verify");
        bool keyring = p->job->request->n_fds > 0;
        Failure *f = &p->job->failure;

        if (!verify && keyring)
                verify = "signature";
        /* Of https: it is known at least who it is. */
        if (!verify && strncasecmp(url, "https:", 6) == 0)
                verify = "no";
        if (!verify)
                return failure_set(f, FAILURE_INVALID_ARGUMENT, EINVAL, "Nothing says that '%s' is what it should be: give --verify=checksum, or --keyring "
                                   "for a signature, or --verify=no if that does not matter.", name_for_message(url));
        if (!streq(verify, "no") && !streq(verify, "checksum") && !streq(verify, "signature"))
                return failure_set(f, FAILURE_INVALID_ARGUMENT, EINVAL, "What can be verified is 'checksum', 'signature' or 'no', not '%s'.",
                                   name_for_message(verify));
        *ret_signature = streq(verify, "signature");
        *ret_sums = !streq(verify, "no");
        if (*ret_signature && !keyring)
                return failure_set(f, FAILURE_INVALID_ARGUMENT, EINVAL, "To check a signature, a keyring is needed: --keyring FILE.");
        return 0;
}

static int pull_url(Job *j, const char *url) {
        _cleanup_(pull_done) Pull p = PULL_NONE;
        _cleanup_free_ char *file = file_of(url);
        bool sums = false, signature = false;
        int r;

        if (isempty(file))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' names no file.", name_for_message(url));
        /* What an administrator may have downloaded from is no business of users: the host answers itself what it would not tell them. */
        r = pull_open(j, j->owner != 0, &p);
        if (r >= 0)
                r = choose_check(&p, url, &sums, &signature);
        if (r >= 0 && !message_get(j->request, "alias"))
                r = name_image(j, file);
        if (r >= 0 && sums)
                r = fetch_sum(&p, url, file, signature);
        if (r < 0)
                return r;
        p.urls[0] = strdup(url);
        if (!p.urls[0])
                return -ENOMEM;
        p.uid = j->owner;
        p.files[0].sha256 = p.import.fingerprint = sums ? p.sums[0] : NULL;
        p.import.n_fds = 1;
        p.import.userdata = &p;
        p.origin = (ImportOrigin) { .source = url };
        return import_run(j, &p.import);
}

int job_pull(Job *j) {
        const char *source, *list = message_get(j->request, "list");
        int r;

        if (list)
                r = pull_list(j, list);
        else if (message_get_bool(j->request, "refresh") > 0)
                r = pull_refresh(j);
        else {
                r = job_get(j, "source", &source);
                if (r >= 0)
                        r = strstr(source, "://") ? pull_url(j, source) : pull_remote(j, source);
        }
        if (r < 0)
                return r;
        job_commit(j);
        return 0;
}
