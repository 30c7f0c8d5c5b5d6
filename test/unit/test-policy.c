/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every method of the bus interface has a row in the authorisation table, goes through the gate, has named arguments, a polkit action that
 * exists, and a place in the manual; and every row has a method. */
#include "containerd/policy.h"

#include <fcntl.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "containerd/container-bus.h"
#include "containerd/image-bus.h"
#include "containerd/job-bus.h"
#include "containerd/manager-bus.h"
#include "shared/bus-names.h"
#include "unit.h"

static const struct {
        const char *interface;
        const sd_bus_vtable *(*vtable)(void);
} interfaces[] = {
        { BERTH_MANAGER_INTERFACE, manager_bus_vtable },
        { BERTH_CONTAINER_INTERFACE, container_bus_vtable },
        { BERTH_IMAGE_INTERFACE, image_bus_vtable },
        { BERTH_JOB_INTERFACE, job_bus_vtable },
};

static char *read_source(const char *name) {
        _cleanup_close_ int dir = open(SOURCE_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char *text = NULL;

        ck_assert_int_eq(path_read(dir, name, 1024 * 1024, &text, NULL), 0);
        return text;
}

static const sd_bus_vtable *find_method(const char *interface, const char *member) {
        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                if (!streq(interfaces[i].interface, interface))
                        continue;
                for (const sd_bus_vtable *v = interfaces[i].vtable(); v->type != _SD_BUS_VTABLE_END; v++)
                        if (v->type == _SD_BUS_VTABLE_METHOD && streq(v->x.method.member, member))
                                return v;
        }
        return NULL;
}

/* The number of complete types in a signature. */
static size_t count_types(const char *signature) {
        size_t n = 0;
        int depth = 0;

        for (const char *p = signature ?: ""; *p; p++) {
                if (strchr("({", *p))
                        depth++;
                else if (strchr(")}", *p))
                        depth--;
                if (depth == 0 && *p != 'a')
                        n++;
        }
        return n;
}

/* Names are one after the other, each with its NUL (SD_BUS_PARAM()). */
static size_t count_names(const char *names) {
        size_t n = 0;

        for (const char *p = names; p && *p; p += strlen(p) + 1)
                n++;
        return n;
}

START_TEST(every_method_has_a_row) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++)
                for (const sd_bus_vtable *v = interfaces[i].vtable(); v->type != _SD_BUS_VTABLE_END; v++) {
                        const char *member = v->x.method.member;

                        ck_assert_int_ne(v->type, _SD_BUS_VTABLE_WRITABLE_PROPERTY);
                        if (v->type != _SD_BUS_VTABLE_METHOD)
                                continue;
                        n++;
                        ck_assert_msg(policy_find(interfaces[i].interface, member) != NULL, "%s.%s has no row", interfaces[i].interface, member);
                        ck_assert_msg(v->x.method.handler == gate_method, "%s.%s does not go through the gate", interfaces[i].interface, member);
                        ck_assert_msg(v->flags & SD_BUS_VTABLE_UNPRIVILEGED, "sd-bus keeps users from %s.%s", interfaces[i].interface, member);
                        ck_assert_msg(count_names(v->x.method.names) == count_types(v->x.method.signature) + count_types(v->x.method.result),
                                      "%s.%s has arguments without a name", interfaces[i].interface, member);
                }
        ck_assert_uint_ge(n, 40);
}
END_TEST

START_TEST(every_row_has_a_method) {
        const PolicyRow *rows;
        size_t n;

        rows = policy_rows(&n);
        for (size_t i = 0; i < n; i++) {
                ck_assert_ptr_nonnull(rows[i].handler);
                ck_assert_msg(find_method(rows[i].interface, rows[i].member) != NULL, "there is no %s.%s", rows[i].interface, rows[i].member);
                ck_assert_msg(policy_find(rows[i].interface, rows[i].member) == rows + i, "%s.%s has two rows", rows[i].interface, rows[i].member);
        }
}
END_TEST

/* Only looking and asking for one's own things may go without an action. */
START_TEST(only_listing_is_free) {
        static const char *const open[] = { "ListContainers", "ListImages", "ListJobs", "ListAllSnapshots", "GetContainer", "GetImage", "GetJob", "ListProfiles", "GetProfile", "ListStatistics", "GetServerSettings", "ListRemotes", "WhoAmI",
                                            "GetImageMetadata", "GetMetadata",
                                            "GetStatistics", "GetStatistics" /* of two interfaces */ };
        const PolicyRow *rows;
        size_t n, n_open = 0;

        rows = policy_rows(&n);
        for (size_t i = 0; i < n; i++) {
                bool listed = false;

                if (rows[i].action)
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(open); k++)
                        listed = listed || streq(rows[i].member, open[k]);
                ck_assert_msg(listed, "%s needs no authorisation", rows[i].member);
                ck_assert_msg(rows[i].flags & POLICY_SEES, "%s shows all to everybody", rows[i].member);
                n_open++;
        }
        ck_assert_uint_eq(n_open, ELEMENTSOF(open));
}
END_TEST

START_TEST(unknown_is_refused) {
        ck_assert_ptr_null(policy_find(BERTH_MANAGER_INTERFACE, "Foo"));
        ck_assert_ptr_null(policy_find("org.berth1.Foo", "StartContainer"));
        ck_assert_ptr_null(policy_find(BERTH_CONTAINER_INTERFACE, "StartContainer"));
        ck_assert_ptr_null(policy_find(NULL, "StartContainer"));
        ck_assert_ptr_null(policy_find(BERTH_MANAGER_INTERFACE, NULL));
}
END_TEST

