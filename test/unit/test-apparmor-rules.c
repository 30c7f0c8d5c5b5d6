/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list of what may be written, and the rules made of it, are asked about the same paths: all that are near to a name of the list. What AppArmor's
 * patterns mean is said here a second time, as apparmor.d(5) has it. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apparmor/rules.h"
#include "basic/fd.h"
#include "basic/strv.h"

#define LIST_MAX 65536U

static char *read_list(const char *name) {
        char path[4096], *text = NULL;
        size_t size;
        int fd;

        snprintf(path, sizeof path, LISTS "/%s", name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_read_string(fd, LIST_MAX, &text, &size), 0);
        (void) fd_close(fd);
        return text;
}

/* --- what a pattern of AppArmor's means --- */

static bool matches(const char *p, const char *s);

static bool class_has(const char *p, const char *end, char c) {
        bool not = *p == '^', has = false;

        for (p += not; p < end; p++) {
                if (*p == '\\')
                        p++;
                has = has || *p == c;
        }
        return has != not;
}

static bool matches_alternatives(const char *p, const char *s) {
        const char *end = p, *after, *from;
        int depth = 0;

        for (; depth > 0 || *end != '}'; end++)
                depth += *end == '{' ? 1 : *end == '}' ? -1 : 0;
        after = end + 1;
        for (from = p; from <= end;) {
                char pattern[4096];
                const char *to = from;

                for (depth = 0; depth > 0 || (*to != ',' && to < end); to++)
                        depth += *to == '{' ? 1 : *to == '}' ? -1 : 0;
                snprintf(pattern, sizeof pattern, "%.*s%s", (int) (to - from), from, after);
                if (matches(pattern, s))
                        return true;
                from = to + 1;
        }
        return false;
}

static bool matches(const char *p, const char *s) {
        const char *end;

        switch (*p) {
        case 0:
                return !*s;
        case '*':
                if (p[1] == '*') {
                        for (;; s++) {
                                if (matches(p + 2, s))
                                        return true;
                                if (!*s)
                                        return false;
                        }
                }
                for (;; s++) {
                        if (matches(p + 1, s))
                                return true;
                        if (!*s || *s == '/')
                                return false;
                }
        case '?':
                return *s && *s != '/' && matches(p + 1, s + 1);
        case '[':
                end = strchr(p, ']');
                return *s && class_has(p + 1, end, *s) && matches(end + 1, s + 1);
        case '{':
                return matches_alternatives(p + 1, s);
        default:
                return *p == *s && matches(p + 1, s + 1);
        }
}

/* "deny PATTERN wkl," */
static char **patterns_of(char *rules) {
        char **patterns = NULL;

        for (char *rest = rules, *line; (line = strsep(&rest, "\n"));) {
                char pattern[2048], permissions[32];

                if (!*line)
                        continue;
                ck_assert_msg(sscanf(line, "deny %2047s %31s", pattern, permissions) == 2, "'%s' is no rule", line);
                ck_assert_str_eq(permissions, "wkl,");
                ck_assert_int_ge(strv_extend(&patterns, pattern), 0);
        }
        return patterns;
}

static bool is_denied(char *const *patterns, const char *path) {
        STRV_FOREACH(p, patterns)
                if (matches(*p, path))
                        return true;
        return false;
}

/* --- what the list means --- */

static bool part_matches(const char *p, size_t n, const char *s, size_t m) {
        if (n == 0)
                return m == 0;
        if (*p == '*')
                return true;
        if (*p == '[') {
                const char *end = memchr(p, ']', n);
                bool in = false;

                for (const char *c = p + 1; c < end; c++)
                        if (c + 2 < end && c[1] == '-') {
                                in = in || (m > 0 && *s >= *c && *s <= c[2]);
                                c += 2;
                        } else
                                in = in || (m > 0 && *s == *c);
                return in && part_matches(end + 1, n - (size_t) (end + 1 - p), s + 1, m - 1);
        }
        return m > 0 && *p == *s && part_matches(p + 1, n - 1, s + 1, m - 1);
}

typedef enum Answer {
        NO,
        LEADS_THERE, /* a directory on the way: nothing is said of it */
        YES,
} Answer;

static Answer entry_says(const char *entry, const char *path) {
        for (;;) {
                size_t n = strcspn(entry, "/"), m = strcspn(path, "/");

                if (n == 2 && strncmp(entry, "**", 2) == 0)
                        return YES;
                if (m == 0 || !part_matches(entry, n, path, m))
                        return NO;
                if (!entry[n] || !path[m])
                        return !entry[n] && !path[m] ? YES : entry[n] ? LEADS_THERE : NO;
                entry += n + 1;
                path += m + 1;
        }
}

