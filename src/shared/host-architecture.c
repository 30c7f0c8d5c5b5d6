/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/host-architecture.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/strv.h"

#define BINFMT_DIR "/proc/sys/fs/binfmt_misc"

/* uname(2)'s name of the machine; the one that it shows with PER_LINUX32, and what systemd and images call the two. */
static const struct {
        const char *machine, *name, *machine32, *name32;
} machines[] = {
        { "x86_64",  "x86-64",   "i686",   "x86"    },
        { "aarch64", "arm64",    "armv7l", "arm"    },
        { "ppc64le", "ppc64-le", "ppcle",  "ppc-le" },
        { "ppc64",   "ppc64",    "ppc",    "ppc"    },
        { "s390x",   "s390x",    "s390",   "s390"   },
};

/* Asked once: a process with a system call filter may no longer be able to. */
static const char *machine(void) {
        static struct utsname u;

        return u.machine[0] || uname(&u) >= 0 ? u.machine : "";
}

bool host_architecture_is_32bit_of(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(machines); i++)
                if (streq(machines[i].machine, machine()))
                        return streq(name, machines[i].machine32) || streq(name, machines[i].name32);
        return false;
}

bool host_architecture_is(const char *name) {
        if (streq(machine(), name))
                return true;
        for (size_t i = 0; i < ELEMENTSOF(machines); i++)
                if (streq(machines[i].machine, machine()))
                        return streq(name, machines[i].name);
        return false;
}

/* Debian's and systemd's interpreters are called after what they emulate. */
static bool has_interpreter(const char *name) {
        static const struct {
                const char *machine, *emulated;
        } others[] = { { "armv7l", "arm" }, { "armv6l", "arm" }, { "i686", "i386" } };
        char path[sizeof BINFMT_DIR "/qemu-" + 64];

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (streq(name, others[i].machine))
                        name = others[i].emulated;
        if (strlen(name) >= 64 || strchr(name, '/'))
                return false;
        snprintf(path, sizeof path, BINFMT_DIR "/qemu-%s", name);
        return access(path, F_OK) >= 0;
}

bool host_architecture_runs(const char *name) {
        static const char *const vague[] = { "", "all", "any", "noarch", "unknown" };

        for (size_t i = 0; i < ELEMENTSOF(vague); i++)
                if (streq(name, vague[i]))
                        return true;
        return host_architecture_is(name) || host_architecture_is_32bit_of(name) || has_interpreter(name);
}
