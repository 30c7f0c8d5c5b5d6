/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/profile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "settings/file.h"
#include "settings/load.h"

static const char *const directories[] = { BERTH_CONFIG_DIR "/" PROFILES_DIR, BERTH_VENDOR_DIR "/" PROFILES_DIR };

bool profile_name_valid(const char *name) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        size_t n = strlen(name);

        return n > 0 && n <= PROFILE_NAME_MAX && strchr(letters, name[0]) && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static int parse(const char *path, const void *data, size_t size, SettingsFile **ret, char **ret_error) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        int r;

        r = settings_file_parse_data(path, data, size, &f, ret_error);
        if (r < 0)
                return r;
        f->drop_in = f->profile = f->shared = true;
        r = settings_file_check(f, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

int profile_parse(const char *file_name, const char *text, SettingsFile **ret, char **ret_error) {
        return parse(file_name, text, strlen(text), ret, ret_error);
}

int profile_load(const char *root, const char *name, SettingsFile **ret, char **ret_path, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t size;
        int r;

        if (!profile_name_valid(name))
                return -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(directories) && fd < 0; i++) {
                path = (free(path), NULL);
                if (asprintf(&path, "%s%s/%s.conf", root, directories[i], name) < 0)
                        return path = NULL, -ENOMEM;
                fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
                if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
                        return -errno;
        }
        if (fd < 0)
                return -ENOENT;
        r = fd_read_string(fd, SETTINGS_FILE_SIZE_MAX, &text, &size);
        if (r == -E2BIG)
                return asprintf(ret_error, "%s: the file is too large.", path) < 0 ? -ENOMEM : -EBADMSG;
        if (r >= 0)
                r = parse(path, text, size, ret, ret_error);
        if (r >= 0 && ret_path)
                *ret_path = TAKE_PTR(path);
        return r;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int profile_list(const char *root, char ***ret) {
        _cleanup_strv_ char **names = NULL;
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = NULL;
                struct dirent *de;
                DIR *d;

                if (asprintf(&path, "%s%s", root, directories[i]) < 0)
                        return path = NULL, -ENOMEM;
                d = opendir(path);
                if (!d)
                        continue;
                while (r >= 0 && n < PROFILES_ALL_MAX && (de = readdir(d))) {
                        const char *end = endswith(de->d_name, ".conf");
                        _cleanup_free_ char *name = end ? strndup(de->d_name, (size_t) (end - de->d_name)) : NULL;

                        if (!name || !profile_name_valid(name) || strv_find(names, name))
                                continue;
                        r = strv_extend(&names, name);
                        n++;
                }
                (void) closedir(d);
                if (r < 0)
                        return r;
        }
        if (names)
                qsort(names, strv_length(names), sizeof *names, compare);
        *ret = TAKE_PTR(names);
        return 0;
}

static const char *profile_value(const SettingsFile *f, const char *key) {
        const char *value = NULL;

        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++)
                if (l->kind == INI_ASSIGNMENT && streq(l->section, PROFILE_SECTION) && streq(l->key, key))
                        value = *l->value ? l->value : NULL;
        return value;
}

char *profile_description(const SettingsFile *f) {
        const char *value = profile_value(f, "Description");

        return value ? strdup(value) : NULL;
}

bool profile_is_for_owners(const SettingsFile *f) {
        const char *value = profile_value(f, "OwnersMayAssign");

        return value && parse_bool(value) > 0;
}

int profile_owner_may_assign(const SettingsFile *f, const char **ret_key) {
        if (profile_is_for_owners(f))
                return 1;
        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++) {
                if (l->kind != INI_ASSIGNMENT || streq(l->section, PROFILE_SECTION))
                        continue;
                if (settings_line_is_owner_settable(l->section, l->key, l->value) <= 0) {
                        *ret_key = l->key;
                        return 0;
                }
        }
        return 1;
}

int profile_list_of_container(const char *root, const char *container, char ***ret, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles files = {};
        int r;

        r = settings_files_read_bare(root, container, &files, ret_error);
        return r < 0 ? r : settings_files_profiles(&files, ret, ret_error);
}

bool profiles_have_units(const char *root, const char *names) {
        _cleanup_free_ char *copy = strdup(names);

        for (char *rest = copy, *name; (name = strsep(&rest, " ,"));) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_free_ char *error = NULL;

                if (profile_load(root, name, &f, NULL, &error) < 0)
                        continue;
                for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++)
                        if (l->kind == INI_ASSIGNMENT && setting_is_for_units(l->section, l->key))
                                return true;
        }
        return false;
}
