/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

#define BUFFER_SIZE (256U * 1024U)
#define LIST_SIZE_MAX 65536U /* the kernel's limits for names and for one value */
#define VALUE_SIZE_MAX 65536U

typedef struct Packer {
        struct archive *archive;
        struct archive_entry_linkresolver *links;
        struct archive_entry *entry;
        uint8_t *buffer, *value;
        char *names;
        char path[PATH_MAX]; /* name of the entry at hand */
        DIR *stack[PACK_DEPTH_MAX];
        size_t lengths[PACK_DEPTH_MAX]; /* of path, of the directory on the stack */
        size_t depth;
        bool image;    /* no device nodes */
        bool plain;    /* what berth made itself: root's, with no more than a mode */
        Failure *failure;
} Packer;

static int fail_archive(Packer *p) {
        return failure_set(p->failure, FAILURE_JOB_FAILED, archive_errno(p->archive), "Failed to write the archive: %s.",
                           archive_error_string(p->archive) ?: "unknown reason");
}

static int fail_entry(Packer *p, int error, const char *what) {
        return failure_set(p->failure, FAILURE_JOB_FAILED, error, "%s '%s' in the container failed: %m", what, name_for_message(p->path));
}

static bool attribute_wanted(const char *name) {
        return startswith(name, "user.") || streq(name, "security.capability") || startswith(name, "system.posix_acl_");
}

static void add_attributes(Packer *p, int fd) {
        ssize_t n = flistxattr(fd, p->names, LIST_SIZE_MAX);

        /* A file may lose what it had while it is looked at; an archive without it is as right as one made a moment later. */
        for (char *name = p->names; n > 0 && name < p->names + n; name += strlen(name) + 1) {
                ssize_t size;

                if (!attribute_wanted(name))
                        continue;
                size = fgetxattr(fd, name, p->value, VALUE_SIZE_MAX);
                if (size >= 0)
                        archive_entry_xattr_add_entry(p->entry, name, p->value, (size_t) size);
        }
}

/* The stretches of data, when there are holes between. */
static void add_holes(Packer *p, int fd, off_t size) {
        off_t start = 0, end;

        if (lseek(fd, 0, SEEK_HOLE) >= size)
                return;
        while (start < size && (start = lseek(fd, start, SEEK_DATA)) >= 0 && start < size) {
                end = lseek(fd, start, SEEK_HOLE);
                if (end <= start)
                        return;
                archive_entry_sparse_add_entry(p->entry, start, MIN_OF(end, size) - start);
                start = end;
        }
        /* libarchive takes a file without any stretch for one without holes. */
        if (archive_entry_sparse_count(p->entry) == 0)
                archive_entry_sparse_add_entry(p->entry, size, 0);
}

static int write_content(Packer *p, struct archive_entry *e, int fd, uint64_t size) {
        la_int64_t start = 0, length = (la_int64_t) size;
        uint64_t done = 0;
        bool sparse = archive_entry_sparse_reset(e) > 0;

        /* A writer of archives wants every byte that the header announced; it leaves out the holes by itself. */
        while (sparse ? archive_entry_sparse_next(e, &start, &length) == ARCHIVE_OK : done == 0 && size > 0) {
                uint64_t offset = (uint64_t) start, end = offset + (uint64_t) length;

                while (done < offset) {
                        size_t n = (size_t) MIN_OF(offset - done, (uint64_t) BUFFER_SIZE);

                        memset(p->buffer, 0, n);
                        if (archive_write_data(p->archive, p->buffer, n) < 0)
                                return fail_archive(p);
                        done += n;
                }
                while (done < end) {
                        ssize_t n = pread(fd, p->buffer, (size_t) MIN_OF(end - done, (uint64_t) BUFFER_SIZE), (off_t) done);

                        if (n < 0 && errno == EINTR)
                                continue;
                        if (n < 0)
                                return fail_entry(p, errno, "Reading");
                        if (n == 0)
                                break; /* it got shorter; libarchive fills up with zeros */
                        if (archive_write_data(p->archive, p->buffer, (size_t) n) < 0)
                                return fail_archive(p);
                        done += (uint64_t) n;
                }
                if (!sparse)
                        break;
        }
        return 0;
}

