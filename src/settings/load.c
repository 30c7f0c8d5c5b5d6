/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds a container's settings files, reads them, and merges them. */

#include "settings/load.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/file.h"
#include "settings/privileged.h"
#include "settings/profile.h"
#include "settings/syscall-name.h"

#define DROP_INS_MAX 256U

void settings_files_done(SettingsFiles *files) {
        for (size_t i = 0; i < files->n; i++)
                settings_file_free(files->items[i]);
        free(files->items);
        *files = (SettingsFiles) {};
}

static int add_file(SettingsFiles *files, const char *path, const char *text, size_t size, bool drop_in, char **ret_error) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        SettingsFile **items;
        int r;

        r = settings_file_parse_data(path, text, size, &f, ret_error);
        if (r < 0)
                return r;
        f->drop_in = drop_in;

        items = reallocarray(files->items, files->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        files->items = items;
        files->items[files->n++] = TAKE_PTR(f);
        return 0;
}

static int fail(int error, char **ret_error, const char *path, const char *reason) {
        return asprintf(ret_error, "%s: %s", path, reason) < 0 ? -ENOMEM : error;
}

/* An administrator's file: it may be a link to a file that several containers share, or to /dev/null, which makes it empty. */
static int read_drop_in(SettingsFiles *files, const char *path, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t size;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return fail(-EBADMSG, ret_error, path, strerror(errno));
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode))
                return 0;
        if (!S_ISREG(st.st_mode))
                return fail(-EBADMSG, ret_error, path, "not a regular file.");
        r = fd_read_string(fd, SETTINGS_FILE_SIZE_MAX, &text, &size);
        if (r == -E2BIG)
                return fail(-EBADMSG, ret_error, path, "the file is too large.");
        if (r < 0)
                return r;
        return add_file(files, path, text, size, true, ret_error);
}

static const char *base_name(const char *path) {
        return strrchr(path, '/') + 1;
}

static int compare_base_names(const void *a, const void *b) {
        return strcmp(base_name(*(char *const *) a), base_name(*(char *const *) b));
}

/* Adds the *.conf files of a directory, except those whose name is there already: a file in /etc stands for that of /usr/lib. */
static int list_drop_ins(const char *directory, char ***paths, char **ret_error) {
        size_t n = strv_length(*paths);
        struct dirent *de;
        DIR *d;
        int r = 0;

        d = opendir(directory);
        if (!d)
                return errno == ENOENT || errno == ENOTDIR ? 0 : fail(-EBADMSG, ret_error, directory, strerror(errno));

        while (r >= 0 && (errno = 0, de = readdir(d))) {
                bool known = false;

                if (de->d_name[0] == '.' || !endswith(de->d_name, ".conf"))
                        continue;
                STRV_FOREACH(p, *paths)
                        known = known || streq(base_name(*p), de->d_name);
                if (known)
                        continue;
                r = n++ >= DROP_INS_MAX ? fail(-EBADMSG, ret_error, directory, "too many files.") : strv_extendf(paths, "%s/%s", directory, de->d_name);
        }
        if (r >= 0 && errno > 0)
                r = -errno;
        (void) closedir(d);
        return r;
}

