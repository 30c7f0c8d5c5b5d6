/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/error.h"

#include <string.h>

#include "basic/strv.h"
#include "shared/bus-names.h"

#define NAME_LENGTH_MAX 40U

static bool name_valid(const char *name) {
        size_t n = strlen(name);

        return n > 0 && n <= NAME_LENGTH_MAX &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == n;
}

int error_from_name(sd_bus_error *error, const char *name, const char *sentence) {
        char full[sizeof BERTH_ERROR("") + NAME_LENGTH_MAX];
        _cleanup_free_ char *escaped = NULL;

        if (!name || !name_valid(name))
                name = "JobFailed";
        strcpy(stpcpy(full, BERTH_ERROR("")), name);
        if (string_escape(isempty(sentence) ? "No reason was given." : sentence, &escaped) < 0)
                return -ENOMEM;
        return sd_bus_error_set(error, full, escaped);
}

int error_from_text(sd_bus_error *error, const char *text) {
        _cleanup_free_ char *name = NULL;
        const char *space = strchr(text, ' ');

        if (!space)
                return error_from_name(error, NULL, text);
        name = strndup(text, (size_t) (space - text));
        if (!name)
                return -ENOMEM;
        return name_valid(name) ? error_from_name(error, name, space + 1) : error_from_name(error, NULL, text);
}
