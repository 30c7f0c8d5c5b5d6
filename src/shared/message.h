/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* The one encoding that berth's own processes speak over their local sockets (job requests, control socket): a datagram of
 * NUL-terminated "KEY=VALUE" fields and up to SOCKET_FDS_MAX fds. Keys repeat to make lists. A message is at most MESSAGE_SIZE_MAX
 * bytes and MESSAGE_FIELDS_MAX fields; keys are [a-z-], values any bytes but NUL. */

#define MESSAGE_SIZE_MAX (256U * 1024U)
#define MESSAGE_FIELDS_MAX 4096U

typedef struct Message {
        char **fields;       /* owned: "key=value" */
        int fds[8];          /* owned; a taken one is replaced by -EBADF */
        size_t n_fds;
} Message;

int message_new(Message **ret);
Message *message_free(Message *m);
DEFINE_CLEANUP(Message *, message_free)

int message_add(Message *m, const char *key, const char *value);
int message_addf(Message *m, const char *key, const char *format, ...) _printf_(3, 4);
int message_add_strv(Message *m, const char *key, char *const *values);
int message_add_fd(Message *m, int fd); /* duplicates */

const char *message_get(const Message *m, const char *key); /* first value, or NULL */
int message_get_strv(const Message *m, const char *key, char ***ret);
int message_get_u32(const Message *m, const char *key, uint32_t *ret); /* -ENOENT, -EINVAL, -ERANGE */
int message_get_bool(const Message *m, const char *key);               /* absent is 0 */
int message_take_fd(Message *m, size_t i);                             /* -EBADF when there is none */

/* Both forward the socket's error. receive: -ENODATA at end of file, -EBADMSG for what is no message. */
int message_send(int fd, const Message *m);
int message_receive(int fd, Message **ret);

/* For tests and fuzzing. */
int message_parse(const void *data, size_t size, Message **ret);
