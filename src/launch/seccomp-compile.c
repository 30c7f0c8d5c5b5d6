/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-seccomp: turns a policy of syscall names (seccomp/default.policy) on standard input into a BPF program on standard output. It runs
 * when berth is built and whenever a policy changes, never at the start of a container: compiling costs milliseconds, and the supervisor
 * would carry libseccomp for nothing. */

#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/strv.h"

static int add_architectures(scmp_filter_ctx filter) {
        static const uint32_t secondary[][2] = {
                { SCMP_ARCH_X86_64, SCMP_ARCH_X86 },
                { SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
                { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
                { SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS },
                { SCMP_ARCH_S390X, SCMP_ARCH_S390 },
        };
        uint32_t native = seccomp_arch_native();
        int r;

        for (size_t i = 0; i < ELEMENTSOF(secondary); i++)
                if (secondary[i][0] == native) {
                        r = seccomp_arch_add(filter, secondary[i][1]);
                        if (r < 0 && r != -EEXIST)
                                return log_error_errno(r, "Failed to add the second architecture: %m");
                }
        return 0;
}

static int add_line(scmp_filter_ctx filter, char *line, unsigned number) {
        char *save = NULL, *word = strtok_r(line, " \t\n", &save);
        uint32_t action;
        int r;

        if (!word || *word == '#')
                return 0;
        if (streq(word, "allow"))
                action = SCMP_ACT_ALLOW;
        else if (streq(word, "deny"))
                action = SCMP_ACT_ERRNO(EPERM);
        else
                return log_error_errno(EINVAL, "Line %u: '%s' is neither 'allow' nor 'deny'", number, word);

        while ((word = strtok_r(NULL, " \t\n", &save))) {
                int syscall_number = seccomp_syscall_resolve_name(word);

                /* Newer than this libseccomp: it stays unknown, so ENOSYS, which is what an older kernel says too. */
                if (syscall_number == __NR_SCMP_ERROR) {
                        log_debug("Line %u: '%s' is not known here", number, word);
                        continue;
                }
                r = seccomp_rule_add(filter, action, syscall_number, 0);
                if (r == -EDOM || r == -EEXIST)
                        continue;
                if (r < 0)
                        return log_error_errno(r, "Line %u: failed to add '%s': %m", number, word);
        }
        return 0;
}

int main(int argc, char *argv[]) {
        scmp_filter_ctx filter;
        char line[1024];
        int r;

        log_open("berth-seccomp");
        filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
        if (!filter)
                return log_oom(), EXIT_FAILURE;

        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r >= 0)
                r = add_architectures(filter);
        for (unsigned number = 1; r >= 0 && fgets(line, sizeof line, stdin); number++)
                r = add_line(filter, line, number);
        if (r >= 0) {
                r = seccomp_export_bpf(filter, STDOUT_FILENO);
                if (r < 0)
                        log_error_errno(r, "Failed to write the program: %m");
        }
        seccomp_release(filter);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
