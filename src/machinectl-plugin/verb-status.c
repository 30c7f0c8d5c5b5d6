/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* status, info and show of containers and images: what there is to know about one thing. */

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/pager.h"
#include "machinectl-plugin/process.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "shared/bus-names.h"

#define LOG_LINES "10"

static int get_object(Ctl *c, const char *member, const char *interface, const char *name, json_object **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *path;
        int r;

        r = bus_method(c, member, name, &reply, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return bus_report_parse(r);
        return bus_get_properties(c, path, interface, name, ret);
}

static int get_container(Ctl *c, const char *name, json_object **ret) {
        return get_object(c, "GetContainer", BERTH_CONTAINER_INTERFACE, name, ret);
}

static int get_image(Ctl *c, const char *name, json_object **ret) {
        return get_object(c, "GetImage", BERTH_IMAGE_INTERFACE, name, ret);
}

static const char *get_string(json_object *o, const char *key) {
        return json_object_get_string(json_object_object_get(o, key)) ?: "";
}

static uint64_t get_number(json_object *o, const char *key) {
        return json_object_get_uint64(json_object_object_get(o, key));
}

static bool get_bool(json_object *o, const char *key) {
        return json_object_get_boolean(json_object_object_get(o, key));
}

/* A line of a status, as machinectl has them; nothing where there is nothing to say. */
static void print_field(const char *label, const char *value) {
        _cleanup_free_ char *escaped = NULL;

        if (!isempty(value) && string_escape(value, &escaped) >= 0)
                printf("%14s: %s\n", label, escaped);
}

static void print_time(const char *label, uint64_t usec) {
        char buffer[32];

        if (usec > 0)
                print_field(label, format_time(usec, buffer));
}

static void print_bytes(const char *label, uint64_t bytes) {
        char size[16], text[64];

        snprintf(text, sizeof text, "%s (%" PRIu64 " bytes)", format_size(bytes, size), bytes);
        print_field(label, text);
}

static void print_owner(uint64_t uid) {
        struct passwd *pw = getpwuid((uid_t) uid);
        char text[128];

        snprintf(text, sizeof text, "%s%s%" PRIu64 "%s", pw ? pw->pw_name : "", pw ? " (" : "", uid, pw ? ")" : "");
        print_field("Owner", text);
}

static void print_state(Ctl *c, json_object *o) {
        const char *state = get_string(o, "State"), *colour = "";

        if (c->style.colour)
                colour = streq(state, "running") ? COLOUR_GREEN : streq(state, "failed") ? COLOUR_RED : "";
        printf("%14s: %s%s%s\n", "State", colour, state, *colour ? COLOUR_OFF : "");
}

static void print_container(Ctl *c, json_object *o) {
        _cleanup_free_ char *name = NULL;
        const char *state = get_string(o, "State");
        bool running = !streq(state, "stopped") && !streq(state, "failed");
        char text[64];

        if (string_escape(get_string(o, "Name"), &name) < 0)
                return;
        printf("%s%s%s %s\n", c->style.colour && streq(state, "running") ? COLOUR_GREEN : c->style.colour && streq(state, "failed") ? COLOUR_RED : "",
               running ? "●" : "○", c->style.colour ? COLOUR_OFF : "", name);
        print_field("Description", get_string(o, "Description"));
        print_state(c, o);
        if (get_number(o, "Leader") > 0) {
                snprintf(text, sizeof text, "%" PRIu64, get_number(o, "Leader"));
                print_field("Leader", text);
        }
        print_field("OS", get_string(o, "OperatingSystem"));
        print_field("Image", get_string(o, "Image"));
        print_field("Store", get_string(o, "Store"));
        print_owner(get_number(o, "Owner"));
        print_field("UUID", get_string(o, "UUID"));
        if (get_number(o, "UIDBase") > 0) {
                snprintf(text, sizeof text, "%" PRIu64 "…%" PRIu64, get_number(o, "UIDBase"), get_number(o, "UIDBase") + 65535);
                print_field("UIDs", text);
        }
        print_time("Created", get_number(o, "CreatedUSec"));
        snapshots_print(c, get_string(o, "Name"));
        print_field("At boot", get_bool(o, "Enabled") ? "started (enabled)" : "not started (disabled)");
        if (get_bool(o, "Privileged"))
                print_field("Privileged", "yes: root inside is the host's");
        if (get_bool(o, "Encrypted"))
                print_field("Encrypted", "yes: needs its key to start");
        if (get_bool(o, "Ephemeral"))
                print_field("Ephemeral", "yes: removed when it stops");
        print_field("Unit", get_string(o, "Unit"));
        if (running)
                print_field("Scope", get_string(o, "Scope"));
}

static void print_settings(const char *text) {
        printf("\nSettings:\n");
        while (*text) {
                _cleanup_free_ char *line = strndup(text, strcspn(text, "\n")), *escaped = NULL;

                if (!line || string_escape(line, &escaped) < 0)
                        return;
                printf("  %s\n", escaped);
                text += strlen(line);
                text += *text == '\n';
        }
}

/* The journal is read as the caller: who may not read it sees nothing of it. journalctl(1) escapes what a container has written. */
static void print_log(Ctl *c, json_object *o) {
        _cleanup_free_ char *unit = NULL, *scope = NULL, *lines = NULL;
        pid_t pid;

        if (asprintf(&unit, "--unit=%s", get_string(o, "Unit")) < 0 || asprintf(&scope, "--unit=%s", get_string(o, "Scope")) < 0 ||
            asprintf(&lines, "--lines=%s", arguments_get(c->args, OPTION_LINES) ?: LOG_LINES) < 0)
                return;
        printf("\n");
        if (process_start((const char *const[]) { "journalctl", "--no-pager", "--quiet", "--no-hostname", lines, unit, scope, NULL },
                          -EBADF, -EBADF, &pid) >= 0)
                (void) process_wait(pid);
}

static int check_lines(Ctl *c) {
        const char *lines = arguments_get(c->args, OPTION_LINES);
        uint32_t n;

        if (lines && !streq(lines, "all") && parse_u32(lines, UINT32_MAX, &n) < 0)
                return report_usage("'%s' is no number of lines.", lines);
        return 0;
}

static int status(Ctl *c, const char *name, bool with_settings) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_json_ json_object *o = NULL;
        const char *text;
        int r;

        r = get_container(c, name, &o);
        if (r < 0)
                return r;
        if (c->style.json != JSON_OFF)
                return json_print(o, c->style.json, stdout);
        pager_open(c);
        print_container(c, o);
        if (with_settings) {
                r = bus_method(c, "GetSettings", name, &reply, "sb", name, true);
                if (r < 0)
                        return r;
                r = sd_bus_message_read(reply, "s", &text);
                if (r < 0)
                        return bus_report_parse(r);
                print_settings(text);
        }
        if (arguments_have(c->args, OPTION_SHOW_LOG) || arguments_have(c->args, OPTION_LINES))
                print_log(c, o);
        return 0;
}

