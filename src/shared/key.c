/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/key.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/fd.h"

#define CONTROL_C 3

static int key_new(Key **ret) {
        Key *k = mmap(NULL, sizeof *k, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int r;

        if (k == MAP_FAILED)
                return -errno;
        if (mlock(k, sizeof *k) < 0 || madvise(k, sizeof *k, MADV_DONTDUMP) < 0 || madvise(k, sizeof *k, MADV_WIPEONFORK) < 0) {
                r = -errno;
                (void) munmap(k, sizeof *k);
                return r;
        }
        *ret = k;
        return 0;
}

Key *key_free(Key *k) {
        if (k) {
                explicit_bzero(k, sizeof *k);
                (void) munmap(k, sizeof *k);
        }
        return NULL;
}

int key_read(int fd, int timeout_msec, Key **ret) {
        _cleanup_(key_freep) Key *k = NULL;
        int r;

        r = key_new(&k);
        if (r < 0)
                return r;
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t n;

                r = poll(&p, 1, timeout_msec);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;
                n = read(fd, k->data + k->size, sizeof k->data - k->size);
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                if (n == 0)
                        break;
                k->size += n > 0 ? (size_t) n : 0;
                if (k->size >= sizeof k->data && k->data[k->size - 1] != '\n')
                        return -E2BIG;
                if (k->size >= sizeof k->data)
                        break;
        }
        if (k->size > 0 && k->data[k->size - 1] == '\n')
                k->size--;
        if (k->size == 0)
                return -ENODATA;
        *ret = TAKE_PTR(k);
        return 0;
}

int key_read_line(int fd, Key **ret) {
        _cleanup_(key_freep) Key *k = NULL;
        ssize_t n;
        int r;

        r = key_new(&k);
        if (r < 0)
                return r;
        while ((n = read(fd, k->data + k->size, 1)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (k->data[k->size] == CONTROL_C)
                        return -ECANCELED;
                if (k->data[k->size] == '\n')
                        break;
                if (++k->size >= sizeof k->data)
                        return -E2BIG;
        }
        if (k->size == 0)
                return -ENODATA;
        *ret = TAKE_PTR(k);
        return 0;
}

bool key_equal(const Key *a, const Key *b) {
        return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

int key_to_pipe(const Key *k, int *ret_fd) {
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        out = fds[0];
        in = fds[1];
        /* It fits, so nobody has to read meanwhile. */
        r = fd_write_all(in, k->data, k->size);
        if (r >= 0)
                *ret_fd = TAKE_FD(out);
        return r;
}
