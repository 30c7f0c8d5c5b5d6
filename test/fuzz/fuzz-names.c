/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names: of entries of archives, of containers, aliases, snapshots, units. A name that is taken leads nowhere else. */

#include "fuzz.h"
#include "shared/image-templates.h"
#include "shared/names.h"
#include "worker/entry-path.h"

static void entry_name(char *name) {
        _cleanup_free_ char *again = NULL;
        const char *problem = NULL;

        if (entry_path_normalize(name, &problem) < 0) {
                must(problem && *problem);
                return;
        }
        must(name[0] != '/' && !strstr(name, "//"));
        for (char *p = name; *p; p += strcspn(p, "/"), p += *p == '/') {
                size_t n = strcspn(p, "/");

                must(n > 0 && !(n == 1 && p[0] == '.') && !(n == 2 && p[0] == '.' && p[1] == '.'));
        }
        again = strdup(name);
        must(again && entry_path_normalize(again, &problem) >= 0 && streq(again, name));
        (void) entry_path_in_dev(name);
}

static void other_names(const char *name) {
        _cleanup_free_ char *file = NULL, *back = NULL, *unit = NULL, *why = NULL;
        char buffer[CONTAINER_NAME_MAX + 1];
        const char *of_unit;
        unsigned id;

        if (container_name_valid(name)) {
                must(container_unit(name, &unit) >= 0);
                of_unit = container_from_unit(unit, buffer);
                must(of_unit && streq(of_unit, name));
        } else {
                must(container_name_explain(name, &why) >= 0);
                must_be_sentence(why);
        }
        of_unit = container_from_unit(name, buffer);
        must(!of_unit || container_name_valid(of_unit));
        (void) job_from_unit(name, &id);

        if (alias_valid(name)) {
                must(alias_to_file_name(name, &file) >= 0 && !strchr(file, '/') && file[0] != '.');
                must(alias_from_file_name(file, &back) >= 0 && streq(back, name));
        }
        must(!fingerprint_valid(name) || strlen(name) == FINGERPRINT_LENGTH);
        must(!snapshot_name_valid(name) || (!strchr(name, '/') && name[0] != '.'));
        must(!image_template_file_valid(name) || !strchr(name, '/'));
        must(!image_template_path_valid(name) || (name[0] == '/' && !strstr(name, "/../")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *name = fuzz_text(data, size);

        other_names(name);
        entry_name(name);
        return 0;
}
