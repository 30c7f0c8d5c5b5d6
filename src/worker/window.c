/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/window.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"

/* One for a process: it reads one archive. */
static void *file;
static atomic_bool used;

int window_make_file(int dir_fd, int *ret_fd) {
        _cleanup_close_ int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0 || ftruncate(fd, WINDOW_FILE_BYTES) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

bool window_file_used(int fd) {
        struct stat st;

        return fd >= 0 && fstat(fd, &st) >= 0 && st.st_blocks > 0;
}

int window_map(int fd) {
        void *p = mmap(NULL, WINDOW_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED)
                return -errno;
        /* Who is killed by it, and does not say so itself as a sanitizer would, has its parent know why. */
        (void) signal(SIGBUS, SIG_DFL);
        file = p;
        return 0;
}

void *window_allocate(size_t size) {
        if (!file || size <= WINDOW_MEMORY_MAX || size > WINDOW_FILE_BYTES || atomic_exchange(&used, true))
                return malloc(size);
        return file;
}

void window_free(void *p) {
        if (p && p == file)
                atomic_store(&used, false);
        else
                free(p);
}
