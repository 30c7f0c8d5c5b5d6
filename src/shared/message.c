/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/message.h"

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/socket.h"
#include "basic/strv.h"

int message_new(Message **ret) {
        Message *m = calloc(1, sizeof *m);

        if (!m)
                return -ENOMEM;
        *ret = m;
        return 0;
}

Message *message_free(Message *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n_fds; i++)
                (void) fd_close(m->fds[i]);
        strv_free(m->fields);
        free(m);
        return NULL;
}

int message_add(Message *m, const char *key, const char *value) {
        assert(m && key && value);

        return strv_extendf(&m->fields, "%s=%s", key, value);
}

int message_addf(Message *m, const char *key, const char *format, ...) {
        _cleanup_free_ char *value = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&value, format, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        return message_add(m, key, value);
}

int message_add_strv(Message *m, const char *key, char *const *values) {
        int r;

        STRV_FOREACH(v, values) {
                r = message_add(m, key, *v);
                if (r < 0)
                        return r;
        }
        return 0;
}

int message_add_fd(Message *m, int fd) {
        int copy;

        assert(m);

        if (m->n_fds >= ELEMENTSOF(m->fds))
                return -E2BIG;
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        m->fds[m->n_fds++] = copy;
        return 0;
}

const char *message_get(const Message *m, const char *key) {
        return strv_get_value(m->fields, key);
}

int message_get_strv(const Message *m, const char *key, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        int r;

        STRV_FOREACH(f, m->fields) {
                const char *rest = startswith(*f, key);

                if (!rest || *rest != '=')
                        continue;
                r = strv_extend(&l, rest + 1);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

int message_get_u32(const Message *m, const char *key, uint32_t *ret) {
        const char *value = message_get(m, key);

        return value ? parse_u32(value, UINT32_MAX, ret) : -ENOENT;
}

int message_get_bool(const Message *m, const char *key) {
        const char *value = message_get(m, key);

        return value ? parse_bool(value) : 0;
}

int message_take_fd(Message *m, size_t i) {
        return i < m->n_fds ? TAKE_FD(m->fds[i]) : -EBADF;
}

int message_send(int fd, const Message *m) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0, n = strv_length(m->fields);
        char *p;

        if (n > MESSAGE_FIELDS_MAX)
                return -E2BIG;
        STRV_FOREACH(f, m->fields)
                size += strlen(*f) + 1;
        if (size > MESSAGE_SIZE_MAX)
                return -E2BIG;

        p = data = malloc(size + 1);
        if (!data)
                return -ENOMEM;
        STRV_FOREACH(f, m->fields)
                p = stpcpy(p, *f) + 1;

        return socket_send(fd, data, size, m->fds, m->n_fds);
}

int message_parse(const void *data, size_t size, Message **ret) {
        _cleanup_(message_freep) Message *m = NULL;
        const char *p = data, *end = p + size;
        size_t n = 0;
        int r;

        if (size == 0 || size > MESSAGE_SIZE_MAX || end[-1] != 0)
                return -EBADMSG;

        for (const char *q = p; q < end; q += strlen(q) + 1)
                if (++n > MESSAGE_FIELDS_MAX)
                        return -EBADMSG;

        r = message_new(&m);
        if (r < 0)
                return r;
        m->fields = calloc(n + 1, sizeof(char *));
        if (!m->fields)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++, p += strlen(p) + 1) {
                size_t k = strspn(p, "abcdefghijklmnopqrstuvwxyz-");

                if (k == 0 || p[k] != '=')
                        return -EBADMSG;
                m->fields[i] = strdup(p);
                if (!m->fields[i])
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(m);
        return 0;
}

int message_receive(int fd, Message **ret) {
        _cleanup_free_ char *data = NULL;
        int fds[SOCKET_FDS_MAX], r;
        size_t n_fds = ELEMENTSOF(fds);
        ssize_t n;
        Message *m;

        data = malloc(MESSAGE_SIZE_MAX);
        if (!data)
                return -ENOMEM;

        n = socket_receive(fd, data, MESSAGE_SIZE_MAX, fds, &n_fds);
        if (n == -EMSGSIZE)
                return -EBADMSG;
        if (n < 0)
                return (int) n;

        r = n == 0 ? -ENODATA : message_parse(data, (size_t) n, &m);
        if (r < 0) {
                for (size_t i = 0; i < n_fds; i++)
                        (void) close(fds[i]);
                return r;
        }

        memcpy(m->fds, fds, n_fds * sizeof(int));
        m->n_fds = n_fds;
        *ret = m;
        return 0;
}
