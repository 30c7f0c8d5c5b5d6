/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/oci.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/quote.h"
#include "settings/settings.h"
#include "shared/foreign-range.h"
#include "shared/guest-user.h"
#include "shared/host-architecture.h"
#include "worker/architecture.h"
#include "worker/image-archive.h"
#include "worker/image-settings.h"
#include "worker/image-tree.h"
#include "worker/oci-merge.h"
#include "worker/oci-text.h"
#include "worker/parser.h"
#include "worker/sandbox.h"
#include "worker/unpack.h"

#define JSON_SIZE_MAX (4U * 1024U * 1024U)
#define IMAGE_LAYERS_MAX 256U
#define INDEXES_MAX 4U
#define DIGEST_PREFIX "sha256:"
#define DIGEST_LENGTH 64U
#define TREE_LAYER ".layer"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

typedef struct Oci {
        Job *job;
        ImageConf *conf;
        int new_fd, tree_fd, root_fd;
        char *config;   /* owned: the file with the configuration */
        char **layers;  /* owned: files */
        char **digests; /* owned: of each layer as it is in its file, or "" */
        char **diffs;   /* owned: of each as it is unpacked, as far as the configuration says */
        char *tag;      /* owned; may be NULL */
} Oci;

static void oci_done(Oci *o) {
        o->tree_fd = fd_close(o->tree_fd);
        o->root_fd = fd_close(o->root_fd);
        free(TAKE_PTR(o->config));
        free(TAKE_PTR(o->tag));
        o->layers = strv_free(o->layers);
        o->digests = strv_free(o->digests);
        o->diffs = strv_free(o->diffs);
}

