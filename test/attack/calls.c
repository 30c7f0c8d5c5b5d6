/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* System calls that are the host's. The arguments are such that a caller with the right to it is told of a mistake (EINVAL, ENOENT…), so that
 * nothing happens where the call is open; a caller without is told EPERM, or ENOSYS, first. */

typedef struct Call {
        const char *row, *name;
        long number, i386; /* i386: 0 if there is none that can be told by numbers alone */
        long arguments[6];
} Call;

#define NOWHERE 16 /* an address where nothing is */
#define P(x) ((long) (intptr_t) (x))

static const struct timezone no_timezone = { .tz_minuteswest = 10000 };
static struct timex no_tick = { .modes = ADJ_TICK, .tick = 0 };
static union bpf_attr small_map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
static struct perf_event_attr cpu_clock = { .type = PERF_TYPE_SOFTWARE, .size = sizeof cpu_clock, .config = PERF_COUNT_SW_CPU_CLOCK };
static struct io_uring_params ring;
static struct { unsigned bytes; int type; uint64_t inode; uint32_t generation; } handle = { .bytes = 8, .type = 1, .inode = 2 };

static const Call calls[] = {
        { "S32", "kexec_load", SYS_kexec_load, 283, { 0, 0, 0, -1 } },
        { "S32", "kexec_file_load", SYS_kexec_file_load, 0, { -1, -1, 0, 0, -1 } },
        { "S32", "init_module", SYS_init_module, 128, { 0, 0, 0 } },
        { "S32", "finit_module", SYS_finit_module, 350, { -1, NOWHERE, 0 } },
        { "S32", "delete_module", SYS_delete_module, 129, { P("probe_no_such"), O_NONBLOCK } },
        { "S33", "open_by_handle_at", SYS_open_by_handle_at, 342, { -1, P(&handle), O_RDONLY } },
        { "S20", "fsopen", SYS_fsopen, 430, { NOWHERE, 0 } },
        { "S20", "fsconfig", SYS_fsconfig, 431, { -1, 0, 0, 0, 0 } },
        { "S20", "fsmount", SYS_fsmount, 432, { -1, 0, 0 } },
        { "S20", "fspick", SYS_fspick, 433, { -1, NOWHERE, 0 } },
        { "S30", "syslog-read-all", SYS_syslog, 103, { 3, NOWHERE, 0 } },
        { "S30", "syslog-console-level", SYS_syslog, 0, { 8, 0, 99 } },
        { "S35", "bpf", SYS_bpf, 357, { BPF_MAP_CREATE, P(&small_map), sizeof small_map } },
        { "S35", "perf_event_open", SYS_perf_event_open, 336, { P(&cpu_clock), -1, 0, -1, 0 } },
        { "S35", "userfaultfd", SYS_userfaultfd, 374, { 0 } },
        { "S35", "io_uring_setup", SYS_io_uring_setup, 425, { 1, P(&ring) } },
        { "S35", "io_uring_register", SYS_io_uring_register, 427, { -1, 0, 0, 0 } },
        { "S35", "io_uring_enter", SYS_io_uring_enter, 426, { -1, 0, 0, 0 } },
        { "S35", "add_key", SYS_add_key, 286, { P("user"), P("probe"), P("x"), 1, -2 } },
        { "S35", "request_key", SYS_request_key, 287, { P("user"), P("probe-no-such"), 0, 0 } },
        { "S35", "keyctl", SYS_keyctl, 288, { 0, -3, 1 } },
        { "S35", "lookup_dcookie", 212, 253, { 0, 0, 0, 0 } },
        { "S35", "fanotify_init", SYS_fanotify_init, 0, { FAN_CLASS_CONTENT, O_RDONLY } },
        { "S35", "migrate_pages", SYS_migrate_pages, 294, { 0, 0, 0, 0 } },
        { "S35", "move_pages", SYS_move_pages, 317, { 0, 0, 0, 0, 0, 0 } },
        { "S36", "settimeofday", SYS_settimeofday, 0, { 0, P(&no_timezone) } },
        { "S36", "adjtimex", SYS_adjtimex, 0, { P(&no_tick) } },
        { "S36", "clock_adjtime", SYS_clock_adjtime, 0, { CLOCK_REALTIME, P(&no_tick) } },
        { "S36", "swapon", SYS_swapon, 87, { NOWHERE, 0 } },
        { "S36", "swapoff", SYS_swapoff, 115, { NOWHERE } },
        { "S36", "acct", SYS_acct, 51, { NOWHERE } },
        { "S36", "quotactl", SYS_quotactl, 131, { QCMD(Q_GETQUOTA, USRQUOTA), NOWHERE, 0, 0 } },
        { "S36", "quotactl_fd", 443, 443, { -1, QCMD(Q_GETQUOTA, USRQUOTA), 0, 0 } },
#ifdef __x86_64__
        { "S36", "iopl", SYS_iopl, 110, { 3 } },
        { "S36", "ioperm", SYS_ioperm, 101, { 0x80, 1, 1 } },
#endif
};

static bool is_refusal(int error) {
        return error == EPERM || error == ENOSYS;
}

