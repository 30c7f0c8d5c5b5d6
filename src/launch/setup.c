/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/setup.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/guest-file.h"
#include "shared/mount.h"

#define MASK_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int fail(Setup *s, const PlanStep *step, int error, const char *what) {
        _cleanup_free_ char *text = NULL;

        errno = -error;
        if (asprintf(&text, "%s '%s': %m", what, step->target ?: plan_step_type_to_string(step->type)) >= 0 && !s->error)
                s->error = TAKE_PTR(text);
        return error;
}

/* The directory of path and its last part. All parts but the last may be symlinks inside the root. */
static int open_parent(Setup *s, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        char parent[256];

        assert(slash && (size_t) (slash - path) < sizeof parent);
        memcpy(parent, path, (size_t) (slash - path));
        parent[slash - path] = 0;
        *ret_name = slash + 1;
        return path_open_in_root(s->root_fd, slash == path ? "/" : parent, O_RDONLY | O_DIRECTORY, 0);
}

static int step_root(Setup *s, const PlanStep *step) {
        int r;

        /* Until the container has it: among the guest's files there may be nodes of the host's devices then, and we open files by their names. */
        r = s->plan->settings->privileged ? mount_set_attributes(s->root_mount_fd, MOUNT_ATTR_NODEV, 0, false) : 0;
        if (r >= 0)
                r = rootfs_attach(s->root_mount_fd, &s->root_fd);
        s->root_mount_fd = fd_close(s->root_mount_fd);
        return r < 0 ? fail(s, step, r, "cannot put together the file system") : 0;
}

static int open_mount_point(Setup *s, const PlanStep *step, int *ret) {
        _cleanup_close_ int parent = -EBADF;
        const char *name;
        struct stat st;
        int fd;

        parent = open_parent(s, step->target, &name);
        if (parent < 0)
                return fail(s, step, parent, "cannot reach");
        if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
                return fail(s, step, -errno, "cannot make");

        /* A mount point that an image replaced by a symlink would take the mount somewhere else (CVE-2019-19921). */
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0) {
                (void) fd_close(fd);
                return fail(s, step, -errno, "cannot open");
        }
        if (!S_ISDIR(st.st_mode)) {
                (void) fd_close(fd);
                return fail(s, step, -ENOTDIR, "must be a directory in the image:");
        }
        *ret = fd;
        return 0;
}

static int step_filesystem(Setup *s, const PlanStep *step) {
        _cleanup_close_ int target = -EBADF, mount_fd = -EBADF;
        int r;

        r = open_mount_point(s, step, &target);
        if (r < 0)
                return r;
        r = mount_new(step->what, step->what, step->options, step->attributes, &mount_fd);
        if (r >= 0)
                r = mount_attach(mount_fd, target);
        return r < 0 ? fail(s, step, r, "cannot mount") : 0;
}

static int step_host_sys(Setup *s, const PlanStep *step) {
        _cleanup_close_ int target = -EBADF, mount_fd = TAKE_FD(s->sys_mount_fd);
        int r;

        r = open_mount_point(s, step, &target);
        if (r < 0)
                return r;
        r = mount_attach(mount_fd, target);
        return r < 0 ? fail(s, step, r, "cannot mount") : 0;
}

static int step_cgroup(Setup *s, const PlanStep *step) {
        PlanStep cgroup = *step;

        cgroup.what = (char *) "cgroup2";
        return step_filesystem(s, &cgroup);
}

static int step_directory(Setup *s, const PlanStep *step) {
        _cleanup_close_ int parent = -EBADF;
        const char *name;

        parent = open_parent(s, step->target, &name);
        if (parent < 0 || mkdirat(parent, name, step->mode) < 0)
                return fail(s, step, parent < 0 ? parent : -errno, "cannot make");
        return 0;
}

static int step_symlink(Setup *s, const PlanStep *step) {
        _cleanup_close_ int parent = -EBADF;
        const char *name;

        parent = open_parent(s, step->target, &name);
        if (parent < 0 || symlinkat(step->what, parent, name) < 0)
                return fail(s, step, parent < 0 ? parent : -errno, "cannot make");
        return 0;
}

/* A new empty file; nothing may be there. */
static int create_file(Setup *s, const char *target, mode_t mode) {
        _cleanup_close_ int parent = -EBADF;
        const char *name;
        int fd;

        parent = open_parent(s, target, &name);
        if (parent < 0)
                return parent;
        fd = openat(parent, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        return fd < 0 ? -errno : fd;
}

static int step_file(Setup *s, const PlanStep *step) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = create_file(s, step->target, 0600);
        if (fd < 0)
                return fail(s, step, fd, "cannot make");
        r = fd_write_all(fd, step->what, strlen(step->what));
        if (r >= 0 && fchmod(fd, step->mode) < 0)
                r = -errno;
        return r < 0 ? fail(s, step, r, "cannot write") : 0;
}

