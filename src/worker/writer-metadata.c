/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/writer-internal.h"

/* Owners, modes, extended attributes and times. Of attributes an image may hold user.* (but not those that overlayfs believes, as its
 * userxattr option makes them overlay metadata), file capabilities and ACLs; all others are left out and counted. */

static int apply_capability(int fd, const void *value, size_t size) {
        struct vfs_ns_cap_data cap;
        uint32_t revision;

        if (size < sizeof cap.magic_etc || size > sizeof cap)
                return -EINVAL;
        memcpy(&cap, value, size);
        revision = le32toh(cap.magic_etc) & VFS_CAP_REVISION_MASK;

        /* Version 3 names the id that is root in the namespace it is for, which was the archive maker's, not ours. As version 2 the
         * kernel makes it one for this namespace's root (user_namespaces(7), capabilities(7)), and idmapped mounts carry it over. */
        if (!(revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) && !(revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3))
                return -EINVAL;
        cap.magic_etc = htole32((le32toh(cap.magic_etc) & ~(uint32_t) VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2);
        return fsetxattr(fd, "security.capability", &cap, XATTR_CAPS_SZ_2, 0) < 0 ? -errno : 0;
}

/* The kernel refuses one of another version with the error of a file system that has none, as if nothing were wrong with the archive. */
static bool is_acl_of_our_version(const void *value, size_t size) {
        struct posix_acl_xattr_header header;

        if (size < sizeof header)
                return size == 0;
        memcpy(&header, value, sizeof header);
        return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION;
}

static int apply_attribute(Writer *w, int fd, const StreamEntry *e, const char *name, const void *value, size_t size) {
        if (streq(name, "security.capability") && e->type == ENTRY_FILE)
                return apply_capability(fd, value, size);

        if (startswith(name, "system.posix_acl_") && !is_acl_of_our_version(value, size))
                return -EINVAL;
        if (streq(name, "system.posix_acl_access") || (streq(name, "system.posix_acl_default") && e->type == ENTRY_DIRECTORY) ||
            (startswith(name, "user.") && !startswith(name, "user.overlay.")))
                return fsetxattr(fd, name, value, size, 0) < 0 ? -errno : 0;

        w->report->dropped_attributes++;
        return 0;
}

static int apply_attributes(Writer *w, int fd, const StreamEntry *e) {
        char name[STREAM_ATTRIBUTE_NAME_MAX + 1];
        size_t position = 0, size;
        const void *value;
        int r;

        while ((r = stream_next_attribute(&w->in, &position, name, &value, &size)) > 0) {
                r = apply_attribute(w, fd, e, name, value, size);
                if (r == -EOPNOTSUPP)
                        return writer_fail_entry(w, FAILURE_NOT_SUPPORTED, r,
                                                 "has extended attributes, which the file system there cannot store");
                if (r == -EINVAL)
                        return writer_fail_entry(w, FAILURE_BAD_ARCHIVE, r, "has a malformed extended attribute, file capability or ACL");
                if (r < 0)
                        return writer_fail_errno(w, r, "could not be given its extended attributes");
        }
        return 0;
}

static void entry_times(const StreamEntry *e, struct timespec ret[static 2]) {
        ret[0] = (struct timespec) { .tv_nsec = UTIME_OMIT };
        ret[1] = (struct timespec) { .tv_sec = e->mtime_sec, .tv_nsec = (long) e->mtime_nsec };
}

int metadata_apply(Writer *w, int fd, const StreamEntry *e, bool created_with_mode) {
        struct timespec times[2];
        bool chowned = !w->fresh || e->type == ENTRY_DIRECTORY || e->uid != 0 || e->gid != 0;
        int r;

        if (chowned && fchown(fd, (uid_t) e->uid, (gid_t) e->gid) < 0)
                return writer_fail_errno(w, -errno, "could not be given its owner");
        /* After fchown(2) and write(2), which take set-user-ID bits and file capabilities away. */
        if ((!created_with_mode || e->mode & 07000) && fchmod(fd, e->mode) < 0)
                return writer_fail_errno(w, -errno, "could not be given its mode");
        if (e->n_attributes > 0) {
                r = apply_attributes(w, fd, e);
                if (r < 0)
                        return r;
        }
        entry_times(e, times);
        if (futimens(fd, times) < 0)
                return writer_fail_errno(w, -errno, "could not be given its time");
        return 0;
}

int metadata_apply_at(Writer *w, int parent_fd, const char *name, const StreamEntry *e) {
        struct timespec times[2];

        w->report->dropped_attributes += e->n_attributes;
        if ((!w->fresh || e->uid != 0 || e->gid != 0) &&
            fchownat(parent_fd, name, (uid_t) e->uid, (gid_t) e->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return writer_fail_errno(w, -errno, "could not be given its owner");
        entry_times(e, times);
        if (utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
                return writer_fail_errno(w, -errno, "could not be given its time");
        return 0;
}

int metadata_defer(Writer *w) {
        PendingDirectory *d;

        if (w->n_directories >= UNPACK_DIRECTORIES_MAX)
                return writer_fail_entry(w, FAILURE_LIMIT_REACHED, E2BIG, "is one directory more than the limit of 2 million");
        if (w->n_directories >= w->allocated_directories) {
                size_t n = MAX_OF(w->allocated_directories * 2, (size_t) 256);

                d = reallocarray(w->directories, n, sizeof *d);
                if (!d)
                        return writer_fail_errno(w, -ENOMEM, "could not be remembered");
                w->directories = d;
                w->allocated_directories = n;
        }

        d = w->directories + w->n_directories;
        *d = (PendingDirectory) { .entry = w->in.entry, .path = strdup(w->in.path) };
        if (d->path && d->entry.attributes_size > 0) {
                d->attributes = malloc(d->entry.attributes_size);
                if (d->attributes)
                        memcpy(d->attributes, w->in.attributes, d->entry.attributes_size);
                else
                        free(TAKE_PTR(d->path));
        }
        if (!d->path)
                return writer_fail_errno(w, -ENOMEM, "could not be remembered");
        w->n_directories++;
        return 0;
}

int metadata_apply_deferred(Writer *w) {
        for (size_t i = 0; i < w->n_directories; i++) {
                PendingDirectory *d = w->directories + i;
                _cleanup_close_ int fd = -EBADF;
                int r;

                fd = path_open_in_root(w->root_fd, *d->path ? d->path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
                /* A later entry of the same name has replaced it. */
                if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
                        continue;

                /* For messages and attributes it is the current entry once more. */
                w->in.entry = d->entry;
                strcpy(w->in.path, d->path);
                if (fd < 0)
                        return writer_fail_errno(w, fd, "could not be opened again");
                if (d->attributes)
                        memcpy(w->in.attributes, d->attributes, d->entry.attributes_size);
                r = metadata_apply(w, fd, &d->entry, false);
                if (r < 0)
                        return r;
        }
        return 0;
}
