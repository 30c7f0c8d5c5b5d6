/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/preseed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/file.h"
#include "settings/profile.h"
#include "settings/server.h"
#include "shared/bus-names.h"
#include "shared/yaml-tree.h"

#define DEPTH_MAX 8U
#define KEYS_MAX 1024U
#define BRIDGE "berthbr0"
#define POOL "default"

typedef struct Reader {
        Ctl *ctl;
        Preseed *preseed;
        char *stores;          /* those that are there, as they are listed; NULL: nobody has asked yet */
        const YamlNode *root;  /* the root disk of the profile that new containers have */
} Reader;

Preseed *preseed_free(Preseed *p) {
        if (!p)
                return NULL;
        strv_free(p->settings);
        for (size_t i = 0; i < p->n_profiles; i++) {
                free(p->profiles[i].name);
                free(p->profiles[i].before);
                free(p->profiles[i].text);
        }
        free(p->profiles);
        for (size_t i = 0; i < p->n_pools; i++) {
                free(p->pools[i].pool);
                free(p->pools[i].name);
                strv_free(p->pools[i].settings);
        }
        free(p->pools);
        free(p);
        return NULL;
}

static int wrong(const YamlNode *n, const char *format, ...) _printf_(2, 3);
static int wrong(const YamlNode *n, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                return report_oom();
        }
        return report_failure("The preseed cannot be used, and nothing was changed: line %zu: %s", n->line, text);
}

static int need_type(const YamlNode *n, YamlType type, const char *what) {
        static const char *const types[] = { [YAML_TEXT] = "a text", [YAML_LIST] = "a list", [YAML_MAP] = "a map" };

        return n->type == type ? 0 : wrong(n, "'%s' is no %s.", what, types[type] + 2);
}

/* "" where it is missing or null. */
static const char *text_of(const YamlNode *map, const char *key) {
        const YamlNode *n = yaml_member(map, key);

        return n && n->type == YAML_TEXT && !yaml_is_null(n) ? n->text : "";
}

/* Only these keys; NUL-separated. */
static int check_keys(const YamlNode *map, const char *what, const char *keys) {
        for (const YamlNode *n = map->first; n; n = n->next) {
                bool known = false;

                NULSTR_FOREACH(k, keys)
                        known = known || streq(k, n->key);
                if (!known)
                        return wrong(n, "there is nothing '%s' of %s that berth has.", n->key, what);
        }
        return 0;
}

static int add_setting(Reader *reader, const YamlNode *n, const char *key, const char *value) {
        _cleanup_free_ char *error = NULL;
        ServerKey found;
        int r;

        r = server_find(key, &found, &error);
        if (r >= 0)
                r = server_check(found, value, &error);
        if (r == -ENOENT && strchr(key, '.'))
                return wrong(n, "'%s' is a setting of LXD's server that berth does not have.", key);
        if (r == -ENOENT || r == -EINVAL)
                return wrong(n, "%s", error);
        return r < 0 || strv_extendf(&reader->preseed->settings, "%s=%s", server_table[found].name, value) < 0 ? report_oom() : 0;
}

static int read_config(Reader *reader, const YamlNode *map) {
        int r = need_type(map, YAML_MAP, "config");

        for (const YamlNode *n = r < 0 ? NULL : map->first; n && r >= 0; n = n->next) {
                r = need_type(n, YAML_TEXT, n->key);
                if (r >= 0)
                        r = add_setting(reader, n, n->key, n->text);
        }
        return r;
}

/* What the bridge is anyhow. */
static bool bridge_has(const char *key, const char *value) {
        static const char *const fixed[][2] = {
                { "ipv4.nat", "true" }, { "ipv4.dhcp", "true" }, { "ipv6.address", "auto" }, { "ipv6.nat", "true" }, { "ipv6.dhcp", "true" }, { "dns.mode", "managed" },
        };

        for (size_t i = 0; i < ELEMENTSOF(fixed); i++)
                if (streq(fixed[i][0], key) && streq(fixed[i][1], value))
                        return true;
        return false;
}

