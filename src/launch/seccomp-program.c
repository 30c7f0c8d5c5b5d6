/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/seccomp-program.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"

int seccomp_program_load(const char *path, SeccompProgram *ret) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        void *data;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size <= 0 || st.st_size % sizeof(struct sock_filter) || st.st_size / sizeof(struct sock_filter) > BPF_MAXINSNS)
                return -EBADMSG;
        data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        *ret = (SeccompProgram) { .data = data, .size = (size_t) st.st_size };
        return 0;
}

void seccomp_program_done(SeccompProgram *p) {
        if (p->data)
                (void) munmap(p->data, p->size);
        *p = (SeccompProgram) {};
}

int seccomp_program_apply(const SeccompProgram *p) {
        struct sock_fprog program = { .len = (unsigned short) (p->size / sizeof(struct sock_filter)), .filter = p->data };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
