/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* THE table of a container's settings: one row a key. Parsing, printing, set and get, help, the man page and who may set what are all
 * read from it; there is no second list of keys anywhere. A new setting is one row here, a field in Settings, and, if no type fits, a type. */

/* What a scope gets that says nothing of it, as systemd-nspawn@.service. */
#define SCOPE_TASKS_MAX 16384U

typedef enum SettingWhen {
        SETTING_LIVE,         /* a running container follows at once */
        SETTING_NEXT_START,
        SETTING_CREATE_ONLY,  /* fixed once the container exists */
        SETTING_INTERNAL,     /* berth's own book-keeping */
        _SETTING_WHEN_MAX,
} SettingWhen;

typedef enum SettingWho {
        SETTING_OWNER,        /* whoever owns the container */
        SETTING_RULED,        /* the owner's if polkit says so of the action for anybody's containers, with the key; else the administrator's */
        SETTING_ADMIN,        /* reaches the host, or takes from others */
        SETTING_BERTH,        /* berth only, in container.conf only */
        _SETTING_WHO_MAX,
} SettingWho;

typedef struct Setting Setting;

/* How the text of a setting becomes its field and back. Text is never empty, has no blanks at its ends and no control characters. */
typedef struct SettingType {
        const char *name;     /* for help: "size" */
        const char *expects;  /* ends the sentence "…is not": "a size, such as 512M" */
        const char *example;
        bool list;            /* assignments add up, an empty one clears; else the last one counts */
        const char *property_type; /* of [Resource]: D-Bus signature of the property, other than that of its relative form */
        bool verbatim;        /* is written to a file as it was typed, not as print() gives it */

        /* again: not the first assignment since the last reset. -EINVAL and -ERANGE may come with a reason of their own. */
        int (*apply)(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason);
        /* One assignment that gives the same field when it is applied to an empty one; -ENODATA when the field is empty. */
        int (*print)(const Setting *t, const Settings *s, char **ret);
        void (*clear)(const Setting *t, Settings *s);
        /* Where print() does not tell all; may be NULL. */
        bool (*differs)(const Setting *t, const Settings *a, const Settings *b);
        /* Of a row that is the owner's: this value too? NULL: to be taken back. May be NULL: any. */
        bool (*owner_may)(const char *value);
} SettingType;

struct Setting {
        const char *section;
        const char *name;
        const char *lxd;      /* LXD's key that means the same, or NULL; "environment.*": a family of keys, one list entry each */
        const SettingType *type;
        size_t offset;        /* of the field in Settings */
        const char *property; /* types of [Resource]: the bus property, and its relative to the machine, in 1/2^32; of [Service]: "Service.Key" */
        const char *property_scale;
        uint64_t max;         /* types with numbers: the largest */
        int64_t min;          /* whole numbers: the smallest */
        const char *choices;  /* types of words: all, separated by blanks */
        const char *example;  /* where that of the type is none */
        uint64_t usual;       /* types of [Resource]: what the property is when nothing is set; lists: empty */
        const char *usual_word;
        SettingWhen when;
        SettingWho who;
        const char *fallback; /* what holds when nothing is assigned; NULL: the empty field */
        const char *help;     /* one line */
};

extern const Setting settings_table[];
extern const size_t n_settings_table;

const char *setting_when_to_string(SettingWhen when);
const char *setting_who_to_string(SettingWho who);

/* By name, "Section.Name", or LXD's name, exact case. *ret_subkey (may be NULL): what stands for the '*' of LXD's family, in key.
 * -ENOENT, with a sentence that names the nearest key. */
int setting_find(const char *key, const Setting **ret, const char **ret_subkey, char **ret_error);
/* As it stands in a file. */
int setting_find_in_section(const char *section, const char *key, const Setting **ret, char **ret_error);

/* Applies one assignment, an empty one resets. On -EINVAL *ret_error is "Key: 'value' reason." */
int setting_apply(const Setting *t, Settings *s, const char *text, bool again, char **ret_error);
int setting_reset(const Setting *t, Settings *s);

/* Does the key, in any of its forms, LXD's too, speak of the row? */
bool setting_is_meant(const Setting *t, const char *key);
/* Goes into unit files, through the generator: as a line of one, or by being what a timer is made of. */
bool setting_is_for_units(const char *section, const char *key);
bool setting_has_choice(const Setting *t, const char *text);

/* Is the field another one there? < 0 when it cannot be told. */
int setting_differs(const Setting *t, const Settings *a, const Settings *b);
/* What the row gives for its unit property: 1 and the assigned value, or 0 and the usual one. *ret borrows from s. */
int setting_unit_property(const Setting *t, const Settings *s, UnitProperty *ret);
int settings_new(Settings **ret); /* every field as its row's fallback says */

/* The row as table of the manual page, in scdoc. */
void settings_print_manual(FILE *f);

/* For types: the field that the row speaks of, and a reason in words. */
#define SETTING_FIELD(t, s, type) ((type *) (void *) ((char *) (s) + (t)->offset))
#define SETTING_FIELD_CONST(t, s, type) ((type const *) (const void *) ((const char *) (s) + (t)->offset))
int setting_reason(char **ret_reason, const char *format, ...) _printf_(2, 3); /* -EINVAL or -ENOMEM */

#define SETTINGS_HOOKS_MAX 64U /* commands of one hook */
#define SETTINGS_LIST_MAX 1024U /* entries of one list */

extern const SettingType setting_type_string, setting_type_bool, setting_type_u32, setting_type_u64, setting_type_fingerprint, setting_type_uuid, setting_type_layers,
        setting_type_identifier, setting_type_time_span;
extern const SettingType setting_type_command, setting_type_hook, setting_type_environment, setting_type_metadata, setting_type_profiles, setting_type_credentials, setting_type_load_credentials,
        setting_type_hostname, setting_type_path,
        setting_type_user, setting_type_signal, setting_type_notify_ready;
extern const SettingType setting_type_capabilities, setting_type_filesystems, setting_type_id_base, setting_type_modules, setting_type_profile_name, setting_type_syscall_filter, setting_type_raw_apparmor, setting_type_raw_seccomp;
extern const SettingType setting_type_memory, setting_type_tasks, setting_type_weight, setting_type_cpu_weight, setting_type_quota, setting_type_bits;
extern const SettingType setting_type_property_choice, setting_type_property_bool, setting_type_period, setting_type_pressure, setting_type_disk_weight,
        setting_type_disk_rate, setting_type_disk_latency, setting_type_addresses;
extern const SettingType setting_type_rlimit, setting_type_rlimit_size, setting_type_rlimit_seconds, setting_type_rlimit_usec;
extern const SettingType setting_type_integer, setting_type_mask, setting_type_choice;
extern const SettingType setting_type_calendar, setting_type_snapshot_pattern;
extern const SettingType setting_type_units, setting_type_mounts, setting_type_slice;
extern const SettingType setting_type_unit_choice, setting_type_unit_time, setting_type_unit_count, setting_type_unit_raw;
