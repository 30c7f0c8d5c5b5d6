/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/plan.h"

#include <string.h>

#include "basic/strv.h"
#include "unit.h"

static size_t position(const Plan *p, PlanStepType type, const char *target) {
        for (size_t i = 0; i < p->n_steps; i++)
                if (p->steps[i].type == type && (!target || streq_ptr(p->steps[i].target, target)))
                        return i;
        return SIZE_MAX;
}

START_TEST(step_names) {
        for (int t = 0; t < _PLAN_STEP_MAX; t++) {
                const char *name = plan_step_type_to_string((PlanStepType) t);

                ck_assert_ptr_nonnull(name);
                ck_assert_int_eq(plan_step_type_from_string(name), t);
        }
        ck_assert_int_eq(plan_step_type_from_string("nonsense"), _PLAN_STEP_INVALID);
}
END_TEST

START_TEST(order) {
        Settings s = { .uid_base = 524288, .uuid = (char *) "11111111-2222-3333-4444-555555555555" };
        _cleanup_(plan_freep) Plan *p = NULL;

        ck_assert_int_eq(plan_new("web1", &s, &p), 0);
        ck_assert_uint_eq(position(p, PLAN_ROOT, NULL), 1); /* a hook is before it */
        ck_assert_uint_eq(position(p, PLAN_PIVOT, NULL), p->n_steps - 1);
        ck_assert_uint_lt(position(p, PLAN_FILESYSTEM, "/dev"), position(p, PLAN_DEVICE, "/dev/null"));
        ck_assert_uint_lt(position(p, PLAN_FILESYSTEM, "/dev/pts"), position(p, PLAN_CONSOLE, "/dev/console"));
        ck_assert_uint_lt(position(p, PLAN_FILESYSTEM, "/proc"), position(p, PLAN_MASK, "/proc/kcore"));
        /* A cgroup file system shows the namespace that its mounter is in. */
        ck_assert_uint_lt(position(p, PLAN_SCOPE, NULL), position(p, PLAN_CGROUP, NULL));
        ck_assert_str_eq(p->steps[position(p, PLAN_HOSTNAME, NULL)].what, "web1");
        ck_assert_str_eq(strv_get_value(p->environment, "container_uuid"), s.uuid);
        ck_assert_str_eq(strv_get_value(p->environment, "container"), "berth");
        ck_assert(p->init_is_candidates);
}
END_TEST

/* A whole /proc and /sys for those who nest, for nobody else; the masks stay. */
START_TEST(nesting) {
        Settings s = { .uid_base = 524288 }, n = { .uid_base = 524288, .nesting = true };
        _cleanup_(plan_freep) Plan *plain = NULL, *nested = NULL;
        size_t i;

        ck_assert_int_eq(plan_new("web1", &s, &plain), 0);
        ck_assert_int_eq(plan_new("web1", &n, &nested), 0);
        ck_assert_uint_eq(position(plain, PLAN_FILESYSTEM, "/dev/.berth/proc"), SIZE_MAX);
        ck_assert_uint_eq(position(plain, PLAN_DIRECTORY, "/dev/.berth"), SIZE_MAX);
        i = position(nested, PLAN_DIRECTORY, "/dev/.berth");
        ck_assert_uint_ne(i, SIZE_MAX);
        ck_assert_uint_eq(nested->steps[i].mode, 0);
        ck_assert_uint_ne(position(nested, PLAN_FILESYSTEM, "/dev/.berth/proc"), SIZE_MAX);
        ck_assert_uint_ne(position(nested, PLAN_FILESYSTEM, "/dev/.berth/sys"), SIZE_MAX);
        ck_assert_uint_eq(nested->n_steps, plain->n_steps + 3);
        ck_assert_uint_ne(position(nested, PLAN_MASK, "/proc/kcore"), SIZE_MAX);
}
END_TEST

START_TEST(settings_reach_the_plan) {
        char *init[] = { (char *) "/bin/sleep", (char *) "7", NULL };
        char *environment[] = { (char *) "LANG=C.UTF-8", NULL };
        char *credentials[] = { (char *) "secret:a:b", NULL };
        Settings s = { .uid_base = 524288, .hostname = (char *) "other", .init = init, .environment = environment, .credentials = credentials };
        _cleanup_(plan_freep) Plan *p = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size, i;
        FILE *f;

        ck_assert_int_eq(plan_new("web1", &s, &p), 0);
        ck_assert_str_eq(p->steps[position(p, PLAN_HOSTNAME, NULL)].what, "other");
        ck_assert(!p->init_is_candidates);
        ck_assert_str_eq(p->init[0], "/bin/sleep");
        ck_assert_str_eq(strv_get_value(p->environment, "LANG"), "C.UTF-8");
        ck_assert_str_eq(strv_get_value(p->environment, "CREDENTIALS_DIRECTORY"), "/run/host/credentials");
        i = position(p, PLAN_FILE, "/run/host/credentials/secret");
        ck_assert_uint_ne(i, SIZE_MAX);
        ck_assert_str_eq(p->steps[i].what, "a:b");
        ck_assert_uint_eq(p->steps[i].mode, 0400);

        /* What is printed for people does not tell a secret. */
        f = open_memstream(&text, &size);
        plan_print(p, f);
        fclose(f);
        ck_assert_ptr_nonnull(strstr(text, "/run/host/credentials/secret"));
        ck_assert_ptr_null(strstr(text, "a:b"));
        ck_assert_ptr_nonnull(strstr(text, "uid-map 0 524288 65536"));
}
END_TEST

/* What a user namespace keeps from others, mounts keep from it. The part of /proc/sys that it may write to is over the part that it may not, and the
 * file of its own over both. */
START_TEST(no_user_namespace) {
        Settings s = { .uid_base = 524288 }, v = { .uid_base = 524288, .privileged = true };
        _cleanup_(plan_freep) Plan *plain = NULL, *privileged = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f;

        ck_assert_int_eq(plan_new("web1", &s, &plain), 0);
        ck_assert_int_eq(plan_new("web1", &v, &privileged), 0);
        ck_assert_uint_eq(position(plain, PLAN_READ_ONLY, "/proc/sys"), SIZE_MAX);
        ck_assert_uint_lt(position(privileged, PLAN_READ_ONLY, "/proc/sys"), position(privileged, PLAN_WRITABLE, "/proc/sys/net"));
        ck_assert_uint_lt(position(privileged, PLAN_WRITABLE, "/proc/sys/net"), position(privileged, PLAN_BOOT_ID, NULL));
        ck_assert_uint_lt(position(privileged, PLAN_DEVICE, "/dev/null"), position(privileged, PLAN_MASK, "/proc/sysrq-trigger"));
        for (size_t i = 0; i < plain->n_steps; i++)
                ck_assert_uint_ne(position(privileged, plain->steps[i].type, plain->steps[i].target), SIZE_MAX);

        f = open_memstream(&text, &size);
        plan_print(privileged, f);
        fclose(f);
        ck_assert_ptr_nonnull(strstr(text, "\nprivileged\n"));
        ck_assert_ptr_null(strstr(text, "namespaces user"));
        ck_assert_ptr_null(strstr(text, "uid-map"));
}
END_TEST

UNIT_TESTS("plan", step_names, order, settings_reach_the_plan, nesting, no_user_namespace)
