/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/names.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool container_name_valid(const char *name) {
        size_t n;

        if (isempty(name))
                return false;
        n = strlen(name);
        return n <= CONTAINER_NAME_MAX && strspn(name, LOWER DIGITS "-") == n && name[0] != '-' && name[n - 1] != '-';
}

int container_name_explain(const char *name, char **ret) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        if (isempty(name))
                return (*ret = strdup("A container needs a name that is not empty.")) ? 0 : -ENOMEM;
        r = string_escape(name, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > 80)
                strcpy(escaped + 77, "...");
        if (asprintf(ret, "'%s' cannot be the name of a container: 1 to %u of a-z, 0-9 and '-', beginning and ending with a letter or digit.",
                     escaped, CONTAINER_NAME_MAX) < 0)
                return -ENOMEM;
        return 0;
}

const char *container_slice(const char *wanted, uid_t owner, char buffer[static BERTH_SLICE_MAX]) {
        if (wanted)
                return wanted;
        if (owner == 0)
                return BERTH_SLICE;
        snprintf(buffer, BERTH_SLICE_MAX, BERTH_USER_SLICE, owner);
        return buffer;
}

bool snapshot_name_valid(const char *name) {
        size_t n;

        if (isempty(name))
                return false;
        n = strlen(name);
        return n <= SNAPSHOT_NAME_MAX && strspn(name, LOWER UPPER DIGITS "._+:-") == n && strchr(LOWER UPPER DIGITS, name[0]);
}

int snapshot_name_explain(const char *name, char **ret) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        if (isempty(name))
                return (*ret = strdup("A snapshot needs a name that is not empty.")) ? 0 : -ENOMEM;
        r = string_escape(name, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > 80)
                strcpy(escaped + 77, "...");
        return asprintf(ret, "'%s' cannot be the name of a snapshot: 1 to %u letters, digits, '.', '_', '+', ':' and '-', beginning with a letter or digit.",
                        escaped, SNAPSHOT_NAME_MAX) < 0 ? -ENOMEM : 0;
}

bool alias_valid(const char *alias) {
        size_t n;

        if (isempty(alias))
                return false;
        n = strlen(alias);
        if (n > ALIAS_NAME_MAX || strspn(alias, LOWER UPPER DIGITS "._+-/") != n || !strchr(LOWER UPPER DIGITS, alias[0]))
                return false;

        for (const char *p = alias; p; p = strchr(p, '/')) {
                size_t part;

                if (*p == '/')
                        p++;
                part = strcspn(p, "/");
                if (part == 0 || (part == 1 && p[0] == '.') || (part == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
        }
        return true;
}

bool fingerprint_prefix_valid(const char *prefix) {
        size_t n = strlen(prefix);

        return n > 0 && n <= FINGERPRINT_LENGTH && strspn(prefix, DIGITS "abcdef") == n;
}

bool fingerprint_valid(const char *fingerprint) {
        return fingerprint_prefix_valid(fingerprint) && strlen(fingerprint) == FINGERPRINT_LENGTH;
}

static int replace_char(const char *s, char from, char to, char **ret) {
        char *copy = strdup(s);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy; *p; p++)
                if (*p == from)
                        *p = to;
        *ret = copy;
        return 0;
}

int alias_to_file_name(const char *alias, char **ret) {
        return alias_valid(alias) ? replace_char(alias, '/', '!', ret) : -EINVAL;
}

int alias_from_file_name(const char *file_name, char **ret) {
        _cleanup_free_ char *alias = NULL;
        int r;

        r = replace_char(file_name, '!', '/', &alias);
        if (r < 0)
                return r;
        if (!alias_valid(alias))
                return -EINVAL;
        *ret = TAKE_PTR(alias);
        return 0;
}

int container_unit(const char *name, char **ret) {
        return asprintf(ret, "berth@%s.service", name) < 0 ? -ENOMEM : 0;
}

int container_scope(const char *name, char **ret) {
        return asprintf(ret, "berth-%s.scope", name) < 0 ? -ENOMEM : 0;
}

const char *container_from_unit(const char *unit, char buffer[static CONTAINER_NAME_MAX + 1]) {
        const char *name = NULL, *end = NULL;
        size_t n;

        if ((end = endswith(unit, ".service")))
                name = startswith(unit, "berth@");
        else if ((end = endswith(unit, ".scope")))
                name = startswith(unit, "berth-");
        if (!name || name >= end)
                return NULL;
        n = (size_t) (end - name);
        if (n > CONTAINER_NAME_MAX)
                return NULL;
        memcpy(buffer, name, n);
        buffer[n] = 0;
        return container_name_valid(buffer) ? buffer : NULL;
}

int job_unit(unsigned id, char **ret) {
        return asprintf(ret, "berth-job-%u.service", id) < 0 ? -ENOMEM : 0;
}

int job_from_unit(const char *unit, unsigned *ret) {
        const char *id = startswith(unit, "berth-job-"), *end = endswith(unit, ".service");
        char number[DECIMAL_MAX];

        if (!id || !end || id >= end || (size_t) (end - id) >= sizeof number)
                return -EINVAL;
        memcpy(number, id, (size_t) (end - id));
        number[end - id] = 0;
        return parse_u32(number, UINT32_MAX, ret) < 0 ? -EINVAL : 0;
}
