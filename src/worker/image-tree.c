/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/image-tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "worker/architecture.h"
#include "worker/metadata.h"
#include "worker/oci.h"

#define OS_RELEASE_SIZE_MAX (64U * 1024U)

/* S_IFMT bits of name in dir_fd, 0 when it is not there. */
static int type_of(int dir_fd, const char *name, mode_t *ret) {
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno != ENOENT)
                        return -errno;
                *ret = 0;
                return 0;
        }
        *ret = st.st_mode & S_IFMT;
        return 0;
}

static bool looks_like_root(int root_fd) {
        static const char *const signs[] = { "usr", "bin", "sbin", "etc", "init" };

        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                if (faccessat(root_fd, signs[i], F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                        return true;
        return false;
}

static int check_root(Job *j, int root_fd) {
        if (looks_like_root(root_fd))
                return 0;
        return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, EINVAL,
                           "The archive is no root file system: it has none of usr, bin, sbin, etc, init at its top.");
}

/* Calls fail for the first name in the directory that is not allowed. */
static int check_names(Job *j, int dir_fd, const char *const *allowed, size_t n_allowed) {
        struct dirent *de;
        DIR *d;
        int fd, r = 0;

        fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to read the unpacked archive: %m");
        d = fdopendir(fd);
        if (!d) {
                r = errno;
                (void) fd_close(fd);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the unpacked archive: %m");
        }
        while (r >= 0 && (de = readdir(d))) {
                bool found = streq(de->d_name, ".") || streq(de->d_name, "..");

                for (size_t i = 0; i < n_allowed && !found; i++)
                        found = streq(de->d_name, allowed[i]);
                if (!found)
                        r = failure_set(&j->failure, FAILURE_BAD_ARCHIVE, EINVAL,
                                        "The archive has '%s' beside its metadata.yaml; an image has only metadata.yaml, rootfs and templates there.",
                                        name_for_message(de->d_name));
        }
        (void) closedir(d);
        return r;
}

static int check_templates(Job *j, int templates_fd) {
        struct dirent *de;
        struct stat st;
        DIR *d;
        int r = 0;

        d = fdopendir(templates_fd);
        if (!d) {
                r = errno;
                (void) fd_close(templates_fd);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the archive's templates: %m");
        }
        while (r >= 0 && (de = readdir(d))) {
                if (streq(de->d_name, ".") || streq(de->d_name, ".."))
                        continue;
                if (fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                        r = failure_set(&j->failure, FAILURE_BAD_ARCHIVE, EINVAL, "The archive's 'templates/%s' is no regular file.",
                                        name_for_message(de->d_name));
        }
        (void) closedir(d);
        return r;
}

static int move(Job *j, int from_fd, int to_fd, const char *name) {
        if (renameat2(from_fd, name, to_fd, name, RENAME_NOREPLACE) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to move '%s' to its place: %m", name);
        return 0;
}

/* metadata.yaml is stored as a file that berth made, of the bytes that were checked. */
static int take_metadata(Job *j, int tree_fd, int new_fd, ImageConf *c) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = path_read(tree_fd, "metadata.yaml", METADATA_SIZE_MAX, &text, &size);
        if (r == -EBADMSG)
                return failure_set(&j->failure, FAILURE_BAD_METADATA, r, "The archive's 'metadata.yaml' is no regular file.");
        if (r == -E2BIG)
                return failure_set(&j->failure, FAILURE_BAD_METADATA, r, "The archive's 'metadata.yaml' is larger than %u KiB.",
                                   METADATA_SIZE_MAX >> 10);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_BAD_METADATA, r, "The metadata archive has no metadata.yaml.");
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the archive's metadata.yaml: %m");

        r = metadata_read(j, text, size, new_fd, c);
        if (r < 0)
                return r;
        r = path_write_atomic(new_fd, "metadata.yaml", text, size, 0600);
        if (r >= 0)
                r = image_templates_write(&c->templates, new_fd);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write metadata.yaml: %m");
        return 0;
}

static int take_templates(Job *j, int tree_fd, int new_fd) {
        mode_t type = 0;
        int fd, r;

        r = type_of(tree_fd, "templates", &type);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to look at the archive's templates: %m");
        if (type == 0)
                return 0;
        if (!S_ISDIR(type))
                return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, ENOTDIR, "The archive's 'templates' is no directory.");
        fd = path_open_beneath(tree_fd, "templates", O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, fd, "Failed to open the archive's templates: %m");
        r = check_templates(j, fd);
        return r < 0 ? r : move(j, tree_fd, new_fd, "templates");
}

static int take_unified(Job *j, int tree_fd, int new_fd, ImageConf *c) {
        static const char *const allowed[] = { "metadata.yaml", "rootfs", "templates" };
        _cleanup_close_ int root = -EBADF;
        mode_t type = 0;
        int r;

        c->type = IMAGE_UNIFIED;

        r = type_of(tree_fd, "rootfs", &type);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to look at the archive's rootfs: %m");
        if (type == 0)
                return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, ENOENT,
                                   "The archive has metadata.yaml but no rootfs; of a split image pass both archives.");
        if (!S_ISDIR(type))
                return failure_set(&j->failure, FAILURE_BAD_ARCHIVE, ENOTDIR, "The archive's 'rootfs' is no directory.");
        r = check_names(j, tree_fd, allowed, ELEMENTSOF(allowed));
        if (r < 0)
                return r;

        root = path_open_beneath(tree_fd, "rootfs", O_RDONLY | O_DIRECTORY, 0);
        if (root < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, root, "Failed to open the archive's rootfs: %m");
        r = check_root(j, root);
        if (r >= 0)
                r = take_metadata(j, tree_fd, new_fd, c);
        if (r >= 0)
                r = take_templates(j, tree_fd, new_fd);
        if (r >= 0)
                r = move(j, tree_fd, new_fd, "rootfs");
        return r;
}