static int read_network(Reader *reader, const YamlNode *map) {
        const YamlNode *config;
        int r;

        r = need_type(map, YAML_MAP, "networks");
        if (r >= 0)
                r = check_keys(map, "a network", "name\0type\0description\0config\0project\0");
        if (r < 0)
                return r;
        if (!streq(text_of(map, "name"), BRIDGE))
                return wrong(map, "there is one network, '" BRIDGE "', and no '%s'. Other bridges are the host's own: name one as 'parent' of a device.",
                             text_of(map, "name"));
        if (*text_of(map, "type") && !streq(text_of(map, "type"), "bridge"))
                return wrong(map, "'" BRIDGE "' is a bridge, no '%s'.", text_of(map, "type"));
        config = yaml_member(map, "config");
        if (!config || yaml_is_null(config))
                return 0;
        r = need_type(config, YAML_MAP, "config");
        for (const YamlNode *n = r < 0 ? NULL : config->first; n && r >= 0; n = n->next) {
                r = need_type(n, YAML_TEXT, n->key);
                if (r < 0 || bridge_has(n->key, n->text))
                        continue;
                r = streq(n->key, "ipv4.address") ? add_setting(reader, n, n->key, n->text)
                                                  : wrong(n, "'%s: %s' of '" BRIDGE "' is systemd-networkd's to say: make a drop-in of 80-" BRIDGE ".network.",
                                                          n->key, n->text);
        }
        return r;
}

/* > 0: there is a store of this name, and this is its type. */
static int find_store(Reader *reader, const char *name, char **ret_type) {
        int r = reader->stores ? 0 : store_list(reader->ctl, &reader->stores);

        for (const char *line = r < 0 ? NULL : reader->stores; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                const char *type = startswith(line, name);

                if (!type || *type != '\t')
                        continue;
                *ret_type = strndup(type + 1, strcspn(type + 1, "\t\n"));
                return *ret_type ? 1 : report_oom();
        }
        return r;
}

static int fill_pool(Reader *reader, PreseedPool *p, const YamlNode *map, const YamlNode *config) {
        _cleanup_free_ char *type = NULL;
        int r;

        for (const YamlNode *n = config ? config->first : NULL; n; n = n->next) {
                _cleanup_free_ char *word = NULL;

                r = need_type(n, YAML_TEXT, n->key);
                if (r < 0)
                        return r;
                if (asprintf(&word, "%s=%s", n->key, n->text) < 0)
                        return report_oom();
                r = store_add_setting(&p->settings, p->type, word);
                if (r < 0)
                        return r;
        }
        r = find_store(reader, p->name, &type);
        if (r > 0 && !streq(type, p->type))
                return wrong(map, "there is a store '%s' already, of the type %s.", p->name, type);
        p->there = r > 0;
        return MIN_OF(r, 0);
}

static int read_pool(Reader *reader, const YamlNode *map) {
        const YamlNode *config;
        const char *name, *type;
        PreseedPool *more, *p;
        int r;

        r = need_type(map, YAML_MAP, "storage_pools");
        if (r >= 0)
                r = check_keys(map, "a storage pool", "name\0driver\0description\0config\0");
        if (r < 0)
                return r;
        name = text_of(map, "name");
        type = store_type(text_of(map, "driver"));
        config = yaml_member(map, "config");
        if (config && yaml_is_null(config))
                config = NULL;
        if (!type)
                return wrong(map, "there are no storage pools of the driver '%s', but of dir, btrfs, lvm and zfs.", text_of(map, "driver"));
        if (config && (config->type != YAML_TEXT || *config->text)) {
                r = need_type(config, YAML_MAP, "config");
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < reader->preseed->n_pools; i++)
                if (streq(reader->preseed->pools[i].pool, name))
                        return wrong(map, "the storage pool '%s' is there twice.", name);
        more = reallocarray(reader->preseed->pools, reader->preseed->n_pools + 1, sizeof *more);
        if (!more)
                return report_oom();
        reader->preseed->pools = more;
        p = more + reader->preseed->n_pools++;
        *p = (PreseedPool) { .type = type, .pool = strdup(name) };
        /* The one that needs nothing. */
        p->there = streq(name, POOL) && streq(type, "directory") && (!config || !config->first);
        p->name = strdup(streq(name, POOL) && !p->there ? type : name);
        if (!p->pool || !p->name)
                return report_oom();
        return p->there ? 0 : fill_pool(reader, p, map, config);
}

