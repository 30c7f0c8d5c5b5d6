/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/store.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "containerd/limits.h"
#include "containerd/record.h"
#include "settings/settings.h"
#include "shared/image-archive.h"
#include "shared/image-yaml.h"
#include "shared/names.h"

#define IMAGE_CONF_SIZE_MAX (256U * 1024U)
#define NEW_PREFIX ".new-"

static inline DIR *directory_close(DIR *d) {
        (void) closedir(d);
        return NULL;
}
DEFINE_CLEANUP(DIR *, directory_close)

void container_record_done(ContainerRecord *r) {
        free(r->image);
        free(r->uuid);
        free(r->store);
        free(r->description);
        *r = (ContainerRecord) {};
}

void image_record_done(ImageRecord *r) {
        free(r->type);
        free(r->architecture);
        free(r->description);
        free(r->operating_system);
        free(r->archives);
        free(r->remote);
        free(r->remote_image);
        free(r->source);
        strv_free(r->properties);
        *r = (ImageRecord) {};
}

static int open_directory(const char *name) {
        _cleanup_free_ char *path = NULL;
        int fd;

        if (asprintf(&path, BERTH_STATE_DIR "/%s", name) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int store_open_containers(void) {
        return open_directory(DIR_CONTAINERS);
}

int store_open_images(void) {
        return open_directory(DIR_IMAGES);
}

static int list_names(const char *directory, bool (*wanted)(const char *), size_t max, char ***ret) {
        _cleanup_(directory_closep) DIR *d = NULL;
        _cleanup_free_ char **names = NULL;
        size_t n = 0, room = 0;
        struct dirent *de;
        int fd, r = 0;

        fd = open_directory(directory);
        if (fd == -ENOENT)
                return *ret = NULL, 0;
        if (fd < 0)
                return fd;
        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                (void) close(fd);
                return r;
        }

        while ((errno = 0, de = readdir(d))) {
                if ((de->d_type != DT_DIR && de->d_type != DT_UNKNOWN) || !wanted(de->d_name))
                        continue;
                if (n >= max) {
                        log_warning("There are more than %zu entries in '%s', the rest is left out", max, directory);
                        break;
                }
                if (n + 1 >= room) {
                        char **l;

                        room = MAX_OF(room * 2, (size_t) 64);
                        l = reallocarray(names, room, sizeof(char *));
                        if (!l) {
                                r = -ENOMEM;
                                break;
                        }
                        names = l;
                }
                names[n] = strdup(de->d_name);
                if (!names[n]) {
                        r = -ENOMEM;
                        break;
                }
                names[++n] = NULL;
        }
        if (r == 0 && !de && errno > 0)
                r = -errno;
        if (r < 0) {
                strv_free(TAKE_PTR(names));
                return r;
        }
        *ret = TAKE_PTR(names);
        return 0;
}

int store_list_containers(char ***ret) {
        return list_names(DIR_CONTAINERS, container_name_valid, CONTAINERS_MAX, ret);
}

int store_list_images(char ***ret) {
        return list_names(DIR_IMAGES, fingerprint_valid, IMAGES_MAX, ret);
}

static bool has_directory(const char *parent, const char *name) {
        _cleanup_close_ int fd = open_directory(parent);
        struct stat st;

        return fd >= 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISDIR(st.st_mode);
}

bool store_has_container(const char *name) {
        return has_directory(DIR_CONTAINERS, name);
}

bool store_has_image(const char *fingerprint) {
        return has_directory(DIR_IMAGES, fingerprint);
}

/* 0: unchanged since the stamp; 1: *ret_text is the new content and the stamp is that of it. */
static int read_changed(int dir_fd, const char *path, StoreStamp *stamp, size_t max_bytes, char **ret_text) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        StoreStamp now;
        int r;

        fd = path_open_beneath(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (fd < 0)
                return fd == -ELOOP ? -EBADMSG : fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;

        now = (StoreStamp) { .device = st.st_dev, .inode = st.st_ino, .modified = st.st_mtim, .size = st.st_size };
        if (stamp && stamp->inode == now.inode && stamp->device == now.device && stamp->size == now.size &&
            stamp->modified.tv_sec == now.modified.tv_sec && stamp->modified.tv_nsec == now.modified.tv_nsec)
                return 0;

        r = fd_read_string(fd, max_bytes, ret_text, NULL);
        if (stamp)
                *stamp = now;
        return r < 0 ? (r == -E2BIG ? -EBADMSG : r) : 1;
}

static int set_number(const char *value, uint64_t max, uint64_t *ret) {
        return parse_u64(value, max, ret) < 0 ? -EBADMSG : 0;
}

static int container_field(const char *section, const char *key, const char *value, void *userdata) {
        ContainerRecord *c = userdata;
        uint64_t number;
        int r = 0;

        if (streq(section, "Security") && streq(key, "Privileged"))
                c->names_privileged = true;
        if (!streq(section, "Container"))
                return 0;
        if (streq(key, "Image"))
                return fingerprint_valid(value) ? free_and_strdup(&c->image, value) : -EBADMSG;
        if (streq(key, "UUID"))
                return free_and_strdup(&c->uuid, value);
        if (streq(key, "Store"))
                return free_and_strdup(&c->store, value);
        if (streq(key, "Description"))
                return free_and_strdup(&c->description, value);
        if (streq(key, "CreatedUSec"))
                return set_number(value, UINT64_MAX, &c->created_usec);
        if (streq(key, "StartBeforeUSec"))
                return set_number(value, UINT64_MAX, &c->start_before_usec);
        if (streq(key, "Owner")) {
                r = set_number(value, UINT32_MAX - 1, &number);
                if (r >= 0)
                        c->owner = (uid_t) number;
        } else if (streq(key, "UIDBase")) {
                r = set_number(value, UINT32_MAX, &number);
                if (r >= 0)
                        c->uid_base = (uint32_t) number;
        } else if (streq(key, "Encrypted")) {
                r = parse_bool(value);
                c->encrypted = r > 0;
        } else if (streq(key, "Ephemeral")) {
                r = parse_bool(value);
                if (r < 0)
                        return -EBADMSG;
                c->ephemeral = r;
        }
        return r < 0 ? r : 0;
}

int store_read_container(int containers_fd, const char *name, StoreStamp *stamp, ContainerRecord *record) {
        _cleanup_(container_record_done) ContainerRecord c = {};
        _cleanup_free_ char *text = NULL, *path = NULL;
        int r;

        assert(name && record);

        if (asprintf(&path, "%s/container.conf", name) < 0)
                return -ENOMEM;
        r = read_changed(containers_fd, path, stamp, SETTINGS_FILE_SIZE_MAX, &text);
        if (r == 0 || (r < 0 && r != -EBADMSG))
                return r;
        if (r > 0)
                r = record_walk(text, container_field, &c);
        if (r == -ENOMEM)
                return r;
        container_record_done(record);
        *record = c;
        c = (ContainerRecord) {};
        return r < 0 ? -EBADMSG : 1;
}

static int image_field(const char *section, const char *key, const char *value, void *userdata) {
        ImageRecord *i = userdata;

        const struct {
                const char *key;
                char **text;
                uint64_t *number;
        } fields[] = {
                { "Type", &i->type, NULL },
                { "Architecture", &i->architecture, NULL },
                { "Description", &i->description, NULL },
                { "OperatingSystem", &i->operating_system, NULL },
                { "Archives", &i->archives, NULL },
                { "Remote", &i->remote, NULL },
                { "RemoteImage", &i->remote_image, NULL },
                { "Source", &i->source, NULL },
                { "CreatedUSec", NULL, &i->created_usec },
                { "ExpiresUSec", NULL, &i->expires_usec },
                { "UploadedUSec", NULL, &i->uploaded_usec },
                { "SizeBytes", NULL, &i->size_bytes },
                { "RootfsBytes", NULL, &i->rootfs_bytes },
        };
        const struct {
                const char *key;
                bool *flag;
        } flags[] = { { "Public", &i->public }, { "AutoUpdate", &i->auto_update }, { "Cached", &i->cached } };
        uint64_t number;
        int r;

        if (streq(section, "Properties"))
                return strv_extendf(&i->properties, "%s=%s", key, value);
        if (!streq(section, "Image"))
                return 0;
        if (streq(key, "Owner")) {
                r = set_number(value, UINT32_MAX - 1, &number);
                if (r >= 0)
                        i->owner = (uid_t) number;
                return r;
        }
        for (size_t k = 0; k < ELEMENTSOF(flags); k++)
                if (streq(key, flags[k].key)) {
                        r = parse_bool(value);
                        *flags[k].flag = r > 0;
                        return r < 0 ? -EBADMSG : 0;
                }
        for (size_t k = 0; k < ELEMENTSOF(fields); k++)
                if (streq(key, fields[k].key))
                        return fields[k].text ? free_and_strdup(fields[k].text, value)
                                              : set_number(value, UINT64_MAX, fields[k].number);
        return 0;
}

int store_read_image(int images_fd, const char *fingerprint, StoreStamp *stamp, ImageRecord *record) {
        _cleanup_(image_record_done) ImageRecord i = {};
        _cleanup_free_ char *text = NULL, *path = NULL;
        int r;

        assert(fingerprint && record);

        if (asprintf(&path, "%s/image.conf", fingerprint) < 0)
                return -ENOMEM;
        r = read_changed(images_fd, path, stamp, IMAGE_CONF_SIZE_MAX, &text);
        if (r == 0 || (r < 0 && r != -EBADMSG))
                return r;
        if (r > 0)
                r = record_walk(text, image_field, &i);
        if (r == -ENOMEM)
                return r;
        image_record_done(record);
        *record = i;
        i = (ImageRecord) {};
        return r < 0 ? -EBADMSG : 1;
}

static int open_image(const char *fingerprint) {
        _cleanup_close_ int images = store_open_images();

        return images < 0 ? images : path_open_beneath(images, fingerprint, O_RDONLY | O_DIRECTORY, 0);
}

uint64_t store_image_used_usec(const char *fingerprint) {
        _cleanup_close_ int fd = open_image(fingerprint);
        struct stat st;

        if (fd < 0 || fstatat(fd, IMAGE_USED_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        return (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC + (uint64_t) st.st_mtim.tv_nsec / NSEC_PER_USEC;
}

int store_open_image_archive(const char *fingerprint, size_t i) {
        _cleanup_close_ int fd = open_image(fingerprint);

        return fd < 0 ? fd : path_open_beneath(fd, image_archive_file(i), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
}

int store_image_text(const char *fingerprint, const ImageRecord *record, char **ret) {
        _cleanup_(image_templates_done) ImageTemplates templates = {};
        _cleanup_close_ int fd = open_image(fingerprint);
        int r;

        if (fd < 0)
                return fd;
        r = image_templates_read(fd, &templates);
        if (r < 0)
                return r;
        return image_yaml_print(&(ImageYaml) {
                .architecture = record->architecture,
                .created_usec = record->created_usec,
                .expires_usec = record->expires_usec,
                .properties = record->properties,
                .templates = &templates,
                .public = record->public,
        }, ret);
}

int store_read_container_text(const char *name, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;

        fd = store_open_containers();
        if (fd < 0)
                return fd;
        if (asprintf(&path, "%s/container.conf", name) < 0)
                return -ENOMEM;
        return path_read(fd, path, SETTINGS_FILE_SIZE_MAX, ret, NULL);
}

bool store_container_was_started(const char *name) {
        _cleanup_close_ int fd = store_open_containers();
        _cleanup_free_ char *path = NULL;

        return fd >= 0 && asprintf(&path, "%s/personalised", name) >= 0 && faccessat(fd, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

static int read_alias_at(int aliases_fd, const char *file_name, char **ret_fingerprint) {
        char target[FINGERPRINT_LENGTH + sizeof "../" DIR_IMAGES "/"];
        const char *fingerprint;
        ssize_t n;

        n = readlinkat(aliases_fd, file_name, target, sizeof target);
        if (n < 0)
                return errno == EINVAL ? -EBADMSG : -errno;
        if ((size_t) n >= sizeof target)
                return -EBADMSG;
        target[n] = 0;
        fingerprint = startswith(target, "../" DIR_IMAGES "/");
        if (!fingerprint || !fingerprint_valid(fingerprint))
                return -EBADMSG;
        return (*ret_fingerprint = strdup(fingerprint)) ? 0 : -ENOMEM;
}

int store_read_alias(const char *alias, char **ret_fingerprint) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *file_name = NULL;
        int r;

        r = alias_to_file_name(alias, &file_name);
        if (r < 0)
                return r == -EINVAL ? -ENOENT : r;
        fd = open_directory(DIR_ALIASES);
        if (fd < 0)
                return fd;
        return read_alias_at(fd, file_name, ret_fingerprint);
}

StoreAlias *store_aliases_free(StoreAlias *aliases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(aliases[i].alias);
                free(aliases[i].fingerprint);
        }
        free(aliases);
        return NULL;
}

static int compare_aliases(const void *a, const void *b) {
        return strcmp(((const StoreAlias *) a)->alias, ((const StoreAlias *) b)->alias);
}

int store_list_aliases(StoreAlias **ret, size_t *ret_n) {
        _cleanup_(directory_closep) DIR *d = NULL;
        StoreAlias *aliases = NULL;
        size_t n = 0, room = 0;
        struct dirent *de;
        int fd, r = 0;

        fd = open_directory(DIR_ALIASES);
        if (fd == -ENOENT)
                return *ret = NULL, *ret_n = 0, 0;
        if (fd < 0)
                return fd;
        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                (void) close(fd);
                return r;
        }

        while (n < ALIASES_MAX && (de = readdir(d))) {
                _cleanup_free_ char *alias = NULL, *fingerprint = NULL;

                if (alias_from_file_name(de->d_name, &alias) < 0 || read_alias_at(dirfd(d), de->d_name, &fingerprint) < 0)
                        continue;
                if (n >= room) {
                        StoreAlias *p;

                        room = MAX_OF(room * 2, (size_t) 16);
                        p = reallocarray(aliases, room, sizeof *p);
                        if (!p) {
                                store_aliases_free(aliases, n);
                                return -ENOMEM;
                        }
                        aliases = p;
                }
                aliases[n++] = (StoreAlias) { .alias = TAKE_PTR(alias), .fingerprint = TAKE_PTR(fingerprint) };
        }

        if (n > 0)
                qsort(aliases, n, sizeof *aliases, compare_aliases);
        *ret = aliases;
        *ret_n = n;
        return 0;
}

int store_resolve_image(const char *reference, char **ret_fingerprint, char ***ret_candidates) {
        _cleanup_strv_ char **images = NULL, **found = NULL;
        _cleanup_free_ char *fingerprint = NULL;
        int r;

        assert(reference && ret_fingerprint);

        /* An alias comes first: somebody chose it. */
        r = store_read_alias(reference, &fingerprint);
        if (r >= 0 && store_has_image(fingerprint)) {
                *ret_fingerprint = TAKE_PTR(fingerprint);
                return 0;
        }
        if (r == -ENOMEM)
                return r;
        if (!fingerprint_prefix_valid(reference))
                return -ENOENT;

        r = store_list_images(&images);
        if (r < 0)
                return r;
        STRV_FOREACH(i, images)
                if (startswith(*i, reference)) {
                        r = strv_extend(&found, *i);
                        if (r < 0)
                                return r;
                }
        if (!found)
                return -ENOENT;
        if (found[1]) {
                if (ret_candidates)
                        *ret_candidates = TAKE_PTR(found);
                return -ENOTUNIQ;
        }
        return (*ret_fingerprint = strdup(found[0])) ? 0 : -ENOMEM;
}

int store_debris(StoreDebrisFound found, void *userdata) {
        static const struct {
                const char *directory, *prefix;
        } places[] = {
                { DIR_IMAGES, NEW_PREFIX },
                { DIR_CONTAINERS, NEW_PREFIX },
                { DIR_TRASH, "" },
        };
        int n = 0;

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_(directory_closep) DIR *d = NULL;
                struct dirent *de;
                int fd;

                fd = open_directory(places[i].directory);
                if (fd < 0)
                        continue;
                d = fdopendir(fd);
                if (!d) {
                        (void) close(fd);
                        continue;
                }
                while ((de = readdir(d))) {
                        const char *id = startswith(de->d_name, places[i].prefix);

                        if (!id || streq(de->d_name, ".") || streq(de->d_name, ".."))
                                continue;
                        n++;
                        found((unsigned) strtoul(id, NULL, 10), userdata);
                }
        }
        return n;
}
