/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/calendar.h"

#include "settings/snapshot-pattern.h"
#include "unit.h"

/* Each of them was given to systemd-analyze calendar of systemd 252 and 257, which says the same but where it is noted. */
START_TEST(calendars) {
        static const char *const good[] = {
                "*:0/5", "Mon..Fri", "Mon-Fri 10:00", "*-*-1..7 *:*", "10:00", "hourly UTC", "daily", "WEEKLY", "2-3", "*-*-*", "Sat,Sun *-*-* 4:00", "*~3",
                "*-*~1", "12..14:10,20,30", "minutely", "03-05", "Mon", "mon 4:00", "00/2:00", "*-02~03/1", "10:1..5/2", "2026-12-24 18:00:30", "Mon 4:00 UTC",
        };
        static const char *const bad[] = {
                "", " ", "*", "*:*/5", "10", "24:00", "0..24:00", "2026", "mon,*", "often", "Mon..", "..Fri", "Mon,,Tue", "1-2-3-4", "*~1~2", "*~1-2", "1:2:3:4", ":",
                "4:", "4:60", "4:00 Mon", "daily daily", "daily x y z w", "*-0-1", "*-*-32", "5..3:00", "5/0:00", "5/:00", "99999999999:00", "4:00\n", "%n", "-",
                "@1395716396", "*-*-* *:00:00.5", /* which systemd takes */
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                ck_assert_msg(calendar_check(good[i]) == 0, "'%s' is refused", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(calendar_check(bad[i]) < 0, "'%s' is taken", bad[i]);
        ck_assert_int_eq(calendar_check("*:*:*"), -ERANGE);
        ck_assert_int_eq(calendar_check("*:*:0/10"), -ERANGE);
        ck_assert_int_eq(calendar_check("4:00:10,20"), -ERANGE);
}
END_TEST

START_TEST(patterns) {
        char *head, *tail;

        ck_assert_int_eq(setenv("TZ", "UTC", true), 0);
        ck_assert_int_eq(snapshot_pattern_expand("snap%i", 0, &head, &tail), 0);
        ck_assert_str_eq(head, "snap");
        ck_assert_str_eq(tail, "");
        free(head);
        free(tail);
        ck_assert_int_eq(snapshot_pattern_expand("%Y-%m-%d_%H:%M:%S", UINT64_C(1000000000) * USEC_PER_SEC, &head, &tail), 0);
        ck_assert_str_eq(head, "2001-09-09_01:46:40");
        ck_assert_ptr_null(tail);
        free(head);
        ck_assert_int_eq(snapshot_pattern_expand("%i-%Y", 0, &head, &tail), 0);
        ck_assert_str_eq(head, "");
        ck_assert_str_eq(tail, "-1970");
        free(head);
        free(tail);
}
END_TEST

UNIT_TESTS("calendar", calendars, patterns)
