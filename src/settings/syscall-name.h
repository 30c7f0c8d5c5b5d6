/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Names of system calls, groups of them as in systemd.exec(5), and what may be done about one. What is known was written down when berth was
 * built (syscall-list.c); whether the kernel and the architecture have it is another matter. */

#define SYSCALL_RULE_WORDS_MAX 1024U

/* Of "@known" and of each group: the members, the names of other groups among them. NULL: no such group. */
bool syscall_name_is_known(const char *name);
const char *syscall_group_members(const char *group);       /* "a\0b\0"; "" for @known */
const char *const *syscall_names_all(size_t *ret_n);
/* Is it the call itself, or a group that it is in? */
bool syscall_name_covers(const char *name_or_group, const char *call);

typedef enum SyscallAction {
        SYSCALL_ALLOW,
        SYSCALL_ERRNO,
        SYSCALL_KILL,
        SYSCALL_TRAP,
        _SYSCALL_ACTION_MAX,
} SyscallAction;

/* One word of SystemCallFilter=: "keyctl", "@mount", and, where it denies, "keyctl:ENOSYS", "keyctl:38", "keyctl:kill". */
typedef struct SyscallWord {
        char name[64];
        SyscallAction action;
        int error;           /* of SYSCALL_ERRNO */
} SyscallWord;

/* -EINVAL with a reason that continues "'VALUE' …". */
int syscall_word_parse(const char *word, bool deny, SyscallWord *ret, char **ret_reason);

/* A line of a policy file as lxc.container.conf(5) describes it. */
typedef enum RawLineKind {
        RAW_NOTHING,      /* empty, or a comment */
        RAW_HEADER,       /* allowlist or denylist, and what becomes of the rest */
        RAW_ARCHITECTURE,
        RAW_NUMBER,       /* the version, in front; in version 1 a system call that is allowed */
        RAW_RULE,
} RawLineKind;

typedef enum RawCompare {
        RAW_NE, RAW_LT, RAW_LE, RAW_EQ, RAW_GE, RAW_GT, RAW_MASKED_EQ,
        _RAW_COMPARE_MAX,
} RawCompare;

#define RAW_ARGUMENTS_MAX 6U

typedef struct RawLine {
        RawLineKind kind;
        unsigned number;
        bool deny;               /* RAW_HEADER: a denylist */
        bool has_action;
        SyscallAction action;    /* of the header: for all that has no rule */
        int error;
        char name[64];           /* RAW_RULE, RAW_ARCHITECTURE (in lower case) */
        size_t n_arguments;
        struct {
                unsigned index;
                RawCompare compare;
                uint64_t value, mask;
        } arguments[RAW_ARGUMENTS_MAX];
} RawLine;

int raw_line_parse(const char *line, RawLine *ret, char **ret_reason);

/* The same of the whole: a version, a header, then lines that fit. -EINVAL with a sentence that names the line. */
int raw_policy_check(char *const *lines, char **ret_error);
