/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/message.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "basic/fd.h"
#include "unit.h"

START_TEST(round_trip) {
        _cleanup_(message_freep) Message *m = NULL, *got = NULL;
        _cleanup_strv_ char **values = NULL;
        char *many[] = { (char *) "a=b", (char *) "", (char *) "line\nline", NULL };
        uint32_t u;
        int p[2], fd;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), 0);
        ck_assert_int_eq(message_new(&m), 0);
        ck_assert_int_eq(message_add(m, "request", "exec"), 0);
        ck_assert_int_eq(message_add_strv(m, "argv", many), 0);
        ck_assert_int_eq(message_addf(m, "rows", "%u", 24), 0);
        ck_assert_int_eq(message_add(m, "tty", "yes"), 0);
        ck_assert_int_eq(message_add_fd(m, STDERR_FILENO), 0);
        ck_assert_int_eq(message_send(p[0], m), 0);
        ck_assert_int_eq(message_receive(p[1], &got), 0);

        ck_assert_str_eq(message_get(got, "request"), "exec");
        ck_assert_ptr_null(message_get(got, "reques"));
        ck_assert_int_eq(message_get_strv(got, "argv", &values), 0);
        ck_assert_uint_eq(strv_length(values), 3);
        ck_assert_str_eq(values[0], "a=b");
        ck_assert_str_eq(values[1], "");
        ck_assert_str_eq(values[2], "line\nline");
        ck_assert_int_eq(message_get_u32(got, "rows", &u), 0);
        ck_assert_uint_eq(u, 24);
        ck_assert_int_eq(message_get_u32(got, "tty", &u), -EINVAL);
        ck_assert_int_eq(message_get_u32(got, "columns", &u), -ENOENT);
        ck_assert_int_eq(message_get_bool(got, "tty"), 1);
        ck_assert_int_eq(message_get_bool(got, "other"), 0);

        fd = message_take_fd(got, 0);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(message_take_fd(got, 0), -EBADF);
        ck_assert_int_eq(message_take_fd(got, 1), -EBADF);
        ck_assert_int_eq(message_take_fd(got, 1000), -EBADF);
        fd_close(fd);

        fd_close(p[0]);
        ck_assert_int_eq(message_receive(p[1], &got), -ENODATA);
        fd_close(p[1]);
}
END_TEST

START_TEST(hostile) {
        static const struct {
                const char *data;
                size_t size;
        } bad[] = {
                { "", 0 }, { "a=b", 3 }, { "\0", 1 }, { "ab\0", 3 }, { "=b\0", 3 }, { "A=b\0", 4 }, { "a b=c\0", 6 }, { "a=b\0\0", 5 }, { "a=b\0c", 5 },
        };
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_free_ char *large = NULL;
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                /* In memory of its own size, for the sanitizers. */
                _cleanup_free_ char *copy = malloc(MAX_OF(bad[i].size, (size_t) 1));

                memcpy(copy, bad[i].data, bad[i].size);
                ck_assert_int_eq(message_parse(copy, bad[i].size, &m), -EBADMSG);
        }

        large = calloc(MESSAGE_SIZE_MAX + 1, 1);
        ck_assert_int_eq(message_parse(large, MESSAGE_SIZE_MAX + 1, &m), -EBADMSG);
        for (size_t i = 0; i < MESSAGE_FIELDS_MAX + 1; i++, n += 4)
                memcpy(large + n, "a=b", 4);
        ck_assert_int_eq(message_parse(large, n, &m), -EBADMSG);
        ck_assert_int_eq(message_parse(large, n - 4, &m), 0);
        ck_assert_uint_eq(strv_length(m->fields), MESSAGE_FIELDS_MAX);
}
END_TEST

START_TEST(too_much_to_send) {
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_free_ char *value = malloc(MESSAGE_SIZE_MAX + 1);
        int p[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), 0);
        memset(value, 'x', MESSAGE_SIZE_MAX);
        value[MESSAGE_SIZE_MAX] = 0;
        ck_assert_int_eq(message_new(&m), 0);
        ck_assert_int_eq(message_add(m, "a", value), 0);
        ck_assert_int_lt(message_send(p[0], m), 0);
        for (unsigned i = 0; i < 8; i++)
                ck_assert_int_eq(message_add_fd(m, STDERR_FILENO), 0);
        ck_assert_int_eq(message_add_fd(m, STDERR_FILENO), -E2BIG);
        fd_close(p[0]);
        fd_close(p[1]);
}
END_TEST

/* The last word of a peer that closed its end without having read ours. */
START_TEST(closed_with_unread) {
        _cleanup_(message_freep) Message *m = NULL, *got = NULL;
        int p[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p), 0);
        ck_assert_int_eq(message_new(&m), 0);
        ck_assert_int_eq(message_add(m, "event", "exited"), 0);
        ck_assert_int_eq(message_send(p[0], m), 0);
        ck_assert_int_eq(message_send(p[1], m), 0);
        fd_close(p[1]);
        ck_assert_int_eq(message_receive(p[0], &got), 0);
        ck_assert_str_eq(message_get(got, "event"), "exited");
        got = message_free(got);
        ck_assert_int_eq(message_receive(p[0], &got), -ENODATA);
        fd_close(p[0]);
}
END_TEST

UNIT_TESTS("message", round_trip, hostile, too_much_to_send, closed_with_unread)
