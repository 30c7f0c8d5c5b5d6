/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/catalog.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/reader.h"
#include "worker/sandbox.h"
#include "worker/signature.h"
#include "worker/store.h"
#include "worker/unpack.h"

#define INDEX_SIZE_MAX (1024U * 1024U)
#define PRODUCTS_SIZE_MAX (32U * 1024U * 1024U)
#define LISTING_SIZE_MAX (4U * 1024U * 1024U)
#define PATH_LENGTH_MAX 512U

void catalog_image_done(CatalogImage *i) {
        free(i->architecture);
        free(i->serial);
        free(i->kind);
        for (size_t k = 0; k < CATALOG_FILES_MAX; k++)
                free(i->files[k].path);
        *i = (CatalogImage) {};
}

void catalog_done(Catalog *c) {
        remote_done(&c->remote);
        for (size_t i = 0; i < c->n; i++)
                free(c->texts[i]);
        *c = (Catalog) {};
}

/* As Debian and simplestreams call this host's processor. */
static const char *native_architecture(void) {
        static const char *const names[][2] = {
                { "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "armhf" }, { "armv8l", "armhf" }, { "i686", "i386" }, { "ppc64le", "ppc64el" },
        };
        static struct utsname u;

        /* Asked once: a parser may not. */
        if (!u.machine[0] && uname(&u) < 0)
                return "?";
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(names[i][0], u.machine))
                        return names[i][1];
        return u.machine;
}

typedef struct Question {
        bool index;
        const char *wanted; /* NULL: all */
} Question;

static int run_parser(const char *text, size_t size, const Question *q) {
        _cleanup_free_ char *answer = NULL;
        size_t answer_size = 0;
        FILE *f = open_memstream(&answer, &answer_size);
        int r;

        if (!f)
                return -ENOMEM;
        r = q->index ? catalog_parse_index(text, size, f) : catalog_parse_products(text, size, q->wanted, native_architecture(), f);
        if (fclose(f) != 0 && r >= 0)
                r = -ENOMEM;
        return r < 0 ? r : fd_write_all(1, answer, answer_size);
}

static int open_void(Job *j, int images_fd, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *name = NULL;
        int r;

        r = store_make_new(j, images_fd, &name, &fd);
        if (r < 0)
                return r;
        r = sandbox_open_void(fd, ret_fd);
        if (r >= 0 && unlinkat(images_fd, name, AT_REMOVEDIR) < 0)
                r = -errno;
        return r;
}

