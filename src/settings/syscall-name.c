/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/syscall-name.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "settings/table.h"

typedef struct SyscallGroup {
        const char *name, *members;
} SyscallGroup;

#include "settings/syscall-names.h"

#define ERRNO_MAX 4095U /* of the kernel's */

static int compare_names(const void *key, const void *element) {
        return strcmp(key, *(const char *const *) element);
}

bool syscall_name_is_known(const char *name) {
        return bsearch(name, names, ELEMENTSOF(names), sizeof *names, compare_names);
}

const char *const *syscall_names_all(size_t *ret_n) {
        *ret_n = ELEMENTSOF(names);
        return names;
}

const char *syscall_group_members(const char *group) {
        if (streq(group, "@known"))
                return "";
        for (size_t i = 0; i < ELEMENTSOF(groups); i++)
                if (streq(group, groups[i].name))
                        return groups[i].members;
        return NULL;
}

bool syscall_name_covers(const char *name_or_group, const char *call) {
        const char *members;

        if (streq(name_or_group, call) || streq(name_or_group, "@known"))
                return true;
        members = name_or_group[0] == '@' ? syscall_group_members(name_or_group) : NULL;
        for (const char *m = members ?: ""; *m; m += strlen(m) + 1)
                if (syscall_name_covers(m, call))
                        return true;
        return false;
}

