/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/seccomp-program.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"

/* A sealed file is program, text, and the size of the program. */
static int check_seal(const SeccompProgram *p, const char *text, size_t *ret_size) {
        size_t length = strlen(text);
        uint64_t size;

        if (p->map_size < sizeof size + length)
                return -ESTALE;
        memcpy(&size, (const char *) p->data + p->map_size - sizeof size, sizeof size);
        if (size != p->map_size - sizeof size - length || memcmp((const char *) p->data + size, text, length) != 0)
                return -ESTALE;
        *ret_size = (size_t) size;
        return 0;
}

int seccomp_program_load(const char *path, const char *text, SeccompProgram *ret) {
        _cleanup_(seccomp_program_done) SeccompProgram p = {};
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        void *data;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size <= 0)
                return -EBADMSG;
        data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        p = (SeccompProgram) { .data = data, .size = (size_t) st.st_size, .map_size = (size_t) st.st_size };
        if (text) {
                r = check_seal(&p, text, &p.size);
                if (r < 0)
                        return r;
        }
        if (p.size == 0 || p.size % sizeof(struct sock_filter) || p.size / sizeof(struct sock_filter) > BPF_MAXINSNS)
                return -EBADMSG;
        *ret = p;
        p = (SeccompProgram) {};
        return 0;
}

void seccomp_program_done(SeccompProgram *p) {
        if (p->data)
                (void) munmap(p->data, p->map_size);
        *p = (SeccompProgram) {};
}

int seccomp_program_seal(int fd, const char *text) {
        off_t end = lseek(fd, 0, SEEK_END);
        uint64_t size;
        int r;

        if (end < 0)
                return -errno;
        if (end == 0)
                return -EBADMSG;
        size = (uint64_t) end;
        r = fd_write_all(fd, text, strlen(text));
        return r < 0 ? r : fd_write_all(fd, &size, sizeof size);
}

int seccomp_program_apply(const SeccompProgram *p) {
        struct sock_fprog program = { .len = (unsigned short) (p->size / sizeof(struct sock_filter)), .filter = p->data };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
