/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/key-agent.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

#define DIRECTORY "/run/systemd/ask-password"
#define PREFIX "ask."
#define ID "Id=berth:"
#define SOCKET "Socket="
#define FILE_SIZE_MAX 4096U
#define KEY_TIMEOUT_MSEC 30000

/* '+' and what is answered; a socket that is gone has its answer. */
static void send_answer(const char *path, const Key *key) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct iovec parts[] = { { .iov_base = (char *) "+", .iov_len = 1 }, { .iov_base = (void *) key->data, .iov_len = key->size } };
        struct msghdr m = { .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = parts, .msg_iovlen = ELEMENTSOF(parts) };
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof address.sun_path)
                return;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0)
                (void) sendmsg(fd, &m, MSG_NOSIGNAL);
}

static void answer(int directory, const char *name, const Key *key, char *const *containers) {
        _cleanup_free_ char *text = NULL;
        const char *container = NULL, *path = NULL;
        char *save = NULL;

        if (!startswith(name, PREFIX) || path_read(directory, name, FILE_SIZE_MAX, &text, NULL) < 0)
                return;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                container = startswith(line, ID) ?: container;
                path = startswith(line, SOCKET) ?: path;
        }
        if (container && path && strv_find(containers, container))
                send_answer(path, key);
}

static void answer_all(const Key *key, char *const *containers) {
        DIR *d = opendir(DIRECTORY);
        struct dirent *de;

        while (d && (de = readdir(d)))
                answer(dirfd(d), de->d_name, key, containers);
        if (d)
                (void) closedir(d);
}

void key_agent_run(int key_fd, char *const *names) {
        _cleanup_(key_freep) Key *key = NULL;
        char events[4096];
        int fd;

        if (key_read(key_fd, KEY_TIMEOUT_MSEC, &key) < 0)
                _exit(EXIT_FAILURE);
        (void) mkdir(DIRECTORY, 0755);
        fd = inotify_init1(IN_CLOEXEC);
        /* A question is a file that is moved there; whoever has an answer takes it away. */
        if (fd < 0 || inotify_add_watch(fd, DIRECTORY, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
                _exit(EXIT_FAILURE);
        do
                answer_all(key, names);
        while (read(fd, events, sizeof events) > 0);
        _exit(EXIT_FAILURE);
}
