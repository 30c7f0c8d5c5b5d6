/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of LXC, OpenVZ and systemd-nspawn: each setting that is made of one passes our own table, and none is an administrator's but what the head of
 * foreign.h names. */

#include "fuzz.h"
#include "machinectl-plugin/foreign.h"

static bool only_br0(const char *name) {
        return streq(name, "br0");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static int (*const parsers[])(Foreign *, const void *, size_t, char **) = { foreign_parse_lxc, foreign_parse_openvz, foreign_parse_nspawn };
        size_t i = fuzz_choice(&data, &size, ELEMENTSOF(parsers));
        Foreign f = { .has_interface = only_br0 };
        _cleanup_free_ char *error = NULL;

        if (parsers[i](&f, data, size, &error) < 0)
                must(error && *error);
        else {
                must(f.n_nics <= FOREIGN_NICS_MAX);
                STRV_FOREACH(s, f.settings) {
                        _cleanup_(settings_file_freep) SettingsFile *file = NULL;
                        _cleanup_free_ char *reason = NULL;
                        char *value = strchr(*s, '=');

                        must(value);
                        must(!settings_key_is_internal(*s));
                        must(!strchr(*s, '\n'));
                        must(settings_file_new(&file) >= 0);
                        if (settings_file_set(file, *s, NULL, &reason) < 0) {
                                fprintf(stderr, "%s: %s\n", *s, reason);
                                abort();
                        }
                }
        }
        foreign_done(&f);
        return 0;
}