/* Calls back for each line below a directory. */
static void each_entry(const char *list, void (*call)(const char *directory, const char *entry, void *userdata), void *userdata) {
        char *copy = strdup(list), directory[256] = "";

        for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
                bool indented = *line == ' ';

                line += strspn(line, " ");
                line[strcspn(line, "# ")] = 0;
                if (!*line)
                        continue;
                if (!indented)
                        snprintf(directory, sizeof directory, "%s", line);
                else
                        call(directory, line, userdata);
        }
        free(copy);
}

typedef struct Question {
        char *const *entries; /* directory and entry, by turns */
        char *const *patterns;
        const char *path;
        Answer answer;
        unsigned *n;
} Question;

static void answer_entry(const char *directory, const char *entry, void *userdata) {
        Question *q = userdata;
        const char *rest = startswith(q->path, directory);
        Answer a = rest && *rest == '/' ? entry_says(entry, rest + 1) : NO;

        if (a > q->answer)
                q->answer = a;
}

static void ask(const Question *base, const char *path) {
        Question q = *base;

        q.path = path;
        q.answer = NO;
        /* No path has an empty part. */
        if (strstr(path, "//") || endswith(path, "/"))
                return;
        for (char *const *e = q.entries; *e; e += 2)
                answer_entry(e[0], e[1], &q);
        ++*base->n;
        if (q.answer != LEADS_THERE)
                ck_assert_msg(is_denied(q.patterns, path) == (q.answer == NO), "'%s' is%s in the list, and is%s denied by the rules", path,
                              q.answer == NO ? " not" : "", q.answer == NO ? " not" : "");
}

/* A path that the entry allows, and all that one step of a typing mistake leads to. */
static void ask_around(const char *directory, const char *entry, void *userdata) {
        static const char *const rests[] = { "", "x", "7", "net" };

        for (size_t i = 0; i < ELEMENTSOF(rests); i++) {
                char path[512], other[1024], *to = path + snprintf(path, sizeof path, "%s/", directory);
                size_t n, base = strlen(directory);

                for (const char *p = entry; *p; p++)
                        if (strcmp(p, "**") == 0) {
                                to += sprintf(to, "below%s/it", rests[i]);
                                break;
                        } else if (*p == '[') {
                                *to++ = p[1];
                                p = strchr(p, ']');
                        } else if (*p == '*')
                                to += sprintf(to, "%s", p == entry || p[-1] == '/' ? "any" : rests[i]);
                        else
                                *to++ = *p;
                *to = 0;
                n = strlen(path);
                ask(userdata, path);
                for (size_t k = base + 1; k <= n; k++) {
                        static const char *const inserted[] = { "", "q", "_", "-", "0", "s", "/x", "/" };

                        for (size_t j = 0; j < ELEMENTSOF(inserted); j++) {
                                /* the end is cut off; something is in between; something is in the place of a character */
                                snprintf(other, sizeof other, "%.*s%s", (int) k, path, inserted[j]);
                                ask(userdata, other);
                                snprintf(other, sizeof other, "%.*s%s%s", (int) k, path, inserted[j], path + k);
                                ask(userdata, other);
                                if (k < n) {
                                        snprintf(other, sizeof other, "%.*s%s%s", (int) k, path, inserted[j], path + k + 1);
                                        ask(userdata, other);
                                }
                        }
                }
        }
}

static int make_rules(const char *list, char **ret, unsigned *ret_line) {
        const char *reason = NULL;
        size_t size;
        FILE *f;
        int r;

        f = open_memstream(ret, &size);
        r = apparmor_rules_write(list, "wkl", f, ret_line, &reason);
        ck_assert_int_eq(fclose(f), 0);
        if (r == -EINVAL)
                ck_assert_ptr_nonnull(reason);
        return r;
}

static void add_entry(const char *directory, const char *entry, void *userdata) {
        ck_assert_int_ge(strv_extend(userdata, directory), 0);
        ck_assert_int_ge(strv_extend(userdata, entry), 0);
}

static void compare(const char *list) {
        char *rules = NULL, **entries = NULL, **patterns;
        unsigned n = 0, line;
        Question q = { .n = &n };

        ck_assert_int_eq(make_rules(list, &rules, &line), 0);
        each_entry(list, add_entry, &entries);
        q.entries = entries;
        q.patterns = patterns = patterns_of(rules);
        each_entry(list, ask_around, &q);
        ck_assert_uint_gt(n, 100);
        strv_free(patterns);
        strv_free(entries);
        free(rules);
}