static const PreseedPool *find_pool(const Preseed *p, const char *name) {
        for (size_t i = 0; i < p->n_pools; i++)
                if (streq(p->pools[i].pool, name))
                        return p->pools + i;
        return NULL;
}

/* New containers are in the pool of their profile's root disk; of the pools that are named, the one that is called default, or the only one, is for those that have none. */
static int choose_store(Reader *reader) {
        Preseed *p = reader->preseed;
        const char *pool = reader->root ? text_of(reader->root, "pool") : "";
        const PreseedPool *found = *pool ? find_pool(p, pool) : find_pool(p, POOL) ?: p->n_pools == 1 ? p->pools : NULL;
        _cleanup_free_ char *type = NULL;
        int r;

        STRV_FOREACH(s, p->settings)
                if (startswith(*s, "DefaultStore="))
                        return 0;
        if (!found && *pool && !streq(pool, POOL)) {
                r = find_store(reader, pool, &type);
                if (r <= 0)
                        return r < 0 ? r : wrong(reader->root, "there is no storage pool '%s'.", pool);
        }
        /* As it is where that is said of what is there anyhow. */
        if (!found && (!*pool || streq(pool, POOL)))
                return 0;
        if (found && streq(found->name, POOL))
                return 0;
        return strv_extendf(&p->settings, "DefaultStore=%s", found ? found->name : pool) < 0 ? report_oom() : 0;
}

static int set_one(SettingsFile *f, const YamlNode *n, const char *key) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (n->type == YAML_TEXT)
                r = settings_file_set(f, key, n->text, &error);
        else if (n->type == YAML_LIST) {
                r = settings_file_unset(f, key, &error);
                for (const YamlNode *entry = n->first; entry && r >= 0; entry = entry->next)
                        r = entry->type == YAML_TEXT ? settings_file_append(f, key, entry->text, &error) : -EINVAL;
        } else
                r = -EINVAL;
        return r == -ENOMEM ? report_oom() : r < 0 ? wrong(n, "%s", error ?: "this is no value of a setting.") : 0;
}

/* The root is always there. */
static bool is_root_disk(const YamlNode *device) {
        for (const YamlNode *n = device->first; n; n = n->next)
                if (!streq(n->key, "type") && !streq(n->key, "path") && !streq(n->key, "pool"))
                        return false;
        return streq(text_of(device, "type"), "disk") && streq(text_of(device, "path"), "/");
}

static int set_bridged(SettingsFile *f, const YamlNode *n, const char *device) {
        _cleanup_free_ char *assignment = NULL, *error = NULL;
        int r;

        if (asprintf(&assignment, "Device.%s.nictype=bridged", device) < 0)
                return report_oom();
        r = settings_file_set(f, assignment, NULL, &error);
        return r < 0 ? wrong(n, "%s", error ?: strerror(-r)) : 0;
}

static int set_device(SettingsFile *f, const YamlNode *device) {
        const YamlNode *type = yaml_member(device, "type") ?: yaml_member(device, "Type"); /* LXD's name, and ours */
        bool root;
        int r;

        r = need_type(device, YAML_MAP, device->key);
        if (r < 0 || is_root_disk(device))
                return r;
        root = streq(text_of(device, "path"), "/");
        if (!type)
                return wrong(device, "the device '%s' has no type.", device->key);
        for (const YamlNode *n = device->first; n && r >= 0; n = n->next) {
                _cleanup_free_ char *key = NULL;
                /* LXD's way to say that it is on one of its own bridges. */
                bool network = streq(n->key, "network");

                if (root && streq(n->key, "pool"))
                        continue;
                if (network && (n->type != YAML_TEXT || !streq(n->text, BRIDGE)))
                        return wrong(n, "there is one network, '" BRIDGE "', and no '%s'; name other bridges of the host as 'parent'.", n->text ?: "");
                if (asprintf(&key, "Device.%s.%s", device->key, network ? "parent" : n->key) < 0)
                        return report_oom();
                r = set_one(f, n, key);
                if (r >= 0 && network)
                        r = set_bridged(f, n, device->key);
        }
        return r;
}

