/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/fd.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int fd_close(int fd) {
        if (fd >= 0) {
                int saved = errno;

                (void) close(fd);
                errno = saved;
        }
        return -EBADF;
}

int fd_set_nonblock(int fd, bool on) {
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
                return -errno;
        return 0;
}

int fd_set_cloexec(int fd, bool on) {
        int flags = fcntl(fd, F_GETFD);

        if (flags < 0 || fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC) < 0)
                return -errno;
        return 0;
}

int fd_write_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

ssize_t fd_read_all(int fd, void *data, size_t size) {
        char *p = data;
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, p + done, size - done);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                done += (size_t) n;
        }
        return (ssize_t) done;
}

int fd_read_string(int fd, size_t max_bytes, char **ret, size_t *ret_size) {
        _cleanup_free_ char *buffer = NULL;
        size_t size = 0, allocated = 0;

        assert(ret);

        for (;;) {
                ssize_t n;

                if (allocated - size < 2) {
                        char *p;

                        if (size > max_bytes)
                                return -E2BIG;
                        allocated = MIN_OF(MAX_OF(allocated * 2, (size_t) 4096), max_bytes + 2);
                        p = realloc(buffer, allocated);
                        if (!p)
                                return -ENOMEM;
                        buffer = p;
                }

                n = fd_read_all(fd, buffer + size, allocated - size - 1);
                if (n < 0)
                        return (int) n;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max_bytes)
                        return -E2BIG;
        }

        buffer[size] = 0;
        *ret = TAKE_PTR(buffer);
        if (ret_size)
                *ret_size = size;
        return 0;
}

int fd_open_stop_signals(void) {
        sigset_t mask;
        int fd;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        fd = signalfd(-1, &mask, SFD_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int compare_int(const void *a, const void *b) {
        int x = *(const int *) a, y = *(const int *) b;

        return x < y ? -1 : x > y;
}

int fd_close_all_except(int *keep, size_t n_keep) {
        unsigned start = 3;

        if (n_keep > 0)
                qsort(keep, n_keep, sizeof *keep, compare_int);

        for (size_t i = 0; i < n_keep; i++) {
                if (keep[i] < (int) start)
                        continue;
                if ((unsigned) keep[i] > start && close_range(start, (unsigned) keep[i] - 1, 0) < 0)
                        return -errno;
                start = (unsigned) keep[i] + 1;
        }
        return close_range(start, UINT_MAX, 0) < 0 ? -errno : 0;
}
