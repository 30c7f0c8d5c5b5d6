/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fsopen(2) of file systems in memory. systemd gives its services their credentials in one, and from version 259 on makes it in no other way; of the rest of
 * what fsopen(2) opens there is mount(2), which is what libmount takes when the call is not there (ENOSYS). The type is text in the caller's memory, where a
 * filter cannot look and which may change while the kernel reads it: so it is opened here, and the caller is given the descriptor. */

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/intercept-caller.h"

#define TYPE_SIZE_MAX 8U

static const char *const types[] = { "tmpfs", "ramfs" };

static bool type_known(const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (streq(types[i], type))
                        return true;
        return false;
}

int intercept_fsopen(const InterceptCall *c) {
        struct seccomp_notif_addfd answer = { .id = c->request->id, .flags = SECCOMP_ADDFD_FLAG_SEND };
        const unsigned flags = (unsigned) c->request->data.args[1];
        _cleanup_(caller_done) Caller p = CALLER_NONE;
        _cleanup_close_ int fd = -EBADF;
        char type[TYPE_SIZE_MAX];
        int r;

        /* Who cannot have it is told what who must not have it is. A privileged container has no user namespace whose tmpfs it could be. */
        if (c->context->namespaces->fds[0] < 0 || caller_read_string(c, c->request->data.args[0], type, sizeof type) < 0 || !type_known(type))
                return -ENOSYS;
        r = caller_open(c, &p);
        if (r < 0)
                return r;
        if (p.own_user_namespace)
                return -ENOSYS;
        if (!(p.capabilities & UINT64_C(1) << CAP_SYS_ADMIN))
                return -EPERM;
        if (flags & ~(unsigned) FSOPEN_CLOEXEC)
                return -EINVAL;
        r = caller_become(c, &p);
        if (r < 0)
                return r;
        fd = fsopen(type, FSOPEN_CLOEXEC);
        if (fd < 0)
                return -errno;
        answer.srcfd = (uint32_t) fd;
        answer.newfd_flags = flags & FSOPEN_CLOEXEC ? O_CLOEXEC : 0;
        return ioctl(c->listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &answer) < 0 ? -errno : INTERCEPT_ANSWERED;
}
