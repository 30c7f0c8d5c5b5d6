/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/writer.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/entry-path.h"
#include "worker/reader.h"
#include "worker/writer-internal.h"

#define WRITEBACK_SIZE (256U * 1024U)

int writer_fail_entry(Writer *w, FailureKind kind, int error, const char *problem) {
        return failure_set(&w->report->failure, kind, error, "The archive's entry '%s' %s.",
                           *w->in.path ? name_for_message(w->in.path) : ".", problem);
}

int writer_fail_errno(Writer *w, int error, const char *what) {
        return failure_set(&w->report->failure, FAILURE_JOB_FAILED, error, "The archive's entry '%s' %s: %m.",
                           *w->in.path ? name_for_message(w->in.path) : ".", what);
}

static int check_bytes(Writer *w) {
        uint64_t in = atomic_load_explicit(&w->shared->in_bytes, memory_order_relaxed);

        if (w->report->bytes > UNPACK_BYTES_MAX)
                return failure_set(&w->report->failure, FAILURE_LIMIT_REACHED, EFBIG,
                                   "The archive unpacks to more than %llu GiB.", (unsigned long long) (UNPACK_BYTES_MAX >> 30));
        if (w->report->bytes + (w->shared->kept ? in : 0) > w->shared->room)
                return failure_set(&w->report->failure, FAILURE_LIMIT_REACHED, EFBIG,
                                   "The archive takes more than the %llu bytes that there are for it (DiskPerUserMax= in berth.conf).", (unsigned long long) w->shared->room);
        if (w->report->bytes > BOMB_FREE_BYTES && w->report->bytes / BOMB_RATIO > in)
                return failure_set(&w->report->failure, FAILURE_BAD_ARCHIVE, EFBIG,
                                   "The archive is a decompression bomb: it unpacks to more than %u times its size.", BOMB_RATIO);
        return 0;
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t offset) {
        while (size > 0) {
                ssize_t n = pwrite(fd, data, size, (off_t) offset);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                data += n;
                size -= (size_t) n;
                offset += (uint64_t) n;
        }
        return 0;
}

static int stream_failed(Writer *w, int error) {
        w->report->stream_broken = true;
        return failure_set(&w->report->failure, FAILURE_BAD_ARCHIVE, error, "The archive could not be read: its reader stopped.");
}

static int write_content(Writer *w, int fd) {
        const uint64_t size = w->in.entry.size;
        uint64_t end = 0;
        int kind, r;

        while ((kind = stream_peek(&w->in)) == STREAM_DATA) {
                const void *data;
                ssize_t n;

                kind = stream_next(&w->in);
                if (kind < 0)
                        break;

                w->report->bytes += w->in.data.size;
                r = check_bytes(w);
                if (r < 0)
                        return r;

                end = w->in.data.offset;
                while ((n = stream_take_data(&w->in, &data)) > 0) {
                        r = write_at(fd, data, (size_t) n, end);
                        if (r < 0)
                                return writer_fail_errno(w, r, "could not be written");
                        end += (uint64_t) n;
                }
                if (n < 0)
                        return stream_failed(w, (int) n);
        }
        if (kind < 0)
                return stream_failed(w, kind);
        if (end < size && ftruncate(fd, (off_t) size) < 0)
                return writer_fail_errno(w, -errno, "could not be given its size");
        return 0;
}

