/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/file.h"

#include <assert.h>
#include <stdio.h>

#include "basic/strv.h"
#include "settings/device-file.h"
#include "settings/lxd.h"
#include "settings/profile.h"
#include "settings/quote.h"

#define BLANKS " \t"

int settings_file_new(SettingsFile **ret) {
        return settings_file_parse("container.conf", "", ret, NULL);
}

SettingsFile *settings_file_free(SettingsFile *f) {
        if (!f)
                return NULL;
        ini_done(&f->ini);
        free(f->name);
        free(f);
        return NULL;
}

int settings_file_parse(const char *file_name, const char *text, SettingsFile **ret, char **ret_error) {
        return settings_file_parse_data(file_name, text, strlen(text), ret, ret_error);
}

int settings_file_parse_data(const char *file_name, const void *data, size_t size, SettingsFile **ret, char **ret_error) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL, *error = NULL;
        int r;

        assert(file_name);
        assert(data || size == 0);
        assert(ret);

        f = calloc(1, sizeof *f);
        if (!f)
                return -ENOMEM;
        r = string_escape(file_name, &f->name);
        if (r < 0)
                return r;

        if (size > SETTINGS_FILE_SIZE_MAX)
                r = asprintf(&error, "the file is larger than %u KiB.", SETTINGS_FILE_SIZE_MAX / 1024) < 0 ? -ENOMEM : -EBADMSG;
        else if (size > 0 && memchr(data, 0, size))
                r = (error = strdup("the file has a NUL byte in it.")) ? -EBADMSG : -ENOMEM;
        else {
                text = strndup(size > 0 ? data : "", size);
                if (!text)
                        return -ENOMEM;
                r = ini_parse(&f->ini, text, &error);
        }
        if (r == -EBADMSG && ret_error && asprintf(ret_error, "%s:%s%s", f->name, error[0] >= '0' && error[0] <= '9' ? "" : " ", error) < 0)
                return -ENOMEM;
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}

int settings_file_print(const SettingsFile *f, char **ret) {
        return ini_print(&f->ini, ret);
}

static bool line_is(const IniLine *l, const Setting *t) {
        return l->kind == INI_ASSIGNMENT && streq(l->section, t->section) && streq(l->key, t->name);
}

/* What is said of a profile itself. */
static int check_profile_line(const IniLine *l, char **ret_error) {
        if (streq(l->key, "Description"))
                return text_is_plain(l->value) > 0 ? 0 : asprintf(ret_error, "Description: has a control character in it.") < 0 ? -ENOMEM : -EINVAL;
        if (!streq(l->key, "OwnersMayAssign"))
                return asprintf(ret_error, "There is no setting '%.60s' of a profile, only Description= and OwnersMayAssign=.", l->key) < 0 ? -ENOMEM : -EINVAL;
        if (*l->value && parse_bool(l->value) < 0)
                return asprintf(ret_error, "OwnersMayAssign: '%.60s' is not yes or no.", l->value) < 0 ? -ENOMEM : -EINVAL;
        return 0;
}

static int apply_line(const SettingsFile *f, const IniLine *l, Settings *s, bool *seen, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        const char *device = startswith(l->section, DEVICE_SECTION);
        const Setting *t;
        int r;

        if (device) {
                r = devices_apply(&s->devices, device, l->key, l->value, &error);
                if (r == -ENOENT || r == -EINVAL)
                        return asprintf(ret_error, "%s:%u: %s", f->name, l->number, error) < 0 ? -ENOMEM : -EBADMSG;
                return r;
        }

        if (f->profile && streq(l->section, PROFILE_SECTION)) {
                r = check_profile_line(l, &error);
                return r == -EINVAL ? (asprintf(ret_error, "%s:%u: %s", f->name, l->number, error) < 0 ? -ENOMEM : -EBADMSG) : r;
        }
        r = setting_find_in_section(l->section, l->key, &t, &error);
        if (r >= 0 && f->shared && streq(t->name, "Profiles"))
                r = asprintf(&error, "%s: stands with a container, not in a file for several.", t->name) < 0 ? -ENOMEM : -EINVAL;
        if (r >= 0 && f->drop_in && t->who == SETTING_BERTH)
                r = asprintf(&error, "%s: is kept by berth and cannot be set.", t->name) < 0 ? -ENOMEM : -EINVAL;
        if (r >= 0) {
                bool *again = &seen[t - settings_table];

                r = setting_apply(t, s, l->value, *again, &error);
                *again = l->value[0];
        }
        if (r == -ENOENT || r == -EINVAL)
                return asprintf(ret_error, "%s:%u: %s", f->name, l->number, error) < 0 ? -ENOMEM : -EBADMSG;
        return r;
}

