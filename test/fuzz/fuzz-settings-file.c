/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A container's file of settings: what is taken can be applied, prints back, and is the same when it is read again. */

#include "fuzz.h"
#include "settings/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL, *again = NULL;
        _cleanup_free_ char *error = NULL, *error_check = NULL, *error_apply = NULL, *error_again = NULL, *text = NULL, *text_again = NULL;
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ bool *seen = NULL;
        int r, q;

        r = settings_file_parse_data("web1.conf", data, size, &f, &error);
        if (r < 0) {
                must(r == -EBADMSG);
                must_be_sentence(error);
                return 0;
        }

        r = settings_file_check(f, &error_check);
        if (r < 0)
                must_be_sentence(error_check);

        must(settings_new(&s) >= 0);
        seen = calloc(n_settings_table, sizeof *seen);
        must(seen);
        q = settings_file_apply(f, false, s, seen, &error_apply);
        if (q < 0)
                must_be_sentence(error_apply);
        /* What passes the check has to apply. */
        must(r < 0 || q >= 0);

        must(settings_file_print(f, &text) >= 0);
        must(settings_file_parse("web1.conf", text, &again, &error_again) >= 0);
        must(settings_file_print(again, &text_again) >= 0);
        must(streq(text, text_again));
        return 0;
}