/* Whose root is the host's could give the host's own node another mode. */
static int make_node(Setup *s, const PlanStep *step, const char *path) {
        _cleanup_close_ int parent = -EBADF;
        const char *name;
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
                return fail(s, step, -errno, "cannot look at the host's node for");
        parent = open_parent(s, step->target, &name);
        if (parent < 0 || mknodat(parent, name, S_IFCHR | 0666, st.st_rdev) < 0 || fchmodat(parent, name, 0666, 0) < 0)
                return fail(s, step, parent < 0 ? parent : -errno, "cannot make");
        return 0;
}

static int step_device(Setup *s, const PlanStep *step) {
        _cleanup_close_ int target = -EBADF, mount_fd = -EBADF;
        char path[64];
        int r;

        snprintf(path, sizeof path, "/dev/%s", step->what);
        if (s->plan->settings->privileged)
                return make_node(s, step, path);
        /* mknod(2) of a device needs the initial user namespace; the host's node is bound instead. */
        r = mount_clone(AT_FDCWD, path, false, &mount_fd);
        if (r < 0)
                return fail(s, step, r, "cannot take the host's node for");
        target = create_file(s, step->target, 0666);
        if (target < 0)
                return fail(s, step, target, "cannot make");
        r = mount_attach(mount_fd, target);
        return r < 0 ? fail(s, step, r, "cannot bind") : 0;
}

static int step_console(Setup *s, const PlanStep *step) {
        _cleanup_close_ int ptmx = -EBADF, slave = -EBADF, target = -EBADF, mount_fd = -EBADF;
        int r, unlocked = 0;
        unsigned number;
        char name[32];

        ptmx = path_open_in_root(s->root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
        if (ptmx < 0)
                return fail(s, step, ptmx, "cannot make a pty for");
        if (ioctl(ptmx, TIOCSPTLCK, &unlocked) < 0 || ioctl(ptmx, TIOCGPTN, &number) < 0)
                return fail(s, step, -errno, "cannot make a pty for");
        slave = ioctl(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                return fail(s, step, -errno, "cannot make a pty for");

        snprintf(name, sizeof name, "/dev/pts/%u", number);
        {
                _cleanup_close_ int node = -EBADF;

                node = path_open_in_root(s->root_fd, name, O_PATH | O_NOFOLLOW, 0);
                if (node < 0)
                        return fail(s, step, node, "cannot find the pty for");
                r = mount_clone(node, "", false, &mount_fd);
                if (r < 0)
                        return fail(s, step, r, "cannot bind");
        }
        target = create_file(s, step->target, 0600);
        if (target < 0)
                return fail(s, step, target, "cannot make");
        r = mount_attach(mount_fd, target);
        if (r < 0)
                return fail(s, step, r, "cannot bind");

        s->console_master_fd = TAKE_FD(ptmx);
        s->console_slave_fd = TAKE_FD(slave);
        return 0;
}

static int step_notify(Setup *s, const PlanStep *step) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int parent = -EBADF, fd = -EBADF;
        const char *name;
        int one = 1;

        parent = open_parent(s, step->target, &name);
        if (parent < 0)
                return fail(s, step, parent, "cannot reach");
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof one) < 0)
                return fail(s, step, -errno, "cannot make");

        /* bind(2) takes a path only: the directory that is held, whatever is mounted where. */
        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", parent, name);
        if (bind(fd, (struct sockaddr *) &address, sizeof address) < 0 || fchmodat(parent, name, 0666, 0) < 0)
                return fail(s, step, -errno, "cannot bind");
        s->notify_fd = TAKE_FD(fd);
        return 0;
}

/* The inode to cover, on the kernel's own file system and nowhere else. Returns 0 when there is none. */
static int open_kernel_file(Setup *s, const PlanStep *step, int *ret, bool *ret_directory) {
        _cleanup_close_ int fd = -EBADF;
        struct statfs sfs;
        struct stat st;

        fd = path_open_in_root(s->root_fd, step->target, O_PATH | O_NOFOLLOW, 0);
        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        if (fd < 0)
                return fail(s, step, fd, "cannot reach");
        if (fstat(fd, &st) < 0 || fstatfs(fd, &sfs) < 0)
                return fail(s, step, -errno, "cannot look at");
        if (sfs.f_type != PROC_SUPER_MAGIC && sfs.f_type != SYSFS_MAGIC)
                return fail(s, step, -EXDEV, "is not the kernel's:");
        *ret = TAKE_FD(fd);
        *ret_directory = S_ISDIR(st.st_mode);
        return 1;
}

