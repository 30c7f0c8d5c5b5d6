/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/fd.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static int pipe_with(const char *text, int *ret_write) {
        int p[2];

        ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
        ck_assert_int_eq(fd_write_all(p[1], text, strlen(text)), 0);
        *ret_write = p[1];
        return p[0];
}

START_TEST(read_string) {
        static const struct {
                const char *text;
                size_t max;
                int result;
        } cases[] = {
                { "", 10, 0 }, { "hello", 5, 0 }, { "hello", 4, -E2BIG }, { "hello", 4096, 0 }, { "x", 0, -E2BIG }, { "", 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_close_ int r = -EBADF, w = -EBADF;
                _cleanup_free_ char *s = NULL;
                size_t n = 77;

                r = pipe_with(cases[i].text, &w);
                w = fd_close(w);
                ck_assert_int_eq(fd_read_string(r, cases[i].max, &s, &n), cases[i].result);
                if (cases[i].result == 0) {
                        ck_assert_str_eq(s, cases[i].text);
                        ck_assert_uint_eq(n, strlen(cases[i].text));
                }
        }
}
END_TEST

START_TEST(whole_reads_and_flags) {
        _cleanup_close_ int r = -EBADF, w = -EBADF;
        char buffer[16];

        r = pipe_with("abcdef", &w);
        ck_assert_int_eq((int) fd_read_all(r, buffer, 4), 4);
        w = fd_close(w);
        ck_assert_int_eq((int) fd_read_all(r, buffer, sizeof buffer), 2);
        ck_assert_int_eq((int) fd_read_all(r, buffer, sizeof buffer), 0);

        ck_assert_int_eq(fd_set_nonblock(r, true), 0);
        ck_assert(fcntl(r, F_GETFL) & O_NONBLOCK);
        ck_assert_int_eq(fd_set_nonblock(r, false), 0);
        ck_assert(!(fcntl(r, F_GETFL) & O_NONBLOCK));
        ck_assert_int_eq(fd_set_cloexec(r, false), 0);
        ck_assert_int_eq(fcntl(r, F_GETFD), 0);
        ck_assert_int_lt(fd_set_cloexec(-1, true), 0);
        errno = EXDEV;
        ck_assert_int_eq(fd_close(-1), -EBADF);
        ck_assert_int_eq(errno, EXDEV);
}
END_TEST

/* In a child of its own: the test's log is one of the fds. */
START_TEST(close_all_except) {
        int fds[6], keep[2], status;
        pid_t pid;

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        keep[0] = fds[4];
        keep[1] = fds[1];

        pid = fork();
        if (pid == 0) {
                if (fd_close_all_except(keep, 2) < 0)
                        _exit(1);
                for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                        if ((fcntl(fds[i], F_GETFD) >= 0) != (i == 1 || i == 4))
                                _exit(2);
                _exit(fcntl(STDERR_FILENO, F_GETFD) < 0 ? 3 : 0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fd_close(fds[i]);
}
END_TEST

UNIT_TESTS("fd", read_string, whole_reads_and_flags, close_all_except)