static int status_each(Ctl *c, bool with_settings) {
        int result, r;

        result = check_lines(c);
        if (result != 0)
                return result;
        STRV_FOREACH(name, c->args->words) {
                if (name != c->args->words && c->style.json == JSON_OFF)
                        printf("\n");
                r = status(c, *name, with_settings);
                if (r < 0)
                        result = r;
        }
        return result;
}

int verb_status(Ctl *c) {
        return status_each(c, false);
}

int verb_info(Ctl *c) {
        return status_each(c, true);
}

/* Is the property among those asked for? They may be given one by one, or with commas. */
static bool wanted(Ctl *c, const char *property) {
        size_t n = strlen(property);

        STRV_FOREACH(v, c->args->options[OPTION_PROPERTY])
                for (const char *p = *v; *p; p += *p == ',') {
                        size_t m = strcspn(p, ",");

                        if (m == n && strncmp(p, property, n) == 0)
                                return true;
                        p += m;
                }
        return !c->args->options[OPTION_PROPERTY];
}

static int format_value(json_object *o, char **ret) {
        _cleanup_strv_ char **parts = NULL;
        int r = 0;

        switch (json_object_get_type(o)) {
        case json_type_boolean:
                r = strv_extend(&parts, json_object_get_boolean(o) ? "yes" : "no");
                break;
        case json_type_array:
                for (size_t i = 0; i < json_object_array_length(o) && r >= 0; i++)
                        r = strv_extend(&parts, json_object_get_string(json_object_array_get_idx(o, i)));
                break;
        case json_type_object: {
                json_object_object_foreach(o, key, value)
                        if (r >= 0)
                                r = strv_extendf(&parts, "%s=%s", key, json_object_get_string(value));
                break;
        }
        default:
                r = strv_extend(&parts, json_object_get_string(o));
        }
        return r < 0 ? r : strv_join(parts, " ", ret);
}

