/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is set for all of the host: files of settings of the server, of stores, of servers of images, profiles. */

#include "fuzz.h"
#include "settings/profile.h"
#include "settings/remote.h"
#include "settings/server.h"
#include "storage/storage.h"

static void server(const char *line, const char *text) {
        char *assignments[] = { (char *) line, NULL }, *unset[] = { NULL };
        _cleanup_free_ char *changed = NULL, *error = NULL, *again = NULL, *error_again = NULL;
        int r;

        r = server_change(text, assignments, unset, &changed, &error);
        if (r < 0) {
                must(r == -EINVAL || r == -ENOENT || r == -EBADMSG || r == -E2BIG);
                /* It may have the key as it was typed; who prints it escapes it. */
                must(error && *error);
                return;
        }
        /* The same again changes nothing. */
        must(server_change(changed, assignments, unset, &again, &error_again) >= 0);
        must(streq(changed, again));
}

static void store(const char *line, const char *text) {
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_free_ char *error = NULL, *printed = NULL, *copy = strdup(text);
        char *rest = copy, *l, *value;
        int r;

        r = storage_new("s1", line, &s, &error);
        while (r >= 0 && (l = strsep(&rest, "\n"))) {
                value = strchr(l, '=');
                if (value)
                        *value++ = 0;
                r = storage_set(s, l, value ?: "", &error);
        }
        if (r < 0)
                must(error);
        else
                must(storage_print(s, &printed) >= 0);
}

static void remote(const char *line, const char *text) {
        _cleanup_(remote_done) Remote r = {};
        _cleanup_free_ char *error = NULL;
        char name[REMOTE_NAME_MAX + 1];
        int k;

        (void) remote_split(line, name);
        (void) remote_check_url(line);
        fuzz_put_file("etc/berth/remotes.d/r1.conf", text, strlen(text));
        k = remote_load(fuzz_directory_path(), "r1", &r, &error);
        if (k < 0)
                must(k == -EBADMSG && error);
        else
                must(r.url && !remote_check_url(r.url));
}

static void profile(const char *line, const char *text) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *error = NULL, *description = NULL;
        const char *key = NULL;

        if (profile_parse("p1.conf", text, &f, &error) < 0) {
                must_be_sentence(error);
                return;
        }
        description = profile_description(f);
        if (!profile_is_for_owners(f) && profile_owner_may_assign(f, &key) == 0)
                must(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const functions[])(const char *, const char *) = { server, store, remote, profile };
        size_t i = fuzz_choice(&data, &size, ELEMENTSOF(functions));
        _cleanup_free_ char *line = fuzz_line(&data, &size), *text = fuzz_text(data, size);

        functions[i](line, text);
        return 0;
}
