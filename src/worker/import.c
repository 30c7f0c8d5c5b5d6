/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/foreign-range.h"
#include "shared/names.h"
#include "worker/image-archive.h"
#include "worker/image-conf.h"
#include "worker/image-tree.h"
#include "worker/import.h"
#include "worker/store.h"
#include "worker/unpack.h"

/* import (and publish): one archive, or a pair of metadata and root file system, becomes images/FINGERPRINT. All is made in images/.new-ID, flushed to the
 * disk and renamed at the end, so an image is there whole or not at all. */

#define ALIASES_MAX 64U

static void hash_free(EVP_MD_CTX **h) {
        EVP_MD_CTX_free(*h);
}

static int check_aliases(Job *j, char *const *aliases, int aliases_fd) {
        if (strv_length(aliases) > ALIASES_MAX)
                return failure_set(&j->failure, FAILURE_LIMIT_REACHED, E2BIG, "An import can give at most %u aliases.", ALIASES_MAX);
        STRV_FOREACH(a, aliases) {
                char fingerprint[FINGERPRINT_LENGTH + 1];

                if (!alias_valid(*a))
                        return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "'%s' is no name for an alias: it can have letters, "
                                           "digits, '.', '_', '+', '-', '/' and begins with a letter or digit.", name_for_message(*a));
                if (alias_read(aliases_fd, *a, fingerprint) != -ENOENT)
                        return failure_set(&j->failure, FAILURE_ALIAS_EXISTS, EEXIST, "The alias '%s' is taken already.", *a);
        }
        return 0;
}

/* Description and properties that the caller gives win over the image's own. */
static int take_request(Job *j, ImageConf *c) {
        const char *description = message_get(j->request, "description");
        _cleanup_strv_ char **properties = NULL;
        int r;

        if (!isempty(description)) {
                if (!image_text_valid(description))
                        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL,
                                           "The description is longer than %u bytes or holds control characters.", IMAGE_TEXT_MAX);
                r = free_and_strdup(&c->description, description);
                if (r < 0)
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Out of memory.");
        }

        r = message_get_strv(j->request, "property", &properties);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Out of memory.");
        STRV_FOREACH(p, properties) {
                char *equals = strchr(*p, '=');

                if (equals)
                        *equals = 0;
                r = equals ? image_conf_set_property(c, *p, equals + 1) : -EINVAL;
                if (r < 0)
                        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "The property '%s' cannot be set: its name has characters "
                                           "that are not allowed, or its value is no single line of text.", name_for_message(*p));
        }
        return 0;
}

static int make_tree(Job *j, int new_fd, const char *name, int *ret_fd) {
        _cleanup_close_ int fd = path_make_directory(new_fd, name, 0700);

        /* 0755 unless the archive says otherwise; only root comes as far as here. */
        if (fd < 0 || fchown(fd, foreign_uid_base(), foreign_uid_base()) < 0 || fchmod(fd, 0755) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, fd < 0 ? fd : errno, "Failed to make a directory for the image: %m");
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int unpack_archives(Job *j, const ImportSource *s, int new_fd, EVP_MD_CTX *hash, Writeback *writeback, ImageConf *c) {
        const bool split = s->n_fds == 2, keep = message_get_bool(j->request, "keep-archive") > 0;
        const char *const trees[] = { split ? TREE_METADATA : TREE_SINGLE, TREE_ROOTFS };
        UnpackInput inputs[2];
        int r;

        for (size_t i = 0; i < s->n_fds; i++) {
                r = unpack_open_input(j, s->fds[i], inputs + i);
                if (r < 0)
                        return r;
                inputs[i].writeback = writeback;
        }
        for (size_t i = 0; i < s->n_fds; i++) {
                _cleanup_close_ int tree = -EBADF, archive = -EBADF;
                WriterReport report;

                r = make_tree(j, new_fd, trees[i], &tree);
                if (r >= 0 && keep)
                        r = image_archive_begin(j, new_fd, i, inputs + i, &archive);
                if (r >= 0)
                        r = unpack_run(j, inputs + i, new_fd, hash, unpack_start_writer, &tree, &report);
                if (r < 0)
                        return r;
                c->size_bytes += inputs[i].done;
                c->rootfs_bytes = report.bytes;
                c->dropped_devices += report.dropped_devices;
                if (report.dropped_attributes > 0)
                        log_notice("Left out %llu extended attributes that an image cannot have.",
                                   (unsigned long long) report.dropped_attributes);
                if (keep && strv_extend(&c->archives, image_archive_kind(inputs[i].magic, inputs[i].magic_size)) < 0)
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
        }
        return 0;
}

static int finish_hash(Job *j, EVP_MD_CTX *hash, char ret[static FINGERPRINT_LENGTH + 1]) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size;

        if (EVP_DigestFinal_ex(hash, digest, &size) != 1 || size * 2 != FINGERPRINT_LENGTH)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, EIO, "Failed to compute the archive's SHA-256.");
        for (unsigned i = 0; i < size; i++)
                sprintf(ret + i * 2, "%02x", digest[i]);
        return 0;
}

