/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The type of [Hooks]: command lines, one an assignment. */

#include "settings/table.h"

#include "basic/strv.h"
#include "settings/hook-type.h"
#include "settings/quote.h"

static const char *const names[_HOOK_TYPE_MAX] = {
        [HOOK_PRE_START] = "pre-start",   [HOOK_PRE_MOUNT] = "pre-mount", [HOOK_MOUNT] = "mount",   [HOOK_START_HOST] = "start-host",
        [HOOK_START] = "start",           [HOOK_STOP] = "stop",           [HOOK_POST_STOP] = "post-stop",
        [HOOK_CLONE] = "clone",
        [HOOK_DELETE] = "delete",
};

const char *hook_type_to_string(HookType t) {
        return t >= 0 && t < _HOOK_TYPE_MAX ? names[t] : NULL;
}

HookType hook_type_from_string(const char *s) {
        for (int i = 0; i < _HOOK_TYPE_MAX; i++)
                if (streq(names[i], s))
                        return (HookType) i;
        return _HOOK_TYPE_INVALID;
}

static void clear_lines(const Setting *t, Settings *s) {
        char ***field = SETTING_FIELD(t, s, char **);

        *field = strv_free(*field);
}

static int apply_line(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        char ***field = SETTING_FIELD(t, s, char **);
        int r;

        r = words_split(text, SETTINGS_LIST_MAX, &words, ret_reason);
        if (r < 0)
                return r;
        if (!words || words[0][0] != '/')
                return -EINVAL;
        if (strv_length(*field) >= SETTINGS_HOOKS_MAX)
                return setting_reason(ret_reason, "makes more than %u commands", SETTINGS_HOOKS_MAX);
        return strv_extend(field, text);
}

static int print_line(const Setting *t, const Settings *s, char **ret) {
        char *const *l = *SETTING_FIELD_CONST(t, s, char **);

        /* One assignment holds one. */
        return l && !l[1] ? (*ret = strdup(l[0])) ? 0 : -ENOMEM : -ENODATA;
}

static bool differ_lines(const Setting *t, const Settings *a, const Settings *b) {
        char *const *x = *SETTING_FIELD_CONST(t, a, char **), *const *y = *SETTING_FIELD_CONST(t, b, char **);

        for (; x && *x && y && *y; x++, y++)
                if (!streq(*x, *y))
                        return true;
        return (x && *x) || (y && *y);
}

const SettingType setting_type_hook = {
        .name = "command line", .expects = "a command line that begins with an absolute path", .example = "/usr/local/bin/hook --verbose", .list = true,
        .apply = apply_line, .print = print_line, .clear = clear_lines, .differs = differ_lines,
};
