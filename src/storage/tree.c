/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

static _noreturn_ void execute(int from_fd, int to_fd, const char *name, int errors_fd) {
        static char *const environment[] = { (char *) "LC_ALL=C", NULL };
        char target[64];
        sigset_t none;

        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        snprintf(target, sizeof target, "/proc/self/fd/%d/%s", to_fd, name);
        if (fchdir(from_fd) < 0 || fd_set_cloexec(to_fd, false) < 0 || dup2(errors_fd, STDERR_FILENO) < 0)
                _exit(126);
        /* xattr by name, because all of them by "all" may be left out without a word. */
        execle("/bin/cp", "cp", "--no-dereference", "--recursive", "--preserve=mode,ownership,timestamps,links,xattr", "--reflink=auto", "--sparse=auto",
              "--one-file-system", "--no-target-directory", "--", name, target, NULL, environment);
        dprintf(STDERR_FILENO, "cannot execute cp: %m\n");
        _exit(126);
}

/* The first line says what was wrong; what follows are mostly its consequences. */
static void read_first_line(int fd, char *line, size_t size) {
        char buffer[4096];
        size_t n = 0;
        ssize_t k;

        while ((k = read(fd, buffer, sizeof buffer)) > 0)
                for (ssize_t i = 0; i < k; i++)
                        if (n < size - 1 && (n == 0 || line[n - 1] != '\n'))
                                line[n++] = buffer[i];
        line[n] = 0;
        line[strcspn(line, "\n")] = 0;
}

int tree_copy_directory(int from_fd, int to_fd, const char *name, char **ret_error) {
        _cleanup_close_ int errors_read = -EBADF, errors_write = -EBADF;
        char line[512];
        int fds[2], status;
        pid_t pid;

        *ret_error = NULL;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        errors_read = fds[0];
        errors_write = fds[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execute(from_fd, to_fd, name, errors_write);
        errors_write = fd_close(errors_write);
        read_first_line(errors_read, line, sizeof line);
        status = child_wait(pid);
        if (status == 0)
                return 0;
        if (strstr(line, strerror(ENOSPC)))
                return -ENOSPC;
        if (strstr(line, strerror(EDQUOT)))
                return -EDQUOT;
        if (status < 0)
                return -EINTR;
        *ret_error = strdup(line[0] ? line : "cp ended without a word");
        return *ret_error ? -EIO : -ENOMEM;
}

static int measure_entries(int top_fd, const char *path, char ***pending, uint64_t *bytes) {
        _cleanup_close_ int fd = -EBADF;
        struct dirent *de;
        DIR *d;
        int r = 0;

        fd = path_open_beneath(top_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        d = fdopendir(fd);
        if (!d)
                return -errno;
        (void) TAKE_FD(fd);
        while (r >= 0 && (errno = 0, de = readdir(d))) {
                struct stat st;

                if (streq(de->d_name, ".") || streq(de->d_name, "..") || fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                *bytes += (uint64_t) st.st_blocks * 512 / (S_ISDIR(st.st_mode) || st.st_nlink == 0 ? 1 : st.st_nlink);
                if (S_ISDIR(st.st_mode))
                        r = strv_extendf(pending, "%s/%s", path, de->d_name);
        }
        (void) closedir(d);
        return r;
}

int tree_measure(int tree_fd, uint64_t *ret_bytes) {
        _cleanup_strv_ char **pending = NULL;
        uint64_t bytes = 0;
        int r;

        /* Directories from a list, not by recursion: a guest makes them as deep as it likes. */
        r = strv_extend(&pending, ".");
        for (size_t i = 0; r >= 0 && pending[i]; i++)
                r = measure_entries(tree_fd, pending[i], &pending, &bytes);
        if (r >= 0)
                *ret_bytes = bytes;
        return r;
}