static int write_entry(Packer *p, struct archive_entry *e, int fd) {
        int r = 0;

        if (archive_write_header(p->archive, e) < ARCHIVE_WARN)
                return fail_archive(p);
        if (archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e) && archive_entry_size(e) > 0)
                r = write_content(p, e, fd, (uint64_t) archive_entry_size(e));
        if (r >= 0 && archive_write_finish_entry(p->archive) < ARCHIVE_WARN)
                return fail_archive(p);
        return r;
}

/* Opens what can be opened without doing anything to it. Returns 1 and a name's state, or 0 when it is gone or not wanted. */
static int look_at(Packer *p, int dir_fd, const char *name, struct stat *st, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;

        if (fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : fail_entry(p, errno, "Looking at");
        if (S_ISSOCK(st->st_mode) || (p->image && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))))
                return 0;
        if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
                fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (S_ISDIR(st->st_mode) ? O_DIRECTORY : 0));
                if (fd < 0)
                        /* ELOOP, ENOTDIR, ENXIO: something else has taken its place since. */
                        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO ? 0 : fail_entry(p, errno, "Opening");
                if (fstat(fd, st) < 0)
                        return fail_entry(p, errno, "Looking at");
                if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
                        return 0;
        }
        *ret_fd = TAKE_FD(fd);
        return 1;
}

static int pack_one(Packer *p, int dir_fd, const char *name, const struct stat *st, int fd) {
        struct archive_entry *e, *spare = NULL;
        char target[PATH_MAX];
        ssize_t n;

        archive_entry_clear(p->entry);
        archive_entry_copy_pathname(p->entry, p->path);
        archive_entry_copy_stat(p->entry, st);
        archive_entry_unset_atime(p->entry);
        archive_entry_unset_ctime(p->entry);
        archive_entry_unset_birthtime(p->entry);
        if (p->plain) {
                archive_entry_set_uid(p->entry, 0);
                archive_entry_set_gid(p->entry, 0);
                archive_entry_set_perm(p->entry, S_ISDIR(st->st_mode) ? 0755 : 0644);
        }
        if (S_ISLNK(st->st_mode)) {
                n = readlinkat(dir_fd, name, target, sizeof target - 1);
                if (n < 0)
                        return errno == ENOENT || errno == EINVAL ? 0 : fail_entry(p, errno, "Reading the symlink");
                target[n] = 0;
                archive_entry_copy_symlink(p->entry, target);
        }
        if (fd >= 0 && !p->plain)
                add_attributes(p, fd);
        if (S_ISREG(st->st_mode))
                add_holes(p, fd, st->st_size);

        /* Makes a hard link of the second and further names of an inode. In this format it never holds entries back. */
        e = p->entry;
        archive_entry_linkify(p->links, &e, &spare);
        return e ? write_entry(p, e, fd) : 0;
}

static int push(Packer *p, int fd) {
        DIR *d;

        if (p->depth >= PACK_DEPTH_MAX) {
                (void) fd_close(fd);
                return failure_set(p->failure, FAILURE_LIMIT_REACHED, ELOOP, "'%s' in the container is nested deeper than %u directories.",
                                   name_for_message(p->path), PACK_DEPTH_MAX);
        }
        d = fdopendir(fd);
        if (!d) {
                int r = errno;

                (void) fd_close(fd);
                return fail_entry(p, r, "Reading");
        }
        p->lengths[p->depth] = strlen(p->path);
        p->stack[p->depth++] = d;
        return 0;
}