/* The disk has something to do while the rest is unpacked; or all of it would wait for the syncfs(2) at the end. */
static void start_writeback(Writer *w, int fd) {
        if (w->in.entry.size >= WRITEBACK_SIZE)
                (void) sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int write_file(Writer *w, int parent_fd, const char *name) {
        const mode_t mode = w->fresh ? w->in.entry.mode & 0777 : 0600;
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = openat(parent_fd, name, flags, mode);
        if (fd < 0 && errno == EEXIST) {
                r = place_clear(w, parent_fd, name);
                if (r < 0)
                        return r;
                fd = openat(parent_fd, name, flags, mode);
        }
        if (fd < 0)
                return writer_fail_errno(w, -errno, "could not be created");

        r = write_content(w, fd);
        if (r < 0)
                return r;
        start_writeback(w, fd);
        return metadata_apply(w, fd, &w->in.entry, w->fresh);
}

static int write_directory(Writer *w, int parent_fd, const char *name) {
        struct stat st;
        int r;

        if (*w->in.path && mkdirat(parent_fd, name, w->fresh ? 0755 : 0700) < 0) {
                if (errno != EEXIST)
                        return writer_fail_errno(w, -errno, "could not be created");
                if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        return writer_fail_errno(w, -errno, "could not be looked at");

                /* In a container that is in use a symlink to a directory is there for a reason, such as /lib. */
                if (S_ISLNK(st.st_mode) && !w->fresh) {
                        _cleanup_close_ int fd = path_open_in_root(w->root_fd, w->in.path, O_PATH | O_DIRECTORY, 0);

                        if (fd >= 0)
                                return 0;
                }
                if (!S_ISDIR(st.st_mode)) {
                        r = place_clear(w, parent_fd, name);
                        if (r < 0)
                                return r;
                        if (mkdirat(parent_fd, name, 0755) < 0)
                                return writer_fail_errno(w, -errno, "could not be created");
                }
        }
        return metadata_defer(w);
}

static int write_symlink(Writer *w, int parent_fd, const char *name) {
        int r;

        if (symlinkat(w->in.link, parent_fd, name) < 0) {
                if (errno != EEXIST)
                        return writer_fail_errno(w, -errno, "could not be created");
                r = place_clear(w, parent_fd, name);
                if (r < 0)
                        return r;
                if (symlinkat(w->in.link, parent_fd, name) < 0)
                        return writer_fail_errno(w, -errno, "could not be created");
        }
        return metadata_apply_at(w, parent_fd, name, &w->in.entry);
}

static int write_fifo(Writer *w, int parent_fd, const char *name) {
        const mode_t mode = w->in.entry.mode & 0777;
        int r;

        if (mkfifoat(parent_fd, name, mode) < 0) {
                if (errno != EEXIST)
                        return writer_fail_errno(w, -errno, "could not be created");
                r = place_clear(w, parent_fd, name);
                if (r < 0)
                        return r;
                if (mkfifoat(parent_fd, name, mode) < 0)
                        return writer_fail_errno(w, -errno, "could not be created");
        }
        return metadata_apply_at(w, parent_fd, name, &w->in.entry);
}

static int write_hardlink(Writer *w, int parent_fd, const char *name) {
        _cleanup_close_ int target_fd = -EBADF;
        struct stat target, here;
        const char *target_name, *problem;
        char text[512];
        int r;

        r = entry_path_normalize(w->in.link, &problem);
        if (r < 0 || !*w->in.link) {
                snprintf(text, sizeof text, "is a hard link to '%s', which %s", name_for_message(w->in.link),
                         r < 0 ? problem : "is no file");
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, EINVAL, text);
        }

        r = place_find_link_target(w, w->in.link, &target_fd, &target_name);
        if (r >= 0 && fstatat(target_fd, target_name, &target, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        if (r == -ENOENT && entry_path_in_dev(w->in.path) && entry_path_in_dev(w->in.link)) {
                /* Another name of a device node that was left out. */
                w->report->dropped_devices++;
                return 0;
        }
        if (r < 0 || !S_ISREG(target.st_mode)) {
                snprintf(text, sizeof text, "is a hard link to '%s', which %s", name_for_message(w->in.link),
                         r < 0 ? "is not in the archive before it" : "is no regular file");
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, r < 0 ? r : EINVAL, text);
        }

        if (linkat(target_fd, target_name, parent_fd, name, 0) >= 0)
                return 0;
        if (errno == EEXIST) {
                if (fstatat(parent_fd, name, &here, AT_SYMLINK_NOFOLLOW) >= 0 && here.st_dev == target.st_dev && here.st_ino == target.st_ino)
                        return 0;
                r = place_clear(w, parent_fd, name);
                if (r < 0)
                        return r;
                if (linkat(target_fd, target_name, parent_fd, name, 0) >= 0)
                        return 0;
        }
        return writer_fail_errno(w, -errno, "could not be linked");
}

/* Of a directory that is none any more umoci takes away what was in it, too; what is there now, in this layer, may be a link to another one. */
static bool is_moot_whiteout(Writer *w) {
        char *slash = strrchr(w->in.path, '/');
        int fd;

        if (!slash || !startswith(slash + 1, OCI_WHITEOUT) || w->in.entry.type != ENTRY_FILE || w->in.entry.size > 0)
                return false;
        *slash = 0;
        fd = path_open_beneath(w->root_fd, w->in.path, O_PATH | O_DIRECTORY, 0);
        *slash = '/';
        if (fd >= 0)
                (void) fd_close(fd);
        return fd == -ENOTDIR || fd == -ELOOP;
}

/* Nodes are made by nobody: a container's /dev is put together when it starts. Those that root file systems carry there are expected. */
static int drop_node(Writer *w) {
        if (!entry_path_in_dev(w->in.path))
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, EPERM,
                                         w->in.entry.type == ENTRY_SOCKET ? "is a socket" : "is a device node outside of /dev");
        w->report->dropped_devices++;
        return 0;
}