/* Type= may stand anywhere in its section, and a section may be in two parts: it is the file that replaces or adds. */
static void forget_replaced_devices(const SettingsFile *f, Devices *devices) {
        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++) {
                const char *name = l->kind == INI_ASSIGNMENT && streq(l->key, device_key_name(DEVICE_TYPE)) ? startswith(l->section, DEVICE_SECTION) : NULL;

                if (name && *l->value)
                        devices_begin_anew(devices, name);
        }
}

int settings_file_apply(const SettingsFile *f, bool only_units, Settings *s, bool *seen, char **ret_error) {
        int r;

        forget_replaced_devices(f, &s->devices);
        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++) {
                if (l->kind != INI_ASSIGNMENT || (only_units && !setting_is_for_units(l->section, l->key)))
                        continue;
                r = apply_line(f, l, s, seen, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int settings_file_check(const SettingsFile *f, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ bool *seen = NULL;
        int r;

        assert(f);
        assert(ret_error);

        seen = calloc(n_settings_table, sizeof *seen);
        if (!seen)
                return -ENOMEM;
        r = settings_new(&s);
        if (r < 0)
                return r;
        return settings_file_apply(f, false, s, seen, ret_error);
}

/* What the file's own assignments of one key give. */
static int scratch_from_file(const SettingsFile *f, const Setting *t, Settings **ret, bool *ret_again, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        bool again = false;
        int r;

        r = settings_new(&s);
        if (r < 0)
                return r;
        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++)
                if (line_is(l, t)) {
                        r = setting_apply(t, s, l->value, again, ret_error);
                        if (r < 0)
                                return r;
                        again = l->value[0];
                }
        *ret = TAKE_PTR(s);
        *ret_again = again;
        return 0;
}

/* Where a new assignment goes: behind the last one of its section. */
static int find_place(SettingsFile *f, const Setting *t, size_t *ret) {
        size_t at = 0;
        int r;

        for (size_t i = 0; i < f->ini.n_lines; i++)
                if (f->ini.lines[i].kind != INI_OTHER && streq(f->ini.lines[i].section, t->section))
                        at = i + 1;
        if (at == 0) {
                r = ini_append_section(&f->ini, t->section);
                if (r < 0)
                        return r;
                at = f->ini.n_lines;
        }
        *ret = at;
        return 0;
}

int settings_file_check_room(const SettingsFile *f, const char *key, char *const *values, char **ret_error) {
        size_t size = 256;

        for (size_t i = 0; i < f->ini.n_lines; i++)
                size += strlen(f->ini.lines[i].raw) + 1;
        STRV_FOREACH(v, values) {
                if (!ini_value_fits(*v))
                        return asprintf(ret_error, "%s: the value ends in a backslash, or is too long for a line.", key) < 0 ? -ENOMEM : -EINVAL;
                size += strlen(key) + strlen(*v) + 2;
        }
        if (size > SETTINGS_FILE_SIZE_MAX || f->ini.n_lines + strv_length(values) + 2 >= INI_LINES_MAX)
                return asprintf(ret_error, "%s: the settings would get larger than %u KiB.", key, SETTINGS_FILE_SIZE_MAX / 1024) < 0 ? -ENOMEM : -EINVAL;
        return 0;
}

/* The assignments of a key become these, in the place of the first of them. */
static int replace_values(SettingsFile *f, const Setting *t, char *const *values, char **ret_error) {
        size_t at = SIZE_MAX;
        int r;

        r = settings_file_check_room(f, t->name, values, ret_error);
        if (r < 0)
                return r;

        for (size_t i = f->ini.n_lines; i-- > 0;)
                if (line_is(&f->ini.lines[i], t)) {
                        ini_remove(&f->ini, i);
                        at = i;
                }
        if (at == SIZE_MAX && values) {
                r = find_place(f, t, &at);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(v, values) {
                r = ini_insert_assignment(&f->ini, at++, t->section, t->name, *v);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int replace_value(SettingsFile *f, const Setting *t, const char *value, char **ret_error) {
        char *values[] = { (char *) value, NULL };

        return replace_values(f, t, values, ret_error);
}

/* Checks a value and gives the text that is written for it. */
static int normalise(const Setting *t, const char *value, char **ret, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        int r;

        r = settings_new(&s);
        if (r < 0)
                return r;
        t->type->clear(t, s);
        r = setting_apply(t, s, value, false, ret_error);
        if (r < 0)
                return r;
        r = t->type->verbatim || !*value ? -ENODATA : t->type->print(t, s, ret);
        if (r == -ENODATA)
                r = (*ret = strdup(value)) ? 0 : -ENOMEM;
        return r;
}

/* One variable of Environment=, by LXD's key environment.NAME, or of Metadata=; a NULL value takes it away. */
static int set_variable(SettingsFile *f, const Setting *t, const char *name, const char *value, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_strv_ char **values = NULL;
        _cleanup_free_ char *entry = NULL, *word = NULL;
        bool again;
        int r;

        r = scratch_from_file(f, t, &s, &again, ret_error);
        if (r < 0)
                return r;

        if (value) {
                if (asprintf(&entry, "%s=%s", name, value) < 0) {
                        entry = NULL;
                        return -ENOMEM;
                }
                r = word_quote(entry, &word);
                if (r < 0)
                        return r;
                r = setting_apply(t, s, word, again, ret_error);
                if (r < 0)
                        return r;
        }

        STRV_FOREACH(e, *SETTING_FIELD(t, s, char **)) {
                const char *rest = startswith(*e, name);
                char *quoted;

                if (!value && rest && *rest == '=')
                        continue;
                r = word_quote(*e, &quoted);
                if (r < 0)
                        return r;
                r = strv_consume(&values, quoted);
                if (r < 0)
                        return r;
        }
        return replace_values(f, t, values, ret_error);
}

static int find_settable(const char *key, bool internal, const Setting **ret, const char **ret_subkey, char **ret_error) {
        const Setting *t;
        int r;

        r = setting_find(key, &t, ret_subkey, ret_error);
        if (r == -ENOENT)
                return -EINVAL;
        if (r < 0)
                return r;
        if (t->who == SETTING_BERTH && !internal)
                return asprintf(ret_error, "%s: is kept by berth and cannot be set.", t->name) < 0 ? -ENOMEM : -EINVAL;
        *ret = t;
        return 0;
}

/* One more assignment of a list, which has to be right as a whole too. */
static int append_value(SettingsFile *f, const Setting *t, char *value, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        char *values[] = { value, NULL };
        bool again;
        size_t at;
        int r;

        r = scratch_from_file(f, t, &s, &again, ret_error);
        if (r < 0)
                return r;
        r = setting_apply(t, s, value, again, ret_error);
        if (r < 0)
                return r;
        r = settings_file_check_room(f, t->name, values, ret_error);
        if (r < 0)
                return r;
        r = find_place(f, t, &at);
        if (r < 0)
                return r;
        return ini_insert_assignment(&f->ini, at, t->section, t->name, value);
}

/* "NAME.Key" of "Device.NAME.Key", or of "Device NAME.Key", as settings_file_changed_keys() names it; NULL: no key of a device. */
static const char *device_part(const char *key) {
        return startswith(key, "Device.") ?: startswith(key, DEVICE_SECTION);
}

static int assign_device(SettingsFile *f, const char *key, const char *value, char **ret_error) {
        _cleanup_free_ char *name = NULL;
        const char *rest;
        int r;

        r = device_key_split(key, &name, &rest, ret_error);
        return r < 0 ? r : settings_file_set_device(f, name, rest, value, ret_error);
}

static int find_names(const LxdKey *k, const Setting *ret[static 3], char **ret_error) {
        int r;

        for (size_t i = 0; i < ELEMENTSOF(k->names); i++) {
                ret[i] = NULL;
                if (k->names[i]) {
                        r = setting_find(k->names[i], &ret[i], NULL, ret_error);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* The assignments of one row among those that an LXD key gives, in normal form. */
static int values_of_row(const LxdKey *k, const Setting *row, char *const *assignments, const char *value, char ***ret, char **ret_error) {
        _cleanup_strv_ char **values = NULL;
        int r;

        STRV_FOREACH(a, assignments) {
                _cleanup_free_ char *text = NULL, *reason = NULL;
                const char *rest = startswith(*a, row->name);

                if (!rest || *rest != '=')
                        continue;
                r = normalise(row, rest + 1, &text, &reason);
                /* Where it was checked as a whole the type knows better what is wrong with a part of it. */
                if (r == -EINVAL && row->type->list && reason)
                        return asprintf(ret_error, "%s: %s", k->key, reason) < 0 ? -ENOMEM : -EINVAL;
                if (r == -EINVAL)
                        return asprintf(ret_error, "%s: '%.80s' is not %s.", k->key, value, k->expects) < 0 ? -ENOMEM : -EINVAL;
                if (r >= 0)
                        r = strv_consume(&values, TAKE_PTR(text));
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(values);
        return 0;
}

/* What the key stands for is replaced, all of it. */
static int assign_lxd(SettingsFile *f, const LxdKey *k, const char *value, char **ret_error) {
        _cleanup_strv_ char **assignments = NULL;
        const Setting *rows[ELEMENTSOF(k->names)];
        int r;

        r = lxd_key_translate(k, value, &assignments, ret_error);
        if (r >= 0)
                r = find_names(k, rows, ret_error);
        if (r < 0)
                return r;
        /* All is checked before anything is changed. */
        for (unsigned pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                        _cleanup_strv_ char **values = NULL;

                        if (!rows[i])
                                continue;
                        r = values_of_row(k, rows[i], assignments, value, &values, ret_error);
                        if (r >= 0)
                                r = pass > 0 ? replace_values(f, rows[i], values, ret_error) : settings_file_check_room(f, rows[i]->name, values, ret_error);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int assign(SettingsFile *f, const char *key, const char *value, bool internal, bool append, char **ret_error) {
        _cleanup_free_ char *key_copy = NULL, *value_copy = NULL, *text = NULL;
        const char *subkey;
        const Setting *t;
        size_t n;
        int r;

        assert(f);
        assert(key);
        assert(ret_error);

        n = strcspn(key, "=");
        if (!value && !key[n])
                return asprintf(ret_error, "An assignment is written 'Key=value'.") < 0 ? -ENOMEM : -EINVAL;
        key_copy = strndup(key, value ? strlen(key) : n);
        value = value ?: key + n + 1;
        value += strspn(value, BLANKS);
        for (n = strlen(value); n > 0 && strchr(BLANKS, value[n - 1]);)
                n--;
        value_copy = strndup(value, n);
        if (!key_copy || !value_copy)
                return -ENOMEM;

        if (device_part(key_copy))
                return assign_device(f, device_part(key_copy), value_copy, ret_error);
        if (lxd_key_find(key_copy))
                return assign_lxd(f, lxd_key_find(key_copy), value_copy, ret_error);
        r = find_settable(key_copy, internal, &t, &subkey, ret_error);
        if (r < 0)
                return r;
        if (subkey)
                return set_variable(f, t, subkey, *value_copy ? value_copy : NULL, ret_error);
        if (append && !t->type->list)
                return asprintf(ret_error, "%s: takes one value.", t->name) < 0 ? -ENOMEM : -EINVAL;

        r = normalise(t, value_copy, &text, ret_error);
        if (r < 0)
                return r;
        return append ? append_value(f, t, text, ret_error) : replace_value(f, t, text, ret_error);
}

int settings_file_set(SettingsFile *f, const char *key, const char *value, char **ret_error) {
        return assign(f, key, value, false, false, ret_error);
}

int settings_file_append(SettingsFile *f, const char *key, const char *value, char **ret_error) {
        return assign(f, key, value, false, true, ret_error);
}

int settings_file_set_internal(SettingsFile *f, const char *key, const char *value) {
        _cleanup_free_ char *error = NULL;

        return assign(f, key, value, true, false, &error);
}

int settings_file_unset(SettingsFile *f, const char *key, char **ret_error) {
        const char *subkey;
        const Setting *t;
        int r;

        assert(f);
        assert(key);
        assert(ret_error);

        if (device_part(key))
                return assign_device(f, device_part(key), NULL, ret_error);
        if (lxd_key_find(key))
                return assign_lxd(f, lxd_key_find(key), "", ret_error);
        r = find_settable(key, false, &t, &subkey, ret_error);
        if (r < 0)
                return r;
        return subkey ? set_variable(f, t, subkey, NULL, ret_error) : replace_values(f, t, NULL, ret_error);
}

int settings_file_get(const SettingsFile *f, const char *key, char **ret_value, char **ret_error) {
        _cleanup_strv_ char **values = NULL;
        const char *subkey;
        const Setting *t;
        int r;

        assert(f);
        assert(key);
        assert(ret_value);
        assert(ret_error);

        if (device_part(key)) {
                _cleanup_free_ char *name = NULL;
                const char *rest;

                r = device_key_split(device_part(key), &name, &rest, ret_error);
                return r < 0 ? r : settings_file_get_device(f, name, rest, ret_value, ret_error);
        }
        if (lxd_key_find(key)) {
                const LxdKey *k = lxd_key_find(key);

                /* The first that is set speaks for all. */
                for (size_t i = 0; i < ELEMENTSOF(k->names) && k->names[i]; i++) {
                        r = settings_file_get(f, k->names[i], ret_value, ret_error);
                        if (r != -ENOENT)
                                return r;
                }
                return -ENOENT;
        }
        r = setting_find(key, &t, &subkey, ret_error);
        if (r == -ENOENT)
                return -EINVAL;
        if (r < 0)
                return r;

        if (subkey) {
                _cleanup_(settings_freep) Settings *s = NULL;
                const char *v;
                bool again;

                r = scratch_from_file(f, t, &s, &again, ret_error);
                if (r < 0)
                        return r;
                v = strv_get_value(*SETTING_FIELD(t, s, char **), subkey);
                if (!v)
                        return -ENOENT;
                *ret_value = strdup(v);
                return *ret_value ? 0 : -ENOMEM;
        }

        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++)
                if (line_is(l, t)) {
                        if (!t->type->list || !*l->value)
                                values = strv_free(values);
                        if (*l->value) {
                                r = strv_extend(&values, l->value);
                                if (r < 0)
                                        return r;
                        }
                }
        return values ? strv_join(values, "\n", ret_value) : -ENOENT;
}

int settings_key_is_owner_settable(const char *key) {
        const LxdKey *k = lxd_key_find(key);
        const Setting *t;

        /* Each of these keys stands for settings of the same kind; a test sees to that. One stands for none: it says what is so anyway. */
        if (k && !k->names[0])
                return 1;
        return setting_find(k ? k->names[0] : key, &t, NULL, NULL) < 0 ? -EINVAL : t->who == SETTING_OWNER;
}

bool settings_key_is_ruled(const char *key) {
        _cleanup_free_ char *error = NULL;
        const Setting *t;

        return setting_find(key, &t, NULL, &error) >= 0 && t->who == SETTING_RULED;
}

bool settings_key_is_internal(const char *key) {
        const Setting *t;

        return setting_find(key, &t, NULL, NULL) >= 0 && t->who == SETTING_BERTH;
}

int settings_line_is_owner_settable(const char *section, const char *key, const char *value) {
        const char *device = startswith(section, DEVICE_SECTION);
        _cleanup_free_ char *error = NULL;
        const Setting *t;
        DeviceKey k;

        if (device)
                return device_key_find(key, &k, &error) >= 0 && device_key_is_owner_settable(k, value);
        return setting_find_in_section(section, key, &t, &error) >= 0 && t->who == SETTING_OWNER && (!t->type->owner_may || t->type->owner_may(value));
}

/* Two files' assignments of one key, compared in order. */
static bool assignments_differ(const Ini *a, const Ini *b, const char *section, const char *key) {
        size_t i = 0, j = 0;

        for (;; i++, j++) {
                while (i < a->n_lines && !(a->lines[i].kind == INI_ASSIGNMENT && streq(a->lines[i].section, section) && streq(a->lines[i].key, key)))
                        i++;
                while (j < b->n_lines && !(b->lines[j].kind == INI_ASSIGNMENT && streq(b->lines[j].section, section) && streq(b->lines[j].key, key)))
                        j++;
                if (i == a->n_lines || j == b->n_lines)
                        return i != a->n_lines || j != b->n_lines;
                if (!streq(a->lines[i].value, b->lines[j].value))
                        return true;
        }
}

int settings_file_changed_keys(const SettingsFile *a, const SettingsFile *b, char ***ret) {
        const Ini *const files[] = { &a->ini, &b->ini };
        _cleanup_strv_ char **keys = NULL;
        int r;

        for (size_t k = 0; k < ELEMENTSOF(files); k++)
                for (const IniLine *l = files[k]->lines; l < files[k]->lines + files[k]->n_lines; l++) {
                        _cleanup_free_ char *full = NULL;

                        if (l->kind != INI_ASSIGNMENT || !assignments_differ(&a->ini, &b->ini, l->section, l->key))
                                continue;
                        if (asprintf(&full, "%s.%s", l->section, l->key) < 0)
                                return full = NULL, -ENOMEM;
                        if (strv_find(keys, full))
                                continue;
                        r = strv_extend(&keys, full);
                        if (r < 0)
                                return r;
                }
        *ret = TAKE_PTR(keys);
        return 0;
}

static int is_owner_settable(const char *key, const char *value) {
        const LxdKey *k = lxd_key_find(key);
        const Setting *t;
        int r;

        r = settings_key_is_owner_settable(key);
        if (r <= 0 || (k && !k->names[0]))
                return r;
        if (k && value) {
                _cleanup_strv_ char **assignments = NULL;
                _cleanup_free_ char *error = NULL;

                /* A bad value is refused later, with a sentence. */
                if (lxd_key_translate(k, value, &assignments, &error) < 0)
                        return 1;
                STRV_FOREACH(a, assignments) {
                        _cleanup_free_ char *name = strndup(*a, strcspn(*a, "="));

                        r = !name ? -ENOMEM : is_owner_settable(name, strchr(*a, '=') + 1);
                        if (r <= 0)
                                return r;
                }
                return 1;
        }
        return setting_find(k ? k->names[0] : key, &t, NULL, NULL) >= 0 && (!t->type->owner_may || t->type->owner_may(value));
}

int settings_assignment_is_owner_settable(const char *key, const char *value) {
        _cleanup_free_ char *name = NULL, *error = NULL;
        const char *rest;
        DeviceKey k;

        rest = device_part(key);
        if (!rest)
                return is_owner_settable(key, value);
        if (device_key_split(rest, &name, &rest, &error) < 0 || device_key_find(rest, &k, &error) < 0)
                return -EINVAL;
        return device_key_is_owner_settable(k, value);
}
