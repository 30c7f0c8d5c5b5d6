/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"

#define BASIC_BLOCK 512U /* what limits are counted in */
#define FILES_MIN 1024U  /* what a small root file system has for its directories */

static const char *const directories[] = { "upper", "work" };

static int quota_call(unsigned command, int fd, uint32_t project, void *data) {
        return syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, data) < 0 ? -errno : 0;
}

static int is_project(int fd, uint32_t project) {
        struct fsxattr a;

        if (ioctl(fd, FS_IOC_FSGETXATTR, &a) < 0)
                return -errno;
        return a.fsx_projid == project;
}

static int set_project(int fd, uint32_t project, bool directory) {
        struct fsxattr a;

        if (ioctl(fd, FS_IOC_FSGETXATTR, &a) < 0)
                return -errno;
        a.fsx_projid = project;
        if (directory)
                a.fsx_xflags |= FS_XFLAG_PROJINHERIT;
        return ioctl(fd, FS_IOC_FSSETXATTR, &a) < 0 ? -errno : 0;
}

static int join_entry(int dir, const char *name, uint32_t project, int *ret_directory);

/* A file that was made before its directory joined. What can carry no number of a project (a node, a symlink) has no size to speak of. */
static int join_entries(int dir, uint32_t project, char ***pending, const char *prefix) {
        _cleanup_close_ int copy = -EBADF;
        struct dirent *e;
        DIR *d;
        int r = 0;

        copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d)
                return -errno;
        copy = -EBADF;
        while (r >= 0 && (errno = 0, e = readdir(d))) {
                int is_directory = 0;

                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                r = join_entry(dir, e->d_name, project, &is_directory);
                if (r >= 0 && is_directory)
                        r = strv_extendf(pending, "%s/%s", prefix, e->d_name);
        }
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(d);
        return r;
}

static int join_entry(int dir, const char *name, uint32_t project, int *ret_directory) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
                return 0;
        fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = set_project(fd, project, S_ISDIR(st.st_mode));
        *ret_directory = S_ISDIR(st.st_mode);
        return r;
}

/* Nothing of it runs, so nobody moves what is walked through. */
static int join_tree(int top, uint32_t project) {
        _cleanup_strv_ char **pending = NULL;
        int r;

        r = set_project(top, project, true);
        if (r >= 0)
                r = strv_extend(&pending, ".");
        for (size_t i = 0; r >= 0 && pending[i]; i++) {
                _cleanup_close_ int dir = -EBADF;
                _cleanup_free_ char *prefix = strdup(pending[i]);

                dir = prefix ? path_open_beneath(top, prefix, O_RDONLY | O_DIRECTORY, 0) : -ENOMEM;
                r = dir < 0 ? dir : join_entries(dir, project, &pending, prefix);
        }
        return r;
}

int quota_join(int layer_fd, uint32_t project) {
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_close_ int fd = -EBADF;
                int r;

                fd = path_open_beneath(layer_fd, directories[i], O_RDONLY | O_DIRECTORY, 0);
                r = fd < 0 ? fd : is_project(fd, project);
                if (r == 0)
                        r = join_tree(fd, project);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The kernel has the limits also of a file system that is not mounted to keep them. */
static int check_enforced(int fd) {
        struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };
        int r;

        r = quota_call(Q_XGETQSTATV, fd, 0, &state);
        if (r == -EINVAL || r == -ENOSYS) {
                struct fs_quota_stat old = {};

                r = quota_call(Q_XGETQSTAT, fd, 0, &old);
                state.qs_flags = old.qs_flags;
        }
        if (r < 0)
                return r;
        return state.qs_flags & FS_QUOTA_PDQ_ENFD ? 0 : -ESRCH;
}

/* Files without content take no room, but one inode each, of which ext4 has a fixed number for all: so many as the size is a part of the whole. XFS makes
 * them as long as there is room, and says how many that would be. */
static int files_of(int fd, uint64_t size_bytes, uint64_t *ret) {
        struct statfs st;
        double share;

        if (fstatfs(fd, &st) < 0)
                return -errno;
        share = (double) size_bytes / ((double) st.f_blocks * (double) st.f_bsize);
        *ret = size_bytes == 0 || st.f_files == 0 ? 0 : share >= 1 ? st.f_files : MAX_OF((uint64_t) (share * (double) st.f_files), FILES_MIN);
        return 0;
}

int quota_set(int layer_fd, uint32_t project, uint64_t size_bytes, char **ret_error) {
        struct fs_disk_quota q = {
                .d_version = FS_DQUOT_VERSION,
                .d_flags = FS_PROJ_QUOTA,
                .d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT | FS_DQ_IHARD | FS_DQ_ISOFT,
                .d_id = project,
                .d_blk_hardlimit = size_bytes / BASIC_BLOCK,
        };
        _cleanup_close_ int upper = -EBADF;
        uint64_t files = 0;
        int r;

        upper = path_open_beneath(layer_fd, directories[0], O_RDONLY | O_DIRECTORY, 0);
        r = upper < 0 ? upper : is_project(upper, project);
        if (r == 0)
                return asprintf(ret_error, "the root file system has no limit yet; stop the container, set it, and start it again") < 0 ? -ENOMEM : -EBUSY;
        if (r > 0)
                r = check_enforced(upper);
        if (r >= 0)
                r = files_of(upper, size_bytes, &files);
        q.d_ino_hardlimit = files;
        if (r >= 0)
                r = quota_call(Q_XSETQLIM, upper, project, &q);
        if (r < 0 && asprintf(ret_error,
                              "the file system of '%s' has no project quota, or it is not on: it has to be ext4 with the features 'project' and 'quota', or xfs, "
                              "and be mounted with the option prjquota (%s)", BERTH_STATE_DIR, strerror(-r)) < 0)
                return -ENOMEM;
        return r;
}
