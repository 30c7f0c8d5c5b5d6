/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How systemd-coredump takes a dump from outside: datagrams "FIELD=value" on its socket, then an empty one with the file. */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-messages.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "coredump/crash.h"
#include "shared/runtime-state.h"
#include "shared/userns.h"

#define GUEST_SOCKET "/run/systemd/coredump"
#define SEND_TIMEOUT_SEC 10
#define FILE_SIZE_MAX (48U * 1024U) /* less than a datagram's limit */
#define NOBODY 65534U

static const char *const argument_fields[_CRASH_ARGUMENT_MAX] = {
        [CRASH_PID] = "COREDUMP_PID",       [CRASH_UID] = "COREDUMP_UID",             [CRASH_GID] = "COREDUMP_GID",
        [CRASH_SIGNAL] = "COREDUMP_SIGNAL", [CRASH_TIMESTAMP] = "COREDUMP_TIMESTAMP", [CRASH_RLIMIT] = "COREDUMP_RLIMIT",
        [CRASH_HOSTNAME] = "COREDUMP_HOSTNAME",
};

static int read_file(const Crash *c, const char *name, char **ret) {
        _cleanup_close_ int fd = openat(c->proc_fd, name, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        ssize_t n;

        if (fd < 0)
                return -errno;
        text = malloc(FILE_SIZE_MAX);
        if (!text)
                return -ENOMEM;
        n = fd_read_all(fd, text, FILE_SIZE_MAX - 1);
        if (n < 0)
                return (int) n;
        text[n] = 0;
        /* Words of a command line end in NUL. */
        for (ssize_t i = 0; i < n - 1; i++)
                if (!text[i])
                        text[i] = ' ';
        *ret = TAKE_PTR(text);
        return 0;
}

/* "PID Name: host inside …" */
static int inside_pid(const Crash *c, int *ret) {
        _cleanup_free_ char *status = NULL;
        const char *line;
        int r;

        r = read_file(c, "status", &status);
        if (r < 0)
                return r;
        line = strstr(status, "\nNSpid:");
        return line && sscanf(line, "\nNSpid: %*d %d", ret) == 1 ? 0 : -ESRCH;
}

static int inside_id(const char *text, uint32_t base, uint32_t *ret) {
        uint32_t id;
        int r;

        r = parse_u32(text, UINT32_MAX - 1, &id);
        if (r < 0)
                return r;
        *ret = id >= base && id - base < UID_RANGE_SIZE ? id - base : NOBODY;
        return 0;
}

static int add_arguments(const Crash *c, uint32_t uid_base, char ***fields) {
        for (CrashArgument i = 0; i < _CRASH_ARGUMENT_MAX; i++) {
                int r, pid;
                uint32_t id;

                switch (i) {
                case CRASH_PID:
                        r = inside_pid(c, &pid);
                        if (r >= 0)
                                r = strv_extendf(fields, "%s=%d", argument_fields[i], pid);
                        break;
                case CRASH_UID:
                case CRASH_GID:
                        r = inside_id(c->arguments[i], uid_base, &id);
                        if (r >= 0)
                                r = strv_extendf(fields, "%s=%u", argument_fields[i], id);
                        break;
                case CRASH_TIMESTAMP:
                        r = strv_extendf(fields, "%s=%s000000", argument_fields[i], c->arguments[i]);
                        break;
                case CRASH_SIGNAL:
                case CRASH_RLIMIT:
                case CRASH_HOSTNAME:
                case _CRASH_ARGUMENT_MAX:
                        r = strv_extendf(fields, "%s=%s", argument_fields[i], c->arguments[i]);
                        break;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Not needed, and wanted by people. */
static int add_optional(const Crash *c, char ***fields) {
        static const struct {
                const char *file, *field;
        } files[] = { { "cmdline", "COREDUMP_CMDLINE" }, { "status", "COREDUMP_PROC_STATUS" }, { "maps", "COREDUMP_PROC_MAPS" }, { "limits", "COREDUMP_PROC_LIMITS" } };
        char link[4096];
        ssize_t n;
        int r;

        n = readlinkat(c->proc_fd, "exe", link, sizeof link - 1);
        if (n > 0) {
                link[n] = 0;
                r = strv_extendf(fields, "COREDUMP_EXE=%s", link);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *text = NULL;

                if (read_file(c, files[i].file, &text) < 0)
                        continue;
                r = strv_extendf(fields, "%s=%s", files[i].field, text);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int collect(const Crash *c, uint32_t uid_base, char ***ret) {
        _cleanup_strv_ char **fields = NULL;
        _cleanup_free_ char *comm = NULL;
        int r;

        r = strv_extend(&fields, "MESSAGE_ID=" SD_MESSAGE_COREDUMP_STR);
        if (r >= 0)
                r = strv_extendf(&fields, "PRIORITY=%d", LOG_CRIT);
        if (r >= 0)
                r = add_arguments(c, uid_base, &fields);
        if (r >= 0)
                r = read_file(c, "comm", &comm);
        if (r >= 0) {
                comm[strcspn(comm, "\n")] = 0;
                r = strv_extendf(&fields, "COREDUMP_COMM=%s", comm);
        }
        if (r >= 0)
                r = add_optional(c, &fields);
        if (r >= 0)
                *ret = TAKE_PTR(fields);
        return r;
}

typedef struct Inside {
        int pid_fd, user_fd, mount_fd; /* owned: namespaces of the container */
} Inside;

static void inside_done(Inside *i) {
        i->pid_fd = fd_close(i->pid_fd);
        i->user_fd = fd_close(i->user_fd);
        i->mount_fd = fd_close(i->mount_fd);
}

static int inside_open(pid_t leader, Inside *ret) {
        char path[64];

        *ret = (Inside) { .pid_fd = -EBADF, .user_fd = -EBADF, .mount_fd = -EBADF };
        snprintf(path, sizeof path, "/proc/%d/ns/pid", (int) leader);
        ret->pid_fd = open(path, O_RDONLY | O_CLOEXEC);
        snprintf(path, sizeof path, "/proc/%d/ns/user", (int) leader);
        ret->user_fd = ret->pid_fd < 0 ? -EBADF : open(path, O_RDONLY | O_CLOEXEC);
        snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int) leader);
        ret->mount_fd = ret->user_fd < 0 ? -EBADF : open(path, O_RDONLY | O_CLOEXEC);
        return ret->mount_fd < 0 ? -errno : 0;
}

/* For good: what follows is done with the rights of the container's root, in its file system. */
static int enter(const Inside *i) {
        struct stat own, its;

        /* That of a privileged container is ours, which nobody can enter again. */
        if (stat("/proc/self/ns/user", &own) < 0 || fstat(i->user_fd, &its) < 0)
                return -errno;
        if ((own.st_dev != its.st_dev || own.st_ino != its.st_ino) && setns(i->user_fd, CLONE_NEWUSER) < 0)
                return -errno;
        if (setns(i->mount_fd, CLONE_NEWNS) < 0)
                return -errno;
        if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

static int send_empty_with_fd(int socket_fd, int fd) {
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct msghdr m = { .msg_control = control.buffer, .msg_controllen = sizeof control.buffer };
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        return sendmsg(socket_fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_all(const Inside *i, char *const *fields, int dump_fd) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = GUEST_SOCKET };
        const struct timeval timeout = { .tv_sec = SEND_TIMEOUT_SEC };
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0)
                return -errno;
        r = enter(i);
        if (r < 0)
                return r;
        if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        STRV_FOREACH(f, fields)
                if (send(fd, *f, strlen(*f), MSG_NOSIGNAL) < 0)
                        return -errno;
        return send_empty_with_fd(fd, dump_fd);
}

int crash_forward(const Crash *c, int dump_fd) {
        _cleanup_(inside_done) Inside inside = { .pid_fd = -EBADF, .user_fd = -EBADF, .mount_fd = -EBADF };
        _cleanup_strv_ char **fields = NULL;
        RuntimeState state;
        int r, status;
        pid_t pid;

        r = runtime_state_read(c->container, &state);
        if (r >= 0)
                r = collect(c, state.uid_base, &fields);
        if (r >= 0)
                r = inside_open(state.leader, &inside);
        if (r < 0)
                return r;
        /* systemd inside turns away who has no number there. */
        if (setns(inside.pid_fd, CLONE_NEWPID) < 0)
                return -errno;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                (void) alarm(CRASH_DEADLINE_SEC);
                r = send_all(&inside, fields, dump_fd);
                _exit(r < 0 ? MIN_OF(-r, 255) : EXIT_SUCCESS);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -ETIMEDOUT;
}
