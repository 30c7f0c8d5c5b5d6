/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/sandbox.h"

#include <assert.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/sanitizer.h"
#include "shared/foreign-range.h"
#include "shared/names.h"
#include "shared/userns.h"

#define NOBODY 65534U

int sandbox_open_void(int parent_fd, int *ret_fd) {
        int fd;

        if (mkdirat(parent_fd, ".void", 0555) < 0)
                return -errno;
        fd = openat(parent_fd, ".void", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* umask(2) took what others need to make it their root. */
        if (fd < 0 || fchmod(fd, 0555) < 0 || unlinkat(parent_fd, ".void", AT_REMOVEDIR) < 0) {
                int r = -errno;

                (void) fd_close(fd);
                return r;
        }
        *ret_fd = fd;
        return 0;
}

int sandbox_fork(int namespaces, pid_t *ret_pid) {
        struct clone_args args = {
                .flags = CLONE_NEWUSER | (uint64_t) (unsigned) namespaces,
                .exit_signal = SIGCHLD,
        };
        pid_t parent = getpid(), pid;
        int go[2], r;
        char byte;

        assert(ret_pid);

        if (pipe2(go, O_CLOEXEC) < 0)
                return -errno;

        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0) {
                r = -errno;
                (void) fd_close(go[0]);
                (void) fd_close(go[1]);
                return r;
        }

        if (pid == 0) {
                (void) fd_close(go[1]);
                /* getppid() is the parent's number as this process sees it: 0 in a new pid namespace, which is not asked for here. */
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || read(go[0], &byte, 1) != 1)
                        _exit(EXIT_FAILURE);
                (void) fd_close(go[0]);
                (void) clearenv();
                return 0;
        }

        (void) fd_close(go[0]);
        r = userns_write_maps(pid, &(const UidRange) { 0, foreign_uid_base(), UID_RANGE_SIZE }, 1);
        if (r >= 0 && write(go[1], "", 1) != 1)
                r = -errno;
        (void) fd_close(go[1]);
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                (void) child_wait(pid);
                return r;
        }
        *ret_pid = pid;
        return 1;
}

static int enter_root(int fd) {
        return fchdir(fd) < 0 || chroot(".") < 0 ? -errno : 0;
}

static int set_ids(unsigned id) {
        if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
                return -errno;
        /* A change of ids clears it (prctl(2)), and a job that is killed must not leave helpers behind. */
        return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

static int set_capabilities(const cap_value_t *values, int n) {
        cap_t caps = cap_init();
        int r = 0;

        if (!caps)
                return -errno;
        if ((n > 0 && (cap_set_flag(caps, CAP_PERMITTED, n, values, CAP_SET) < 0 ||
                       cap_set_flag(caps, CAP_EFFECTIVE, n, values, CAP_SET) < 0)) ||
            cap_set_proc(caps) < 0)
                r = -errno;
        (void) cap_free(caps);
        return r;
}

/* Nobody executes anything in here; should one get to, there is nothing to be had. Only who still has CAP_SETPCAP can do it. */
static int drop_bounding_set(void) {
        for (cap_value_t c = 0; CAP_IS_SUPPORTED(c); c++)
                if (cap_drop_bound(c) < 0)
                        return -errno;
        return 0;
}

static int set_limit(__rlimit_resource_t resource, rlim_t value) {
        const struct rlimit l = { value, value };

        return setrlimit(resource, &l) < 0 ? -errno : 0;
}

/* What libarchive, libyaml, the decompressors and malloc need once everything is open. What is not here fails with EPERM rather than
 * kills, so that a library version that asks for something harmless still works. */
static int load_parser_filter(void) {
        static const int allowed[] = {
                SCMP_SYS(read),          SCMP_SYS(pread64),         SCMP_SYS(write),           SCMP_SYS(exit),       SCMP_SYS(exit_group),
                SCMP_SYS(munmap),        SCMP_SYS(mremap),          SCMP_SYS(brk),        SCMP_SYS(madvise),
                SCMP_SYS(futex),         SCMP_SYS(rt_sigreturn),    SCMP_SYS(rt_sigprocmask),
                SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
                SCMP_SYS(restart_syscall), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
#if HAVE_SANITIZER
                SCMP_SYS(sigaltstack), SCMP_SYS(getpid), SCMP_SYS(gettid), /* of threads, and of reports */
#endif
        };
        scmp_filter_ctx filter;
        int r;

        filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        if (!filter)
                return -ENOMEM;

        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(allowed); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
        /* Memory, but none to run code from. */
        for (size_t i = 0; r >= 0 && i < 3; i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
                                     (const int[]) { SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect) }[i], 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        /* Threads, but no processes. What clone3(2) is asked for is in memory, where a filter cannot look; without it the C library takes clone(2). */
        if (r >= 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND));
        if (r >= 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

int sandbox_become_parser(int in_fd, int out_fd, int void_fd, size_t memory_max) {
        _cleanup_close_ int null = -EBADF;
        int r;

        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;
        sanitizer_prepare_sandbox();
        r = enter_root(void_fd);
        if (r < 0)
                return r;

        /* A sanitizer has what it reports to say somewhere. */
        if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || (!HAVE_SANITIZER && dup2(null, 2) < 0))
                return -errno;
        null = -EBADF;
        r = fd_close_all_except(NULL, 0);
        if (r < 0)
                return r;

        r = drop_bounding_set();
        if (r < 0)
                return r;
        r = set_ids(NOBODY);
        if (r < 0)
                return r;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;

        (void) set_limit(RLIMIT_CORE, 0);
        /* A sanitizer's shadow is 16 TiB of addresses. */
        if ((!HAVE_SANITIZER && (r = set_limit(RLIMIT_AS, memory_max)) < 0) ||
            (r = set_limit(RLIMIT_FSIZE, 0)) < 0 ||
            (r = set_limit(RLIMIT_NOFILE, 0)) < 0 ||
            (r = set_limit(RLIMIT_CPU, PARSER_CPU_SECONDS_MAX)) < 0 ||
            (r = set_capabilities(NULL, 0)) < 0)
                return r;
        return load_parser_filter();
}

int sandbox_become_writer(int root_fd, int *keep, size_t n_keep) {
        static const cap_value_t capabilities[] = {
                CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP,
        };
        int r;

        r = set_ids(0);
        if (r < 0)
                return r;
        r = enter_root(root_fd);
        if (r < 0)
                return r;
        r = fd_close_all_except(keep, n_keep);
        if (r < 0)
                return r;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        (void) set_limit(RLIMIT_CORE, 0);
        r = drop_bounding_set();
        return r < 0 ? r : set_capabilities(capabilities, ELEMENTSOF(capabilities));
}