static int read_drop_ins(const char *const *directories, size_t n_directories, SettingsFiles *files, char **ret_error) {
        _cleanup_strv_ char **paths = NULL;
        int r;

        for (size_t i = 0; i < n_directories; i++) {
                r = list_drop_ins(directories[i], &paths, ret_error);
                if (r < 0)
                        return r;
        }
        if (paths)
                qsort(paths, strv_length(paths), sizeof *paths, compare_base_names);
        STRV_FOREACH(p, paths) {
                r = read_drop_in(files, *p, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int settings_files_read_common(const char *root, SettingsFiles *files, char **ret_error) {
        _cleanup_free_ char *etc = NULL, *vendor = NULL;
        int r;

        if (asprintf(&etc, "%s" BERTH_CONFIG_DIR "/container.conf.d", root) < 0) {
                etc = NULL;
                return -ENOMEM;
        }
        if (asprintf(&vendor, "%s" BERTH_VENDOR_DIR "/container.conf.d", root) < 0) {
                vendor = NULL;
                return -ENOMEM;
        }
        r = read_drop_ins((const char *const[]) { etc, vendor }, 2, files, ret_error);
        for (size_t i = 0; i < files->n; i++)
                files->items[i]->shared = true;
        return r;
}

int settings_files_read_drop_ins(const char *root, const char *name, SettingsFiles *files, char **ret_error) {
        _cleanup_free_ char *own = NULL;

        if (asprintf(&own, "%s" BERTH_CONFIG_DIR "/containers/%s.conf.d", root, name) < 0) {
                own = NULL;
                return -ENOMEM;
        }
        return read_drop_ins((const char *const[]) { own }, 1, files, ret_error);
}

/* Whatever else a container's name must be, it is one part of a path here. */
static bool is_path_component(const char *name) {
        return *name && strlen(name) <= 255 && !strchr(name, '/') && !streq(name, ".") && !streq(name, "..");
}

static int no_such_container(const char *name, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;

        if (string_escape(name, &escaped) < 0)
                return -ENOMEM;
        return asprintf(ret_error, "There is no container '%.80s'.", escaped) < 0 ? -ENOMEM : -ENOENT;
}

int settings_files_profiles(const SettingsFiles *files, char ***ret, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        const Setting *t;
        int r;

        r = setting_find("Profiles", &t, NULL, NULL);
        if (r >= 0)
                r = settings_new(&s);
        for (size_t i = 0; r >= 0 && i < files->n; i++) {
                const Ini *ini = &files->items[i]->ini;

                for (const IniLine *l = ini->lines; r >= 0 && l < ini->lines + ini->n_lines; l++) {
                        _cleanup_free_ char *error = NULL;

                        if (l->kind != INI_ASSIGNMENT || !streq(l->section, t->section) || !streq(l->key, t->name))
                                continue;
                        r = setting_apply(t, s, l->value, false, &error);
                        if (r == -EINVAL)
                                r = asprintf(ret_error, "%s:%u: %s", files->items[i]->name, l->number, error) < 0 ? -ENOMEM : -EBADMSG;
                }
        }
        if (r >= 0)
                *ret = TAKE_PTR(s->profiles);
        return r;
}

/* Adds the profiles that bare names, and bare itself, which is empty then. */
static int add_with_profiles(const char *root, SettingsFiles *bare, SettingsFiles *files, char **ret_error) {
        _cleanup_strv_ char **profiles = NULL;
        SettingsFile **items;
        int r;

        r = settings_files_profiles(bare, &profiles, ret_error);
        if (r < 0)
                return r;
        items = reallocarray(files->items, files->n + strv_length(profiles) + bare->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        files->items = items;
        STRV_FOREACH(p, profiles) {
                r = profile_load(root, *p, &files->items[files->n], NULL, ret_error);
                if (r == -ENOENT)
                        return asprintf(ret_error, "%s: Profiles: there is no profile '%s'.", bare->items[0]->name, *p) < 0 ? -ENOMEM : -EBADMSG;
                if (r < 0)
                        return r;
                files->n++;
        }
        memcpy(files->items + files->n, bare->items, bare->n * sizeof *items);
        files->n += bare->n;
        bare->n = 0;
        return 0;
}

int settings_files_read_own(const char *root, const char *name, SettingsFiles *files, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles bare = {};
        int r;

        r = settings_files_read_bare(root, name, &bare, ret_error);
        return r < 0 ? r : add_with_profiles(root, &bare, files, ret_error);
}

int settings_files_read_bare(const char *root, const char *name, SettingsFiles *files, char **ret_error) {
        _cleanup_free_ char *directory = NULL, *path = NULL, *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size;
        int r;

        if (!is_path_component(name))
                return no_such_container(name, ret_error);

        if (asprintf(&directory, "%s" BERTH_STATE_DIR "/containers/%s", root, name) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        if (asprintf(&path, "%s/container.conf", directory) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? no_such_container(name, ret_error) :
                                                                               fail(-errno, ret_error, directory, strerror(errno));
        r = path_read(fd, "container.conf", SETTINGS_FILE_SIZE_MAX, &text, &size);
        if (r == -ENOENT)
                return no_such_container(name, ret_error);
        if (r == -E2BIG || r == -EBADMSG)
                return fail(-EBADMSG, ret_error, path, r == -E2BIG ? "the file is too large." : "not a regular file.");
        if (r < 0)
                return fail(r, ret_error, path, strerror(-r));
        r = add_file(files, path, text, size, false, ret_error);
        if (r < 0)
                return r;
        return settings_files_read_drop_ins(root, name, files, ret_error);
}

bool settings_files_have_units(const SettingsFiles *files) {
        for (size_t i = 0; i < files->n; i++) {
                const Ini *ini = &files->items[i]->ini;

                for (size_t j = 0; j < ini->n_lines; j++)
                        if (ini->lines[j].kind == INI_ASSIGNMENT && setting_is_for_units(ini->lines[j].section, ini->lines[j].key))
                                return true;
        }
        return false;
}

bool settings_have_units(const Settings *s) {
        return s->unit_dependencies || s->unit_lines || s->autostart || s->snapshot_schedule;
}

int settings_files_merge(const SettingsFiles *common, const SettingsFiles *own, bool only_units, Settings **ret, char **ret_error) {
        const SettingsFiles *const groups[] = { common, own };
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ bool *seen = NULL;
        int r;

        seen = calloc(n_settings_table, sizeof *seen);
        if (!seen)
                return -ENOMEM;
        r = settings_new(&s);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(groups); i++)
                for (size_t j = 0; j < groups[i]->n; j++) {
                        r = settings_file_apply(groups[i]->items[j], only_units, s, seen, ret_error);
                        if (r < 0)
                                return r;
                }
        r = s->raw_seccomp ? raw_policy_check(s->raw_seccomp, ret_error) : 0;
        if (r == -EINVAL)
                return -EBADMSG;
        if (r < 0)
                return r;
        r = devices_check(&s->devices, ret_error);
        if (r >= 0)
                r = devices_set_priority(&s->devices, s->network_priority);
        if (r < 0)
                return r;
        r = privileged_check(s, ret_error);
        if (r < 0)
                return r == -EINVAL ? -EBADMSG : r;
        *ret = TAKE_PTR(s);
        return 0;
}

static int settings_files_read(const char *root, const char *name, SettingsFiles *files, char **ret_error) {
        int r;

        r = settings_files_read_common(root, files, ret_error);
        if (r < 0)
                return r;
        return settings_files_read_own(root, name, files, ret_error);
}

/* Every failure leaves a sentence, that of what went wrong below if there is one. */
static int finish(int r, const char *name, char **error, char **ret_error) {
        if (r < 0 && !*error && asprintf(error, "Cannot read the settings of '%s': %s", name, strerror(-r)) < 0)
                *error = NULL;
        if (r < 0 && ret_error)
                *ret_error = TAKE_PTR(*error);
        return r;
}

int settings_load(const char *name, Settings **ret, char **ret_error) {
        return settings_load_at("", name, ret, ret_error);
}

int settings_load_at(const char *root, const char *name, Settings **ret, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles files = {};
        _cleanup_free_ char *error = NULL;
        int r;

        assert(root);
        assert(name);
        assert(ret);

        r = settings_files_read(root, name, &files, &error);
        if (r >= 0)
                r = settings_files_merge(&files, &(SettingsFiles) {}, false, ret, &error);
        return finish(r, name, &error, ret_error);
}

int settings_load_with(const char *name, const SettingsFile *own, Settings **ret, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles files = {}, bare = {};
        _cleanup_free_ char *error = NULL, *text = NULL;
        int r;

        r = settings_file_print(own, &text);
        if (r >= 0)
                r = settings_files_read_common("", &files, &error);
        if (r >= 0)
                r = add_file(&bare, "container.conf", text, strlen(text), false, &error);
        if (r >= 0)
                r = settings_files_read_drop_ins("", name, &bare, &error);
        if (r >= 0)
                r = add_with_profiles("", &bare, &files, &error);
        if (r >= 0)
                r = settings_files_merge(&files, &(SettingsFiles) {}, false, ret, &error);
        return finish(r, name, &error, ret_error);
}

/* What holds of a device in the end, and where it was said. */
static void print_device(const Device *d, const SettingsFiles *files, FILE *f, bool with_source) {
        for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++) {
                const char *file = NULL;
                unsigned number = 0;

                if (!d->values[k])
                        continue;
                for (size_t i = 0; i < files->n; i++)
                        for (const IniLine *l = files->items[i]->ini.lines; l < files->items[i]->ini.lines + files->items[i]->ini.n_lines; l++) {
                                const char *name = l->kind == INI_ASSIGNMENT ? startswith(l->section, DEVICE_SECTION) : NULL;

                                if (name && streq(name, d->name) && streq(l->key, device_key_name(k))) {
                                        file = files->items[i]->name;
                                        number = l->number;
                                }
                        }
                fprintf(f, "Device.%s.%s=%s", d->name, device_key_name(k), d->values[k]);
                if (with_source && file)
                        fprintf(f, "  # %s:%u", file, number);
                fputc('\n', f);
        }
}

/* The assignments that hold for one key in the end. */
static int print_setting(const Setting *t, const Settings *s, const SettingsFiles *files, FILE *f, bool with_source) {
        _cleanup_strv_ char **lines = NULL;
        _cleanup_free_ char *result = NULL;
        int r;

        /* Assignments that change what was before say little each by itself. */
        if (t->type->verbatim) {
                r = t->type->print(t, s, &result);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < files->n; i++) {
                const Ini *ini = &files->items[i]->ini;

                for (const IniLine *l = ini->lines; l < ini->lines + ini->n_lines; l++) {
                        if (l->kind != INI_ASSIGNMENT || !streq(l->section, t->section) || !streq(l->key, t->name))
                                continue;
                        if (!t->type->list || result || !*l->value)
                                lines = strv_free(lines);
                        if (!*l->value)
                                continue;
                        r = with_source ? strv_extendf(&lines, "%s.%s=%s  # %s:%u", t->section, t->name, result ?: l->value, files->items[i]->name, l->number)
                                        : strv_extendf(&lines, "%s.%s=%s", t->section, t->name, result ?: l->value);
                        if (r < 0)
                                return r;
                }
        }
        if (!lines && t->fallback)
                fprintf(f, with_source ? "%s.%s=%s  # default\n" : "%s.%s=%s\n", t->section, t->name, t->fallback);
        STRV_FOREACH(l, lines)
                fprintf(f, "%s\n", *l);
        return 0;
}

int settings_print_effective(const char *name, FILE *f, bool with_source, char **ret_error) {
        return settings_print_effective_at("", name, f, with_source, ret_error);
}

int settings_print_effective_at(const char *root, const char *name, FILE *f, bool with_source, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles files = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = settings_files_read(root, name, &files, &error);
        if (r >= 0)
                r = settings_files_merge(&files, &(SettingsFiles) {}, false, &s, &error);
        for (const Setting *t = settings_table; r >= 0 && t < settings_table + n_settings_table; t++)
                r = print_setting(t, s, &files, f, with_source);
        for (size_t i = 0; r >= 0 && i < s->devices.n; i++)
                print_device(&s->devices.items[i], &files, f, with_source);
        if (r >= 0 && ferror(f))
                r = -EIO;
        return finish(r, name, &error, ret_error);
}
