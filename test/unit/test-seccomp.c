/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What berth-seccomp compiles, run by a small interpreter: what each ABI of the architecture gets for a call. */

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/fd.h"
#include "launch/seccomp-policy.h"
#include "launch/seccomp-program.h"
#include "unit.h"

#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))

/* The instructions that libseccomp makes. */
static uint32_t run(const struct sock_filter *code, size_t n, const struct seccomp_data *data) {
        uint32_t a = 0;

        for (size_t i = 0; i < n; i++) {
                const struct sock_filter *c = &code[i];
                bool jump = false;

                switch (c->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        ck_assert_uint_lt(c->k, sizeof *data);
                        memcpy(&a, (const char *) data + c->k, sizeof a);
                        continue;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= c->k;
                        continue;
                case BPF_JMP | BPF_JA:
                        i += c->k;
                        continue;
                case BPF_RET | BPF_K:
                        return c->k;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        jump = a == c->k;
                        break;
                case BPF_JMP | BPF_JGT | BPF_K:
                        jump = a > c->k;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        jump = a >= c->k;
                        break;
                default:
                        ck_abort_msg("instruction %#x", c->code);
                }
                i += jump ? c->jt : c->jf;
        }
        ck_abort_msg("the program has no end");
}

/* With the one file in it. */
static void remove_directory(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY);

        ck_assert_int_ge(fd, 0);
        (void) unlinkat(fd, "out", 0);
        ck_assert_int_eq(rmdir(path), 0);
}

typedef struct Compiled {
        struct sock_filter *code;
        size_t n;
} Compiled;

static Compiled compile(const char *policy) {
        _cleanup_free_ char *directory = unit_make_directory(), *command = NULL;
        Compiled c = {};
        struct stat st;
        FILE *f;
        char path[256];
        int fd;

        ck_assert_int_ge(asprintf(&command, "'%s' >'%s/out'", COMPILER, directory), 0);
        f = popen(command, "w");
        ck_assert_ptr_nonnull(f);
        fputs(policy, f);
        ck_assert_int_eq(pclose(f), 0);
        snprintf(path, sizeof path, "%s/out", directory);
        fd = open(path, O_RDONLY);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        c.n = (size_t) st.st_size / sizeof *c.code;
        c.code = calloc(c.n, sizeof *c.code);
        ck_assert_int_eq(fd_read_all(fd, c.code, (size_t) st.st_size), st.st_size);
        fd_close(fd);
        remove_directory(directory);
        return c;
}

#if defined(__x86_64__)

#define X32(nr) (0x40000000 | (nr))

static uint32_t ask(const Compiled *c, uint32_t arch, int nr, uint64_t argument) {
        struct seccomp_data data = { .nr = nr, .arch = arch, .args = { 0, argument } };

        return run(c->code, c->n, &data);
}

/* What was said of a call holds for each ABI's number of it. */
START_TEST(every_abi) {
        static const int native_getppid = SYS_getppid, i386_getppid = 64;
        Compiled c = compile("allow getppid read umask\nerrno 38 umask\nkill getppid\n");

        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, native_getppid, 0), SECCOMP_RET_KILL_PROCESS);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, i386_getppid, 0), SECCOMP_RET_KILL_PROCESS);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, X32(native_getppid), 0), SECCOMP_RET_KILL_PROCESS);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_read, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, 3, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_umask, 0), ERRNO(38));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, 9999, 0), ERRNO(38));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_ARM, 3, 0), ERRNO(38));
        free(c.code);

        c = compile("native\ndefault allow\nerrno 7 getppid\n");
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, native_getppid, 0), ERRNO(7));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_read, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, X32(SYS_read), 0), ERRNO(38));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, 3, 0), ERRNO(38));
        free(c.code);
}
END_TEST

/* Groups, groups in groups, and the last word. */
START_TEST(groups) {
        Compiled c = compile("allow @swap\nerrno 1 @system-service\nallow read\n");

        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_swapon, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_write, 0), ERRNO(1));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_read, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_init_module, 0), ERRNO(38));
        free(c.code);

        c = compile("allow @known\nerrno 1 bpf\n");
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_init_module, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_bpf, 0), ERRNO(1));
        free(c.code);
}
END_TEST

/* LXC's files: sections, arguments, what holds of the rest. */
START_TEST(raw) {
        Compiled c = compile("raw 2\nraw denylist\nraw umask errno 4\nraw [x86]\nraw getppid errno 7\nraw [x86_64]\nraw ioctl errno 8 [1,0x5412,SCMP_CMP_EQ]\n"
                             "raw ioctl errno 9 [1,0x100,SCMP_CMP_MASKED_EQ,0xf00]\nraw [arm64]\nraw read errno 5\nraw [all]\nraw bpf\n");

        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, 64, 0), ERRNO(7));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_getppid, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_ioctl, 0x5412), ERRNO(8));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_ioctl, 0x6123), ERRNO(9));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_ioctl, 0x5413), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, 54, 0x5412), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_read, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, 60, 0), ERRNO(4));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_bpf, 0), SECCOMP_RET_KILL_PROCESS);
        free(c.code);

        c = compile("raw 2\nraw allowlist errno 11\nraw read\nraw write trap\nerrno 12 read\n");
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_read, 0), ERRNO(12));
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_write, 0), SECCOMP_RET_TRAP);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_close, 0), ERRNO(11));
        free(c.code);

        c = compile("raw 1\nraw allowlist\nraw 0\nraw 1\nraw 499\n");
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_read, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, SYS_close, 0), SECCOMP_RET_KILL_PROCESS);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_X86_64, 499, 0), SECCOMP_RET_ALLOW);
        ck_assert_uint_eq(ask(&c, AUDIT_ARCH_I386, 0, 0), SECCOMP_RET_KILL_PROCESS);
        free(c.code);
}
END_TEST

#else

START_TEST(every_abi) {
        free(compile("allow read\n").code);
}
END_TEST

START_TEST(groups) {
        free(compile("allow @known\n").code);
}
END_TEST

START_TEST(raw) {
        free(compile("raw 2\nraw denylist\n").code);
}
END_TEST

#endif

/* What is kept is told from what it was not made of, and from what is damaged. */
START_TEST(seal) {
        _cleanup_free_ char *directory = unit_make_directory();
        const struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW } };
        SeccompProgram p = {};
        char path[256];
        int fd;

        snprintf(path, sizeof path, "%s/out", directory);
        fd = open(path, O_RDWR | O_CREAT, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(seccomp_program_seal(fd, "nothing"), -EBADMSG);
        ck_assert_int_eq(fd_write_all(fd, code, sizeof code), 0);
        ck_assert_int_eq(seccomp_program_seal(fd, "allow all\n"), 0);
        ck_assert_int_eq(seccomp_program_load(path, "allow all\n", &p), 0);
        ck_assert_uint_eq(p.size, sizeof code);
        seccomp_program_done(&p);
        ck_assert_int_eq(seccomp_program_load(path, "allow more\n", &p), -ESTALE);
        ck_assert_int_eq(seccomp_program_load(path, "allow al\n", &p), -ESTALE);
        ck_assert_int_eq(ftruncate(fd, 9), 0);
        ck_assert_int_eq(seccomp_program_load(path, "allow all\n", &p), -ESTALE);
        fd_close(fd);
        remove_directory(directory);
}
END_TEST

UNIT_TESTS("seccomp", every_abi, groups, raw, seal)
