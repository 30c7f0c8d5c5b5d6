/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/device-file.h"

#include <assert.h>
#include <stdio.h>

#include "basic/strv.h"
#include "settings/device-table.h"
#include "settings/file.h"

static bool in_section(const IniLine *l, const char *name) {
        const char *rest = l->section ? startswith(l->section, DEVICE_SECTION) : NULL;

        return rest && streq(rest, name);
}

static bool line_is(const IniLine *l, const char *name, DeviceKey key) {
        return l->kind == INI_ASSIGNMENT && in_section(l, name) && streq(l->key, device_key_name(key));
}

bool settings_file_has_device(const SettingsFile *f, const char *name) {
        for (size_t i = 0; i < f->ini.n_lines; i++)
                if (in_section(&f->ini.lines[i], name))
                        return true;
        return false;
}

/* What berth notes of a lent directory, and what its lender says. */
static bool is_lent(const SettingsFile *f, const char *name, uint32_t uid) {
        bool found = false;

        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++) {
                _cleanup_free_ char *error = NULL;
                DeviceKey key;

                if (l->kind != INI_ASSIGNMENT || !in_section(l, name))
                        continue;
                if (device_key_find(l->key, &key, &error) < 0)
                        return false;
                if (key == DEVICE_SOURCE_UID)
                        found = strtoull(l->value, NULL, 10) == uid;
                else if (key != DEVICE_TYPE && key != DEVICE_SOURCE_GID && key != DEVICE_SOURCE_IDENTITY && !device_key_is_lenders(key))
                        return false;
        }
        return found;
}

bool settings_file_device_is_owners(const SettingsFile *f, const char *name, uint32_t uid) {
        if (is_lent(f, name, uid))
                return true;
        for (const IniLine *l = f->ini.lines; l < f->ini.lines + f->ini.n_lines; l++) {
                _cleanup_free_ char *error = NULL;
                DeviceKey key;

                if (l->kind == INI_ASSIGNMENT && in_section(l, name) &&
                    (device_key_find(l->key, &key, &error) < 0 || !device_key_is_owner_settable(key, l->value)))
                        return false;
        }
        return true;
}

/* The place behind the section's last assignment; the section is made when it is not there. */
static int find_place(SettingsFile *f, const char *name, size_t *ret) {
        char section[sizeof DEVICE_SECTION + DEVICE_NAME_MAX];
        size_t at = 0;
        int r;

        for (size_t i = 0; i < f->ini.n_lines; i++)
                if (f->ini.lines[i].kind != INI_OTHER && in_section(&f->ini.lines[i], name))
                        at = i + 1;
        if (at == 0) {
                snprintf(section, sizeof section, DEVICE_SECTION "%s", name);
                r = ini_append_section(&f->ini, section);
                if (r < 0)
                        return r;
                at = f->ini.n_lines;
        }
        *ret = at;
        return 0;
}

/* What was said of another kind of thing means nothing now. */
static void remove_foreign(SettingsFile *f, const char *name, DeviceType type) {
        for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++)
                for (size_t i = f->ini.n_lines; !(device_table[k].types & 1U << type) && i-- > 0;)
                        if (line_is(&f->ini.lines[i], name, k))
                                ini_remove(&f->ini, i);
}

int settings_file_set_device(SettingsFile *f, const char *name, const char *key, const char *value, char **ret_error) {
        char section[sizeof DEVICE_SECTION + DEVICE_NAME_MAX];
        _cleanup_free_ char *text = NULL;
        size_t at = SIZE_MAX;
        DeviceKey k;
        int r;

        assert(f && name && key && ret_error);

        if (!device_name_valid(name))
                return asprintf(ret_error, "A device's name has letters, digits, '-' and '_' in it, at most %u.", DEVICE_NAME_MAX) < 0 ? -ENOMEM : -EINVAL;
        r = device_key_find(key, &k, ret_error);
        if (r == -ENOENT)
                return -EINVAL;
        if (r < 0)
                return r;
        if (!isempty(value)) {
                r = device_key_normalise(k, value, &text, ret_error);
                if (r < 0)
                        return r;
                r = settings_file_check_room(f, device_key_name(k), (char *[]) { text, NULL }, ret_error);
                if (r < 0)
                        return r;
        }

        for (size_t i = f->ini.n_lines; i-- > 0;)
                if (line_is(&f->ini.lines[i], name, k)) {
                        ini_remove(&f->ini, i);
                        at = i;
                }
        if (!text)
                return 0;
        if (k == DEVICE_TYPE) {
                remove_foreign(f, name, device_type_from_string(text));
                at = SIZE_MAX;
        }
        if (at == SIZE_MAX) {
                r = find_place(f, name, &at);
                if (r < 0)
                        return r;
        }
        snprintf(section, sizeof section, DEVICE_SECTION "%s", name);
        return ini_insert_assignment(&f->ini, at, section, device_key_name(k), text);
}

int settings_file_get_device(const SettingsFile *f, const char *name, const char *key, char **ret_value, char **ret_error) {
        const char *value = NULL;
        DeviceKey k;
        int r;

        r = device_key_find(key, &k, ret_error);
        if (r == -ENOENT)
                return -EINVAL;
        if (r < 0)
                return r;
        for (size_t i = 0; i < f->ini.n_lines; i++)
                if (line_is(&f->ini.lines[i], name, k))
                        value = f->ini.lines[i].value;
        if (isempty(value))
                return -ENOENT;
        *ret_value = strdup(value);
        return *ret_value ? 0 : -ENOMEM;
}

void settings_file_remove_device(SettingsFile *f, const char *name) {
        for (size_t i = f->ini.n_lines; i-- > 0;)
                if (in_section(&f->ini.lines[i], name)) {
                        bool header = f->ini.lines[i].kind == INI_SECTION;

                        ini_remove(&f->ini, i);
                        /* The empty line that stands before a section. */
                        if (header && i > 0 && f->ini.lines[i - 1].kind == INI_OTHER && !*f->ini.lines[i - 1].raw)
                                ini_remove(&f->ini, --i);
                }
}
