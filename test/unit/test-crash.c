/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "coredump/crash.h"

#include "unit.h"

/* The container is that of its scope, and what a guest names like one is not. */
START_TEST(containers) {
        static const struct {
                const char *cgroup, *name;
        } cases[] = {
                { "0::/machine.slice/machine-berth.slice/berth-web1.scope/init.scope\n", "web1" },
                { "0::/machine.slice/machine-berth.slice/berth-web1.scope\n", "web1" },
                { "12:cpu:/\n1:name=systemd:/x\n0::/machine.slice/machine-berth.slice/berth-a-b.scope/x\n", "a-b" },
                { "0::/machine.slice/machine-berth.slice/machine-berth-u1000.slice/berth-c1.scope/system.slice/a.service\n", "c1" },
                { "0::/machine.slice/machine-berth.slice/berth-c1.scope/machine.slice/machine-berth.slice/berth-other.scope\n", "c1" },
                { "0::/machine.slice/machine-berth.slice/berth@c1.service\n", NULL },
                { "0::/system.slice/cron.service\n", NULL },
                { "0::/user.slice/berth-c1.scope\n", NULL },
                { "0::/\n1:name=x:/machine-berth.slice/berth-c1.scope\n", NULL },
                { "0::/machine.slice/machine-berth.slice/berth-..scope\n", NULL },
                { "0::/machine.slice/machine-berth.slice/\n", NULL },
                { "0::/machine.slice/machine-berth.slice/berth-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.scope\n", NULL },
                { "", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char name[CONTAINER_NAME_MAX + 1] = "untouched";
                bool found = crash_find_container(cases[i].cgroup, name);

                ck_assert_msg(found == (cases[i].name != NULL) && (!found || streq(name, cases[i].name)), "%s: %s", cases[i].cgroup, found ? name : "none");
        }
}
END_TEST

UNIT_TESTS("crash", containers)
