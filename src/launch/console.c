/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/console.h"

#include <assert.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/message.h"

typedef struct Client {
        Console *console;  /* borrowed */
        int fd;            /* owned: the stream */
        int connection_fd; /* owned: takes requests */
        sd_event_source *source, *connection_source;
} Client;

struct Console {
        sd_event *event;
        int master_fd;
        sd_event_source *source, *retry;
        Client clients[CONSOLE_CLIENTS_MAX];
        size_t kept_size, kept_start;
        char kept[CONSOLE_KEEP_BYTES];
};

/* Without an opener of the slave the master reports a hang-up again and again; the guest may open its console later. */
#define RETRY_USEC (200 * USEC_PER_MSEC)

static void client_close_connection(Client *c) {
        c->connection_source = sd_event_source_disable_unref(c->connection_source);
        c->connection_fd = fd_close(c->connection_fd);
}

static void client_close(Client *c) {
        client_close_connection(c);
        c->source = sd_event_source_disable_unref(c->source);
        c->fd = fd_close(c->fd);
}

static void keep(Console *c, const char *data, size_t size) {
        for (size_t i = 0; i < size; i++) {
                c->kept[(c->kept_start + c->kept_size) % CONSOLE_KEEP_BYTES] = data[i];
                if (c->kept_size < CONSOLE_KEEP_BYTES)
                        c->kept_size++;
                else
                        c->kept_start = (c->kept_start + 1) % CONSOLE_KEEP_BYTES;
        }
}

size_t console_kept(const Console *c, char buffer[static CONSOLE_KEEP_BYTES]) {
        for (size_t i = 0; i < c->kept_size; i++)
                buffer[i] = c->kept[(c->kept_start + i) % CONSOLE_KEEP_BYTES];
        return c->kept_size;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        Console *c = userdata;

        return sd_event_source_set_enabled(c->source, SD_EVENT_ON);
}

static int on_master(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Console *c = userdata;
        char data[4096];
        ssize_t n;

        n = read(fd, data, sizeof data);
        if (n > 0) {
                keep(c, data, (size_t) n);
                for (size_t i = 0; i < CONSOLE_CLIENTS_MAX; i++)
                        if (c->clients[i].fd >= 0 &&
                            send(c->clients[i].fd, data, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
                                client_close(&c->clients[i]);
                return 0;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;

        (void) sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
        if (c->retry) {
                (void) sd_event_source_set_time_relative(c->retry, RETRY_USEC);
                return sd_event_source_set_enabled(c->retry, SD_EVENT_ONESHOT);
        }
        return sd_event_add_time_relative(c->event, &c->retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry, c);
}

static int on_client(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Client *client = userdata;
        char data[1024];
        ssize_t n;

        n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) {
                client_close(client);
                return 0;
        }
        /* A payload that reads nothing fills its input queue; more typing is lost, as on a serial line. */
        (void) !write(client->console->master_fd, data, (size_t) n);
        return 0;
}

static int on_connection(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        _cleanup_(message_freep) Message *m = NULL;
        Client *client = userdata;
        uint32_t rows, columns;
        int r;

        r = message_receive(fd, &m);
        if (r == -EAGAIN)
                return 0;
        if (r < 0) {
                client_close_connection(client);
                return 0;
        }
        if (streq_ptr(message_get(m, "request"), "resize") && message_get_u32(m, "rows", &rows) >= 0 && message_get_u32(m, "columns", &columns) >= 0)
                (void) console_resize(client->console, rows, columns);
        return 0;
}

int console_new(sd_event *event, int master_fd, Console **ret) {
        _cleanup_(console_freep) Console *c = NULL;
        int r;

        c = calloc(1, sizeof *c);
        if (!c) {
                (void) fd_close(master_fd);
                return -ENOMEM;
        }
        c->event = sd_event_ref(event);
        c->master_fd = master_fd;
        for (size_t i = 0; i < CONSOLE_CLIENTS_MAX; i++)
                c->clients[i] = (Client) { .console = c, .fd = -EBADF, .connection_fd = -EBADF };

        r = fd_set_nonblock(master_fd, true);
        if (r >= 0)
                r = sd_event_add_io(event, &c->source, master_fd, EPOLLIN, on_master, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Console *console_free(Console *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < CONSOLE_CLIENTS_MAX; i++)
                client_close(&c->clients[i]);
        sd_event_source_disable_unref(c->source);
        sd_event_source_disable_unref(c->retry);
        (void) fd_close(c->master_fd);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}

int console_attach(Console *c, int connection_fd, int *ret_fd) {
        _cleanup_close_ int theirs = -EBADF;
        char kept[CONSOLE_KEEP_BYTES];
        Client *client;
        int pair[2], r;

        assert(c);

        for (client = c->clients; client < c->clients + CONSOLE_CLIENTS_MAX && client->fd >= 0; client++)
                ;
        if (client == c->clients + CONSOLE_CLIENTS_MAX)
                return -EBUSY;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        theirs = pair[1];
        client->fd = pair[0];

        r = sd_event_add_io(c->event, &client->source, pair[0], EPOLLIN, on_client, client);
        if (r >= 0)
                r = sd_event_add_io(c->event, &client->connection_source, connection_fd, EPOLLIN, on_connection, client);
        if (r < 0) {
                client_close(client);
                return r;
        }
        client->connection_fd = connection_fd;
        (void) send(pair[0], kept, console_kept(c, kept), MSG_DONTWAIT | MSG_NOSIGNAL);
        *ret_fd = TAKE_FD(theirs);
        return 0;
}

int console_resize(Console *c, unsigned rows, unsigned columns) {
        struct winsize ws = { .ws_row = (unsigned short) rows, .ws_col = (unsigned short) columns };

        if (rows > UINT16_MAX || columns > UINT16_MAX)
                return -ERANGE;
        return ioctl(c->master_fd, TIOCSWINSZ, &ws) < 0 ? -errno : 0;
}