/* The container's own, which is there by now. */
static int clone_null(Setup *s, int *ret_fd) {
        _cleanup_close_ int node = path_open_in_root(s->root_fd, "/dev/null", O_PATH | O_NOFOLLOW, 0);

        return node < 0 ? node : mount_clone(node, "", false, ret_fd);
}

static int step_mask(Setup *s, const PlanStep *step) {
        _cleanup_close_ int target = -EBADF, mount_fd = -EBADF;
        bool directory;
        int r;

        r = open_kernel_file(s, step, &target, &directory);
        if (r <= 0)
                return r;
        if (directory)
                r = mount_new("tmpfs", "berth", (char *[]) { (char *) "mode=0000", (char *) "nr_inodes=1", NULL }, MASK_ATTRIBUTES | MOUNT_ATTR_RDONLY, &mount_fd);
        else
                r = clone_null(s, &mount_fd);
        if (r >= 0)
                r = mount_attach(mount_fd, target);
        return r < 0 ? fail(s, step, r, "cannot mask") : 0;
}

static int bind_over_itself(Setup *s, const PlanStep *step, uint64_t set, uint64_t clear) {
        _cleanup_close_ int target = -EBADF, mount_fd = -EBADF;
        bool directory;
        int r;

        r = open_kernel_file(s, step, &target, &directory);
        if (r <= 0)
                return r;
        r = mount_clone(target, "", false, &mount_fd);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, set | MASK_ATTRIBUTES, clear, false);
        if (r >= 0)
                r = mount_attach(mount_fd, target);
        return r < 0 ? fail(s, step, r, set ? "cannot make read-only" : "cannot make writable") : 0;
}

static int step_read_only(Setup *s, const PlanStep *step) {
        return bind_over_itself(s, step, MOUNT_ATTR_RDONLY, 0);
}

static int step_writable(Setup *s, const PlanStep *step) {
        return bind_over_itself(s, step, 0, MOUNT_ATTR_RDONLY);
}

/* There is one for all; whose profiles it shows, and changes, depends on who looks. */
static int step_securityfs(Setup *s, const PlanStep *step) {
        _cleanup_close_ int target = -EBADF, mount_fd = -EBADF;
        bool directory;
        int r;

        if (!s->policy_namespace)
                return 0;
        r = open_kernel_file(s, step, &target, &directory);
        if (r <= 0)
                return r < 0 ? r : fail(s, step, -ENOENT, "cannot reach");
        r = mount_clone(AT_FDCWD, "/sys/kernel/security", false, &mount_fd);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, MASK_ATTRIBUTES, 0, false);
        if (r >= 0)
                r = mount_attach(mount_fd, target);
        return r < 0 ? fail(s, step, r, "cannot bind the host's") : 0;
}

static int step_boot_id(Setup *s, const PlanStep *step) {
        static const char temporary[] = "/run/host/boot-id";
        _cleanup_close_ int target = -EBADF, file = -EBADF, mount_fd = -EBADF, parent = -EBADF;
        char line[SD_ID128_UUID_STRING_MAX + 1];
        const char *name;
        bool directory;
        sd_id128_t id;
        int r;

        r = open_kernel_file(s, step, &target, &directory);
        if (r <= 0)
                return r;
        r = sd_id128_randomize(&id);
        if (r < 0)
                return fail(s, step, r, "cannot make a random id for");
        snprintf(line, sizeof line, "%s\n", SD_ID128_TO_UUID_STRING(id));

        file = create_file(s, temporary, 0444);
        if (file < 0)
                return fail(s, step, file, "cannot make a file for");
        r = fd_write_all(file, line, strlen(line));
        if (r >= 0)
                r = mount_clone(file, "", false, &mount_fd);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, MOUNT_ATTR_RDONLY | MASK_ATTRIBUTES, 0, false);
        if (r >= 0)
                r = mount_attach(mount_fd, target);
        if (r < 0)
                return fail(s, step, r, "cannot bind");

        /* The mount keeps it; without a name nobody writes to it. */
        parent = open_parent(s, temporary, &name);
        return parent < 0 || unlinkat(parent, name, 0) < 0 ? fail(s, step, parent < 0 ? parent : -errno, "cannot clean up after") : 0;
}

static int replace_file(Setup *s, const char *path, const char *text, bool only_existing) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = path_open_in_root(s->root_fd, path, O_RDWR | O_NONBLOCK | O_NOCTTY | (only_existing ? 0 : O_CREAT), 0644);
        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        if (ftruncate(fd, 0) < 0)
                return -errno;
        return fd_write_all(fd, text, strlen(text));
}

