/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/device-error.h"
#include "launch/filesystem.h"
#include "launch/guest-mount.h"
#include "launch/mount-lock.h"
#include "launch/quota.h"
#include "settings/quantity.h"
#include "shared/mount.h"
#include "storage/rootfs.h"
#include "shared/source-identity.h"
#include "shared/userns.h"

typedef struct Source {
        int fd; /* O_PATH */
        struct stat st;
} Source;

/* Owned by the container's root as it is: an idmapped tmpfs needs Linux 6.3. */
static int make_tmpfs(const LentContext *c, const Device *d, int *ret_fd, char **ret_error) {
        _cleanup_strv_ char **options = NULL;
        uint64_t size;
        int r;

        r = strv_extendf(&options, "uid=%u", c->id_base);
        if (r >= 0)
                r = strv_extendf(&options, "gid=%u", c->id_base);
        if (r >= 0)
                r = strv_extendf(&options, "mode=%s", d->values[DEVICE_MODE] ?: "0755");
        if (r >= 0 && d->values[DEVICE_SIZE]) {
                r = parse_size(d->values[DEVICE_SIZE], &size);
                if (r >= 0)
                        r = strv_extendf(&options, "size=%llu", (unsigned long long) size);
        }
        if (r >= 0)
                r = mount_new("tmpfs", "berth", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, ret_fd);
        return r < 0 ? device_error(ret_error, r, "make a", "tmpfs") : 0;
}

static uint32_t number(const Device *d, DeviceKey key) {
        return (uint32_t) strtoul(device_get(d, key) ?: "0", NULL, 10);
}

/* What a user has lent is lent as long as it is there, and his. The path is resolved without symbolic links: he lent a directory, and can put
 * a link anywhere above it that is his. */
static int check_lent(const LentContext *c, const Device *d, const Source *s, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE];
        _cleanup_free_ char *identity = NULL;
        int r;

        if (number(d, DEVICE_SOURCE_UID) != c->owner)
                return asprintf(ret_error, "'%s' was lent by a user whose container this is not", source) < 0 ? -ENOMEM : -EPERM;
        if (!S_ISDIR(s->st.st_mode) || s->st.st_uid != c->owner)
                return asprintf(ret_error, "the host's '%s' is no directory of the user who lent it", source) < 0 ? -ENOMEM : -EPERM;
        r = source_identity(s->fd, &identity);
        if (r < 0)
                return device_error(ret_error, r, "look at the host's", source);
        if (!streq(identity, d->values[DEVICE_SOURCE_IDENTITY]))
                return asprintf(ret_error, "the host's '%s' is another directory than the one that was lent; remove the device and add it again", source) < 0 ? -ENOMEM : -ESTALE;
        return 0;
}

/* An administrator's path is resolved as his; a link of the kernel's own kind has no place in it. > 0: it may be missing. */
static int open_source(const LentContext *c, const Device *d, Source *ret, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE];
        bool lent = d->values[DEVICE_SOURCE_UID];
        _cleanup_close_ int root = -EBADF, fd = -EBADF;
        int r;

        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                fd = -errno;
        else
                fd = lent ? path_open_beneath(root, source + 1, O_PATH, 0) : path_open_in_root(root, source, O_PATH, 0);
        if (fd == -ENOENT && !device_is_required(d))
                return 1;
        if (fd < 0)
                return device_error(ret_error, fd, "open the host's", source);
        if (fstat(fd, &ret->st) < 0)
                return device_error(ret_error, -errno, "look at the host's", source);
        ret->fd = fd;
        if (lent) {
                r = check_lent(c, d, ret, ret_error);
                if (r < 0)
                        return r;
        }
        fd = -EBADF;
        return 0;
}

static const struct {
        const char *word;
        uint64_t type; /* 0: as the source's mount is */
        bool recursive, needs_peers;
} propagations[] = {
        { "private", MS_PRIVATE, false, false },       { "rprivate", MS_PRIVATE, true, false },
        { "slave", MS_SLAVE, false, true },            { "rslave", MS_SLAVE, true, true },
        { "shared", 0, false, true },                  { "rshared", 0, true, true },
        { "unbindable", MS_UNBINDABLE, false, false }, { "runbindable", MS_UNBINDABLE, true, false },
};

