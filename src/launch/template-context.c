/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/template-context.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "settings/device-table.h"
#include "settings/table.h"

static int set_entries(Arena *a, Value *map, const char *prefix, char *const *entries) {
        int r;

        STRV_FOREACH(e, entries) {
                _cleanup_free_ char *key = NULL;
                const char *equals = strchr(*e, '=');

                if (!equals)
                        continue;
                if (asprintf(&key, "%s%.*s", prefix, (int) (equals - *e), *e) < 0)
                        return -ENOMEM;
                r = value_set_text(a, map, key, equals + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Whatever is set, under its own name and under LXD's. What only the administrator says and LXD does not know, such as hooks, is the host's business. */
static int set_config(Arena *a, Value *config, const Settings *s) {
        int r;

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                _cleanup_free_ char *text = NULL;

                if (t->who >= SETTING_RULED && t->who <= SETTING_ADMIN && !t->lxd)
                        continue;
                r = t->type->print(t, s, &text);
                if (r == -ENODATA)
                        continue;
                if (r >= 0)
                        r = value_set_text(a, config, t->name, text);
                if (r >= 0 && t->lxd && !strchr(t->lxd, '*'))
                        r = value_set_text(a, config, t->lxd, text);
                if (r < 0)
                        return r;
        }
        r = set_entries(a, config, "environment.", s->environment);
        return r < 0 ? r : set_entries(a, config, "user.", s->metadata);
}

static int set_container(Arena *a, Value *container, const char *name, const Settings *s) {
        _cleanup_free_ char *profiles = NULL;
        const struct {
                const char *key, *value;
        } members[] = {
                { "name", name },
                { "architecture", s->architecture ?: "" },
                { "privileged", s->privileged ? "true" : "false" },
                { "ephemeral", s->ephemeral ? "true" : "false" },
                { "type", "container" },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                r = value_set_text(a, container, members[i].key, members[i].value);
                if (r < 0)
                        return r;
        }
        r = strv_join(s->profiles, ", ", &profiles);
        return r < 0 ? r : value_set_text(a, container, "profile", profiles);
}

/* As LXD has them: by name, each with its type and what is set of it, under LXD's names. */
static int set_devices(Arena *a, Value *devices, const Settings *s) {
        int r;

        for (size_t i = 0; i < s->devices.n; i++) {
                const Device *d = &s->devices.items[i];
                Value *map = value_new(a, VALUE_MAP);

                if (!map)
                        return -ENOMEM;
                if (device_type(d) == DEVICE_NONE)
                        continue;
                r = value_set(a, devices, d->name, map);
                for (int k = 0; k < _DEVICE_KEY_MAX && r >= 0; k++)
                        NULSTR_EACH(name, d->values[k] ? device_table[k].lxd : NULL)
                                if (r >= 0)
                                        r = value_set_text(a, map, name, d->values[k]);
                if (r >= 0)
                        r = value_set_text(a, map, "type", device_type_to_string(device_type(d)));
                if (r < 0)
                        return r;
        }
        return 0;
}

int template_context_new(Arena *a, const char *name, const Settings *s, Value **ret) {
        Value *context = value_new(a, VALUE_MAP), *container = value_new(a, VALUE_MAP), *config = value_new(a, VALUE_MAP),
              *devices = value_new(a, VALUE_MAP);
        int r;

        if (!context || !container || !config || !devices)
                return -ENOMEM;
        r = set_container(a, container, name, s);
        if (r >= 0)
                r = set_config(a, config, s);
        if (r >= 0)
                r = value_set(a, context, "container", container);
        if (r >= 0)
                r = value_set(a, context, "instance", value_copy(a, container));
        if (r >= 0)
                r = value_set(a, context, "config", config);
        if (r >= 0)
                r = set_devices(a, devices, s);
        if (r >= 0)
                r = value_set(a, context, "devices", devices);
        if (r < 0)
                return r;
        *ret = context;
        return 0;
}

int template_context_set(Arena *a, Value *context, const char *trigger, const char *path, char *const *properties) {
        Value *map = value_new(a, VALUE_MAP);
        int r;

        if (!map)
                return -ENOMEM;
        r = set_entries(a, map, "", properties);
        if (r >= 0)
                r = value_set(a, context, "properties", map);
        if (r >= 0)
                r = value_set_text(a, context, "trigger", trigger);
        if (r >= 0)
                r = value_set_text(a, context, "path", path);
        return r;
}
