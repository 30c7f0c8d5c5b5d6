/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of what is asked of the host's kernel: modules. */

#include "settings/table.h"

#include <string.h>

#include "basic/strv.h"

#define MODULE_NAME_MAX 56U /* MODULE_NAME_LEN of the kernel */
#define MODULES_MAX 64U

static void clear_modules(const Setting *t, Settings *s) {
        char ***field = SETTING_FIELD(t, s, char **);

        *field = strv_free(*field);
}

/* The names go into those of units: nothing that could be another thing there. */
static bool module_name_valid(const char *name) {
        size_t n = strlen(name);

        return n > 0 && n < MODULE_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n && name[0] != '-';
}

static int apply_modules(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **names = NULL;
        char ***field = SETTING_FIELD(t, s, char **);
        int r;

        r = strv_copy(*field, &names);
        for (const char *p = text; r >= 0 && *p; p += strspn(p, " ,")) {
                size_t n = strcspn(p, " ,");
                _cleanup_free_ char *name = strndup(p, n);

                p += n;
                if (!name)
                        return -ENOMEM;
                if (!module_name_valid(name))
                        return -EINVAL;
                if (strv_find(names, name))
                        continue;
                if (strv_length(names) >= MODULES_MAX)
                        return setting_reason(ret_reason, "makes more than %u modules", MODULES_MAX);
                r = strv_extend(&names, name);
        }
        if (r < 0)
                return r;
        strv_free(*field);
        *field = TAKE_PTR(names);
        return 0;
}

static int print_modules(const Setting *t, const Settings *s, char **ret) {
        char *const *l = *SETTING_FIELD_CONST(t, s, char **);

        return l ? strv_join(l, " ", ret) : -ENODATA;
}

const SettingType setting_type_modules = {
        .name = "modules", .expects = "a list of names of kernel modules, such as overlay nf_nat", .example = "overlay nf_nat", .list = true,
        .apply = apply_modules, .print = print_modules, .clear = clear_modules,
};
