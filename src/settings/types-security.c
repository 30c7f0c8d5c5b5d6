/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of [Security]: sets of capabilities, named by libcap. */

#include "settings/table.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/capability.h>

#include "basic/strv.h"
#include "settings/quote.h"

/* What this libcap and these headers have names for; the kernel may have less. */
#define ALL_CAPABILITIES (UINT64_MAX >> (63 - CAP_LAST_CAP))

static void clear_capabilities(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, uint64_t) = 0;
}

static int apply_capabilities(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        uint64_t *field = SETTING_FIELD(t, s, uint64_t), mask = 0;
        bool invert = text[0] == '~';
        int r;

        r = words_split(text + invert, 64, &words, ret_reason);
        if (r < 0)
                return r;

        STRV_FOREACH(w, words) {
                cap_value_t c;

                /* cap_from_name() also takes numbers, and the first of several names between commas. */
                if (strncasecmp(*w, "CAP_", 4) != 0 || strchr(*w, ',') || cap_from_name(*w, &c) < 0 || c < 0 || c > CAP_LAST_CAP)
                        return setting_reason(ret_reason, "names a capability that does not exist, see capabilities(7)");
                mask |= UINT64_C(1) << c;
        }

        /* As in systemd.exec(5): a first list is the whole set, lists that follow are added, ~lists are taken away. */
        if (invert)
                *field &= words ? ~mask : 0;
        else
                *field = again ? *field | mask : mask;
        return 0;
}

static int print_capabilities(const Setting *t, const Settings *s, char **ret) {
        uint64_t mask = *SETTING_FIELD_CONST(t, s, uint64_t) & ALL_CAPABILITIES;
        _cleanup_strv_ char **names = NULL;
        int r;

        if (mask == 0)
                return (*ret = strdup("~")) ? 0 : -ENOMEM;
        for (cap_value_t c = 0; c <= CAP_LAST_CAP; c++)
                if (mask & UINT64_C(1) << c) {
                        char *name = cap_to_name(c);

                        if (!name)
                                return -ENOMEM;
                        for (char *p = name; *p; p++)
                                *p = (char) toupper(*p);
                        r = strv_extend(&names, name);
                        cap_free(name);
                        if (r < 0)
                                return r;
                }
        return strv_join(names, " ", ret);
}

static void clear_id_base(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, int) = 0;
}

static int apply_id_base(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_u64(text, t->max, &v);
        if (r < 0)
                return r;
        if ((int64_t) v < t->min || v % 65536 != 0)
                return setting_reason(ret_reason, "is not a multiple of 65536 from %lld to %llu", (long long) t->min, (unsigned long long) t->max);
        *SETTING_FIELD(t, s, int) = (int) v;
        return 0;
}

static int print_id_base(const Setting *t, const Settings *s, char **ret) {
        int v = *SETTING_FIELD_CONST(t, s, int);

        if (v == 0)
                return -ENODATA;
        return asprintf(ret, "%d", v) < 0 ? -ENOMEM : 0;
}

const SettingType setting_type_id_base = {
        .name = "id", .expects = "the first of the ids of a container, a multiple of 65536 from 524288 to 1878982656", .example = "1310720",
        .apply = apply_id_base, .print = print_id_base, .clear = clear_id_base,
};

/* As /sys/kernel/security/apparmor/profiles has it; none of these begins with a blank or has more than one line. */
static int apply_profile_name(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (strlen(text) > 255 || text[0] == '-' || strpbrk(text, " \"\\"))
                return -EINVAL;
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int print_profile_name(const Setting *t, const Settings *s, char **ret) {
        const char *v = *SETTING_FIELD_CONST(t, s, char *);

        return !v ? -ENODATA : (*ret = strdup(v)) ? 0 : -ENOMEM;
}

static void clear_profile_name(const Setting *t, Settings *s) {
        char **field = SETTING_FIELD(t, s, char *);

        free(*field);
        *field = NULL;
}

const SettingType setting_type_profile_name = {
        .name = "profile name", .expects = "the name of an AppArmor profile", .example = "berth-strict",
        .apply = apply_profile_name, .print = print_profile_name, .clear = clear_profile_name,
};

const SettingType setting_type_capabilities = {
        .name = "capabilities", .expects = "a list of capabilities, such as CAP_NET_ADMIN CAP_KILL", .example = "CAP_NET_ADMIN CAP_KILL",
        .list = true, .verbatim = true, .apply = apply_capabilities, .print = print_capabilities, .clear = clear_capabilities,
};