/* Of the profile itself, in its own section. */
static int set_of_profile(SettingsFile *f, const YamlNode *n, const char *key) {
        size_t at = SIZE_MAX;
        int r = 0;

        if (n->type != YAML_TEXT || !ini_value_fits(n->text) || strpbrk(n->text, "\n\r\t"))
                return wrong(n, "'%s' is no line of text.", n->key);
        for (size_t i = f->ini.n_lines; i-- > 0;) {
                const IniLine *l = f->ini.lines + i;

                if (l->kind == INI_ASSIGNMENT && streq(l->section, PROFILE_SECTION) && streq(l->key, key)) {
                        ini_remove(&f->ini, i);
                        at = i;
                } else if (l->kind == INI_SECTION && streq(l->section, PROFILE_SECTION) && at == SIZE_MAX)
                        at = i + 1;
        }
        if (!*n->text)
                return 0;
        if (at == SIZE_MAX) {
                r = ini_append_section(&f->ini, PROFILE_SECTION);
                at = f->ini.n_lines;
        }
        if (r >= 0)
                r = ini_insert_assignment(&f->ini, at, PROFILE_SECTION, key, n->text);
        return r < 0 ? report_oom() : 0;
}

/* Into *f what the preseed says; what else is in it stays, as LXD has it. */
static int fill_profile(SettingsFile *f, const YamlNode *map) {
        const YamlNode *config = yaml_member(map, "config"), *devices = yaml_member(map, "devices"), *description = yaml_member(map, "description"),
                       *owners = yaml_member(map, "owners_may_assign");
        int r = 0;

        if (description && !yaml_is_null(description))
                r = set_of_profile(f, description, "Description");
        if (r >= 0 && owners)
                r = set_of_profile(f, owners, "OwnersMayAssign");
        if (r >= 0 && config && !yaml_is_null(config))
                r = need_type(config, YAML_MAP, "config");
        for (const YamlNode *n = config && r >= 0 ? config->first : NULL; n && r >= 0; n = n->next)
                r = set_one(f, n, n->key);
        if (r >= 0 && devices && !yaml_is_null(devices))
                r = need_type(devices, YAML_MAP, "devices");
        for (const YamlNode *n = devices && r >= 0 ? devices->first : NULL; n && r >= 0; n = n->next)
                r = set_device(f, n);
        return r;
}

/* *ret is NULL when there is none. */
static int read_there(Ctl *c, const char *name, char **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;
        int r;

        *ret = NULL;
        r = bus_open(c);
        if (r < 0)
                return r;
        r = sd_bus_call_method(c->bus, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, "GetProfile", &error, &reply, "s", name);
        if (sd_bus_error_has_name(&error, BERTH_ERROR_NO_SUCH_PROFILE))
                return 0;
        if (r < 0)
                return bus_report(c, r, &error, name);
        r = sd_bus_message_read(reply, "ss", &text, NULL);
        if (r < 0)
                return bus_report_parse(r);
        *ret = strdup(text);
        return *ret ? 0 : report_oom();
}

/* What says the same in another order is left as it is. */
static int print_changed(const SettingsFile *f, PreseedProfile *p) {
        _cleanup_(settings_file_freep) SettingsFile *old = NULL;
        _cleanup_free_ char *error = NULL;
        _cleanup_strv_ char **keys = NULL;

        if (p->before && settings_file_parse(p->name, p->before, &old, &error) >= 0 && settings_file_changed_keys(old, f, &keys) >= 0 && !keys) {
                p->text = strdup(p->before);
                return p->text ? 0 : report_oom();
        }
        return settings_file_print(f, &p->text) < 0 ? report_oom() : 0;
}