static int fail_exists(Job *j, const char *fingerprint, char *const *wanted) {
        _cleanup_strv_ char **aliases = NULL;
        _cleanup_free_ char *names = NULL, *more = NULL;

        (void) aliases_of(j->state_fd, fingerprint, &aliases);
        (void) strv_join(aliases, "', '", &names);
        (void) strv_join(wanted, "', '", &more);
        return failure_set(&j->failure, FAILURE_IMAGE_EXISTS, EEXIST, "This image is here already: %.12s%s%s%s%s%s%s.", fingerprint,
                           aliases ? ", known as '" : "", aliases ? names ?: "?" : "", aliases ? "'" : "",
                           wanted ? "; the alias '" : "", wanted ? more ?: "?" : "",
                           wanted ? "' was not added, berthctl alias add does that" : "");
}

/* end: the first that was not added, or NULL. */
static void take_back_aliases(int aliases_fd, char *const *aliases, const char *end) {
        STRV_FOREACH(a, aliases) {
                _cleanup_free_ char *file_name = NULL;

                if (*a == end)
                        break;
                if (alias_to_file_name(*a, &file_name) >= 0)
                        (void) unlinkat(aliases_fd, file_name, 0);
        }
}

static int add_aliases(Job *j, int aliases_fd, const char *fingerprint, char *const *aliases) {
        char target[sizeof "../" DIR_IMAGES "/" + FINGERPRINT_LENGTH];
        int r = 0;

        snprintf(target, sizeof target, "../" DIR_IMAGES "/%s", fingerprint);
        STRV_FOREACH(a, aliases) {
                _cleanup_free_ char *file_name = NULL;

                r = alias_to_file_name(*a, &file_name);
                if (r >= 0 && symlinkat(target, aliases_fd, file_name) < 0)
                        r = -errno;
                if (r < 0) {
                        r = r == -EEXIST ? failure_set(&j->failure, FAILURE_ALIAS_EXISTS, r, "The alias '%s' is taken already.", *a)
                                         : failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to add the alias '%s': %m", *a);
                        /* Those before it are this job's own. */
                        take_back_aliases(aliases_fd, aliases, *a);
                        return r;
                }
        }
        return 0;
}

