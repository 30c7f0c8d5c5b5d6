/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/ini.h"
#include "settings/quantity.h"
#include "shared/names.h"
#include "storage/luks.h"

#define FILE_SIZE_MAX (16U * 1024U)
#define SECTION "Store"
#define STORES_MAX 256U

static const char *const directories[] = { BERTH_CONFIG_DIR "/" STORES_DIR, BERTH_VENDOR_DIR "/" STORES_DIR };

static const StorageType *const types[] = {
        &storage_overlay,
        &storage_directory,
        &storage_btrfs,
        &storage_luks,
        &storage_lvm,
        &storage_zfs,
};

const StorageType *storage_type_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (streq(types[i]->name, name))
                        return types[i];
        return NULL;
}

bool storage_name_valid(const char *name) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
        size_t n = strlen(name);

        return n > 0 && n <= STORAGE_NAME_MAX && strspn(name, allowed) == n && !strchr("._-", name[0]);
}

Storage *storage_free(Storage *s) {
        if (!s)
                return NULL;
        free(s->name);
        free(s->path);
        free(s->dataset);
        free(s->group);
        free(s->pool);
        free(s);
        return NULL;
}

int storage_fail(char **ret_error, int error, const char *format, ...) {
        char *text;
        va_list ap;
        int r;

        error = error < 0 ? -error : error;
        errno = error;
        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return -ENOMEM;
        free(*ret_error);
        *ret_error = text;
        return -error;
}

static int take_path(Storage *s, char **to, const char *value) {
        return *value == '/' ? free_and_strdup(to, value) : -EINVAL;
}

static int take_text(Storage *s, char **to, const char *value) {
        return *value && *value != '-' && !strpbrk(value, " \t,@") ? free_and_strdup(to, value) : -EINVAL;
}

typedef struct StoreKey {
        const char *name;
        size_t offset;
        int (*take)(Storage *s, char **to, const char *value);
        const char *expects;
} StoreKey;

static const StoreKey keys[] = {
        { "Path",        offsetof(Storage, path),    take_path, "an absolute path" },
        { "Dataset",     offsetof(Storage, dataset), take_text, "a dataset, POOL or POOL/NAME" },
        { "VolumeGroup", offsetof(Storage, group),   take_text, "the name of a volume group" },
        { "ThinPool",    offsetof(Storage, pool),    take_text, "the name of a thin pool" },
};

int storage_set(Storage *s, const char *key, const char *value, char **ret_error) {
        const char *expects = NULL;
        int r = -ENOENT;

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (streq(key, keys[i].name)) {
                        expects = keys[i].expects;
                        r = keys[i].take(s, (char **) ((char *) s + keys[i].offset), value);
                }
        if (streq(key, "Type")) {
                expects = "a type of stores";
                s->type = storage_type_find(value);
                r = s->type ? 0 : -EINVAL;
        } else if (streq(key, "VolumeSize")) {
                expects = "a size, as in 10G";
                r = parse_size(value, &s->size);
        }
        if (r == -ENOENT)
                return storage_fail(ret_error, EBADMSG, "There is no key '%s' of stores.", key);
        if (r == -EINVAL || r == -ERANGE)
                return storage_fail(ret_error, EBADMSG, "%s: '%s' is not %s.", key, value, expects);
        return r < 0 ? r : 0;
}

static int take_line(Storage *s, const char *file, const IniLine *l, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (!l->section || !streq(l->section, SECTION))
                return storage_fail(ret_error, EBADMSG, "%s:%u: There is no such section, only [" SECTION "].", file, l->number);
        r = storage_set(s, l->key, l->value, &error);
        return r < 0 && error ? storage_fail(ret_error, r, "%s:%u: %s", file, l->number, error) : r;
}

static int parse(Storage *s, const char *file, const char *text, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        Ini ini = {};
        int r;

        r = ini_parse(&ini, text, &error);
        if (r == -EBADMSG)
                r = storage_fail(ret_error, EBADMSG, "%s:%s", file, error);
        for (size_t i = 0; r >= 0 && i < ini.n_lines; i++)
                if (ini.lines[i].kind == INI_ASSIGNMENT)
                        r = take_line(s, file, ini.lines + i, ret_error);
        ini_done(&ini);
        if (r >= 0 && !s->type)
                return storage_fail(ret_error, EBADMSG, "%s: There is no Type=.", file);
        return r;
}

