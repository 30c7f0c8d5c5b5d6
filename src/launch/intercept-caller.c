/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/intercept-caller.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

#define STATUS_SIZE_MAX (16U * 1024U)

void caller_done(Caller *p) {
        p->root_fd = fd_close(p->root_fd);
        p->cwd_fd = fd_close(p->cwd_fd);
        p->mount_namespace_fd = fd_close(p->mount_namespace_fd);
}

static int still_waits(const InterceptCall *c) {
        uint64_t id = c->request->id;

        return ioctl(c->listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? -errno : 0;
}

static int read_status(int proc, Caller *p) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        unsigned long long capabilities;
        const char *line;
        unsigned id, mask;
        size_t size;
        int r;

        fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_string(fd, STATUS_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        line = strstr(text, "\nUid:");
        if (!line || sscanf(line, "\nUid: %*u %*u %*u %u", &id) != 1)
                return -EPROTO;
        p->uid = id;
        line = strstr(text, "\nGid:");
        if (!line || sscanf(line, "\nGid: %*u %*u %*u %u", &id) != 1)
                return -EPROTO;
        p->gid = id;
        line = strstr(text, "\nUmask:");
        if (!line || sscanf(line, "\nUmask: %o", &mask) != 1)
                return -EPROTO;
        p->umask = mask;
        line = strstr(text, "\nCapEff:");
        if (!line || sscanf(line, "\nCapEff: %llx", &capabilities) != 1)
                return -EPROTO;
        p->capabilities = capabilities;
        return 0;
}

int caller_open(const InterceptCall *c, Caller *ret) {
        _cleanup_(caller_done) Caller p = CALLER_NONE;
        _cleanup_close_ int proc = -EBADF;
        struct stat own, theirs;
        char path[32];
        int r;

        p.pid = (pid_t) c->request->pid;
        snprintf(path, sizeof path, "/proc/%d", (int) p.pid);
        proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return -errno;
        p.root_fd = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        p.cwd_fd = p.root_fd < 0 ? -EBADF : openat(proc, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        p.mount_namespace_fd = p.cwd_fd < 0 ? -EBADF : openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
        if (p.mount_namespace_fd < 0 || fstatat(proc, "ns/user", &theirs, 0) < 0 || fstat(c->context->namespaces->fds[0], &own) < 0)
                return -errno;
        p.own_user_namespace = own.st_ino != theirs.st_ino || own.st_dev != theirs.st_dev;
        r = read_status(proc, &p);
        if (r >= 0)
                r = still_waits(c);
        if (r < 0)
                return r;
        *ret = p;
        p = (Caller) CALLER_NONE;
        return 0;
}

/* Its memory is reached by the number that it has in our own pid namespace, which is the container's; /proc/PID/mem would ask for a capability
 * that the supervisor has given away. */
static int find_pid(const InterceptCall *c, pid_t *ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *line;
        char path[32];
        size_t size;
        int pid, r;

        snprintf(path, sizeof path, "/proc/%u/status", c->request->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_string(fd, STATUS_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        line = strstr(text, "\nNSpid:");
        if (!line || sscanf(line, "\nNSpid: %*d %d", &pid) != 1)
                return -ESRCH;
        *ret = pid;
        return still_waits(c);
}

int caller_read_string(const InterceptCall *c, uint64_t address, char *buffer, size_t size) {
        size_t page = (size_t) sysconf(_SC_PAGESIZE), filled = 0;
        pid_t pid;
        int r;

        r = find_pid(c, &pid);
        if (r < 0)
                return r;
        while (filled < size) {
                struct iovec to = { .iov_base = buffer + filled };
                struct iovec from = { .iov_base = (void *) (uintptr_t) (address + filled) };
                ssize_t n;

                /* What is behind a page may not be there. */
                from.iov_len = to.iov_len = MIN_OF(size - filled, page - (size_t) ((address + filled) % page));
                n = process_vm_readv(pid, &to, 1, &from, 1, 0);
                if (n <= 0)
                        return -EFAULT;
                if (memchr(buffer + filled, 0, (size_t) n))
                        return still_waits(c);
                filled += (size_t) n;
        }
        return -ENAMETOOLONG;
}

int caller_write(const InterceptCall *c, uint64_t address, const void *data, size_t size) {
        struct iovec from = { .iov_base = (void *) (uintptr_t) data, .iov_len = size };
        struct iovec to = { .iov_base = (void *) (uintptr_t) address, .iov_len = size };
        pid_t pid;
        int r;

        r = find_pid(c, &pid);
        if (r < 0)
                return r;
        return process_vm_writev(pid, &from, 1, &to, 1, 0) == (ssize_t) size ? 0 : -EFAULT;
}

/* Of the container's capabilities those that the caller has, and the one that is needed here. */
static int limit_capabilities(uint64_t effective) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = {};

        effective |= UINT64_C(1) << CAP_SYS_ADMIN;
        for (int i = 0; i < 2; i++)
                data[i].effective = data[i].permitted = (uint32_t) (effective >> 32 * i);
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int caller_become(const InterceptCall *c, Caller *p) {
        uint32_t base = c->context->settings->uid_base;

        /* Ids of the container's own, all of them: there are no others in its user namespace. */
        if (p->uid < base || p->gid < base)
                return -EPERM;
        if (setns(c->context->namespaces->fds[0], CLONE_NEWUSER) < 0 || setns(p->mount_namespace_fd, CLONE_NEWNS) < 0)
                return -errno;
        if (fchdir(p->root_fd) < 0 || chroot(".") < 0 || fchdir(p->cwd_fd) < 0)
                return -errno;
        if (setgroups(0, NULL) < 0 || setresgid(p->gid - base, p->gid - base, p->gid - base) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
            setresuid(p->uid - base, p->uid - base, p->uid - base) < 0)
                return -errno;
        /* Its ids are the guest's now: what keeps the guest's root from looking at it is this. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        (void) umask(p->umask);
        return limit_capabilities(p->capabilities);
}