static int pack_tree(Packer *p) {
        int r;

        while (p->depth > 0) {
                DIR *d = p->stack[p->depth - 1];
                size_t length = p->lengths[p->depth - 1];
                _cleanup_close_ int fd = -EBADF;
                struct dirent *de;
                struct stat st;

                p->path[length] = 0;
                errno = 0;
                de = readdir(d);
                if (!de) {
                        if (errno && errno != ENOENT)
                                return fail_entry(p, errno, "Reading");
                        (void) closedir(d);
                        p->depth--;
                        continue;
                }
                if (streq(de->d_name, ".") || streq(de->d_name, ".."))
                        continue;
                if (length + 1 + strlen(de->d_name) >= sizeof p->path)
                        return failure_set(p->failure, FAILURE_LIMIT_REACHED, ENAMETOOLONG, "A name below '%s' in the container is too long.",
                                           name_for_message(p->path));
                p->path[length] = '/';
                strcpy(p->path + length + 1, de->d_name);

                r = look_at(p, dirfd(d), de->d_name, &st, &fd);
                if (r > 0)
                        r = pack_one(p, dirfd(d), de->d_name, &st, fd);
                if (r >= 0 && fd >= 0 && S_ISDIR(st.st_mode))
                        r = push(p, TAKE_FD(fd));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int pack_top(Packer *p, int root_fd, const char *path) {
        _cleanup_close_ int fd = -EBADF, path_fd = -EBADF;
        const char *name = strrchr(path, '/');
        struct stat st;
        int r;

        path_fd = path_open_in_root(root_fd, path, O_PATH, 0);
        if (path_fd < 0 || fstat(path_fd, &st) < 0)
                return failure_set(p->failure, FAILURE_NO_SUCH_FILE, path_fd < 0 ? path_fd : errno, "There is no '%s' in the container: %m.",
                                   name_for_message(path));
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return failure_set(p->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' in the container is neither a file nor a directory.",
                                   name_for_message(path));
        fd = path_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
                return failure_set(p->failure, FAILURE_NO_SUCH_FILE, fd < 0 ? fd : EINVAL, "'%s' in the container cannot be opened: %m.",
                                   name_for_message(path));

        name = name && name[1] ? name + 1 : "file";
        snprintf(p->path, sizeof p->path, "%s", S_ISDIR(st.st_mode) ? "." : name);
        r = pack_one(p, root_fd, name, &st, fd);
        if (r >= 0 && S_ISDIR(st.st_mode))
                r = push(p, TAKE_FD(fd));
        return r < 0 ? r : pack_tree(p);
}

static const struct {
        const char *name, *filter;
        const char *threads_max; /* a thread of xz takes a hundred megabytes */
        const char *option, *value;
} compressions[] = {
        { "zstd", "zstd", "16", "compression-level", "3" },
        { "gzip", "gzip", NULL, "timestamp", NULL },
        { "xz",   "xz",   "4",  "compression-level", "6" },
        { "none", NULL, NULL, NULL, NULL },
};

bool pack_compression_known(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(compressions); i++)
                if (streq(compressions[i].name, name))
                        return true;
        return false;
}

static int set_compression(struct archive *a, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(compressions); i++) {
                char threads[DECIMAL_MAX];
                long n = sysconf(_SC_NPROCESSORS_ONLN);

                if (!streq(compressions[i].name, name))
                        continue;
                if (!compressions[i].filter)
                        return archive_write_add_filter_none(a) == ARCHIVE_OK ? 0 : -EIO;
                if (archive_write_add_filter_by_name(a, compressions[i].filter) != ARCHIVE_OK)
                        return -EIO;
                if (compressions[i].option && archive_write_set_filter_option(a, compressions[i].filter, compressions[i].option, compressions[i].value) != ARCHIVE_OK)
                        return -EIO;
                if (!compressions[i].threads_max)
                        return 0;
                snprintf(threads, sizeof threads, "%ld", MAX_OF(MIN_OF(n, strtol(compressions[i].threads_max, NULL, 10)), 1L));
                /* A libarchive that cannot do it is only slower. */
                (void) archive_write_set_filter_option(a, compressions[i].filter, "threads", threads);
                return 0;
        }
        return -EINVAL;
}