static int write_entry(Writer *w) {
        const StreamEntry *e = &w->in.entry;
        const char *problem, *name;
        int parent_fd, r;

        if (++w->report->entries > UNPACK_ENTRIES_MAX)
                return failure_set(&w->report->failure, FAILURE_LIMIT_REACHED, E2BIG, "The archive has more than %llu entries.",
                                   (unsigned long long) UNPACK_ENTRIES_MAX);

        r = entry_path_normalize(w->in.path, &problem);
        if (r < 0)
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, r, problem);
        if (!*w->in.path && e->type != ENTRY_DIRECTORY)
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, EINVAL, "has the name of the top directory and is none");
        if (e->uid >= UID_RANGE_SIZE || e->gid >= UID_RANGE_SIZE) {
                char text[128];

                snprintf(text, sizeof text, "belongs to %s %lld; an image holds only 0 to 65535",
                         e->uid >= UID_RANGE_SIZE ? "user" : "group",
                         (long long) (e->uid >= UID_RANGE_SIZE ? e->uid : e->gid));
                return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, ERANGE, text);
        }
        if (e->type == ENTRY_DEVICE || e->type == ENTRY_SOCKET)
                return drop_node(w);

        if (w->layer && is_moot_whiteout(w))
                return 0;
        r = place_find_parent(w, w->in.path, &parent_fd, &name);
        if (r < 0)
                return r;

        switch ((EntryType) e->type) {
        case ENTRY_FILE:
                return write_file(w, parent_fd, name);
        case ENTRY_DIRECTORY:
                return write_directory(w, parent_fd, name);
        case ENTRY_SYMLINK:
                return write_symlink(w, parent_fd, name);
        case ENTRY_HARDLINK:
                return write_hardlink(w, parent_fd, name);
        case ENTRY_FIFO:
                return write_fifo(w, parent_fd, name);
        case ENTRY_DEVICE:
        case ENTRY_SOCKET:
        case _ENTRY_TYPE_MAX:
                break;
        }
        assert(false); /* the stream lets nothing else through */
        return -EBADMSG;
}

static int write_all(Writer *w) {
        int kind, r;

        while ((kind = stream_next(&w->in)) == STREAM_ENTRY) {
                r = write_entry(w);
                if (r < 0)
                        return r;
        }
        if (kind == STREAM_ERROR)
                return failure_set(&w->report->failure, FAILURE_BAD_ARCHIVE, EBADMSG, "The archive %s.", w->in.text);
        if (kind != STREAM_END)
                return stream_failed(w, kind < 0 ? kind : -EBADMSG);
        return metadata_apply_deferred(w);
}

void writer_run(int stream_fd, int root_fd, WriterTarget target, const UnpackShared *shared, WriterReport *ret) {
        Writer w = {
                .root_fd = root_fd, .fresh = target != WRITER_IN_USE, .layer = target == WRITER_LAYER, .shared = shared, .parent_fd = -EBADF, .report = ret,
        };

        *ret = (WriterReport) {};
        (void) umask(0);

        if (stream_in_init(&w.in, stream_fd) < 0)
                (void) failure_set(&ret->failure, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
        else
                (void) write_all(&w);

        for (size_t i = 0; i < w.n_directories; i++) {
                free(w.directories[i].path);
                free(w.directories[i].attributes);
        }
        free(w.directories);
        place_forget(&w);
        stream_in_done(&w.in);
}
