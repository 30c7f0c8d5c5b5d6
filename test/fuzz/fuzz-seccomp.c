/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies of system calls, berth's and raw ones as LXC has them: what is taken makes a filter, if a short one, and no rule is longer than what it
 * is kept in. */
/* fuzz: -close_fd_mask=3 */
int compiler_main(int argc, char *argv[]);
#define main compiler_main
#include "../../src/launch/seccomp-compile.c"
#undef main

#include "fuzz.h"

#define RULES_TO_COMPILE 3U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Policy policy = { .rest = SCMP_ACT_ERRNO(ENOSYS), .raw_action = SCMP_ACT_KILL_PROCESS };
        scmp_filter_ctx filter;
        int r = 0;

        for (unsigned number = 1; r >= 0 && size > 0; number++) {
                _cleanup_free_ char *line = fuzz_line(&data, &size);

                r = add_line(&policy, line, number);
        }
        for (size_t i = 0; i < policy.n_rules; i++) {
                must(memchr(policy.rules[i].name, 0, sizeof policy.rules[i].name));
                must(policy.rules[i].n_arguments <= RAW_ARGUMENTS_MAX);
        }
        /* libseccomp takes its time for long ones. That a rule cannot be added is an answer as well. */
        if (r >= 0 && policy.n_rules <= RULES_TO_COMPILE && make_filter(&policy, &filter) >= 0)
                seccomp_release(filter);
        free(policy.rules);
        return 0;
}
