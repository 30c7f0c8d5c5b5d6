/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/sanitizer.h"

#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"

/* For the linker (meson.build). */
extern const char berth_sanitizer;
const char berth_sanitizer = 0;

/* Built in, because units have no environment to give them in, and processes in roots of others no file to write to: what they find is written
 * to standard error and syslog. */
#define COMMON "log_to_syslog=1:allocator_may_return_null=1:"

const char *__asan_default_options(void) {
        /* What was freed is kept for a while, to find who uses it still: little, because units have little memory. */
        return COMMON "quarantine_size_mb=16:detect_leaks=1:exitcode=99";
}

const char *__ubsan_default_options(void) {
        return COMMON "print_stacktrace=1";
}

/* Who looks for leaks looks for the threads in /proc, for ever: in a guest's, into which berth-proxy goes, there are none of them. */
int __lsan_is_turned_off(void) {
        char self[16] = {};

        return readlink("/proc/self", self, sizeof self - 1) <= 0 || atoi(self) != getpid();
}

void sanitizer_prepare_sandbox(void) {
        __sanitizer_sandbox_on_notify(NULL);
}

/* The process that looks for leaks cannot be made where no child can be: a supervisor's are in the pid namespace of its container, which has ended. */
static void leave_pid_namespace(void) {
        _cleanup_close_ int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        struct stat a, b;

        if (own >= 0 && fstat(own, &a) >= 0 && (stat("/proc/self/ns/pid_for_children", &b) < 0 || a.st_ino != b.st_ino))
                (void) setns(own, CLONE_NEWPID);
}

/* What is registered last is called first; the runtime was before. */
__attribute__((constructor)) static void prepare_end(void) {
        (void) atexit(leave_pid_namespace);
}
