/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/cloud-seed.h"

#include <stdio.h>

#include "basic/strv.h"

static const char *const names[CLOUD_SEED_FILES] = { "meta-data", "user-data", "vendor-data", "network-config" };

void cloud_seed_done(CloudSeedFile files[static CLOUD_SEED_FILES]) {
        for (size_t i = 0; i < CLOUD_SEED_FILES; i++)
                free(TAKE_PTR(files[i].text));
}

static bool has_key(const char *text, const char *key) {
        for (const char *line = text; line; line = strchr(line, '\n')) {
                const char *rest;

                line += *line == '\n';
                rest = startswith(line, key);
                if (rest && *rest == ':')
                        return true;
        }
        return false;
}

/* A value on a command line has no newline at its end, which a file has. */
static int end_line(const char *text, char **ret) {
        size_t n = strlen(text);

        return asprintf(ret, "%s%s", text, n > 0 && text[n - 1] == '\n' ? "" : "\n") < 0 ? -ENOMEM : 0;
}

/* What the user says goes before what we know. */
static int make_meta_data(const char *name, const Settings *s, const char *own, char **ret) {
        _cleanup_free_ char *id = NULL, *host = NULL, *all = NULL;

        if (!has_key(own, "instance-id") && asprintf(&id, "instance-id: %s\n", s->uuid ?: name) < 0)
                return -ENOMEM;
        if (!has_key(own, "local-hostname") && asprintf(&host, "local-hostname: %s\n", s->hostname ?: name) < 0)
                return -ENOMEM;
        if (asprintf(&all, "%s%s%s", id ?: "", host ?: "", own) < 0)
                return -ENOMEM;
        return end_line(all, ret);
}

int cloud_seed_new(const char *name, const Settings *s, CloudSeedFile ret[static CLOUD_SEED_FILES]) {
        CloudSeedFile files[CLOUD_SEED_FILES] = {};
        bool any = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < CLOUD_SEED_FILES; i++) {
                const char *text = strv_get_value(s->metadata, names[i]);

                any |= !!text;
                files[i].name = names[i];
                if (i == 0)
                        r = make_meta_data(name, s, text ?: "", &files[i].text);
                else if (i == 1 && !text)
                        /* Without the two the data source says that it has nothing. */
                        r = (files[i].text = strdup("#cloud-config\n{}\n")) ? 0 : -ENOMEM;
                else if (text)
                        r = end_line(text, &files[i].text);
        }
        if (r < 0 || !any) {
                cloud_seed_done(files);
                return r;
        }
        for (size_t i = 0; i < CLOUD_SEED_FILES; i++)
                ret[i] = files[i];
        return 1;
}
