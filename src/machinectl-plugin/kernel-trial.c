/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/host-check.h"
#include "shared/mount.h"
#include "shared/names.h"
#include "shared/userns.h"

/* In a child, whose namespaces go with it. An errno fits into an exit status. */
static int in_child(int (*function)(void *userdata), void *userdata) {
        int status;
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                int r;

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                r = function(userdata);
                _exit(r < 0 ? MIN_OF(-r, 255) : 0);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return !WIFEXITED(status) ? -EPROTO : -WEXITSTATUS(status);
}

static const UidRange whole_range = { 0, CONTAINER_UID_MIN, UID_RANGE_SIZE };

static int enter_userns(void) {
        _cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (proc < 0)
                return -errno;
        /* Who may not map a range still sees whether the kernel has them at all. */
        if (geteuid() != 0)
                return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
        r = userns_enter_new(proc, &whole_range, 1);
        return r < 0 ? r : userns_become_root();
}

static int do_userns(_unused_ void *userdata) {
        return enter_userns();
}

int trial_user_namespace(void) {
        return in_child(do_userns, NULL);
}

static int do_namespaces(_unused_ void *userdata) {
        int r = enter_userns();

        if (r < 0)
                return r;
        return unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0 ? -errno : 0;
}

int trial_namespaces(void) {
        return in_child(do_namespaces, NULL);
}

/* As a container's root is put together: by its own root, in its own namespaces, with `userxattr`. */
static int do_overlay(_unused_ void *userdata) {
        char *const options[] = { (char *) "lowerdir=/tmp/lower", (char *) "upperdir=/tmp/upper", (char *) "workdir=/tmp/work", (char *) "userxattr", NULL };
        _cleanup_close_ int tmpfs = -EBADF, overlay = -EBADF, target = -EBADF, file = -EBADF;
        int r;

        r = enter_userns();
        if (r < 0)
                return r;
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        r = mount_new("tmpfs", "trial", NULL, 0, &tmpfs);
        if (r < 0)
                return r;
        for (const char *const *d = (const char *const[]) { "lower", "upper", "work", "root", NULL }; *d; d++)
                if (mkdirat(tmpfs, *d, 0755) < 0)
                        return -errno;
        target = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (target < 0)
                return -errno;
        r = mount_attach(tmpfs, target);
        if (r >= 0)
                r = mount_new("overlay", "trial", options, 0, &overlay);
        if (r < 0)
                return r;
        /* One that is read-only is none. */
        file = openat(overlay, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        return file < 0 || fchown(file, 7, 7) < 0 ? -errno : 0;
}

int trial_overlay(void) {
        return in_child(do_overlay, NULL);
}

static int do_idmap(void *userdata) {
        _cleanup_close_ int mount = -EBADF, userns = -EBADF;
        int r;

        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        r = userns_open_map(&whole_range, 1, &userns);
        if (r >= 0)
                r = mount_clone(AT_FDCWD, userdata, false, &mount);
        return r < 0 ? r : mount_set_idmap(mount, userns);
}

int trial_idmap(const char *path) {
        return in_child(do_idmap, (void *) path);
}

/* RTM_NEWLINK of a kind, its name left to the kernel. */
static int add_link(int fd, const char *kind) {
        struct {
                struct nlmsghdr header;
                struct ifinfomsg info;
                struct rtattr linkinfo;
                struct rtattr kind;
                char name[16];
        } m = {
                .header = { .nlmsg_len = sizeof m, .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK },
                .linkinfo = { .rta_len = (unsigned short) (sizeof m - offsetof(typeof(m), linkinfo)), .rta_type = IFLA_LINKINFO },
                .kind = { .rta_type = IFLA_INFO_KIND },
        };
        struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
                char rest[512];
        } answer;

        m.kind.rta_len = (unsigned short) RTA_LENGTH(strlen(kind) + 1);
        strncpy(m.name, kind, sizeof m.name - 1);
        if (send(fd, &m, sizeof m, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < (ssize_t) sizeof answer.header)
                return -errno;
        return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EPROTO;
}

static int do_links(_unused_ void *userdata) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return -errno;
        r = add_link(fd, "veth");
        return r < 0 ? r : add_link(fd, "bridge");
}

int trial_links(void) {
        return in_child(do_links, NULL);
}

static int do_nftables(_unused_ void *userdata) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (unshare(CLONE_NEWNET) < 0 || null < 0)
                return -errno;
        (void) dup2(null, STDOUT_FILENO);
        (void) dup2(null, STDERR_FILENO);
        (void) setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
        execlp("nft", "nft", "add table netdev berth_trial", NULL);
        return -127;
}

int trial_nftables(void) {
        int r = in_child(do_nftables, NULL);

        return r == -127 ? 127 : r;
}

int trial_seccomp_notify(void) {
        uint32_t action = SECCOMP_RET_USER_NOTIF;

        return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}