START_TEST(actions_are_polkits) {
        _cleanup_free_ char *actions = read_source("polkit/org.berth1.policy");
        const PolicyRow *rows;
        size_t n, n_actions = 0;

        rows = policy_rows(&n);
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *id = NULL;

                if (!rows[i].action)
                        continue;
                ck_assert_int_gt(asprintf(&id, "<action id=\"%s\">", rows[i].action), 0);
                ck_assert_msg(strstr(actions, id) != NULL, "there is no action %s", rows[i].action);
                if (rows[i].flags & POLICY_OWN) {
                        _cleanup_free_ char *own = NULL;

                        free(TAKE_PTR(id));
                        ck_assert_int_ge(policy_own_action(rows[i].action, &own), 0);
                        ck_assert_int_gt(asprintf(&id, "<action id=\"%s\">", own), 0);
                        ck_assert_msg(strstr(actions, id) != NULL, "there is no action %s", own);
                }
        }
        ck_assert_ptr_nonnull(strstr(actions, "<action id=\"" POLICY_ACTION_LIST "\">"));

        /* And none is without use, and none lets anybody in by default, but an active session on its own things. */
        for (const char *p = actions; (p = strstr(p, "<action id=\"")); n_actions++) {
                const char *id = p + strlen("<action id=\""), *end = strchr(id, '"');
                _cleanup_free_ char *text = strndup(p, (size_t) (strstr(p, "</action>") - p));
                bool used = strncmp(id, POLICY_ACTION_LIST, (size_t) (end - id)) == 0, own = startswith(id, POLICY_OWN_PREFIX);

                for (size_t i = 0; i < n; i++) {
                        _cleanup_free_ char *action = NULL;

                        if (!rows[i].action || (own && !(rows[i].flags & POLICY_OWN)))
                                continue;
                        ck_assert_int_ge(own ? policy_own_action(rows[i].action, &action) : asprintf(&action, "%s", rows[i].action), 0);
                        used = used || (strlen(action) == (size_t) (end - id) && strncmp(action, id, (size_t) (end - id)) == 0);
                }
                ck_assert_msg(used, "action %.*s is for nothing", (int) (end - id), id);
                ck_assert_ptr_nonnull(strstr(text, "<allow_any>auth_admin</allow_any>"));
                ck_assert_ptr_nonnull(strstr(text, "<allow_inactive>auth_admin</allow_inactive>"));
                ck_assert_ptr_nonnull(strstr(text, own ? "<allow_active>yes</allow_active>" : "<allow_active>auth_admin</allow_active>"));
                p = end;
        }
        ck_assert_uint_ge(n_actions, 20);
}
END_TEST

/* Two methods with one verb: who may do the one on his own may do the other. */
START_TEST(a_verb_is_for_owners_or_not) {
        static const char *const never[] = { "enable", "configure-profile", "configure-server", "pull-image", "bootstrap-image", "list" };
        const PolicyRow *rows;
        size_t n;

        rows = policy_rows(&n);
        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < n; k++)
                        if (rows[i].action && rows[k].action && streq(rows[i].action, rows[k].action))
                                ck_assert_uint_eq(rows[i].flags & POLICY_OWN, rows[k].flags & POLICY_OWN);
                for (size_t k = 0; k < ELEMENTSOF(never); k++)
                        ck_assert(!rows[i].action || !streq(rows[i].action + strlen(BERTH_BUS_NAME "."), never[k]) || !(rows[i].flags & POLICY_OWN));
        }
}
END_TEST

START_TEST(bus_policy_lists_interfaces) {
        _cleanup_free_ char *conf = read_source("dbus/org.berth1.conf");

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                _cleanup_free_ char *rule = NULL;

                ck_assert_int_gt(asprintf(&rule, "<allow send_destination=\"org.berth1\" send_type=\"method_call\" send_interface=\"%s\"/>",
                                          interfaces[i].interface), 0);
                ck_assert_ptr_nonnull(strstr(conf, rule));
        }
}
END_TEST

START_TEST(manual_names_all) {
        _cleanup_free_ char *manual = read_source("docs/man/org.berth1.5.scd");

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++)
                for (const sd_bus_vtable *v = interfaces[i].vtable(); v->type != _SD_BUS_VTABLE_END; v++) {
                        const char *name = v->type == _SD_BUS_VTABLE_METHOD ? v->x.method.member :
                                           v->type == _SD_BUS_VTABLE_SIGNAL ? v->x.signal.member :
                                           v->type == _SD_BUS_VTABLE_PROPERTY ? v->x.property.member : NULL;
                        _cleanup_free_ char *word = NULL;

                        if (!name)
                                continue;
                        ck_assert_int_gt(asprintf(&word, "*%s*", name), 0);
                        ck_assert_msg(strstr(manual, word) != NULL, "org.berth1(5) does not know %s.%s", interfaces[i].interface, name);
                }
}
END_TEST

UNIT_TESTS("policy", every_method_has_a_row, every_row_has_a_method, only_listing_is_free, unknown_is_refused, actions_are_polkits, a_verb_is_for_owners_or_not,
           bus_policy_lists_interfaces, manual_names_all)