static int print_properties(Ctl *c, json_object *o) {
        bool value_only = arguments_have(c->args, OPTION_VALUE);

        if (c->style.json != JSON_OFF) {
                _cleanup_json_ json_object *some = json_object_new_object();

                if (!some)
                        return report_oom();
                json_object_object_foreach(o, name, item)
                        if (wanted(c, name))
                                json_object_object_add(some, name, json_object_get(item));
                return json_print(some, c->style.json, stdout);
        }
        json_object_object_foreach(o, key, value) {
                _cleanup_free_ char *text = NULL, *escaped = NULL;

                if (!wanted(c, key))
                        continue;
                if (format_value(value, &text) < 0 || string_escape(text, &escaped) < 0)
                        return report_oom();
                printf("%s%s%s\n", value_only ? "" : key, value_only ? "" : "=", escaped);
        }
        return 0;
}

static int show_each(Ctl *c, int (*get)(Ctl *c, const char *name, json_object **ret)) {
        int result = 0, r;

        if (c->style.json == JSON_OFF)
                pager_open(c);
        STRV_FOREACH(name, c->args->words) {
                _cleanup_json_ json_object *o = NULL;

                if (name != c->args->words && c->style.json == JSON_OFF)
                        printf("\n");
                r = get(c, *name, &o);
                if (r >= 0)
                        r = print_properties(c, o);
                if (r < 0)
                        result = r;
        }
        return result;
}

int verb_show(Ctl *c) {
        _cleanup_json_ json_object *o = NULL;
        int r;

        if (arguments_have(c->args, OPTION_EFFECTIVE) || arguments_have(c->args, OPTION_APPLIED))
                return show_effective(c);
        if (c->args->n_words > 0)
                return show_each(c, get_container);
        r = bus_get_properties(c, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, NULL, &o);
        return r < 0 ? r : print_properties(c, o);
}

int verb_show_image(Ctl *c) {
        return show_each(c, get_image);
}

static void print_date_or_never(const char *label, uint64_t usec) {
        if (usec == 0)
                print_field(label, "never");
        else
                print_time(label, usec);
}

static void print_image(json_object *o) {
        json_object *aliases = json_object_object_get(o, "Aliases"), *properties = json_object_object_get(o, "Properties"),
                    *users = json_object_object_get(o, "UsedBy");
        _cleanup_free_ char *text = NULL, *used_by = NULL;

        print_field("Fingerprint", get_string(o, "Fingerprint"));
        if (aliases && format_value(aliases, &text) >= 0)
                print_field("Aliases", text);
        print_field("Description", get_string(o, "Description"));
        print_field("Public", get_bool(o, "Public") ? "yes" : "no");
        print_field("Architecture", get_string(o, "Architecture"));
        print_field("Type", get_string(o, "Type"));
        print_bytes("Size", get_number(o, "SizeBytes"));
        print_bytes("Unpacked", get_number(o, "RootfsBytes"));
        print_time("Created", get_number(o, "CreatedUSec"));
        print_time("Uploaded", get_number(o, "UploadedUSec"));
        print_date_or_never("Expires", get_number(o, "ExpiresUSec"));
        print_date_or_never("Last used", get_number(o, "LastUsedUSec"));
        if (*(get_string(o, "Source") ?: ""))
                print_field("Pulled from", get_string(o, "Source"));
        print_field("Auto-update", get_bool(o, "AutoUpdate") ? "yes" : "no");
        if (users && format_value(users, &used_by) >= 0)
                print_field("Used by", used_by);
        if (!properties || json_object_object_length(properties) == 0)
                return;
        printf("%14s:\n", "Properties");
        json_object_object_foreach(properties, key, value) {
                _cleanup_free_ char *k = NULL, *v = NULL;

                if (string_escape(key, &k) >= 0 && string_escape(json_object_get_string(value) ?: "", &v) >= 0)
                        printf("%16s%s: %s\n", "", k, v);
        }
}

int verb_image_status(Ctl *c) {
        int result = 0, r;

        if (c->style.json != JSON_OFF)
                return verb_show_image(c);
        pager_open(c);
        STRV_FOREACH(name, c->args->words) {
                _cleanup_json_ json_object *o = NULL;

                r = get_image(c, *name, &o);
                if (r < 0) {
                        result = r;
                        continue;
                }
                if (name != c->args->words)
                        printf("\n");
                print_image(o);
        }
        return result;
}
