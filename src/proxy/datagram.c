/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy/datagram.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "basic/clock.h"
#include "basic/fd.h"

#define SENDERS_MAX 1024U
#define SILENT_USEC (120 * USEC_PER_SEC)
#define LOOK_USEC (30 * USEC_PER_SEC)
#define TURN_MAX 64U

typedef struct Control {
        _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
} Control;

typedef struct Server Server;

typedef struct Sender {
        Server *server;
        struct sockaddr_storage address;
        socklen_t address_size;
        Control control; /* the address that he has sent to */
        size_t control_size;
        uint64_t last_usec;
        sd_event_source *source;
        int fd;
} Sender;

struct Server {
        sd_event *event;
        int fd;
        Address to;
        Sender *senders[SENDERS_MAX];
        size_t n;
        char data[65536];
};

static void forget(Server *s, size_t i) {
        Sender *x = s->senders[i];

        sd_event_source_disable_unref(x->source);
        (void) fd_close(x->fd);
        free(x);
        s->senders[i] = s->senders[--s->n];
}

static int on_answer(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Sender *x = userdata;
        Server *s = x->server;

        for (unsigned turn = 0; turn < TURN_MAX; turn++) {
                ssize_t n = recv(fd, s->data, sizeof s->data, MSG_DONTWAIT);
                struct iovec iov = { .iov_base = s->data, .iov_len = (size_t) MAX_OF(n, 0) };
                struct msghdr m = {
                        .msg_name = &x->address, .msg_namelen = x->address_size, .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = x->control_size > 0 ? &x->control : NULL, .msg_controllen = x->control_size,
                };

                /* ECONNREFUSED and its like: nobody listens there now; who sends again tries again. */
                if (n < 0)
                        break;
                x->last_usec = clock_usec(CLOCK_MONOTONIC);
                (void) sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        return 0;
}

/* What the kernel says of the address that was sent to, turned into what it wants to hear about the one to send from. */
static void keep_destination(Sender *x, const struct msghdr *m) {
        const struct cmsghdr *h = m->msg_controllen >= sizeof *h ? CMSG_FIRSTHDR(m) : NULL;
        struct cmsghdr *to = (struct cmsghdr *) (void *) x->control.bytes;

        x->control_size = 0;
        if (h && h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;

                memcpy(&info, CMSG_DATA(h), sizeof info);
                info = (struct in_pktinfo) { .ipi_spec_dst = info.ipi_spec_dst };
                *to = (struct cmsghdr) { .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info) };
                memcpy(CMSG_DATA(to), &info, sizeof info);
                x->control_size = CMSG_SPACE(sizeof info);
        } else if (h && h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
                struct in6_pktinfo info;

                memcpy(&info, CMSG_DATA(h), sizeof info);
                if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                        info.ipi6_ifindex = 0;
                *to = (struct cmsghdr) { .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info) };
                memcpy(CMSG_DATA(to), &info, sizeof info);
                x->control_size = CMSG_SPACE(sizeof info);
        }
}

static Sender *find(Server *s, const struct msghdr *m) {
        size_t oldest = 0;
        Sender *x;

        for (size_t i = 0; i < s->n; i++) {
                if (s->senders[i]->address_size == m->msg_namelen && memcmp(&s->senders[i]->address, m->msg_name, m->msg_namelen) == 0)
                        return s->senders[i];
                if (s->senders[i]->last_usec < s->senders[oldest]->last_usec)
                        oldest = i;
        }
        if (s->n >= SENDERS_MAX)
                forget(s, oldest);
        x = calloc(1, sizeof *x);
        if (!x)
                return NULL;
        *x = (Sender) { .server = s, .address_size = m->msg_namelen, .fd = address_connect(&s->to) };
        memcpy(&x->address, m->msg_name, m->msg_namelen);
        if (x->fd < 0 || sd_event_add_io(s->event, &x->source, x->fd, EPOLLIN, on_answer, x) < 0) {
                (void) fd_close(x->fd);
                free(x);
                return NULL;
        }
        s->senders[s->n++] = x;
        return x;
}

static int on_datagram(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Server *s = userdata;

        for (unsigned turn = 0; turn < TURN_MAX; turn++) {
                struct sockaddr_storage from = {};
                Control control = {};
                struct iovec iov = { .iov_base = s->data, .iov_len = sizeof s->data };
                struct msghdr m = {
                        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
                };
                ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
                Sender *x;

                if (n < 0)
                        break;
                x = find(s, &m);
                if (!x)
                        continue;
                keep_destination(x, &m);
                x->last_usec = clock_usec(CLOCK_MONOTONIC);
                (void) send(x->fd, s->data, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        return 0;
}

/* With nobody left to answer to it ends, and PID 1 listens again. */
static int on_look(sd_event_source *source, uint64_t usec, void *userdata) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        Server *s = userdata;
        int r;

        for (size_t i = s->n; i-- > 0;)
                if (s->senders[i]->last_usec + SILENT_USEC < now)
                        forget(s, i);
        if (s->n == 0)
                return sd_event_exit(s->event, 0);
        r = sd_event_source_set_time_relative(source, LOOK_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int datagram_serve(sd_event *event, int listen_fd, const Address *to) {
        Server *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return -ENOMEM;
        s->event = event;
        s->fd = listen_fd;
        s->to = *to;
        if (to->storage.ss_family == AF_INET || to->storage.ss_family == AF_INET6) {
                /* One of them fails: the listening one's family is not that of the other end, perhaps. */
                (void) setsockopt(listen_fd, IPPROTO_IP, IP_PKTINFO, &(int) { 1 }, sizeof(int));
                (void) setsockopt(listen_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &(int) { 1 }, sizeof(int));
        }
        r = sd_event_add_io(event, NULL, listen_fd, EPOLLIN, on_datagram, s);
        if (r >= 0)
                r = sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, LOOK_USEC, 0, on_look, s);
        if (r >= 0)
                r = sd_event_loop(event);
        while (s->n > 0)
                forget(s, s->n - 1);
        free(s);
        return r;
}