/* A store is chosen when a container is made, and not by a profile: but what the one that all have says is what the server can be told. */
static int note_root(Reader *reader, const char *profile, const YamlNode *map) {
        const YamlNode *devices = yaml_member(map, "devices");

        for (const YamlNode *d = devices && devices->type == YAML_MAP ? devices->first : NULL; d; d = d->next) {
                if (!streq(text_of(d, "path"), "/") || !*text_of(d, "pool"))
                        continue;
                if (streq(profile, "default"))
                        reader->root = d;
                else if (!streq(text_of(d, "pool"), POOL))
                        return wrong(d, "a profile has no storage pool, but the one that is called default, which says where new containers are: give --store to create.");
        }
        return 0;
}

static int read_profile(Reader *reader, const YamlNode *map) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL, *whole = NULL;
        _cleanup_free_ char *error = NULL;
        PreseedProfile *more, *p;
        const char *name;
        int r;

        r = need_type(map, YAML_MAP, "profiles");
        if (r >= 0)
                r = check_keys(map, "a profile", "name\0description\0config\0devices\0owners_may_assign\0project\0");
        if (r < 0)
                return r;
        name = text_of(map, "name");
        if (!profile_name_valid(name))
                return wrong(map, "'%s' is no name of a profile.", name);
        for (size_t i = 0; i < reader->preseed->n_profiles; i++)
                if (streq(reader->preseed->profiles[i].name, name))
                        return wrong(map, "the profile '%s' is there twice.", name);

        more = reallocarray(reader->preseed->profiles, reader->preseed->n_profiles + 1, sizeof *more);
        if (!more)
                return report_oom();
        reader->preseed->profiles = more;
        p = more + reader->preseed->n_profiles++;
        *p = (PreseedProfile) { .name = strdup(name) };
        if (!p->name)
                return report_oom();
        r = read_there(reader->ctl, name, &p->before);
        if (r < 0)
                return r;
        r = settings_file_parse(name, p->before ?: "", &f, &error);
        if (r < 0)
                return r == -ENOMEM ? report_oom() : wrong(map, "%s", error);
        r = fill_profile(f, map);
        if (r >= 0)
                r = note_root(reader, name, map);
        if (r < 0)
                return r;
        r = print_changed(f, p);
        if (r < 0)
                return r;
        r = profile_parse(name, p->text, &whole, &error);
        return r == -ENOMEM ? report_oom() : r < 0 ? wrong(map, "%s", error) : 0;
}

static int each(Reader *reader, const YamlNode *list, int (*read)(Reader *reader, const YamlNode *map)) {
        int r = need_type(list, YAML_LIST, list->key);

        for (const YamlNode *n = r < 0 ? NULL : list->first; n && r >= 0; n = n->next)
                r = read(reader, n);
        return r;
}

static int read_document(Reader *reader, const YamlNode *root) {
        static const struct {
                const char *key;
                int (*read)(Reader *reader, const YamlNode *n); /* NULL: berth does not have it */
                bool list;
        } parts[] = {
                { "config", read_config, false }, { "networks", read_network, true }, { "storage_pools", read_pool, true }, { "profiles", read_profile, true },
                { "cluster", NULL, false }, { "projects", NULL, true }, { "certificates", NULL, true }, { "storage_volumes", NULL, true },
        };
        int r = need_type(root, YAML_MAP, "the document");

        for (const YamlNode *n = r < 0 ? NULL : root->first; n && r >= 0; n = n->next) {
                bool known = false;

                for (size_t i = 0; i < ELEMENTSOF(parts) && r >= 0; i++) {
                        if (!streq(parts[i].key, n->key))
                                continue;
                        known = true;
                        if (yaml_is_null(n) || (n->type != YAML_TEXT && !n->first))
                                continue;
                        r = !parts[i].read ? wrong(n, "berth has no '%s'.", n->key) : parts[i].list ? each(reader, n, parts[i].read) : parts[i].read(reader, n);
                }
                if (!known)
                        r = wrong(n, "berth has no '%s', but config, networks, storage_pools and profiles.", n->key);
        }
        return r;
}