static bool call_native(const void *data, char detail[static DETAIL_SIZE]) {
        const Call *c = data;
        const long *a = c->arguments;
        int error;

        errno = 0;
        error = syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0;
        detail_errno(detail, "native", error);
        return !is_refusal(error);
}

/* CVE-2022-0185 and its like: root of a new user namespace has capabilities that open more of the kernel. */
static bool call_in_userns(const void *data, char detail[static DETAIL_SIZE]) {
        bool open;

        if (unshare(CLONE_NEWUSER) < 0) {
                detail_errno(detail, "unshare", errno);
                return false;
        }
        open = call_native(data, detail);
        memmove(detail + 8, detail, strlen(detail) + 1);
        memcpy(detail, "userns, ", 8);
        return open;
}

void topic_syscalls(char **arguments) {
        char name[64];

        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
                attempt(calls[i].row, calls[i].name, call_native, calls + i);
                (void) snprintf(name, sizeof name, "%s-in-userns", calls[i].name);
                attempt(calls[i].row, name, call_in_userns, calls + i);
        }
}

#ifdef __x86_64__
static int call32(long number, const long a[static 6]) {
        long r;

        /* The sixth is in ebp, which is the frame's, and none of the calls has one. What is wider than 32 bits points to nothing there. */
        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "memory", "r8", "r9", "r10", "r11");
        return (int) r < 0 ? -(int) r : 0;
}

static bool call_i386(const void *data, char detail[static DETAIL_SIZE]) {
        const Call *c = data;
        int error = call32(c->i386, c->arguments);

        detail_errno(detail, "int 0x80", error);
        return !is_refusal(error);
}

static bool call_x32(const void *data, char detail[static DETAIL_SIZE]) {
        const Call *c = data;
        Call x = *c;
        bool open;

        x.number |= 0x40000000;
        open = call_native(&x, detail);
        memcpy(detail, "x32   ", 6);
        return open;
}

void topic_abi32(char **arguments) {
        char name[64];

        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
                if (calls[i].i386 > 0) {
                        (void) snprintf(name, sizeof name, "i386-%s", calls[i].name);
                        attempt("S19", name, call_i386, calls + i);
                }
                (void) snprintf(name, sizeof name, "x32-%s", calls[i].name);
                attempt("S19", name, call_x32, calls + i);
        }
}
#else
void topic_abi32(char **arguments) {
}
#endif

/* numbers FIRST LAST: what the kernel answers to each, "NUMBER ERROR" a line, without a verdict: the policy's list is the test's to compare. Not
 * for the host: some have a meaning with any arguments (vhangup). */
static bool call_number(const void *data, char detail[static DETAIL_SIZE]) {
        long number = *(const long *) data, r;

        /* What waits, and what does not come back. */
        (void) alarm(1);
        errno = 0;
        r = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
        (void) snprintf(detail, DETAIL_SIZE, "%s", r >= 0 ? "0" : strerrorname_np(errno) ?: "an-unknown-error");
        return r >= 0;
}

void topic_numbers(char **arguments) {
        long last = arguments[0] && arguments[1] ? strtol(arguments[1], NULL, 10) : 600;

        if (getpid() != 1 && access("/run/host", F_OK) < 0) {
                fprintf(stderr, "probe: this is no container\n");
                exit(2);
        }
        for (long i = arguments[0] ? strtol(arguments[0], NULL, 10) : 0; i <= last; i++) {
                char detail[DETAIL_SIZE] = "forks";

                if (i != SYS_fork && i != SYS_vfork)
                        (void) attempted(call_number, &i, detail);
                printf("%ld %s\n", i, detail);
        }
}

/* "Shocker": any file of a file system is opened by its number, from any fd on it. handle [SECONDS]: so long for each mount point. */
static bool open_handles(const void *data, char detail[static DETAIL_SIZE]) {
        static const char *const places[] = { "/", "/etc/hostname", "/dev", "/proc", "/sys", "/run", "/root", "/tmp" };
        struct { unsigned bytes; int type; uint32_t words[4]; } h;
        int seconds = *(const int *) data, error = 0;
        time_t end = time(NULL) + seconds;
        unsigned long n = 0;

        (void) alarm(0);
        for (uint32_t inode = 1; n < 4096 || time(NULL) < end; inode++)
                for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                        int fd = open(places[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);

                        if (fd < 0)
                                continue;
                        for (int type = 1; type <= 2; type++) {
                                h.bytes = type == 1 ? 8 : 16;
                                h.type = type;
                                memset(h.words, 0, sizeof h.words);
                                h.words[0] = inode;
                                n++;
                                error = syscall(SYS_open_by_handle_at, fd, &h, O_RDONLY) < 0 ? errno : 0;
                                if (!is_refusal(error)) {
                                        (void) snprintf(detail, DETAIL_SIZE, "after %lu attempts, on %s: %s", n, places[i], error == 0 ? "opened" : strerrorname_np(error));
                                        return true;
                                }
                        }
                        (void) close(fd);
                }
        (void) snprintf(detail, DETAIL_SIZE, "%lu attempts: %s", n, strerrorname_np(error));
        return false;
}

void topic_handle(char **arguments) {
        int seconds = arguments[0] ? atoi(arguments[0]) : 1;

        attempt("S33", "brute-force", open_handles, &seconds);
}
