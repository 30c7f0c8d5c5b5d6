/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts that a guest or the kernel wrote and that are read without a parser of their own: users, names of cgroups, counters, ELF headers. */

#include <sys/stat.h>

#include "basic/path.h"
#include "containerd/statistics.h"
#include "coredump/crash.h"
#include "fuzz.h"
#include "shared/guest-user.h"
#include "worker/architecture.h"

static void users(const uint8_t *data, size_t size) {
        _cleanup_free_ char *name = fuzz_line(&data, &size);
        GuestUser u = {};
        int r;

        fuzz_put_file("etc/passwd", data, size);
        fuzz_put_file("etc/group", data, size);
        r = guest_user_find(fuzz_directory(), name, &u);
        if (r >= 0) {
                must(u.n_groups <= ELEMENTSOF(u.groups));
                must(u.uid != (uid_t) -1 && u.gid != (gid_t) -1);
                guest_user_done(&u);
        }
}

static void cgroup(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        char name[CONTAINER_NAME_MAX + 1];

        if (crash_find_container(text, name))
                must(container_name_valid(name));
}

static void counters(const uint8_t *data, size_t size) {
        _cleanup_(interface_counters_freep) InterfaceCounters *c = NULL;
        uint64_t received, sent;

        if (interface_counters_parse(fuzz_text(data, size), &c) >= 0)
                (void) interface_counters_find(c, "eth0", &received, &sent);
}

static void scope(const uint8_t *data, size_t size) {
        static const char *const files[] = { "cpu.stat", "memory.current", "io.stat", "pids.max", "memory.max" };
        size_t i = fuzz_choice(&data, &size, ELEMENTSOF(files));
        Statistics s = {};

        fuzz_put_file(files[i], data, size);
        (void) statistics_read_cgroup(fuzz_directory(), &s);
}

static void architecture(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        const char *name;

        (void) architecture_from_elf(data, size);
        name = architecture_normalize(text);
        must(!name || !strpbrk(name, "/ \n\033"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const functions[])(const uint8_t *, size_t) = { users, cgroup, counters, scope, architecture };
        size_t i = fuzz_choice(&data, &size, ELEMENTSOF(functions));

        functions[i](data, size);
        return 0;
}
