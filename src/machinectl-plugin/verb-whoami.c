/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* whoami: what the caller may do, and how much of his limits he has used. What polkit answers depends on the session, so that is told too. */

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"

#define GROUP "berth" /* of polkit's example rules, whose members manage all */

static bool in_group(void) {
        const struct group *g = getgrnam(GROUP);
        gid_t groups[256];
        int n = getgroups(ELEMENTSOF(groups), groups);

        for (int i = 0; g && i < n; i++)
                if (groups[i] == g->gr_gid)
                        return true;
        return false;
}

/* As polkit sees it: a session without a seat is not local. */
static const char *describe_session(void) {
        _cleanup_free_ char *session = NULL, *seat = NULL;

        if (sd_pid_get_session(0, &session) < 0)
                return "none";
        if (sd_session_is_remote(session) > 0 || sd_session_get_seat(session, &seat) < 0)
                return "remote";
        return sd_session_is_active(session) > 0 ? "active" : "inactive";
}

static json_object *text(const char *s) {
        return json_object_new_string(s);
}

/* ret_all: he can enter everybody's. */
static int read_verbs(sd_bus_message *m, json_object *verbs, bool *ret_all) {
        const char *verb, *own, *others;
        int r;

        *ret_all = false;
        r = sd_bus_message_enter_container(m, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(sss)", &verb, &own, &others)) > 0) {
                json_object *o = json_object_new_object();

                json_object_object_add(o, "verb", text(verb));
                json_object_object_add(o, "own", *own ? text(own) : NULL);
                json_object_object_add(o, "others", text(others));
                json_object_array_add(verbs, o);
                *ret_all = *ret_all || (streq(verb, "exec") && streq(others, "yes"));
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_limits(sd_bus_message *m, json_object *limits) {
        uint64_t used, limit;
        const char *key;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(stt)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(stt)", &key, &used, &limit)) > 0) {
                json_object *o = json_object_new_object();

                json_object_object_add(o, "limit", text(key));
                json_object_object_add(o, "used", json_object_new_uint64(used));
                json_object_object_add(o, "max", limit == UINT64_MAX ? NULL : json_object_new_uint64(limit));
                json_object_array_add(limits, o);
        }
        return r;
}

static const char *reason(const char *session, uid_t uid, bool all) {
        if (uid == 0)
                return "root; polkit is not asked";
        if (all)
                return in_group() ? "member of group '" GROUP "', which a rule of polkit lets manage everybody's containers" :
                                    "a rule of polkit lets this user manage everybody's containers";
        if (streq(session, "active"))
                return "an active session on this machine";
        return streq(session, "none") ? "no session: what is allowed, a rule of polkit allows" : "a session that is not active on this machine: what is allowed, a rule of polkit allows";
}

static void print(json_object *whole) {
        json_object *verbs = json_object_object_get(whole, "verbs"), *limits = json_object_object_get(whole, "limits");
        char size[16], most[16];

        printf("%s (uid %s): %s.\n", json_object_get_string(json_object_object_get(whole, "user")), json_object_get_string(json_object_object_get(whole, "uid")),
               json_object_get_string(json_object_object_get(whole, "reason")));
        printf("\n%-20s %-15s %s\n", "VERB", "OWN", "OTHERS");
        for (size_t i = 0; i < json_object_array_length(verbs); i++) {
                json_object *o = json_object_array_get_idx(verbs, i), *own = json_object_object_get(o, "own");

                printf("%-20s %-15s %s\n", json_object_get_string(json_object_object_get(o, "verb")), own ? json_object_get_string(own) : "-",
                       json_object_get_string(json_object_object_get(o, "others")));
        }
        printf("\n%-22s %10s %10s\n", "LIMIT", "USED", "MAX");
        for (size_t i = 0; i < json_object_array_length(limits); i++) {
                json_object *o = json_object_array_get_idx(limits, i), *max = json_object_object_get(o, "max");
                const char *key = json_object_get_string(json_object_object_get(o, "limit"));
                const uint64_t used = json_object_get_uint64(json_object_object_get(o, "used"));
                bool bytes = startswith(key, "Disk");

                if (bytes)
                        printf("%-22s %10s %10s\n", key, format_size(used, size), max ? format_size(json_object_get_uint64(max), most) : "-");
                else
                        printf("%-22s %10llu %10s\n", key, (unsigned long long) used, max ? json_object_get_string(max) : "-");
        }
}

int verb_whoami(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_json_ json_object *whole = json_object_new_object();
        json_object *verbs = json_object_new_array(), *limits = json_object_new_array();
        const char *session = describe_session();
        const struct passwd *pw;
        char number[DECIMAL_MAX];
        uint32_t uid;
        bool all;
        int r;

        if (!whole || !verbs || !limits)
                return report_oom();
        json_object_object_add(whole, "verbs", verbs);
        json_object_object_add(whole, "limits", limits);
        r = bus_method(c, "WhoAmI", c->args->words[0], &reply, "s", c->args->words[0] ?: "");
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "u", &uid);
        if (r >= 0)
                r = read_verbs(reply, verbs, &all);
        if (r >= 0)
                r = read_limits(reply, limits);
        if (r < 0)
                return bus_report_parse(r);
        pw = getpwuid(uid);
        snprintf(number, sizeof number, "%u", uid);
        json_object_object_add(whole, "user", text(pw ? pw->pw_name : number));
        json_object_object_add(whole, "uid", json_object_new_int64(uid));
        json_object_object_add(whole, "session", text(session));
        json_object_object_add(whole, "reason", text(reason(session, uid, all)));
        if (c->style.json != JSON_OFF)
                return json_print(whole, c->style.json, stdout);
        print(whole);
        return 0;
}
