/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-seccomp: turns a policy of syscall names (seccomp/default.policy) on standard input into a BPF program on standard output. It runs
 * when berth is built and when a container that has a policy of its own is started for the first time (seccomp-policy.c), never else:
 * compiling costs milliseconds, and the supervisor would carry libseccomp for nothing.
 *
 * A line is an action and names: `allow`, `deny` (EPERM), `errno N`, `kill`, `trap`. Of several about the same call the last one counts. Before
 * them `default ACTION` may say what becomes of the rest, if not ENOSYS, and `native` that there is one ABI only. `raw LINE` is a line of a
 * policy file as LXC has them. */

#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "settings/syscall-name.h"

#define GROUP_DEPTH_MAX 8U
#define ABIS_MAX 3U

typedef struct Rule {
        char name[64];
        int number;
        uint32_t action;
        uint32_t architecture; /* 0: all */
        struct scmp_arg_cmp arguments[RAW_ARGUMENTS_MAX];
        unsigned n_arguments;
} Rule;

typedef struct Policy {
        Rule *rules;
        size_t n_rules;
        uint32_t rest;           /* what becomes of calls without a rule */
        bool native;
        /* of raw lines */
        unsigned raw_version;
        bool raw_header;
        uint32_t raw_action;     /* of rules that name none */
        uint32_t raw_architecture;
        bool raw_other;          /* lines for another machine */
} Policy;

static uint32_t action_of(SyscallAction a, int error) {
        switch (a) {
        case SYSCALL_ALLOW:
                return SCMP_ACT_ALLOW;
        case SYSCALL_ERRNO:
                return SCMP_ACT_ERRNO((uint32_t) error);
        case SYSCALL_KILL:
                return SCMP_ACT_KILL_PROCESS;
        case SYSCALL_TRAP:
                return SCMP_ACT_TRAP;
        case _SYSCALL_ACTION_MAX:
                break;
        }
        return SCMP_ACT_KILL_PROCESS;
}

static Rule *add_rule(Policy *p, const char *name, int number, uint32_t action) {
        Rule *rules = reallocarray(p->rules, p->n_rules + 1, sizeof *rules);

        if (!rules)
                return NULL;
        p->rules = rules;
        rules[p->n_rules] = (Rule) { .number = number, .action = action };
        snprintf(rules[p->n_rules].name, sizeof rules->name, "%s", name);
        return &rules[p->n_rules++];
}

/* Takes the place of all that was said of the call. */
static int set_rule(Policy *p, const char *name, uint32_t action) {
        int number = seccomp_syscall_resolve_name(name);
        size_t n = 0;

        /* Newer than this libseccomp: it stays unknown, so it is what all that is unknown is. */
        if (number == __NR_SCMP_ERROR) {
                log_debug("'%s' is not known here", name);
                return 0;
        }
        for (size_t i = 0; i < p->n_rules; i++)
                if (p->rules[i].number != number)
                        p->rules[n++] = p->rules[i];
        p->n_rules = n;
        return add_rule(p, name, number, action) ? 0 : -ENOMEM;
}

static int set_word(Policy *p, const char *word, uint32_t action, unsigned depth) {
        const char *members;
        int r = 0;

        if (word[0] != '@')
                return set_rule(p, word, action);
        members = syscall_group_members(word);
        if (!members || depth >= GROUP_DEPTH_MAX)
                return log_error_errno(EINVAL, "There is no group '%s'", word);
        if (!*members) {
                size_t n;
                const char *const *names = syscall_names_all(&n);

                for (size_t i = 0; r >= 0 && i < n; i++)
                        r = set_rule(p, names[i], action);
        }
        for (; r >= 0 && *members; members += strlen(members) + 1)
                r = set_word(p, members, action, depth + 1);
        return r;
}

/* An action at the beginning of a line; what is behind it is left in *save. */
static int parse_action(const char *word, char **save, uint32_t *ret) {
        uint32_t number;

        if (streq(word, "allow"))
                *ret = SCMP_ACT_ALLOW;
        else if (streq(word, "deny"))
                *ret = SCMP_ACT_ERRNO(EPERM);
        else if (streq(word, "kill"))
                *ret = SCMP_ACT_KILL_PROCESS;
        else if (streq(word, "trap"))
                *ret = SCMP_ACT_TRAP;
        else if (streq(word, "errno")) {
                word = strtok_r(NULL, " \t\n", save);
                if (!word || parse_u32(word, 4095, &number) < 0)
                        return -EINVAL;
                *ret = SCMP_ACT_ERRNO(number);
        } else
                return -EINVAL;
        return 0;
}

/* --- lines of LXC's files --- */

