/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "unit.h"

static unsigned count_fds(void) {
        unsigned n = 0;

        for (int i = 0; i < 256; i++)
                n += fcntl(i, F_GETFD) >= 0;
        return n;
}

START_TEST(datagrams) {
        int p[2], out[8], in[8] = { STDERR_FILENO, STDERR_FILENO, STDERR_FILENO };
        char buffer[16];
        unsigned before;
        size_t n;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), 0);
        before = count_fds();

        ck_assert_int_eq(socket_send(p[0], "hello", 5, in, 2), 0);
        n = 8;
        ck_assert_int_eq((int) socket_receive(p[1], buffer, sizeof buffer, out, &n), 5);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_eq(fcntl(out[0], F_GETFD), FD_CLOEXEC);
        fd_close(out[0]);
        fd_close(out[1]);

        /* More fds than there is room for, more bytes than there is room for, fds that nobody asked for: none of them stays open. */
        ck_assert_int_eq(socket_send(p[0], "hello", 5, in, 3), 0);
        n = 2;
        ck_assert_int_eq((int) socket_receive(p[1], buffer, sizeof buffer, out, &n), -EMSGSIZE);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(socket_send(p[0], "hello", 5, in, 3), 0);
        n = 8;
        ck_assert_int_eq((int) socket_receive(p[1], buffer, 4, out, &n), -EMSGSIZE);
        ck_assert_int_eq(socket_send(p[0], "hello", 5, in, 1), 0);
        ck_assert_int_eq((int) socket_receive(p[1], buffer, sizeof buffer, NULL, NULL), -EMSGSIZE);
        ck_assert_uint_eq(count_fds(), before);

        fd_close(p[0]);
        ck_assert_int_eq((int) socket_receive(p[1], buffer, sizeof buffer, NULL, NULL), 0);
        ck_assert_int_eq(socket_send(p[1], "x", 1, NULL, 0), -EPIPE);
        fd_close(p[1]);
}
END_TEST

START_TEST(listen_and_connect) {
        _cleanup_free_ char *directory = unit_make_directory(), *path = NULL;
        _cleanup_close_ int l = -EBADF, again = -EBADF, c = -EBADF;
        char too_long[200];
        struct stat st;

        ck_assert_int_ge(asprintf(&path, "%s/socket", directory), 0);
        ck_assert_int_eq(socket_connect(path), -ENOENT);
        l = socket_listen(path, 0600, 4);
        ck_assert_int_ge(l, 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);

        again = socket_listen(path, 0666, 4);
        ck_assert_int_ge(again, 0);
        c = socket_connect(path);
        ck_assert_int_ge(c, 0);
        c = fd_close(c);
        again = fd_close(again);
        ck_assert_int_eq(socket_connect(path), -ECONNREFUSED);

        memset(too_long, 'x', sizeof too_long - 1);
        too_long[sizeof too_long - 1] = 0;
        ck_assert_int_eq(socket_connect(too_long), -ENAMETOOLONG);
        ck_assert_int_eq(socket_listen(too_long, 0600, 4), -ENAMETOOLONG);

        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

UNIT_TESTS("socket", datagrams, listen_and_connect)