static int step_personalise(Setup *s, const PlanStep *step) {
        const Settings *settings = s->plan->settings;
        char line[128];
        int r;

        if (!s->personalise && !s->renamed)
                return 0;

        snprintf(line, sizeof line, "%s\n", settings->hostname ?: s->plan->name);
        r = replace_file(s, "/etc/hostname", line, false);
        if (r < 0)
                return fail(s, &(PlanStep) { .type = step->type, .target = (char *) "/etc/hostname" }, r, "cannot write");

        if (!s->personalise)
                return 0;

        /* Empty says "not known yet" to systemd, which then takes container_uuid= (machine-id(5)); an id that came with the image would be
         * shared by all of its containers. */
        r = replace_file(s, "/etc/machine-id", "", true);
        if (r < 0)
                return fail(s, &(PlanStep) { .type = step->type, .target = (char *) "/etc/machine-id" }, r, "cannot write");
        return 0;
}

static int step_templates(Setup *s, const PlanStep *step) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (!s->templates)
                return 0;
        r = templates_apply(s->templates, s->plan->name, s->plan->settings, s->root_fd, &error);
        if (r < 0 && !s->error)
                s->error = TAKE_PTR(error);
        return r < 0 ? fail(s, step, r, "cannot apply the") : 0;
}

static int step_write(Setup *s, const PlanStep *step) {
        int r;

        r = guest_file_write(s->root_fd, step->target, step->what, strlen(step->what), step->mode);
        return r < 0 ? fail(s, step, r, "cannot write") : 0;
}

static int step_hostname(Setup *s, const PlanStep *step) {
        return sethostname(step->what, strlen(step->what)) < 0 ? fail(s, step, -errno, "cannot set the") : 0;
}

static int step_loopback(Setup *s, const PlanStep *step) {
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        _cleanup_close_ int fd = -EBADF;

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                return fail(s, step, -errno, "cannot bring up the");
        return 0;
}

static int step_scope(Setup *s, const PlanStep *step) {
        int r;

        r = s->wait_for_scope(s, s->userdata);
        if (r < 0)
                return r;
        return unshare(CLONE_NEWCGROUP) < 0 ? fail(s, step, -errno, "cannot make a cgroup namespace for the") : 0;
}

static int step_hook(Setup *s, const PlanStep *step) {
        HookType type = hook_type_from_string(step->what);

        /* Its failure the supervisor knows before us. */
        return s->hooks & 1U << type ? s->run_hook(s, step->what, s->userdata) : 0;
}

static int step_pivot(Setup *s, const PlanStep *step) {
        int r;

        r = s->plan->settings->privileged ? mount_set_attributes(s->root_fd, 0, MOUNT_ATTR_NODEV, false) : 0;
        if (r >= 0)
                r = rootfs_pivot(s->root_fd);
        return r < 0 ? fail(s, step, r, "cannot change the root:") : 0;
}

static int (*const step_functions[_PLAN_STEP_MAX])(Setup *s, const PlanStep *step) = {
        [PLAN_ROOT] = step_root,
        [PLAN_FILESYSTEM] = step_filesystem,
        [PLAN_HOST_SYS] = step_host_sys,
        [PLAN_SECURITYFS] = step_securityfs,
        [PLAN_DIRECTORY] = step_directory,
        [PLAN_SYMLINK] = step_symlink,
        [PLAN_FILE] = step_file,
        [PLAN_DEVICE] = step_device,
        [PLAN_CONSOLE] = step_console,
        [PLAN_NOTIFY] = step_notify,
        [PLAN_MASK] = step_mask,
        [PLAN_READ_ONLY] = step_read_only,
        [PLAN_WRITABLE] = step_writable,
        [PLAN_BOOT_ID] = step_boot_id,
        [PLAN_PERSONALISE] = step_personalise,
        [PLAN_TEMPLATES] = step_templates,
        [PLAN_WRITE] = step_write,
        [PLAN_HOSTNAME] = step_hostname,
        [PLAN_LOOPBACK] = step_loopback,
        [PLAN_SCOPE] = step_scope,
        [PLAN_HOOK] = step_hook,
        [PLAN_CGROUP] = step_cgroup,
        [PLAN_PIVOT] = step_pivot,
};

int setup_run(Setup *s) {
        int r;

        umask(0022);
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return fail(s, &(PlanStep) { .target = (char *) "/" }, -errno, "cannot make private");

        for (size_t i = 0; i < s->plan->n_steps; i++) {
                r = step_functions[s->plan->steps[i].type](s, &s->plan->steps[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}