static const struct {
        const char *name;
        uint32_t token;
} architectures[] = {
        { "x86", SCMP_ARCH_X86 },         { "x32", SCMP_ARCH_X32 },           { "x86_64", SCMP_ARCH_X86_64 },     { "arm", SCMP_ARCH_ARM },
        { "arm64", SCMP_ARCH_AARCH64 },   { "ppc", SCMP_ARCH_PPC },           { "ppc64", SCMP_ARCH_PPC64 },       { "ppc64le", SCMP_ARCH_PPC64LE },
        { "s390", SCMP_ARCH_S390 },       { "s390x", SCMP_ARCH_S390X },       { "riscv64", SCMP_ARCH_RISCV64 },   { "mips", SCMP_ARCH_MIPS },
        { "mips64", SCMP_ARCH_MIPS64 },   { "mips64n32", SCMP_ARCH_MIPS64N32 }, { "mipsel", SCMP_ARCH_MIPSEL },   { "mipsel64", SCMP_ARCH_MIPSEL64 },
        { "mipsel64n32", SCMP_ARCH_MIPSEL64N32 },
};

/* The ABIs that a program may use here, the architecture's own first. */
static size_t abis(bool native, uint32_t ret[static ABIS_MAX]) {
        static const uint32_t secondary[][2] = {
                { SCMP_ARCH_X86_64, SCMP_ARCH_X86 },
                { SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
                { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
                { SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS },
                { SCMP_ARCH_S390X, SCMP_ARCH_S390 },
        };
        size_t n = 0;

        ret[n++] = seccomp_arch_native();
        for (size_t i = 0; i < ELEMENTSOF(secondary) && !native; i++)
                if (secondary[i][0] == ret[0])
                        ret[n++] = secondary[i][1];
        return n;
}

static void raw_architecture(Policy *p, const char *name) {
        uint32_t known[ABIS_MAX];
        size_t n = abis(p->native, known);

        p->raw_architecture = 0;
        p->raw_other = !streq(name, "all");
        for (size_t i = 0; i < ELEMENTSOF(architectures); i++)
                for (size_t j = 0; j < n; j++)
                        if (streq(architectures[i].name, name) && architectures[i].token == known[j]) {
                                p->raw_architecture = known[j];
                                p->raw_other = false;
                        }
}

static int raw_rule(Policy *p, const RawLine *l) {
        static const enum scmp_compare compares[_RAW_COMPARE_MAX] = {
                [RAW_NE] = SCMP_CMP_NE, [RAW_LT] = SCMP_CMP_LT, [RAW_LE] = SCMP_CMP_LE,         [RAW_EQ] = SCMP_CMP_EQ,
                [RAW_GE] = SCMP_CMP_GE, [RAW_GT] = SCMP_CMP_GT, [RAW_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
        };
        bool force = streq(l->name, "reject_force_umount");
        const char *name = force ? "umount2" : l->name;
        int number = seccomp_syscall_resolve_name(name);
        Rule *rule;

        if (p->raw_other || number == __NR_SCMP_ERROR)
                return 0;
        rule = add_rule(p, name, number, force ? SCMP_ACT_ERRNO(EACCES) : l->has_action ? action_of(l->action, l->error) : p->raw_action);
        if (!rule)
                return -ENOMEM;
        rule->architecture = p->raw_architecture;
        if (force)
                rule->arguments[rule->n_arguments++] = (struct scmp_arg_cmp) { 1, SCMP_CMP_MASKED_EQ, MNT_FORCE, MNT_FORCE };
        for (size_t i = 0; i < l->n_arguments && !force; i++) {
                enum scmp_compare op = compares[l->arguments[i].compare];
                uint64_t value = l->arguments[i].value, mask = l->arguments[i].mask;

                /* libseccomp wants the mask first. */
                rule->arguments[rule->n_arguments++] = (struct scmp_arg_cmp) { l->arguments[i].index, op, op == SCMP_CMP_MASKED_EQ ? mask : value,
                                                                               op == SCMP_CMP_MASKED_EQ ? value : 0 };
        }
        return 0;
}

static int raw_line(Policy *p, const char *text) {
        _cleanup_free_ char *reason = NULL;
        RawLine l;
        Rule *rule;
        int r;

        r = raw_line_parse(text, &l, &reason);
        if (r < 0)
                return log_error_errno(r, "The line '%s' %s", text, reason ?: "cannot be read");
        switch (l.kind) {
        case RAW_NOTHING:
                return 0;
        case RAW_ARCHITECTURE:
                raw_architecture(p, l.name);
                return 0;
        case RAW_NUMBER:
                if (p->raw_version == 0) {
                        p->raw_version = l.number;
                        return 0;
                }
                rule = add_rule(p, "", (int) l.number, SCMP_ACT_ALLOW);
                if (!rule)
                        return -ENOMEM;
                /* Numbers mean something in the architecture's own ABI only, and may be newer than libseccomp. */
                rule->architecture = seccomp_arch_native();
                return 0;
        case RAW_HEADER:
                p->rest = l.has_action ? action_of(l.action, l.error) : l.deny ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS;
                p->raw_action = l.deny ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW;
                return 0;
        case RAW_RULE:
                return raw_rule(p, &l);
        }
        return -EINVAL;
}

static int add_line(Policy *p, char *line, unsigned number) {
        char *save = NULL, *word;
        uint32_t action;
        int r;

        line[strcspn(line, "\n")] = 0;
        if (startswith(line, "raw "))
                return raw_line(p, line + strlen("raw "));
        word = strtok_r(line, " \t", &save);
        if (!word || *word == '#')
                return 0;
        if (streq(word, "native")) {
                p->native = true;
                return 0;
        }
        if (streq(word, "default")) {
                word = strtok_r(NULL, " \t", &save);
                r = word ? parse_action(word, &save, &p->rest) : -EINVAL;
                return r < 0 ? log_error_errno(r, "Line %u: no action that is known", number) : 0;
        }
        r = parse_action(word, &save, &action);
        if (r < 0)
                return log_error_errno(r, "Line %u: '%s' is no action that is known", number, word);
        while (r >= 0 && (word = strtok_r(NULL, " \t", &save)))
                r = set_word(p, word, action, 0);
        return r < 0 ? log_error_errno(r, "Line %u: %m", number) : 0;
}

static int add_rules(scmp_filter_ctx filter, const Policy *p, uint32_t architecture) {
        for (size_t i = 0; i < p->n_rules; i++) {
                const Rule *rule = &p->rules[i];
                int r;

                /* libseccomp takes no rule that says what holds anyway. */
                if (rule->action == p->rest || (architecture && rule->architecture && rule->architecture != architecture))
                        continue;
                r = seccomp_rule_add_array(filter, rule->action, rule->number, rule->n_arguments, rule->arguments);
                if (r == -EDOM || r == -EEXIST)
                        continue;
                if (r < 0)
                        return log_error_errno(r, "Failed to add a rule for '%s': %m", rule->name);
        }
        return 0;
}

static int new_filter(const Policy *p, scmp_filter_ctx *ret) {
        scmp_filter_ctx filter = seccomp_init(p->rest);
        int r;

        if (!filter)
                return log_oom();
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r < 0) {
                seccomp_release(filter);
                return log_error_errno(r, "Failed to set up a filter: %m");
        }
        *ret = filter;
        return 0;
}

static bool has_architectures(const Policy *p) {
        for (size_t i = 0; i < p->n_rules; i++)
                if (p->rules[i].architecture)
                        return true;
        return false;
}

/* One filter for all ABIs, or, where rules are not for all, one each, merged. */
static int make_filter(const Policy *p, scmp_filter_ctx *ret) {
        scmp_filter_ctx filter, other;
        uint32_t known[ABIS_MAX];
        size_t n = abis(p->native, known);
        bool apart = has_architectures(p);
        int r;

        r = new_filter(p, &filter);
        if (r < 0)
                return r;
        for (size_t i = 1; r >= 0 && i < n && !apart; i++)
                r = seccomp_arch_add(filter, known[i]);
        if (r >= 0)
                r = add_rules(filter, p, apart ? known[0] : 0);
        for (size_t i = 1; r >= 0 && i < n && apart; i++) {
                r = new_filter(p, &other);
                if (r < 0)
                        break;
                r = seccomp_arch_add(other, known[i]);
                if (r >= 0)
                        r = seccomp_arch_remove(other, known[0]);
                if (r >= 0)
                        r = add_rules(other, p, known[i]);
                if (r >= 0)
                        r = seccomp_merge(filter, other);
                if (r < 0)
                        seccomp_release(other);
        }
        if (r < 0) {
                seccomp_release(filter);
                return log_error_errno(r, "Failed to make the filter: %m");
        }
        *ret = filter;
        return 0;
}

int main(int argc, char *argv[]) {
        Policy policy = { .rest = SCMP_ACT_ERRNO(ENOSYS), .raw_action = SCMP_ACT_KILL_PROCESS };
        _cleanup_free_ char *line = NULL;
        scmp_filter_ctx filter = NULL;
        size_t size = 0;
        int r = 0;

        log_open("berth-seccomp");
        for (unsigned number = 1; r >= 0 && getline(&line, &size, stdin) > 0; number++)
                r = add_line(&policy, line, number);
        if (r >= 0)
                r = make_filter(&policy, &filter);
        if (r >= 0) {
                r = seccomp_export_bpf(filter, STDOUT_FILENO);
                if (r < 0)
                        log_error_errno(r, "Failed to write the program: %m");
                seccomp_release(filter);
        }
        free(policy.rules);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