static int open_archive(Packer *p, int out_fd, const char *compression) {
        p->archive = archive_write_new();
        p->entry = archive_entry_new();
        p->links = archive_entry_linkresolver_new();
        p->buffer = malloc(BUFFER_SIZE);
        p->value = malloc(VALUE_SIZE_MAX);
        p->names = malloc(LIST_SIZE_MAX);
        if (!p->archive || !p->entry || !p->links || !p->buffer || !p->value || !p->names)
                return failure_set(p->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");

        /* "restricted" would leave out what is behind the second of times; SCHILY is the form of attributes that other programs read too. */
        if (archive_write_set_format_pax(p->archive) != ARCHIVE_OK ||
            archive_write_set_format_option(p->archive, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK || set_compression(p->archive, compression) < 0 ||
            archive_write_set_bytes_in_last_block(p->archive, 1) != ARCHIVE_OK || archive_write_open_fd(p->archive, out_fd) != ARCHIVE_OK)
                return fail_archive(p);
        archive_entry_linkresolver_set_strategy(p->links, archive_format(p->archive));
        return 0;
}

static void close_archive(Packer *p) {
        while (p->depth > 0)
                (void) closedir(p->stack[--p->depth]);
        archive_entry_linkresolver_free(p->links);
        archive_entry_free(p->entry);
        (void) archive_write_free(p->archive);
        free(p->buffer);
        free(p->value);
        free(p->names);
}

int pack_prepare(void) {
        const struct rlimit files = { PACK_DEPTH_MAX + 64, PACK_DEPTH_MAX + 64 };
        _cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        Failure f = {};
        Packer p = { .failure = &f };
        int r;

        if (null < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0)
                return -errno;
        /* Names are mostly UTF-8, which is what pax headers hold; the others are marked as bytes. */
        (void) setlocale(LC_CTYPE, "C.UTF-8");
        /* A name beyond ASCII goes through libc's character set conversion, which reads its configuration when it is first used. */
        r = open_archive(&p, null, "none");
        if (r >= 0) {
                archive_entry_copy_pathname(p.entry, "f\303\274r");
                archive_entry_set_filetype(p.entry, AE_IFDIR);
                r = archive_write_header(p.archive, p.entry) < ARCHIVE_WARN ? -EIO : 0;
        }
        close_archive(&p);
        return r;
}

int pack_run(int root_fd, const char *path, int out_fd, Failure *f) {
        Packer *p = calloc(1, sizeof *p);
        int r;

        if (!p)
                return failure_set(f, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
        p->failure = f;
        r = open_archive(p, out_fd, "none");
        if (r >= 0)
                r = pack_top(p, root_fd, path);
        if (r >= 0 && archive_write_close(p->archive) < ARCHIVE_WARN)
                r = fail_archive(p);
        close_archive(p);
        free(p);
        return r;
}

static int add_text(Packer *p, const char *name, const char *text) {
        size_t n = strlen(text);

        archive_entry_clear(p->entry);
        archive_entry_copy_pathname(p->entry, name);
        archive_entry_set_filetype(p->entry, AE_IFREG);
        archive_entry_set_perm(p->entry, 0644);
        archive_entry_set_size(p->entry, (la_int64_t) n);
        archive_entry_set_mtime(p->entry, time(NULL), 0);
        if (archive_write_header(p->archive, p->entry) < ARCHIVE_WARN || archive_write_data(p->archive, text, n) != (la_ssize_t) n ||
            archive_write_finish_entry(p->archive) < ARCHIVE_WARN)
                return fail_archive(p);
        return 0;
}

static int add_tree(Packer *p, int dir_fd, const char *name) {
        _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        int r;

        snprintf(p->path, sizeof p->path, "%s", name);
        if (fd < 0 || fstat(fd, &st) < 0)
                return fail_entry(p, errno, "Opening");
        r = pack_one(p, fd, ".", &st, fd);
        if (r >= 0)
                r = push(p, TAKE_FD(fd));
        return r < 0 ? r : pack_tree(p);
}

int pack_image(int root_fd, const PackImage *image, int out_fd, Failure *f) {
        Packer *p = calloc(1, sizeof *p);
        int r;

        if (!p)
                return failure_set(f, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
        p->failure = f;
        p->image = p->plain = true;
        r = open_archive(p, out_fd, image->compression);
        if (r >= 0)
                r = add_text(p, "metadata.yaml", image->metadata);
        if (r >= 0 && image->templates_fd >= 0)
                r = add_tree(p, image->templates_fd, "templates");
        p->plain = false;
        if (r >= 0)
                r = add_tree(p, root_fd, "rootfs");
        if (r >= 0 && archive_write_close(p->archive) < ARCHIVE_WARN)
                r = fail_archive(p);
        close_archive(p);
        free(p);
        return r;
}
