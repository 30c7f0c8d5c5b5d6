/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `berthctl init --preseed` reads. What is taken is written as settings and profiles that can be read, whatever the profiles were before. */
/* fuzz: -close_fd_mask=3 */
#include "fuzz.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/preseed.h"
#include "settings/profile.h"
#include "shared/bus-names.h"

/* In the place of the manager, who is asked for the profiles that are there: none is. */
static int open_nothing(Ctl *c) {
        return 0;
}

static int call_nothing(sd_bus *bus, const char *destination, const char *path, const char *interface, const char *member, sd_bus_error *error,
                        sd_bus_message **reply, const char *types, ...) {
        return sd_bus_error_set(error, BERTH_ERROR_NO_SUCH_PROFILE, "none");
}

#define bus_open open_nothing
#define sd_bus_call_method call_nothing
#include "../../src/machinectl-plugin/preseed.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(preseed_freep) Preseed *p = NULL;
        Ctl c = {};

        if (preseed_read(&c, (const char *) data, size, &p) < 0)
                return 0;
        STRV_FOREACH(s, p->settings)
                must(strchr(*s, '='));
        for (size_t i = 0; i < p->n_profiles; i++) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_free_ char *error = NULL;

                must(profile_name_valid(p->profiles[i].name));
                must(profile_parse(p->profiles[i].name, p->profiles[i].text, &f, &error) >= 0);
        }
        return 0;
}