static int new(const char *name, const StorageType *type, const char *path, Storage **ret) {
        Storage *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        s->type = type;
        s->name = strdup(name);
        s->path = path ? strdup(path) : NULL;
        if (!s->name || (path && !s->path)) {
                storage_free(s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

int storage_new(const char *name, const char *type, Storage **ret, char **ret_error) {
        _cleanup_(storage_freep) Storage *s = NULL;
        int r;

        if (!storage_name_valid(name) || streq(name, STORAGE_DEFAULT))
                return storage_fail(ret_error, EINVAL, "That is no name for a store: letters, digits, '.', '_' and '-', up to %u of them, and not '" STORAGE_DEFAULT "'.", STORAGE_NAME_MAX);
        r = new(name, NULL, NULL, &s);
        if (r >= 0)
                r = storage_set(s, "Type", type, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

int storage_print(const Storage *s, char **ret) {
        _cleanup_strv_ char **lines = NULL;
        int r;

        r = strv_extendf(&lines, "[" SECTION "]\nType=%s", s->type->name);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(keys); i++) {
                const char *value = *(char *const *) ((const char *) s + keys[i].offset);

                r = value ? strv_extendf(&lines, "%s=%s", keys[i].name, value) : 0;
        }
        if (r >= 0 && s->size > 0)
                r = strv_extendf(&lines, "VolumeSize=%llu", (unsigned long long) s->size);
        if (r >= 0)
                r = strv_extend(&lines, "");
        return r < 0 ? r : strv_join(lines, "\n", ret);
}

const char *storage_place(const Storage *s) {
        return s->path ?: s->dataset ?: s->group;
}

int storage_load_default(const StorageType *type, Storage **ret) {
        return new(STORAGE_DEFAULT, type, type == &storage_overlay ? BERTH_STATE_DIR : BERTH_STATE_DIR "/stores/" STORAGE_DEFAULT, ret);
}

static int load_at(const char *directory, const char *name, Storage **ret, char **ret_error) {
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_free_ char *file = NULL, *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        if (asprintf(&file, "%s/%s.conf", directory, name) < 0) {
                file = NULL;
                return -ENOMEM;
        }
        fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOTDIR ? -ENOENT : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        /* A link to /dev/null takes away what came with a package. */
        if (!S_ISREG(st.st_mode))
                return -ENODATA;
        r = fd_read_string(fd, FILE_SIZE_MAX, &text, NULL);
        if (r >= 0)
                r = new(name, NULL, NULL, &s);
        if (r >= 0)
                r = parse(s, file, text, ret_error);
        if (r >= 0 && s->type == &storage_overlay)
                r = storage_fail(ret_error, EBADMSG, "%s: The overlay store is the state directory's own and needs no file; type 'directory' is for others.", file);
        if (r < 0)
                return *ret_error ? r : storage_fail(ret_error, r, "The store's file '%s' cannot be read: %m", file);
        *ret = TAKE_PTR(s);
        return 0;
}

int storage_load(const char *name, Storage **ret, char **ret_error) {
        struct statfs f;
        int r = -ENOENT;

        if (streq(name, STORAGE_DEFAULT)) {
                bool btrfs = statfs(BERTH_STATE_DIR, &f) >= 0 && (unsigned long) f.f_type == BTRFS_SUPER_MAGIC;

                return storage_load_default(btrfs ? &storage_btrfs : &storage_overlay, ret);
        }
        for (size_t i = 0; r == -ENOENT && storage_name_valid(name) && i < ELEMENTSOF(directories); i++)
                r = load_at(directories[i], name, ret, ret_error);
        if (r == -ENOENT && streq(name, STORAGE_ENCRYPTED))
                return new(name, &storage_luks, NULL, ret);
        if (r == -ENOENT || r == -ENODATA)
                return storage_name_valid(name) ? storage_fail(ret_error, ENOENT, "There is no store '%s'.", name) : storage_fail(ret_error, ENOENT, "There is no store of that name.");
        return r;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int storage_list(char ***ret) {
        _cleanup_strv_ char **names = NULL;
        int r;

        r = strv_extend(&names, STORAGE_DEFAULT);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++) {
                DIR *d = opendir(directories[i]);
                struct dirent *de;

                while (d && r >= 0 && (de = readdir(d)) && strv_length(names) < STORES_MAX) {
                        const char *end = endswith(de->d_name, ".conf");
                        _cleanup_free_ char *name = end ? strndup(de->d_name, (size_t) (end - de->d_name)) : NULL;

                        if (name && storage_name_valid(name) && !strv_find(names, name))
                                r = strv_extend(&names, name);
                }
                if (d)
                        (void) closedir(d);
        }
        if (r < 0)
                return r;
        qsort(names + 1, strv_length(names) - 1, sizeof *names, compare);
        *ret = TAKE_PTR(names);
        return 0;
}