/* 0 would make a call that is not made look as one that has worked: programs that give up privileges would go on with them. */
static int parse_error(const char *text, int *ret) {
        uint32_t number;
        int r;

        r = parse_u32(text, ERRNO_MAX, &number);
        if (r >= 0) {
                *ret = (int) number;
                return number > 0 ? 0 : -EINVAL;
        }
        for (int i = 1; i <= (int) ERRNO_MAX && *text; i++)
                if (streq(strerrorname_np(i) ?: "", text)) {
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

int syscall_word_parse(const char *word, bool deny, SyscallWord *ret, char **ret_reason) {
        SyscallWord w = { .action = deny ? SYSCALL_ERRNO : SYSCALL_ALLOW, .error = EPERM };
        size_t n = strcspn(word, ":");

        /* What it says of the name is shown to people. */
        if (n >= sizeof w.name || strspn(word, "@_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") < n)
                return setting_reason(ret_reason, "names a system call that is not known");
        memcpy(w.name, word, n);
        if (w.name[0] == '@' ? !syscall_group_members(w.name) : !syscall_name_is_known(w.name))
                return setting_reason(ret_reason, w.name[0] == '@' ? "names '%.40s', which is no group of system calls" : "names '%.40s', which is no system call", w.name);
        if (word[n]) {
                if (!deny)
                        return setting_reason(ret_reason, "has an error for '%.40s', which is allowed", w.name);
                if (streq(word + n + 1, "kill"))
                        w.action = SYSCALL_KILL;
                else if (parse_error(word + n + 1, &w.error) < 0)
                        return setting_reason(ret_reason, "has an error for '%.40s' that is neither 'kill', nor a name such as ENOSYS, nor from 1 to %u", w.name, ERRNO_MAX);
        }
        *ret = w;
        return 0;
}

/* --- policy files --- */

#define BLANKS " \t\r"

static const char *const compare_words[_RAW_COMPARE_MAX][2] = {
        [RAW_NE] = { "SCMP_CMP_NE", "!=" }, [RAW_LT] = { "SCMP_CMP_LT", "<" },  [RAW_LE] = { "SCMP_CMP_LE", "<=" },
        [RAW_EQ] = { "SCMP_CMP_EQ", "==" }, [RAW_GE] = { "SCMP_CMP_GE", ">=" }, [RAW_GT] = { "SCMP_CMP_GT", ">" },
        [RAW_MASKED_EQ] = { "SCMP_CMP_MASKED_EQ", "&=" },
};

/* An action at the beginning of *p, if there is one. */
static int parse_action(char **p, RawLine *l, char **ret_reason) {
        char *word = *p + strspn(*p, BLANKS), *rest = word + strcspn(word, BLANKS "[#");
        size_t n = (size_t) (rest - word);
        char number[16];
        uint32_t error;

        if (n == 0)
                return 0;
        if (n == 6 && memcmp(word, "notify", n) == 0)
                return setting_reason(ret_reason, "asks for 'notify', which needs somebody who answers: see the settings Intercept...=");
        if (n == 4 && memcmp(word, "kill", n) == 0)
                l->action = SYSCALL_KILL;
        else if (n == 4 && memcmp(word, "trap", n) == 0)
                l->action = SYSCALL_TRAP;
        else if (n == 5 && memcmp(word, "allow", n) == 0)
                l->action = SYSCALL_ALLOW;
        else if (n == 5 && memcmp(word, "errno", n) == 0) {
                word = rest + strspn(rest, BLANKS);
                rest = word + strcspn(word, BLANKS "[#");
                snprintf(number, sizeof number, "%.*s", (int) (rest - word), word);
                if (parse_u32(number, ERRNO_MAX, &error) < 0)
                        return setting_reason(ret_reason, "has no number from 0 to %u behind 'errno'", ERRNO_MAX);
                l->action = SYSCALL_ERRNO;
                l->error = (int) error;
        } else
                return setting_reason(ret_reason, "has an action that is none of 'allow', 'errno N', 'kill' and 'trap'");
        l->has_action = true;
        *p = rest;
        return 0;
}

static int parse_number(const char *text, uint64_t *ret) {
        char *end;

        if (!*text || strspn(text, "0123456789abcdefABCDEFxX") != strlen(text))
                return -EINVAL;
        errno = 0;
        *ret = strtoull(text, &end, 0);
        return errno != 0 || *end ? -EINVAL : 0;
}

/* "[index,value,op]" or, of MASKED_EQ, "[index,value,op,mask]" */
static int parse_argument(char *text, RawLine *l) {
        char *parts[4] = {}, *save = NULL, *word;
        uint64_t index;
        size_t n = 0;

        for (word = strtok_r(text, ", \t", &save); word; word = strtok_r(NULL, ", \t", &save)) {
                if (n == ELEMENTSOF(parts))
                        return -EINVAL;
                parts[n++] = word;
        }
        if (n < 3 || l->n_arguments == RAW_ARGUMENTS_MAX || parse_number(parts[0], &index) < 0 || index >= RAW_ARGUMENTS_MAX ||
            parse_number(parts[1], &l->arguments[l->n_arguments].value) < 0)
                return -EINVAL;
        l->arguments[l->n_arguments].index = (unsigned) index;
        l->arguments[l->n_arguments].mask = 0;
        if (n == 4 && parse_number(parts[3], &l->arguments[l->n_arguments].mask) < 0)
                return -EINVAL;
        for (RawCompare c = 0; c < _RAW_COMPARE_MAX; c++)
                if (streq(parts[2], compare_words[c][0]) || streq(parts[2], compare_words[c][1])) {
                        l->arguments[l->n_arguments++].compare = c;
                        return 0;
                }
        return -EINVAL;
}

static int parse_arguments(char *p, RawLine *l, char **ret_reason) {
        for (;;) {
                char *end;

                p += strspn(p, BLANKS);
                if (!*p || *p == '#')
                        return 0;
                end = *p == '[' ? strchr(p, ']') : NULL;
                if (!end)
                        return setting_reason(ret_reason, "ends in something that is neither an action nor an argument '[index,value,operator]'");
                *end = 0;
                if (parse_argument(p + 1, l) < 0)
                        return setting_reason(ret_reason, "has an argument that is not '[index,value,operator]' or '[index,value,SCMP_CMP_MASKED_EQ,mask]'");
                p = end + 1;
        }
}

static int parse_architecture(const char *text, RawLine *l, char **ret_reason) {
        static const char *const known[] = { "all", "x86", "x32", "x86_64", "arm", "arm64", "ppc", "ppc64", "ppc64le", "s390", "s390x", "riscv64",
                                             "mips", "mips64", "mips64n32", "mipsel", "mipsel64", "mipsel64n32" };
        size_t n = strcspn(text, "]");

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strlen(known[i]) == n && strncasecmp(known[i], text, n) == 0 && text[n] == ']') {
                        strcpy(l->name, known[i]);
                        return 0;
                }
        return setting_reason(ret_reason, "is no architecture that is known");
}

static int parse_header(char *p, bool deny, RawLine *l, char **ret_reason) {
        int r;

        *l = (RawLine) { .kind = RAW_HEADER, .deny = deny };
        r = parse_action(&p, l, ret_reason);
        if (r >= 0 && p[strspn(p, BLANKS)])
                r = setting_reason(ret_reason, "has more behind the action than is known");
        return r;
}

int raw_line_parse(const char *line, RawLine *ret, char **ret_reason) {
        static const struct {
                const char *word;
                bool deny;
        } headers[] = { { "allowlist", false }, { "whitelist", false }, { "denylist", true }, { "blacklist", true } };
        _cleanup_free_ char *copy = strdup(line);
        RawLine l = {};
        uint64_t number;
        char *p, *end;
        size_t n;
        int r;

        if (!copy)
                return -ENOMEM;
        p = copy + strspn(copy, BLANKS);
        for (n = strlen(p); n > 0 && strchr(BLANKS, p[n - 1]);)
                p[--n] = 0;
        if (!*p || *p == '#') {
                *ret = l;
                return 0;
        }
        if (*p == '[') {
                l.kind = RAW_ARCHITECTURE;
                r = parse_architecture(p + 1, &l, ret_reason);
                if (r >= 0)
                        *ret = l;
                return r;
        }

        end = p + strcspn(p, BLANKS "[#");
        n = (size_t) (end - p);
        for (size_t i = 0; i < ELEMENTSOF(headers); i++)
                if (strlen(headers[i].word) == n && memcmp(headers[i].word, p, n) == 0)
                        return parse_header(end, headers[i].deny, ret, ret_reason);
        if (strspn(p, "0123456789") == strlen(p)) {
                if (parse_number(p, &number) < 0 || number > 65535)
                        return setting_reason(ret_reason, "is no number of a system call");
                *ret = (RawLine) { .kind = RAW_NUMBER, .number = (unsigned) number };
                return 0;
        }

        l.kind = RAW_RULE;
        if (n < sizeof l.name)
                memcpy(l.name, p, n);
        if (!streq(l.name, "reject_force_umount") && !syscall_name_is_known(l.name))
                return setting_reason(ret_reason, "names a system call that is not known");
        r = parse_action(&end, &l, ret_reason);
        if (r >= 0)
                r = parse_arguments(end, &l, ret_reason);
        if (r >= 0)
                *ret = l;
        return r;
}

int raw_policy_check(char *const *lines, char **ret_error) {
        const char *sentence = "is empty";
        unsigned at = 0, version = 0;

        STRV_FOREACH(line, lines) {
                _cleanup_free_ char *reason = NULL, *shown = NULL;
                RawLine l;
                int r;

                r = string_escape(*line, &shown);
                if (r >= 0)
                        r = raw_line_parse(*line, &l, &reason);
                if (r == -EINVAL)
                        return asprintf(ret_error, "RawSeccomp: the line '%.80s' %s.", shown, reason) < 0 ? -ENOMEM : -EINVAL;
                if (r < 0)
                        return r;
                if (l.kind == RAW_NOTHING)
                        continue;
                if (at == 0) {
                        version = l.kind == RAW_NUMBER ? l.number : 0;
                        sentence = version == 1 || version == 2 ? "has only a version" : "does not begin with a version, 1 or 2";
                } else if (at == 1)
                        sentence = l.kind != RAW_HEADER ? "does not say 'allowlist' or 'denylist' in its second line" :
                                   version == 1 && l.deny ? "is a denylist, which is not in version 1" : NULL;
                else if (l.kind != (version == 1 ? RAW_NUMBER : RAW_RULE) && (version == 1 || l.kind != RAW_ARCHITECTURE))
                        return asprintf(ret_error, "RawSeccomp: the line '%.80s' does not belong into a policy of version %u.", shown, version) < 0 ? -ENOMEM : -EINVAL;
                if (sentence && (at > 0 || version == 0 || version > 2))
                        break;
                at++;
        }
        return sentence ? (asprintf(ret_error, "RawSeccomp: the policy %s.", sentence) < 0 ? -ENOMEM : -EINVAL) : 0;
}
