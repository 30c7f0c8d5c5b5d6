/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/device.h"
#include "settings/table.h"

/* The rows behind device.h: one a key. */

typedef struct DeviceKeyRow DeviceKeyRow;

struct DeviceKeyRow {
        const char *name;
        const char *lxd;          /* NUL-separated: LXD's keys that mean the same */
        unsigned types;           /* bits 1 << DeviceType that it belongs to */
        unsigned needed;          /* of these, the types that cannot be without */
        int (*normalise)(const DeviceKeyRow *row, const char *text, char **ret);
        const char *expects;      /* ends the sentence "…is not" */
        const char *choices;      /* normalise_choice: NUL-separated */
        uint64_t max;             /* normalise_number */
        SettingWho who;
        const char *owner_values; /* NUL-separated: what the owner may set where the rest is the administrator's */
        const char *fallback;
        const char *help;
};

extern const DeviceKeyRow device_table[_DEVICE_KEY_MAX];

#define NULSTR_EACH(s, l) for (const char *s = (l); s && *s; s += strlen(s) + 1)
bool nulstr_has(const char *list, const char *word);
