/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/intercept-filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/strv.h"
#include "settings/quote.h"
#include "settings/syscall-name.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

#define X32_BIT 0x40000000U
#define INSTRUCTIONS_MAX 96U

/* The console is not among them: 5:1 is the host's. A whiteout, 0:0, needs no help where the kernel allows it. */
static const struct {
        uint32_t device;
        const char *name;
} nodes[] = {
        { 0x103, "null" }, { 0x105, "zero" }, { 0x107, "full" }, { 0x108, "random" }, { 0x109, "urandom" }, { 0x500, "tty" },
};

const char *intercept_node_name(uint32_t device) {
        for (size_t i = 0; i < ELEMENTSOF(nodes); i++)
                if (nodes[i].device == device)
                        return nodes[i].name;
        return NULL;
}

static bool names_fsopen(const char *line) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *reason = NULL;
        const bool deny = line[0] == '~';

        if (words_split(line + deny, SYSCALL_RULE_WORDS_MAX, &words, &reason) < 0)
                return false;
        STRV_FOREACH(word, words) {
                _cleanup_free_ char *why = NULL;
                SyscallWord w;

                if (syscall_word_parse(*word, deny, &w, &why) >= 0 && syscall_name_covers(w.name, "fsopen"))
                        return true;
        }
        return false;
}

/* The default policy allows fsopen(2) because of this; where something else is said about the call, that holds. */
static bool guards_fsopen(const Settings *s) {
        if (s->nesting || s->raw_seccomp || !streq_ptr(s->syscall_policy, "default"))
                return false;
        STRV_FOREACH(line, s->syscall_filter)
                if (names_fsopen(*line))
                        return false;
        return true;
}

bool intercept_is_wanted(const Settings *s) {
        return s->intercept_mknod || s->intercept_mount || s->intercept_sysinfo || guards_fsopen(s);
}

typedef struct Program {
        struct sock_filter code[INSTRUCTIONS_MAX];
        unsigned short n;
} Program;

static void add(Program *p, struct sock_filter instruction) {
        assert(p->n < INSTRUCTIONS_MAX);
        p->code[p->n++] = instruction;
}

#define STATEMENT(code_, k_) ((struct sock_filter) { .code = (code_), .k = (k_) })
#define JUMP(code_, k_, then, otherwise) ((struct sock_filter) { .code = (code_), .jt = (then), .jf = (otherwise), .k = (k_) })

static void load(Program *p, size_t offset) {
        add(p, STATEMENT(BPF_LD | BPF_W | BPF_ABS, (uint32_t) offset));
}

/* The lower half is all that there is of an int. */
static void load_argument(Program *p, unsigned index) {
        load(p, offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0));
}

static void answer(Program *p, uint32_t action) {
        add(p, STATEMENT(BPF_RET | BPF_K, action));
}

/* What follows, up to here_end(), is about this call; it has to end in an answer. */
static unsigned short here_begin(Program *p, uint32_t number) {
        add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 0));
        return p->n;
}

static void here_end(Program *p, unsigned short begin) {
        p->code[begin - 1].jf = (uint8_t) (p->n - begin);
}

static void add_mknod(Program *p, uint32_t number, unsigned mode_argument) {
        unsigned short begin = here_begin(p, number);

        load_argument(p, mode_argument);
        add(p, STATEMENT(BPF_ALU | BPF_AND | BPF_K, S_IFMT));
        add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFCHR, 1, 0));
        answer(p, SECCOMP_RET_ALLOW);
        load_argument(p, mode_argument + 1);
        for (size_t i = 0; i < ELEMENTSOF(nodes); i++) {
                add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, nodes[i].device, 0, 1));
                answer(p, SECCOMP_RET_USER_NOTIF);
        }
        answer(p, SECCOMP_RET_ALLOW);
        here_end(p, begin);
}

/* Only what mounts something new. */
static void add_mount(Program *p) {
        unsigned short begin = here_begin(p, SYS_mount);

        load_argument(p, 3);
        add(p, STATEMENT(BPF_ALU | BPF_AND | BPF_K, MS_REMOUNT | MS_BIND | MS_MOVE));
        add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
        answer(p, SECCOMP_RET_ALLOW);
        answer(p, SECCOMP_RET_USER_NOTIF);
        here_end(p, begin);
}

static void add_sysinfo(Program *p) {
        unsigned short begin = here_begin(p, SYS_sysinfo);

        answer(p, SECCOMP_RET_USER_NOTIF);
        here_end(p, begin);
}

static void add_fsopen(Program *p) {
        unsigned short begin = here_begin(p, SYS_fsopen);

        answer(p, SECCOMP_RET_USER_NOTIF);
        here_end(p, begin);
}

/* Of other ABIs no call is served. What is guarded is not there, and what is of no use without; their numbers are the same in all of them. */
static void add_foreign(Program *p, bool guarded, uint32_t bits) {
        static const uint32_t calls[] = { SYS_fsopen, SYS_fsconfig, SYS_fsmount };

        for (size_t i = 0; guarded && i < ELEMENTSOF(calls); i++) {
                unsigned short begin = here_begin(p, bits | calls[i]);

                answer(p, SECCOMP_RET_ERRNO | ENOSYS);
                here_end(p, begin);
        }
        answer(p, SECCOMP_RET_ALLOW);
}

int intercept_filter_apply(const Settings *s) {
        const bool guarded = guards_fsopen(s);
        struct sock_fprog program;
        unsigned short begin;
        Program p = {};
        int fd;

        /* An architecture that is not listed above has one ABI. */
#ifdef NATIVE_ARCHITECTURE
        load(&p, offsetof(struct seccomp_data, arch));
        add(&p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 0, 0));
        begin = p.n;
        load(&p, offsetof(struct seccomp_data, nr));
        add_foreign(&p, guarded, 0);
        p.code[begin - 1].jt = (uint8_t) (p.n - begin);
#endif
        load(&p, offsetof(struct seccomp_data, nr));
        add(&p, JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 0));
        begin = p.n;
        add_foreign(&p, guarded, X32_BIT);
        p.code[begin - 1].jf = (uint8_t) (p.n - begin);
        if (guarded)
                add_fsopen(&p);
        if (s->intercept_mknod) {
#ifdef SYS_mknod
                add_mknod(&p, SYS_mknod, 1);
#endif
                add_mknod(&p, SYS_mknodat, 2);
        }
        if (s->intercept_mount)
                add_mount(&p);
        if (s->intercept_sysinfo)
                add_sysinfo(&p);
        answer(&p, SECCOMP_RET_ALLOW);

        /* A caller whose call is being served is not interrupted by signals, which would have it made twice. */
        program = (struct sock_fprog) { .len = p.n, .filter = p.code };
        fd = (int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
        return fd < 0 ? -errno : fd;
}