static void find_architecture(int root_fd, ImageConf *c) {
        static const char *const programs[] = {
                "/sbin/init", "/usr/lib/systemd/systemd", "/bin/sh", "/usr/bin/env", "/bin/busybox", "/init",
        };

        for (size_t i = 0; i < ELEMENTSOF(programs) && !c->architecture; i++) {
                _cleanup_close_ int fd = path_open_in_root(root_fd, programs[i], O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
                uint8_t header[ELF_HEADER_SIZE];
                const char *name;
                struct stat st;

                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fd_read_all(fd, header, sizeof header) != sizeof header)
                        continue;
                name = architecture_from_elf(header, sizeof header);
                if (name)
                        c->architecture = strdup(name);
        }
}

static char *read_pretty_name(int root_fd, const char *path) {
        _cleanup_close_ int fd = path_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fd_read_string(fd, OS_RELEASE_SIZE_MAX, &text, NULL) < 0)
                return NULL;

        for (rest = text; (line = strsep(&rest, "\n"));) {
                const char *value = startswith(line, "PRETTY_NAME=");
                size_t n;

                if (!value)
                        continue;
                n = strlen(value);
                /* Names with escapes in them (os-release(5)) are not worth a parser. */
                if (strchr(value, '\\') || strchr(value, '$'))
                        return NULL;
                if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value) {
                        value++;
                        n -= 2;
                }
                return n > 0 ? strndup(value, n) : NULL;
        }
        return NULL;
}

/* A plain root file system says of itself what metadata.yaml says of others. That is a convenience: what cannot be found is left out. */
static void describe_root(int root_fd, ImageConf *c) {
        static const char *const files[] = { "/etc/os-release", "/usr/lib/os-release" };

        find_architecture(root_fd, c);
        for (size_t i = 0; i < ELEMENTSOF(files) && !c->description; i++) {
                _cleanup_free_ char *name = read_pretty_name(root_fd, files[i]);

                if (name && image_text_valid(name))
                        c->description = TAKE_PTR(name);
        }
}

static int arrange_single(Job *j, int new_fd, ImageConf *c) {
        _cleanup_close_ int tree = -EBADF;
        mode_t metadata = 0, rootfs = 0;
        int r;

        tree = path_open_beneath(new_fd, TREE_SINGLE, O_RDONLY | O_DIRECTORY, 0);
        r = tree < 0 ? tree : type_of(tree, "metadata.yaml", &metadata);
        if (r >= 0)
                r = type_of(tree, "rootfs", &rootfs);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to look at the unpacked archive: %m");

        if (metadata == 0 && !looks_like_root(tree) && oci_is_layout(tree))
                return oci_arrange(j, new_fd, TREE_SINGLE, c);
        if (metadata != 0 && (rootfs != 0 || !looks_like_root(tree))) {
                r = take_unified(j, tree, new_fd, c);
                if (r >= 0)
                        r = path_remove_tree(new_fd, TREE_SINGLE);
                return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to put the image together: %m") : 0;
        }
        if (rootfs != 0 && !looks_like_root(tree))
                return failure_set(&j->failure, FAILURE_BAD_METADATA, ENOENT, "The archive has a rootfs but no metadata.yaml.");

        c->type = IMAGE_PLAIN;
        r = check_root(j, tree);
        if (r < 0)
                return r;
        describe_root(tree, c);
        if (renameat2(new_fd, TREE_SINGLE, new_fd, TREE_ROOTFS, RENAME_NOREPLACE) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to put the image together: %m");
        return 0;
}

static int arrange_split(Job *j, int new_fd, ImageConf *c) {
        static const char *const allowed[] = { "metadata.yaml", "templates" };
        _cleanup_close_ int meta = -EBADF, root = -EBADF;
        int r;

        c->type = IMAGE_SPLIT;

        meta = path_open_beneath(new_fd, TREE_METADATA, O_RDONLY | O_DIRECTORY, 0);
        root = path_open_beneath(new_fd, TREE_ROOTFS, O_RDONLY | O_DIRECTORY, 0);
        if (meta < 0 || root < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, MIN_OF(meta, root), "Failed to look at the unpacked archives: %m");

        r = check_names(j, meta, allowed, ELEMENTSOF(allowed));
        if (r >= 0)
                r = take_metadata(j, meta, new_fd, c);
        if (r >= 0)
                r = take_templates(j, meta, new_fd);
        if (r >= 0)
                r = check_root(j, root);
        if (r < 0)
                return r;
        r = path_remove_tree(new_fd, TREE_METADATA);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to put the image together: %m") : 0;
}

int image_tree_arrange(Job *j, int new_fd, bool split, ImageConf *c) {
        return split ? arrange_split(j, new_fd, c) : arrange_single(j, new_fd, c);
}