int preseed_read(Ctl *c, const char *text, size_t size, Preseed **ret) {
        _cleanup_(preseed_freep) Preseed *p = calloc(1, sizeof *p);
        _cleanup_(yaml_node_freep) YamlNode *root = NULL;
        _cleanup_free_ char *error = NULL;
        Reader reader = { .ctl = c, .preseed = p };
        int r;

        if (!p)
                return report_oom();
        r = yaml_parse(text, size, DEPTH_MAX, KEYS_MAX, &root, &error);
        if (r < 0)
                return r == -ENOMEM ? report_oom() : report_failure("The preseed cannot be used, and nothing was changed: %s.", error ?: strerror(-r));
        r = read_document(&reader, root);
        if (r >= 0)
                r = choose_store(&reader);
        free(reader.stores);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

static int profile_call(Ctl *c, const char *member, const char *name, const char *text, const char *before) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, member, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r >= 0 && text)
                r = sd_bus_message_append(m, "s", text);
        if (r >= 0 && before)
                r = sd_bus_message_append(m, "s", before);
        return r < 0 ? bus_report_create(r) : job_call(c, m, name, NULL);
}

static int apply_profile(Ctl *c, const PreseedProfile *p) {
        if (!p->before)
                return profile_call(c, "CreateProfile", p->name, p->text, NULL);
        return streq(p->before, p->text) ? 0 : profile_call(c, "ReplaceProfile", p->name, p->text, p->before);
}

static void undo_profile(Ctl *c, const PreseedProfile *p) {
        if (!p->before)
                (void) profile_call(c, "DeleteProfile", p->name, NULL, NULL);
        else if (!streq(p->before, p->text))
                (void) profile_call(c, "ReplaceProfile", p->name, p->before, p->text);
}

static int undo_pool(Ctl *c, const PreseedPool *p) {
        if (p->there)
                return 0;
        if (streq(p->type, "lvm") || streq(p->type, "zfs"))
                report_note("What was made for the store '%s' with %s is left.", p->name, p->type);
        return store_remove(c, p->name);
}

static void undo(Ctl *c, const Preseed *p, size_t n_profiles, size_t n_pools) {
        bool all = true;

        while (n_pools-- > 0)
                all = undo_pool(c, p->pools + n_pools) >= 0 && all;
        while (n_profiles-- > 0)
                undo_profile(c, p->profiles + n_profiles);
        if (all)
                report_note("Nothing was changed.");
}

int preseed_apply(Ctl *c, const Preseed *p) {
        size_t n_profiles = 0, n_pools = 0;
        int r = 0;

        /* The server's settings come last: they are one step that needs no undoing. Their profiles and their store have to be there. */
        while (n_profiles < p->n_profiles) {
                r = apply_profile(c, p->profiles + n_profiles);
                if (r < 0)
                        break;
                n_profiles++;
        }
        while (r >= 0 && n_pools < p->n_pools) {
                const PreseedPool *pool = p->pools + n_pools;

                r = pool->there ? 0 : store_add(c, pool->name, pool->type, pool->settings);
                if (r < 0)
                        break;
                n_pools++;
        }
        if (r >= 0 && p->settings)
                r = server_change_settings(c, p->settings, NULL);
        if (r < 0)
                undo(c, p, n_profiles, n_pools);
        return MIN_OF(r, 0);
}

/* JSON's texts are YAML's, too. */
static void print_text(const char *text) {
        _cleanup_json_ json_object *o = json_object_new_string(text);

        printf("%s", o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : "\"\"");
}

static bool is_again(const Ini *ini, size_t at) {
        for (size_t i = 0; i < at; i++)
                if (ini->lines[i].kind == INI_ASSIGNMENT && streq(ini->lines[i].section, ini->lines[at].section) && streq(ini->lines[i].key, ini->lines[at].key))
                        return true;
        return false;
}

