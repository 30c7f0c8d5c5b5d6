/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One assignment of a setting, by row of the table, by name, of a device or by LXD's name: a value that is taken is one line of a file, which
 * passes every check, and which says the same when it is taken back in. */

#include "fuzz.h"
#include "settings/lxd.h"
#include "settings/table.h"

static char *key_of(const uint8_t **data, size_t *size) {
        size_t row;
        char *key;

        switch (fuzz_choice(data, size, 4)) {
        case 0:
                return fuzz_line(data, size);
        case 1:
                row = fuzz_choice(data, size, _DEVICE_KEY_MAX);
                must(asprintf(&key, "Device.eth0.%s", device_key_name((DeviceKey) row)) > 0);
                return key;
        case 2:
                return strdup(lxd_keys[fuzz_choice(data, size, n_lxd_keys)].key);
        default:
                row = fuzz_choice(data, size, 256) % n_settings_table;
                must(asprintf(&key, "%s.%s", settings_table[row].section, settings_table[row].name) > 0);
                return key;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL, *again = NULL;
        _cleanup_free_ char *key = key_of(&data, &size), *value = fuzz_text(data, size), *error = NULL, *text = NULL, *text_again = NULL, *error_again = NULL,
                            *error_set = NULL, *got = NULL, *error_get = NULL;
        int r;

        (void) settings_assignment_is_owner_settable(key, value);
        (void) settings_key_is_owner_settable(key);
        must(settings_file_new(&f) >= 0);
        r = settings_file_set(f, key, value, &error);
        if (r < 0) {
                must(r == -EINVAL || r == -E2BIG);
                /* It may have the key as it was typed; who prints it escapes it. */
                must(error && *error);
                must(settings_file_print(f, &text) >= 0);
                must(streq(text, ""));
                return 0;
        }

        must(settings_file_print(f, &text) >= 0);
        if (settings_file_parse("web1.conf", text, &again, &error_again) < 0 || settings_file_check(again, &error_again) < 0) {
                fprintf(stderr, "%s\n%s\n", error_again, text);
                abort();
        }
        must(settings_file_print(again, &text_again) >= 0);
        must(streq(text, text_again));

        /* What it reads back as can be set again, unless it is several, or the value of LXD's key meant something else. */
        if (!lxd_key_find(key) && settings_file_get(again, key, &got, &error_get) >= 0 && !strchr(got, '\n')) {
                free(TAKE_PTR(text_again));
                must(settings_file_set(again, key, got, &error_set) >= 0);
                must(settings_file_print(again, &text_again) >= 0);
                must(streq(text, text_again));
        }
        return 0;
}