START_TEST(R112_lists_that_are_installed) {
        static const char *const names[] = { "writable.list", "writable-privileged.list" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char *list = read_list(names[i]);

                compare(list);
                free(list);
        }
}
END_TEST

START_TEST(R112_small_lists) {
        compare("/a\n  b\n");
        compare("/a\n  b\n  bc\n  bcd/e\n");
        compare("/a/b\n  *\n/c\n  d*/e*/f\n  x/**\n");
        compare("# comment\n/a\n  net/**\n  netfilter/x-y   # two\n  net_a.b/*\n\n  [0-9ab]*/c\n");
        compare("/a\n  b/c\n  b/d\n  b\n");
}
END_TEST

START_TEST(R112_S28_S29_dangerous_and_needed) {
        static const struct {
                const char *list, *path;
                bool denied;
        } table[] = {
                { "writable.list", "/proc/sysrq-trigger", true },           { "writable.list", "/proc/sys/kernel/core_pattern", true },
                { "writable.list", "/proc/sys/kernel/modprobe", true },     { "writable.list", "/proc/sys/vm/drop_caches", true },
                { "writable.list", "/proc/sys/fs/suid_dumpable", true },    { "writable.list", "/proc/acpi/wakeup", true },
                { "writable.list", "/proc/irq/1/smp_affinity", true },      { "writable.list", "/sys/kernel/uevent_helper", true },
                { "writable.list", "/sys/power/state", true },              { "writable.list", "/sys/kernel/security/tpm0/x", true },
                { "writable.list", "/sys/module/apparmor/parameters/mode", true }, { "writable.list", "/proc/sys/kernel/sysrq", true },
                { "writable.list", "/proc/1/oom_score_adj", false },        { "writable.list", "/proc/4711/task/4712/attr/apparmor/current", false },
                { "writable.list", "/proc/sys/net/ipv4/ip_forward", false }, { "writable.list", "/proc/sys/kernel/shmmax", false },
                { "writable.list", "/sys/fs/cgroup/a.service/cgroup.procs", false }, { "writable.list", "/sys/kernel/security/apparmor/.load", false },
                { "writable-privileged.list", "/proc/sysrq-trigger", true }, { "writable-privileged.list", "/sys/kernel/security/apparmor/.load", true },
                { "writable-privileged.list", "/proc/sys/fs/binfmt_misc/register", true }, { "writable-privileged.list", "/proc/sys/net/ipv4/ip_forward", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *list = read_list(table[i].list), *rules = NULL, **patterns;
                unsigned line;

                ck_assert_int_eq(make_rules(list, &rules, &line), 0);
                patterns = patterns_of(rules);
                ck_assert_msg(is_denied(patterns, table[i].path) == table[i].denied, "%s: %s", table[i].list, table[i].path);
                strv_free(patterns);
                free(rules);
                free(list);
        }
}
END_TEST

START_TEST(R112_mistakes) {
        static const struct {
                const char *list;
                unsigned line;
        } table[] = {
                { "", 1 },              { "  a\n", 1 },           { "a\n  b\n", 1 },       { "/a/\n  b\n", 1 },        { "/a\n", 1 },
                { "/a\n\n/b\n c\n", 1 }, { "/a\n  **\n", 2 },     { "/a\n  b**\n", 2 },    { "/a\n  **/b\n", 2 },      { "/a\n  b//c\n", 2 },
                { "/a\n  /b\n", 2 },    { "/a\n  b*c\n", 2 },     { "/a\n  b{c,d}\n", 2 }, { "/a\n  b\"\n", 2 },       { "/a\n  [0-9\n", 2 },
                { "/a\n  []x\n", 2 },   { "/a\n  b\n  b*\n", 3 }, { "/a\n  b*/c\n  bd\n", 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *rules = NULL;
                unsigned line = 99;

                ck_assert_msg(make_rules(table[i].list, &rules, &line) == -EINVAL, "'%s' is no mistake", table[i].list);
                ck_assert_msg(line == table[i].line, "'%s': line %u", table[i].list, line);
                free(rules);
        }
}
END_TEST

int main(void) {
        Suite *s = suite_create("apparmor-rules");
        TCase *t = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_set_timeout(t, 120);
        tcase_add_test(t, R112_lists_that_are_installed);
        tcase_add_test(t, R112_small_lists);
        tcase_add_test(t, R112_S28_S29_dangerous_and_needed);
        tcase_add_test(t, R112_mistakes);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