/* A key of a section with all that is assigned to it: one text, or a list of them. */
static void print_key(const Ini *ini, size_t at, const char *indent, bool with_section) {
        const IniLine *first = ini->lines + at;
        size_t n = 0;

        for (size_t i = at; i < ini->n_lines; i++)
                n += ini->lines[i].kind == INI_ASSIGNMENT && streq(ini->lines[i].section, first->section) && streq(ini->lines[i].key, first->key);
        printf("%s%s%s%s:%s", indent, with_section ? first->section : "", with_section ? "." : "", first->key, n > 1 ? " [" : " ");
        for (size_t i = at, k = 0; i < ini->n_lines; i++)
                if (ini->lines[i].kind == INI_ASSIGNMENT && streq(ini->lines[i].section, first->section) && streq(ini->lines[i].key, first->key)) {
                        printf("%s", k++ > 0 ? ", " : "");
                        print_text(ini->lines[i].value);
                }
        printf("%s\n", n > 1 ? "]" : "");
}

static void print_sections(const Ini *ini, bool devices) {
        const char *device = "";
        bool titled = false;

        for (size_t i = 0; i < ini->n_lines; i++) {
                const IniLine *l = ini->lines + i;
                const char *name = l->section ? startswith(l->section, DEVICE_SECTION) : NULL;

                if (l->kind != INI_ASSIGNMENT || streq(l->section, PROFILE_SECTION) || !!name != devices || is_again(ini, i))
                        continue;
                if (!titled)
                        printf("  %s:\n", devices ? "devices" : "config");
                titled = true;
                if (name && !streq(name, device))
                        printf("    %s:\n", device = name);
                print_key(ini, i, devices ? "      " : "    ", !devices);
        }
}

static int print_profile(Ctl *c, const char *name) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL, *error = NULL, *description = NULL;
        int r;

        r = read_there(c, name, &text);
        if (r < 0 || !text)
                return r;
        r = settings_file_parse(name, text, &f, &error);
        if (r < 0)
                return report_failure("%s", error ?: strerror(-r));
        printf("- name: %s\n", name);
        description = profile_description(f);
        if (description) {
                printf("  description: ");
                print_text(description);
                printf("\n");
        }
        if (profile_is_for_owners(f))
                printf("  owners_may_assign: yes\n");
        print_sections(&f->ini, false);
        print_sections(&f->ini, true);
        return 0;
}

static int print_settings(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *key, *value, *source;
        bool titled = false;
        int r;

        r = bus_method(c, "GetServerSettings", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sss)", &key, &value, &source)) > 0) {
                if (!*source)
                        continue;
                printf("%s  %s: ", titled ? "" : "config:\n", key);
                print_text(value);
                printf("\n");
                titled = true;
        }
        return r < 0 ? bus_report_parse(r) : 0;
}

/* How large what they are in was made is not known, and where it is there already no matter. */
static int print_pools(Ctl *c) {
        _cleanup_free_ char *text = NULL;
        bool titled = false;
        int r;

        r = store_list(c, &text);
        for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                char *name = strsep(&line, "\t"), *type = strsep(&line, "\t"), *place = strsep(&line, "\t");

                if (isempty(place) || !store_type(type) || streq(name, POOL))
                        continue;
                printf("%s- name: %s\n  driver: %s\n  config: {source: ", titled ? "" : "storage_pools:\n", name, streq(type, "directory") ? "dir" : type);
                print_text(place);
                printf("}\n");
                titled = true;
        }
        return r;
}

int preseed_dump(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *name;
        int r;

        r = print_settings(c);
        if (r >= 0)
                r = print_pools(c);
        if (r >= 0)
                r = bus_method(c, "ListProfiles", NULL, &reply, "");
        if (r < 0)
                return r;
        printf("profiles:\n");
        r = sd_bus_message_enter_container(reply, 'a', "(sssbas)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sssbas")) > 0) {
                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0)
                        r = print_profile(c, name);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "ssbas");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? bus_report_parse(r) : 0;
}