/* The text needs no way to the process: it is born with it. */
static int ask_parser(Catalog *c, int images_fd, const char *text, size_t size, const Question *q, size_t answer_max, char **ret, size_t *ret_size) {
        _cleanup_close_ int out_read = -EBADF, out_write = -EBADF, void_fd = -EBADF, nothing = -EBADF;
        Failure *f = &c->job->failure;
        int out[2], r, status;
        pid_t pid;

        if (pipe2(out, O_CLOEXEC) < 0)
                return failure_set(f, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        out_read = out[0];
        out_write = out[1];
        nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        r = nothing < 0 ? -errno : open_void(c->job, images_fd, &void_fd);
        if (r >= 0)
                r = sandbox_fork(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, &pid);
        if (r < 0)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to start a process that reads lists of images: %m");
        if (r == 0) {
                (void) native_architecture();
                r = sandbox_become_parser(nothing, out_write, void_fd, READER_MEMORY_MAX);
                _exit(r >= 0 && run_parser(text, size, q) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        out_write = fd_close(out_write);
        r = fd_read_string(out_read, answer_max, ret, ret_size);
        out_read = fd_close(out_read);
        status = child_wait(pid);
        if (r < 0 || status != 0)
                return failure_set(f, FAILURE_BAD_METADATA, EBADMSG, "What '%s' sends as its list of images is none, or is too long.", c->remote.name);
        return 0;
}

/* Lower-case hex and printable text, or it is not used. */
static bool path_good(const char *path) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+~/:,=@%";
        size_t n = strlen(path);

        return n > 0 && n <= PATH_LENGTH_MAX && strspn(path, allowed) == n && path[0] != '/' && !strstr(path, "..") && !strstr(path, "://");
}

static int url_of(Catalog *c, const char *path, char **ret) {
        return asprintf(ret, "%s/%s", c->remote.url, path) < 0 ? failure_set(&c->job->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.") : 0;
}

/* A list: as it is, or signed in itself. */
static int fetch(Downloader *d, Catalog *c, int keyring_fd, const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_free_ char *url = NULL, *text = NULL;
        Download file = { .size_max = max };
        size_t size = 0;
        int r;

        r = url_of(c, path, &url);
        if (r < 0)
                return r;
        file.url = url;
        r = download_to_memory(d, &file, &text, &size);
        if (r < 0)
                return r;
        if (keyring_fd >= 0)
                return signature_check(c->job, keyring_fd, url, text, size, NULL, 0, ret, ret_size);
        *ret = TAKE_PTR(text);
        *ret_size = size;
        return 0;
}

/* The index may name lists by their unsigned names: of a remote that signs, their signed twins are taken. */
static int fetch_list(Downloader *d, Catalog *c, int keyring_fd, const char *path) {
        _cleanup_free_ char *signed_path = NULL;
        const char *end = endswith(path, ".json");

        if (c->n == CATALOG_LISTS_MAX)
                return failure_set(&c->job->failure, FAILURE_LIMIT_REACHED, E2BIG, "'%s' has more than %u lists of images.", c->remote.name, CATALOG_LISTS_MAX);
        if (!path_good(path))
                return failure_set(&c->job->failure, FAILURE_BAD_METADATA, EBADMSG, "The index of '%s' names a list '%s', which is no path.", c->remote.name,
                                   name_for_message(path));
        if (keyring_fd >= 0 && end && asprintf(&signed_path, "%.*s.sjson", (int) (end - path), path) < 0)
                return failure_set(&c->job->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
        c->n++;
        return fetch(d, c, keyring_fd, signed_path ?: path, PRODUCTS_SIZE_MAX, c->texts + c->n - 1, c->sizes + c->n - 1);
}

static int load_remote(Job *j, const char *name, Remote *ret) {
        _cleanup_free_ char *error = NULL;
        int r = remote_load("", name, ret, &error);

        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_FILE, r, "There is no remote '%s'. See 'berthctl remotes'.", name_for_message(name));
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        return 0;
}

static int open_keyring(Job *j, const Remote *remote, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;

        if (!remote->keyring)
                return 0;
        fd = open(remote->keyring, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, errno, "The keyring of the remote '%s', '%s', cannot be opened: %m%s", remote->name,
                                   remote->keyring, errno == ENOENT && strstr(remote->keyring, "/ubuntu-") ? " (it is in the package ubuntu-cloud-keyring or ubuntu-keyring)" : "");
        return signature_load_keyring(j, fd, remote->keyring, ret_fd);
}

int catalog_open(Downloader *d, const char *remote, Catalog *ret) {
        _cleanup_(catalog_done) Catalog c = { .job = d->job };
        _cleanup_free_ char *index = NULL, *answer = NULL;
        _cleanup_close_ int keyring = -EBADF, images = -EBADF;
        const Question question = { .index = true };
        size_t size = 0, answer_size = 0;
        int r;

        r = load_remote(d->job, remote, &c.remote);
        if (r >= 0)
                r = open_keyring(d->job, &c.remote, &keyring);
        if (r >= 0)
                r = store_open(d->job, DIR_IMAGES, &images);
        if (r >= 0)
                r = fetch(d, &c, keyring, keyring >= 0 ? "streams/v1/index.sjson" : "streams/v1/index.json", INDEX_SIZE_MAX, &index, &size);
        if (r >= 0)
                r = ask_parser(&c, images, index, size, &question, INDEX_SIZE_MAX, &answer, &answer_size);
        for (size_t i = 0; r >= 0 && i < answer_size; i += strlen(answer + i) + 1)
                r = fetch_list(d, &c, keyring, startswith(answer + i, "path=") ?: "");
        if (r < 0)
                return r;
        if (c.n == 0)
                return failure_set(&d->job->failure, FAILURE_NO_SUCH_FILE, ENOENT, "The remote '%s' has no list of images.", c.remote.name);
        *ret = c;
        c = (Catalog) {};
        return 0;
}

static int take_file(CatalogImage *i, const char *value) {
        CatalogFile *f = i->files + i->n_files;
        char *end;

        if (i->n_files == CATALOG_FILES_MAX || strlen(value) < FINGERPRINT_LENGTH + 2 || value[FINGERPRINT_LENGTH] != ' ')
                return -EBADMSG;
        memcpy(f->sha256, value, FINGERPRINT_LENGTH);
        f->sha256[FINGERPRINT_LENGTH] = 0;
        f->size = strtoull(value + FINGERPRINT_LENGTH + 1, &end, 10);
        if (!fingerprint_valid(f->sha256) || *end != ' ' || f->size == 0 || f->size > UNPACK_INPUT_MAX || !path_good(end + 1))
                return -EBADMSG;
        f->path = strdup(end + 1);
        i->n_files++;
        return f->path ? 0 : -ENOMEM;
}

static int take_field(CatalogImage *i, const char *field, char ***others) {
        const struct {
                const char *key;
                char **value;
        } texts[] = { { "architecture=", &i->architecture }, { "serial=", &i->serial }, { "kind=", &i->kind } };
        const char *value;

        for (size_t k = 0; k < ELEMENTSOF(texts); k++)
                if ((value = startswith(field, texts[k].key)))
                        return strlen(value) > 64 ? -EBADMSG : free_and_strdup(texts[k].value, value);
        if ((value = startswith(field, "fingerprint="))) {
                if (!fingerprint_valid(value))
                        return -EBADMSG;
                strcpy(i->fingerprint, value);
                return 0;
        }
        if ((value = startswith(field, "file=")))
                return take_file(i, value);
        return (value = startswith(field, "other=")) ? strv_extend(others, name_for_message(value)) : -EBADMSG;
}

int catalog_find(Catalog *c, int images_fd, const char *name, CatalogImage *ret) {
        _cleanup_strv_ char **others = NULL;
        _cleanup_free_ char *joined = NULL;
        Failure *f = &c->job->failure;

        for (size_t n = 0; n < c->n; n++) {
                _cleanup_(catalog_image_done) CatalogImage image = {};
                _cleanup_free_ char *answer = NULL;
                size_t size = 0;
                int r;

                r = ask_parser(c, images_fd, c->texts[n], c->sizes[n], &(const Question) { .wanted = name }, MESSAGE_SIZE_MAX, &answer, &size);
                if (r < 0)
                        return r;
                for (size_t i = 0; r >= 0 && i < size; i += strlen(answer + i) + 1)
                        r = take_field(&image, answer + i, &others);
                if (r < 0 || (image.n_files > 0 && (!image.architecture || !image.serial || !image.kind)))
                        return failure_set(f, FAILURE_BAD_METADATA, r, "What '%s' says of the image '%s' cannot be used.", c->remote.name, name_for_message(name));
                if (image.n_files == 0)
                        continue;
                *ret = image;
                image = (CatalogImage) {};
                return 0;
        }
        if (strv_join(others, ", ", &joined) >= 0 && others)
                return failure_set(f, FAILURE_NO_SUCH_FILE, ENOENT, "'%s' has no '%s' for %s, but for %s. To get one of these, ask for '%s:%s/%s'.", c->remote.name,
                                   name_for_message(name), native_architecture(), joined, c->remote.name, name_for_message(name), others[0]);
        return failure_set(f, FAILURE_NO_SUCH_FILE, ENOENT, "'%s' has no image '%s'. See 'berthctl list-images %s:'.", c->remote.name,
                           name_for_message(name), c->remote.name);
}

int catalog_list(Catalog *c, int images_fd, char **ret) {
        _cleanup_free_ char *all = strdup("");

        for (size_t n = 0; all && n < c->n; n++) {
                _cleanup_free_ char *part = NULL;
                size_t size = 0;
                char *both;
                int r;

                r = ask_parser(c, images_fd, c->texts[n], c->sizes[n], &(const Question) {}, LISTING_SIZE_MAX, &part, &size);
                if (r < 0)
                        return r;
                if (asprintf(&both, "%s%s", all, part) < 0)
                        both = NULL;
                free(all);
                all = both;
        }
        *ret = TAKE_PTR(all);
        return *ret ? 0 : failure_set(&c->job->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
}