/* A clone is a peer of what it was made of: unless somebody asks for it, what the guest mounts on it must not show up on the host. */
static int set_propagation(const Device *d, int source_fd, int mount_fd, bool recursive, char **ret_error) {
        const char *word = d->values[DEVICE_PROPAGATION] ?: "private";
        int r;

        for (size_t i = 0; i < ELEMENTSOF(propagations); i++) {
                if (!streq(word, propagations[i].word))
                        continue;
                if (propagations[i].needs_peers) {
                        r = mount_is_shared(source_fd);
                        if (r < 0)
                                return device_error(ret_error, r, "find the mount of", d->values[DEVICE_SOURCE]);
                        if (r == 0)
                                return asprintf(ret_error, "the host's '%s' is not on a shared mount, so that Propagation=%s means nothing", d->values[DEVICE_SOURCE], word) < 0 ? -ENOMEM : -EINVAL;
                }
                if (propagations[i].type == 0)
                        return 0;
                r = mount_set_propagation(mount_fd, propagations[i].type, propagations[i].recursive || (recursive && propagations[i].type == MS_PRIVATE));
                return r < 0 ? device_error(ret_error, r, "set how mounts spread from", d->values[DEVICE_SOURCE]) : 0;
        }
        return -EINVAL;
}

static int clone_source(const Device *d, const Source *s, int *ret_fd, char **ret_error) {
        bool recursive = device_get_bool(d, DEVICE_RECURSIVE);
        _cleanup_close_ int mount_fd = -EBADF;
        uint64_t attributes = device_get_bool(d, DEVICE_READ_ONLY) ? MOUNT_ATTR_RDONLY : 0;
        int r;

        r = mount_clone(s->fd, "", recursive, &mount_fd);
        if (r < 0)
                return device_error(ret_error, r, "take the host's", d->values[DEVICE_SOURCE]);
        r = set_propagation(d, s->fd, mount_fd, recursive, ret_error);
        if (r < 0)
                return r;
        if (!S_ISCHR(s->st.st_mode))
                attributes |= MOUNT_ATTR_NODEV;
        if (attributes != 0) {
                r = mount_set_attributes(mount_fd, attributes, 0, recursive);
                if (r < 0)
                        return device_error(ret_error, r, "restrict", d->values[DEVICE_SOURCE]);
        }
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

/* Of a user's own directory that user is somebody inside, and nobody else is. */
static int set_ids(const LentContext *c, const Device *d, int mount_fd, char **ret_error) {
        const UidRange uid = { number(d, DEVICE_SOURCE_UID), c->id_base + number(d, DEVICE_UID), 1 };
        const UidRange gid = { number(d, DEVICE_SOURCE_GID), c->id_base + number(d, DEVICE_GID), 1 };
        _cleanup_close_ int userns = -EBADF;
        int r;

        if (!device_get_bool(d, DEVICE_SHIFT))
                return 0;
        if (d->values[DEVICE_SOURCE_UID]) {
                r = userns_open_maps(&uid, 1, &gid, 1, &userns);
                if (r < 0)
                        return device_error(ret_error, r, "make a map of ids for", d->values[DEVICE_SOURCE]);
        }
        /* A privileged container has the host's ids, and the files theirs. */
        if (userns < 0 && c->namespaces->fds[0] < 0)
                return 0;
        r = mount_set_idmap(mount_fd, userns >= 0 ? userns : c->namespaces->fds[0]);
        if (r == -EINVAL)
                return asprintf(ret_error, "the file system of '%s' cannot be mounted with other ids%s", d->values[DEVICE_SOURCE],
                                userns >= 0 ? "" : " (set Shift=no to have it as it is)") < 0 ? -ENOMEM : r;
        return r < 0 ? device_error(ret_error, r, "give the container's ids to", d->values[DEVICE_SOURCE]) : 0;
}

static int make_mount(const LentContext *c, const Device *d, int *ret_fd, bool *ret_directory, char **ret_error) {
        _cleanup_close_ int mount_fd = -EBADF, source_fd = -EBADF;
        bool image;
        Source s;
        int r;

        *ret_directory = true;
        if (streq(d->values[DEVICE_SOURCE], "tmpfs"))
                return make_tmpfs(c, d, ret_fd, ret_error);

        r = open_source(c, d, &s, ret_error);
        if (r != 0)
                return r;
        source_fd = s.fd;
        image = S_ISREG(s.st.st_mode) && d->values[DEVICE_FILE_SYSTEM];
        if (image || S_ISBLK(s.st.st_mode)) {
                if (d->values[DEVICE_PROPAGATION] || device_get_bool(d, DEVICE_RECURSIVE))
                        return asprintf(ret_error, "'%s' is a file system of its own and cannot have Propagation= or Recursive=", d->values[DEVICE_SOURCE]) < 0 ? -ENOMEM : -EINVAL;
                r = filesystem_mount(d, s.fd, image, &mount_fd, ret_error);
        } else if (d->values[DEVICE_FILE_SYSTEM] || d->values[DEVICE_MOUNT_OPTIONS]) {
                return asprintf(ret_error, "'%s' is no block device and no image: no FileSystem=, no MountOptions=", d->values[DEVICE_SOURCE]) < 0 ? -ENOMEM : -EINVAL;
        } else if (S_ISCHR(s.st.st_mode) && c->namespaces->fds[0] < 0) {
                return asprintf(ret_error, "'%s' is the host's own node; a privileged container gets one of its own by a device of type unix-char", d->values[DEVICE_SOURCE]) < 0 ? -ENOMEM : -EPERM;
        } else {
                r = clone_source(d, &s, &mount_fd, ret_error);
                *ret_directory = S_ISDIR(s.st.st_mode);
        }
        if (r >= 0 && !S_ISCHR(s.st.st_mode))
                r = set_ids(c, d, mount_fd, ret_error);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

static int set_root_size(const LentContext *c, uint64_t size, char **ret_error) {
        _cleanup_close_ int layer = -EBADF;
        int r;

        r = rootfs_limit_layer(c->layer, size > 0 ? size : UINT64_MAX, ret_error);
        if (r != 0)
                return r < 0 && !*ret_error ? device_error(ret_error, r, "limit the container's", "layer") : MIN_OF(r, 0);
        layer = rootfs_open_layer(c->layer, ret_error);
        return layer < 0 && *ret_error ? layer : layer < 0 ? device_error(ret_error, layer, "open the container's", "layer") : quota_set(layer, c->project, size, ret_error);
}

/* Does the host see what the guest mounts there? */
static bool is_given_back(const Device *d) {
        return streq_ptr(d->values[DEVICE_PROPAGATION], "shared") || streq_ptr(d->values[DEVICE_PROPAGATION], "rshared");
}

int disk_add(const LentContext *c, const Device *d, char **ret_error) {
        _cleanup_close_ int mount_fd = -EBADF;
        bool directory;
        uint64_t size;
        int r;

        if (device_is_root(d)) {
                r = parse_size(d->values[DEVICE_SIZE], &size);
                return r < 0 ? r : set_root_size(c, size, ret_error);
        }
        r = make_mount(c, d, &mount_fd, &directory, ret_error);
        if (r != 0)
                return r;
        /* A copy for a less privileged namespace gets mounts and gives none, and to give is what this one is for. */
        if (!is_given_back(d)) {
                r = mount_lock(&mount_fd, lent_context_userns_fd(c));
                if (r < 0)
                        return device_error(ret_error, r, "lock the mount of", d->values[DEVICE_PATH]);
        }
        r = guest_mount_attach(c->namespaces, c->event, mount_fd, d->values[DEVICE_PATH], directory);
        return r < 0 ? device_error(ret_error, r, "mount it on the container's", d->values[DEVICE_PATH]) : 0;
}

int disk_remove(const LentContext *c, const Device *d, char **ret_error) {
        int r;

        if (device_is_root(d))
                return set_root_size(c, 0, ret_error);
        r = guest_mount_detach(c->namespaces, c->event, d->values[DEVICE_PATH], false);
        return r < 0 ? device_error(ret_error, r, "unmount the container's", d->values[DEVICE_PATH]) : 0;
}