static int publish(Job *j, int images_fd, int aliases_fd, int new_fd, const char *new_name, const ImageConf *c, char *const *aliases) {
        int r;

        job_progress(j, 0.97, "writing to the disk");
        if (syncfs(new_fd) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to write the image to the disk: %m");
        if (job_cancelled())
                return job_fail_cancelled(j);

        if (renameat2(images_fd, new_name, images_fd, c->fingerprint, RENAME_NOREPLACE) < 0) {
                if (errno == EEXIST)
                        return fail_exists(j, c->fingerprint, aliases);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to put the image in its place: %m");
        }
        /* The aliases before the flush: a journal has both then. */
        r = add_aliases(j, aliases_fd, c->fingerprint, aliases);
        if (r >= 0) {
                r = path_sync_directory(images_fd);
                if (r >= 0)
                        r = path_sync_directory(aliases_fd);
                if (r < 0) {
                        (void) failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the image to the disk: %m");
                        take_back_aliases(aliases_fd, aliases, NULL);
                }
        }
        /* Under its hidden name again it can be removed file by file. */
        if (r < 0 && renameat2(images_fd, c->fingerprint, images_fd, new_name, RENAME_NOREPLACE) < 0)
                log_warning_errno(errno, "Failed to take back the image '%s': %m", c->fingerprint);
        return r;
}

static int note_origin(ImageConf *c, const ImportOrigin *o) {
        int r;

        if (!o)
                return 0;
        r = free_and_strdup(&c->remote, o->remote);
        if (r >= 0)
                r = free_and_strdup(&c->remote_image, o->remote_image);
        if (r >= 0)
                r = free_and_strdup(&c->source, o->source);
        c->auto_update = o->auto_update;
        c->cached = o->cached;
        return r;
}

static int build(Job *j, const ImportSource *s, int images_fd, int aliases_fd, int new_fd, const char *new_name, ImageConf *c, char *const *aliases) {
        _cleanup_(hash_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
        _cleanup_(writeback_end) Writeback writeback = WRITEBACK(new_fd);
        const bool split = s->n_fds == 2;
        struct stat st;
        int r;

        if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, ENOMEM, "Failed to set up SHA-256.");

        r = unpack_archives(j, s, new_fd, hash, &writeback, c);
        writeback_end(&writeback);
        if (s->finish)
                r = s->finish(j, r, s->userdata);
        if (r >= 0)
                r = finish_hash(j, hash, c->fingerprint);
        if (r < 0)
                return r;
        if (s->fingerprint && !streq(c->fingerprint, s->fingerprint))
                return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, EBADMSG, "The image is not what was promised: its SHA-256 is %s, and should be %s.",
                                   c->fingerprint, s->fingerprint);
        if (fstatat(images_fd, c->fingerprint, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return fail_exists(j, c->fingerprint, aliases);

        r = image_tree_arrange(j, new_fd, split, c);
        if (r >= 0)
                r = take_request(j, c);
        if (r < 0)
                return r;

        r = note_origin(c, s->origin);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Out of memory.");
        c->owner = j->owner;
        c->public = message_get_bool(j->request, "public") > 0 || (s->origin && s->origin->public);
        c->uploaded_usec = clock_usec(CLOCK_REALTIME);
        if (c->created_usec == 0)
                c->created_usec = c->uploaded_usec;
        r = image_conf_write(c, new_fd);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write image.conf: %m");

        return publish(j, images_fd, aliases_fd, new_fd, new_name, c, aliases);
}

int import_run(Job *j, const ImportSource *s) {
        _cleanup_close_ int images = -EBADF, aliases_fd = -EBADF, new_fd = -EBADF;
        _cleanup_free_ char *new_name = NULL;
        _cleanup_strv_ char **aliases = NULL;
        _cleanup_(image_conf_done) ImageConf conf = {}, check = {};
        int r;

        if (foreign_uid_base() == 0)
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "%s.", foreign_range_explanation);
        r = message_get_strv(j->request, "alias", &aliases);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Out of memory.");
        r = store_open(j, DIR_IMAGES, &images);
        if (r >= 0)
                r = store_open(j, DIR_ALIASES, &aliases_fd);
        if (r >= 0)
                r = check_aliases(j, aliases, aliases_fd);
        /* Once before the work, to be told of mistakes early. */
        if (r >= 0)
                r = take_request(j, &check);
        if (r >= 0)
                r = store_make_new(j, images, &new_name, &new_fd);
        if (r >= 0 && s->begin) {
                r = s->begin(j, s->userdata);
                if (r < 0)
                        (void) path_remove_tree(images, new_name);
        }
        if (r < 0)
                return r;

        r = build(j, s, images, aliases_fd, new_fd, new_name, &conf, aliases);
        if (r < 0) {
                int k = path_remove_tree(images, new_name);

                if (k < 0)
                        log_warning_errno(k, "Failed to remove '%s', leaving it to the collect job: %m", new_name);
                (void) path_sync_directory(images);
                return r;
        }

        job_result(j, "fingerprint=%s", conf.fingerprint);
        return 0;
}

int job_import(Job *j) {
        ImportSource s = { .fds = j->request->fds, .n_fds = j->request->n_fds };
        int r;

        if (s.n_fds < 1 || s.n_fds > 2)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL,
                                   "An import takes one archive, or a metadata archive and a root file system archive.");
        r = import_run(j, &s);
        if (r < 0)
                return r;
        job_commit(j);
        return 0;
}

int import_child_ended(Job *j, int result, int report_fd, pid_t *pid, const char *stopped) {
        Failure f = {};
        bool told;

        if (result < 0 && j->failure.kind != FAILURE_BAD_ARCHIVE)
                return result;
        told = fd_read_all(report_fd, &f, sizeof f) == sizeof f;
        (void) child_wait(*pid);
        *pid = 0;
        if (told && f.kind != FAILURE_NONE) {
                f.text[FAILURE_TEXT_MAX - 1] = 0;
                j->failure = f;
                return -f.error;
        }
        if (!told) {
                j->failure = (Failure) {};
                return failure_set(&j->failure, FAILURE_JOB_FAILED, EIO, "%s", stopped);
        }
        return result;
}