static bool has_file(int tree_fd, const char *name) {
        struct stat st;

        return fstatat(tree_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISREG(st.st_mode);
}

bool oci_is_layout(int tree_fd) {
        return has_file(tree_fd, "manifest.json") || (has_file(tree_fd, "oci-layout") && has_file(tree_fd, "index.json"));
}

static int fail_damaged(Oci *o, const char *name, const char *what) {
        return failure_set(&o->job->failure, FAILURE_BAD_ARCHIVE, EBADMSG, "The image's '%s' %s.", name_for_message(name), what);
}

/* docker save has symlinks between layers that are the same. They lead nowhere but into the tree. */
static int open_file(Oci *o, const char *name) {
        _cleanup_close_ int fd = path_open_in_root(o->tree_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return fail_damaged(o, name, "is not in the archive");
        return TAKE_FD(fd);
}

static int hash_of(const void *data, size_t size, char ret[static DIGEST_LENGTH + 1]) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned n;

        if (EVP_Digest(data, size, digest, &n, EVP_sha256(), NULL) != 1 || n * 2 != DIGEST_LENGTH)
                return -EIO;
        for (unsigned i = 0; i < n; i++)
                sprintf(ret + i * 2, "%02x", digest[i]);
        return 0;
}

/* "sha256:…" -> "blobs/sha256/…" */
static int blob_of(Oci *o, const char *digest, char **ret) {
        const char *hex = startswith(digest, DIGEST_PREFIX);

        if (!hex || strlen(hex) != DIGEST_LENGTH || strspn(hex, "0123456789abcdef") != DIGEST_LENGTH)
                return failure_set(&o->job->failure, FAILURE_BAD_ARCHIVE, EBADMSG, "The image names content by '%s', which is no SHA-256.", name_for_message(digest));
        return asprintf(ret, "blobs/sha256/%s", hex) < 0 ? -ENOMEM : 0;
}

/* digest: what it has to be, or NULL. */
static int read_json(Oci *o, const char *name, const char *digest, ParserFunction parse, Message **ret) {
        _cleanup_close_ int fd = open_file(o, name);
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_free_ char *text = NULL;
        char hash[DIGEST_LENGTH + 1];
        size_t size;
        int r;

        if (fd < 0)
                return fd;
        r = fd_read_string(fd, JSON_SIZE_MAX, &text, &size);
        if (r < 0)
                return fail_damaged(o, name, "cannot be read");
        if (digest && (hash_of(text, size, hash) < 0 || !streq(hash, digest + strlen(DIGEST_PREFIX))))
                return fail_damaged(o, name, "is damaged: its SHA-256 is another");
        r = parser_run(parse, text, size, o->new_fd, &m);
        if (r < 0)
                return fail_damaged(o, name, "could not be read: its parser failed");
        if (message_get(m, "error"))
                return failure_set(&o->job->failure, FAILURE_BAD_METADATA, EBADMSG, "The image's '%s' is not right: %s.", name_for_message(name), message_get(m, "error"));
        *ret = TAKE_PTR(m);
        return 0;
}

static int take_docker(Oci *o) {
        _cleanup_(message_freep) Message *m = NULL;
        int r;

        r = read_json(o, "manifest.json", NULL, oci_parse_docker, &m);
        if (r < 0)
                return r;
        r = free_and_strdup(&o->config, message_get(m, "config") ?: "");
        if (r >= 0 && message_get(m, "tag"))
                r = free_and_strdup(&o->tag, message_get(m, "tag"));
        if (r >= 0)
                r = message_get_strv(m, "layer", &o->layers);
        STRV_FOREACH(l, o->layers) {
                const char *hex = startswith(*l, "blobs/sha256/");

                if (r >= 0)
                        r = strv_extendf(&o->digests, "%s%s", hex ? DIGEST_PREFIX : "", hex ?: "");
        }
        return r;
}

static int take_oci(Oci *o) {
        _cleanup_free_ char *name = strdup("index.json"), *digest = NULL;
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_strv_ char **layers = NULL;
        int r;

        if (!name)
                return -ENOMEM;
        for (unsigned i = 0;; i++) {
                _cleanup_(message_freep) Message *index = NULL;
                const char *next;

                if (i >= INDEXES_MAX)
                        return fail_damaged(o, name, "is one index too many");
                r = read_json(o, name, digest, oci_parse_index, &index);
                if (r < 0)
                        return r;
                if (!o->tag && message_get(index, "tag") && free_and_strdup(&o->tag, message_get(index, "tag")) < 0)
                        return -ENOMEM;
                next = message_get(index, "manifest") ?: message_get(index, "index");
                free(TAKE_PTR(name));
                r = free_and_strdup(&digest, next ?: "");
                if (r >= 0)
                        r = blob_of(o, digest, &name);
                if (r < 0)
                        return r;
                if (message_get(index, "manifest"))
                        break;
        }
        r = read_json(o, name, digest, oci_parse_manifest, &m);
        if (r >= 0)
                r = blob_of(o, message_get(m, "config") ?: "", &o->config);
        if (r >= 0)
                r = message_get_strv(m, "layer", &layers);
        STRV_FOREACH(l, layers) {
                char *blob;

                if (r >= 0)
                        r = blob_of(o, *l, &blob);
                if (r >= 0)
                        r = strv_consume(&o->layers, blob);
                if (r >= 0)
                        r = strv_extend(&o->digests, *l);
        }
        return r;
}

static int open_directory(Oci *o, const char *name, mode_t mode, int *ret_fd) {
        _cleanup_close_ int fd = path_make_directory(o->new_fd, name, 0700);

        if (fd < 0 || fchown(fd, foreign_uid_base(), foreign_uid_base()) < 0 || fchmod(fd, mode) < 0)
                return failure_set(&o->job->failure, FAILURE_JOB_FAILED, fd < 0 ? fd : errno, "Failed to make a directory for the image: %m");
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int merge_layer(Oci *o, int layer_fd) {
        int keep[] = { layer_fd, o->root_fd, -EBADF }, fds[2], r;
        _cleanup_close_ int report = -EBADF;
        Failure f = {};
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&o->job->failure, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        report = fds[0];
        keep[2] = fds[1];
        r = sandbox_fork(0, &pid);
        if (r == 0) {
                r = sandbox_become_writer(o->root_fd, keep, ELEMENTSOF(keep));
                r = r < 0 ? failure_set(&f, FAILURE_JOB_FAILED, r, "Failed to set up the process that writes files: %m") : oci_merge(layer_fd, o->root_fd, &f);
                _exit(fd_write_all(fds[1], &f, sizeof f) < 0 || r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        (void) fd_close(fds[1]);
        if (r < 0)
                return failure_set(&o->job->failure, FAILURE_JOB_FAILED, r, "Failed to start the process that writes files: %m");
        if (fd_read_all(report, &f, sizeof f) != sizeof f)
                r = failure_set(&o->job->failure, FAILURE_JOB_FAILED, EIO, "The process that writes files stopped.");
        else if (f.kind != FAILURE_NONE) {
                f.text[FAILURE_TEXT_MAX - 1] = 0;
                o->job->failure = f;
                r = -f.error;
        }
        (void) child_wait(pid);
        return r < 0 ? r : 0;
}

static void hash_free(EVP_MD_CTX **h) {
        EVP_MD_CTX_free(*h);
}

/* Is what was read what the image says it is? A layer that is compressed has another name unpacked, which nobody has computed then. */
static int check_digest(Oci *o, const char *name, EVP_MD_CTX *hash, const UnpackInput *input, const char *digest, const char *diff) {
        bool plain = streq(image_archive_kind(input->magic, input->magic_size), "tar");
        unsigned char bytes[EVP_MAX_MD_SIZE];
        char hex[DIGEST_LENGTH + 1];
        unsigned n;

        if (EVP_DigestFinal_ex(hash, bytes, &n) != 1 || n * 2 != DIGEST_LENGTH)
                return fail_damaged(o, name, "cannot be hashed");
        for (unsigned i = 0; i < n; i++)
                sprintf(hex + i * 2, "%02x", bytes[i]);
        if ((*digest && !streq(hex, digest + strlen(DIGEST_PREFIX))) || (plain && diff && startswith(diff, DIGEST_PREFIX) && !streq(hex, diff + strlen(DIGEST_PREFIX))))
                return fail_damaged(o, name, "is damaged: its SHA-256 is another");
        return 0;
}

static int put_layer(Oci *o, size_t i) {
        _cleanup_close_ int file = -EBADF, layer = -EBADF;
        _cleanup_(hash_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
        WriterReport report;
        UnpackInput input;
        int r;

        if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
                return failure_set(&o->job->failure, FAILURE_JOB_FAILED, ENOMEM, "Failed to set up SHA-256.");
        file = open_file(o, o->layers[i]);
        if (file < 0)
                return file;
        r = open_directory(o, TREE_LAYER, LAYER_IMPLIED_MODE, &layer);
        if (r >= 0)
                r = unpack_open_input(o->job, file, &input);
        if (r >= 0) {
                /* Whether something is missing is seen by its hash. */
                input.layer = *o->digests[i] || i < strv_length(o->diffs);
                r = unpack_run(o->job, &input, o->new_fd, hash, unpack_start_layer_writer, &layer, &report);
        }
        if (r >= 0)
                r = check_digest(o, o->layers[i], hash, &input, o->digests[i], i < strv_length(o->diffs) ? o->diffs[i] : NULL);
        if (r >= 0)
                r = merge_layer(o, layer);
        if (r < 0)
                return r;
        o->conf->rootfs_bytes += report.bytes;
        o->conf->dropped_devices += report.dropped_devices;
        r = path_remove_tree(o->new_fd, TREE_LAYER);
        return r < 0 ? failure_set(&o->job->failure, FAILURE_JOB_FAILED, r, "Failed to remove a layer: %m") : 0;
}

/* The program as an absolute path, which it mostly is not. NULL: it is nowhere. */
static char *find_program(Oci *o, const char *name, const char *path, const char *directory) {
        char *found;

        if (*name == '/')
                return strdup(name);
        if (strchr(name, '/'))
                return asprintf(&found, "%s/%s", isempty(directory) || streq(directory, "/") ? "" : directory, startswith(name, "./") ?: name) < 0 ? NULL : found;
        while (*path) {
                size_t n = strcspn(path, ":");
                _cleanup_close_ int fd = -EBADF;

                if (asprintf(&found, "%.*s/%s", (int) n, path, name) < 0)
                        return NULL;
                fd = *found == '/' ? path_open_in_root(o->root_fd, found, O_PATH, 0) : -ENOENT;
                if (fd >= 0)
                        return found;
                free(found);
                path += n + (path[n] == ':');
        }
        return NULL;
}

static int set_command(Oci *o, Message *m, char *const *environment) {
        const char *path = strv_get_value(environment, "PATH") ?: DEFAULT_PATH;
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *line = NULL;
        char *program;
        int r;

        r = message_get_strv(m, "argument", &argv);
        if (r < 0 || !argv)
                return r;
        program = find_program(o, argv[0], path, message_get(m, "directory"));
        /* Whoever makes a container of it has to say what shall run. */
        if (!program)
                return 0;
        free(argv[0]);
        argv[0] = program;
        r = words_join(argv, &line);
        return r < 0 ? r : image_settings_add(o->new_fd, "Init", line);
}

/* Whom the image's passwd does not have is in root's group, to which such images give what they shall write. */
static int set_user(Oci *o, const char *user) {
        _cleanup_(guest_user_done) GuestUser known = {};
        _cleanup_free_ char *with_group = NULL;
        uint32_t uid;

        if (parse_u32(user, UINT32_MAX - 1, &uid) < 0 || (guest_user_find(o->root_fd, user, &known) >= 0 && known.in_passwd))
                return image_settings_add(o->new_fd, "User", user);
        if (asprintf(&with_group, "%s:0", user) < 0)
                return with_group = NULL, -ENOMEM;
        return image_settings_add(o->new_fd, "User", with_group);
}

static uint64_t parse_created(const char *text) {
        struct tm tm = {};
        const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
        time_t t = end ? timegm(&tm) : 0;

        return t > 0 ? (uint64_t) t * USEC_PER_SEC : 0;
}

static int take_config(Oci *o, Message *m) {
        _cleanup_strv_ char **environment = NULL, **labels = NULL;
        const char *architecture = message_get(m, "architecture"), *name;
        ImageConf *c = o->conf;
        int r = 0;

        name = architecture ? architecture_normalize(architecture) : NULL;
        if (name)
                r = free_and_strdup(&c->architecture, name);
        c->created_usec = parse_created(message_get(m, "created"));
        if (r >= 0 && o->tag && image_text_valid(o->tag))
                r = free_and_strdup(&c->description, o->tag);
        if (r >= 0)
                r = message_get_strv(m, "label", &labels);
        STRV_FOREACH(l, labels) {
                _cleanup_free_ char *key = strndup(*l, strcspn(*l, "="));

                /* Those that cannot be a property are none that is missed. */
                if (key && strchr(*l, '='))
                        (void) image_conf_set_property(c, key, strchr(*l, '=') + 1);
        }
        if (r >= 0)
                r = message_get_strv(m, "env", &environment);
        if (r >= 0)
                r = set_command(o, m, environment);
        STRV_FOREACH(e, environment) {
                _cleanup_free_ char *word = NULL;

                if (r >= 0)
                        r = word_quote(*e, &word);
                if (r >= 0)
                        r = image_settings_add(o->new_fd, "Environment", word);
        }
        if (r >= 0 && !isempty(message_get(m, "directory")))
                r = image_settings_add(o->new_fd, "WorkingDirectory", message_get(m, "directory"));
        if (r >= 0 && !isempty(message_get(m, "user")))
                r = set_user(o, message_get(m, "user"));
        if (r >= 0)
                r = image_settings_add(o->new_fd, "KillSignal", isempty(message_get(m, "signal")) ? "SIGTERM" : message_get(m, "signal"));
        return r < 0 ? failure_set(&o->job->failure, FAILURE_JOB_FAILED, r, "Failed to write down the image's settings: %m") : 0;
}

int oci_arrange(Job *j, int new_fd, const char *tree, ImageConf *c) {
        _cleanup_(oci_done) Oci o = { .job = j, .conf = c, .new_fd = new_fd, .tree_fd = -EBADF, .root_fd = -EBADF };
        _cleanup_(message_freep) Message *config = NULL;
        int r;

        /* Which the parser of an index cannot find out any more. */
        (void) host_architecture_is("");
        c->type = IMAGE_OCI;
        c->rootfs_bytes = 0;
        o.tree_fd = path_open_beneath(new_fd, tree, O_RDONLY | O_DIRECTORY, 0);
        if (o.tree_fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, o.tree_fd, "Failed to look at the unpacked archive: %m");
        r = has_file(o.tree_fd, "manifest.json") ? take_docker(&o) : take_oci(&o);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the image's manifest: %m");
        if (strv_length(o.layers) == 0 || strv_length(o.layers) > IMAGE_LAYERS_MAX)
                return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, E2BIG, "An image has 1 to %u layers, not %zu.", IMAGE_LAYERS_MAX, strv_length(o.layers));

        r = read_json(&o, o.config, NULL, oci_parse_config, &config);
        if (r >= 0)
                r = message_get_strv(config, "diff", &o.diffs);
        if (r >= 0)
                r = open_directory(&o, "rootfs", 0755, &o.root_fd);
        for (size_t i = 0; r >= 0 && i < strv_length(o.layers); i++)
                r = put_layer(&o, i);
        if (r >= 0)
                r = take_config(&o, config);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to put the image together: %m");
        r = path_remove_tree(new_fd, tree);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to put the image together: %m") : 0;
}
