/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages of berth's own sockets: what is taken is what it would be sent as, with values as they were. */

#include <sys/socket.h>
#include <unistd.h>

#include "basic/socket.h"
#include "fuzz.h"
#include "shared/message.h"

/* By way of a socket every so often: it takes longer than all else. */
static void send_and_receive(const Message *m) {
        _cleanup_(message_freep) Message *received = NULL;
        static int pair[2] = { -EBADF, -EBADF };

        if (pair[0] < 0)
                must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
        must(message_send(pair[0], m) >= 0);
        must(message_receive(pair[1], &received) >= 0);
        must(strv_length(received->fields) == strv_length(m->fields));
        for (size_t i = 0; i < strv_length(m->fields); i++)
                must(streq(received->fields[i], m->fields[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_strv_ char **values = NULL;
        uint32_t number;
        int r;

        r = message_parse(data, size, &m);
        if (r < 0) {
                must(r == -EBADMSG);
                return 0;
        }
        must(strv_length(m->fields) <= MESSAGE_FIELDS_MAX && m->n_fds == 0);
        STRV_FOREACH(f, m->fields) {
                size_t n = strspn(*f, "abcdefghijklmnopqrstuvwxyz-");

                must(n > 0 && (*f)[n] == '=');
        }
        (void) message_get_u32(m, "uid", &number);
        (void) message_get_bool(m, "tty");
        must(message_get_strv(m, "argv", &values) >= 0);
        must(message_take_fd(m, 0) == -EBADF);
        if (strv_length(m->fields) > 0)
                send_and_receive(m);
        return 0;
}
