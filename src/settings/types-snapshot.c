/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When snapshots are taken, and what they are called. */

#include <string.h>

#include "basic/strv.h"
#include "settings/calendar.h"
#include "settings/snapshot-pattern.h"
#include "settings/table.h"

static void clear_text(const Setting *t, Settings *s) {
        char **field = SETTING_FIELD(t, s, char *);

        free(*field);
        *field = NULL;
}

static int apply_calendar(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        int r;

        r = calendar_check(text);
        if (r == -ERANGE)
                return setting_reason(ret_reason, "is more often than once a minute");
        return r < 0 ? r : free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int apply_pattern(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        int r;

        r = snapshot_pattern_check(text);
        return r < 0 ? r : free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int print_text(const Setting *t, const Settings *s, char **ret) {
        const char *v = *SETTING_FIELD_CONST(t, s, char *);

        if (!v)
                return -ENODATA;
        return (*ret = strdup(v)) ? 0 : -ENOMEM;
}

const SettingType setting_type_calendar = {
        .name = "calendar event", .expects = "a calendar event as in systemd.time(7), such as daily or Mon..Fri 4:00", .example = "Mon..Fri *-*-* 4:00",
        .apply = apply_calendar, .print = print_text, .clear = clear_text,
};

const SettingType setting_type_snapshot_pattern = {
        .name = "pattern", .expects = "a name of up to 50 letters, digits, '.', '_', '+', ':' and '-' with %Y %m %d %H %M %S and one %i in it",
        .example = "auto-%Y-%m-%d_%H-%M", .apply = apply_pattern, .print = print_text, .clear = clear_text,
};
