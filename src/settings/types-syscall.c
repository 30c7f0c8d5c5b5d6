/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of settings about system calls: lists of names, and lines of policy files; AppArmor's rules are kept like them. All are kept as they were
 * written; whoever compiles them parses them again. */

#include "settings/table.h"

#include "basic/strv.h"
#include "settings/quote.h"
#include "settings/syscall-name.h"

static void clear_lines(const Setting *t, Settings *s) {
        char ***field = SETTING_FIELD(t, s, char **);

        *field = strv_free(*field);
}

static int add_line(const Setting *t, Settings *s, const char *text, char **ret_reason) {
        char ***field = SETTING_FIELD(t, s, char **);

        if (endswith(text, "\\"))
                return setting_reason(ret_reason, "ends in a backslash");
        if (strv_length(*field) >= SETTINGS_LIST_MAX)
                return setting_reason(ret_reason, "makes more than %u lines", SETTINGS_LIST_MAX);
        return strv_extend(field, text);
}

static int apply_filter(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        bool deny = text[0] == '~';
        SyscallWord w;
        int r;

        r = words_split(text + deny, SYSCALL_RULE_WORDS_MAX, &words, ret_reason);
        if (r < 0)
                return r;
        if (!words)
                return -EINVAL;
        STRV_FOREACH(word, words) {
                r = syscall_word_parse(*word, deny, &w, ret_reason);
                if (r < 0)
                        return r;
        }
        return add_line(t, s, text, ret_reason);
}

static int apply_raw(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        RawLine l;
        int r;

        r = raw_line_parse(text, &l, ret_reason);
        return r < 0 ? r : add_line(t, s, text, ret_reason);
}

/* One assignment holds one line. */
static int print_lines(const Setting *t, const Settings *s, char **ret) {
        char *const *lines = *SETTING_FIELD_CONST(t, s, char **);

        if (strv_length(lines) != 1)
                return -ENODATA;
        return (*ret = strdup(lines[0])) ? 0 : -ENOMEM;
}

static bool lines_differ(const Setting *t, const Settings *a, const Settings *b) {
        char *const *x = *SETTING_FIELD_CONST(t, a, char **), *const *y = *SETTING_FIELD_CONST(t, b, char **);

        for (; x && *x && y && *y; x++, y++)
                if (!streq(*x, *y))
                        return true;
        return (x && *x) || (y && *y);
}

/* Of file systems on block devices only; LXD has commas between them. */
static int apply_filesystems(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        static const char *const known[] = { "btrfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "iso9660", "ntfs3", "squashfs", "udf", "vfat", "xfs" };
        _cleanup_free_ char *copy = strdup(text);
        char ***field = SETTING_FIELD(t, s, char **), *save = NULL;
        _cleanup_strv_ char **types = NULL;
        int r;

        if (!copy)
                return -ENOMEM;
        for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
                bool found = false;

                for (size_t i = 0; i < ELEMENTSOF(known); i++)
                        found = found || streq(known[i], word);
                if (!found)
                        return -EINVAL;
                r = strv_find(types, word) ? 0 : strv_extend(&types, word);
                if (r < 0)
                        return r;
        }
        if (!types)
                return -EINVAL;
        STRV_FOREACH(type, types) {
                r = strv_find(*field, *type) ? 0 : strv_extend(field, *type);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int print_filesystems(const Setting *t, const Settings *s, char **ret) {
        char *const *types = *SETTING_FIELD_CONST(t, s, char **);

        return types ? strv_join(types, " ", ret) : -ENODATA;
}

/* To forbid more is everybody's right. */
static bool owner_may_filter(const char *value) {
        return !value || !*value || *value == '~';
}

const SettingType setting_type_syscall_filter = {
        .name = "system calls", .expects = "a list of system calls and groups of them, with '~' in front of it to deny them", .example = "~keyctl bpf:ENOSYS @swap",
        .list = true, .apply = apply_filter, .print = print_lines, .clear = clear_lines, .differs = lines_differ, .owner_may = owner_may_filter,
};

const SettingType setting_type_filesystems = {
        .name = "file systems", .expects = "a list of file systems for block devices, such as ext4 xfs", .example = "ext4 xfs",
        .list = true, .apply = apply_filesystems, .print = print_filesystems, .clear = clear_lines,
};

/* What a rule is, its own compiler says, where there is one; that something is none can be seen everywhere. */
static int apply_rule(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        size_t n = strlen(text);

        while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
                n--;
        if (*text != '#' && !startswith(text, "include ") && (n == 0 || !strchr(",{}", text[n - 1])))
                return setting_reason(ret_reason, "is no whole rule: one ends in a comma");
        return add_line(t, s, text, ret_reason);
}

const SettingType setting_type_raw_apparmor = {
        .name = "AppArmor rule", .expects = "a rule as in apparmor.d(5)", .example = "deny /srv/** w,",
        .list = true, .apply = apply_rule, .print = print_lines, .clear = clear_lines, .differs = lines_differ,
};

const SettingType setting_type_raw_seccomp = {
        .name = "policy line", .expects = "a line of a policy file as in lxc.container.conf(5)", .example = "mknod errno 1",
        .list = true, .apply = apply_raw, .print = print_lines, .clear = clear_lines, .differs = lines_differ,
};
