/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/apparmor-policy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

#define PARSER "/usr/sbin/apparmor_parser"
#define KEPT "apparmor"
#define KEPT_MAX (4U * 1024U * 1024U)
#define MESSAGE_MAX 4096U
#define TIMEOUT_USEC (60 * USEC_PER_SEC) /* some patterns take their compiler all day */

/* Whatever else a profile is made of, or for. */
static const char *const sources[] = { PARSER, APPARMOR_DIRECTORY "/container", APPARMOR_DIRECTORY "/container-privileged", "/etc/apparmor.d/local/berth-container", "/etc/apparmor/parser.conf" };

static int make_key(const char *text, char **ret) {
        _cleanup_free_ char *key = NULL;
        struct utsname kernel;
        size_t size;
        FILE *f;

        if (uname(&kernel) < 0)
                return -errno;
        f = open_memstream(&key, &size);
        if (!f)
                return -errno;
        fprintf(f, "# %s %s\n", kernel.release, kernel.version);
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                struct stat st;

                if (stat(sources[i], &st) >= 0)
                        fprintf(f, "# %s %lld.%09ld %lld\n", sources[i], (long long) st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long) st.st_size);
        }
        fputs(text, f);
        if (fclose(f) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(key);
        return 0;
}

/* Returns 0 when there is none that was made of that. */
static int read_kept(int container_fd, const char *key, void **ret, size_t *ret_size) {
        size_t size, key_size = strlen(key) + 1;
        _cleanup_free_ char *data = NULL;
        int r;

        r = path_read(container_fd, KEPT, KEPT_MAX, &data, &size);
        if (r == -ENOENT || r == -E2BIG || r == -EBADMSG)
                return 0;
        if (r < 0)
                return r;
        if (size <= key_size || memcmp(data, key, key_size) != 0)
                return 0;
        if (ret) {
                memmove(data, data + key_size, size - key_size);
                *ret = TAKE_PTR(data);
                *ret_size = size - key_size;
        }
        return 1;
}

/* Not flushed to the disk: what a crash leaves of it is found out, and made again. */
static int keep(int container_fd, const char *key, int policy, size_t size) {
        static const char temporary[] = "." KEPT ".new";
        _cleanup_close_ int fd = openat(container_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        _cleanup_free_ char *data = malloc(size);
        int r;

        if (fd < 0)
                return -errno;
        if (!data)
                return -ENOMEM;
        r = pread(policy, data, size, 0) == (ssize_t) size ? 0 : -EIO;
        if (r >= 0)
                r = fd_write_all(fd, key, strlen(key) + 1);
        if (r >= 0)
                r = fd_write_all(fd, data, size);
        if (r >= 0 && renameat(container_fd, temporary, container_fd, KEPT) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(container_fd, temporary, 0);
        return r;
}

static _noreturn_ void execute_parser(int in, int out, int err) {
        char path[32];
        char *argv[] = { (char *) "apparmor_parser", (char *) "--skip-kernel-load", (char *) "--skip-cache", (char *) "--quiet", (char *) "--jobs=0", (char *) "--ofile", path, NULL };
        sigset_t none;

        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        /* Opened by its name by the parser, which has no other way. */
        if (dup2(in, STDIN_FILENO) < 0 || dup2(err, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 || (out = fcntl(out, F_DUPFD, 10)) < 0)
                _exit(EXIT_FAILURE);
        snprintf(path, sizeof path, "/proc/self/fd/%d", out);
        execve(PARSER, argv, (char *[]) { (char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *) "LC_ALL=C", NULL });
        dprintf(STDERR_FILENO, "cannot execute '%s': %s (package apparmor)\n", PARSER, strerror(errno));
        _exit(127);
}

/* Files on all ends: nothing to wait for but its end. */
static int run_parser(int in, int out, int err) {
        pid_t pid;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execute_parser(in, out, err);
        return child_wait_timeout(pid, (int) (TIMEOUT_USEC / USEC_PER_MSEC)) == 0 ? 0 : -EBADMSG;
}

/* In its own words: the last line that it said. */
static char *parser_message(int err) {
        char text[MESSAGE_MAX + 1], *last = NULL;
        ssize_t n = pread(err, text, MESSAGE_MAX, 0);

        text[n > 0 ? n : 0] = 0;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        last = line;
        return strdup(last ?: "apparmor_parser failed");
}

int apparmor_policy_compile(int container_fd, const char *text, bool anew, void **ret, size_t *ret_size, char **ret_error) {
        _cleanup_close_ int in = -EBADF, out = -EBADF, err = -EBADF;
        _cleanup_free_ char *key = NULL;
        struct stat st;
        int r;

        r = make_key(text, &key);
        if (r >= 0 && !anew && container_fd >= 0)
                r = read_kept(container_fd, key, ret, ret_size);
        if (r != 0)
                return r < 0 ? r : 0;

        assert(container_fd >= 0 || !ret);
        in = memfd_create("profile", MFD_CLOEXEC);
        out = memfd_create("policy", MFD_CLOEXEC);
        err = memfd_create("messages", MFD_CLOEXEC);
        if (in < 0 || out < 0 || err < 0)
                return -errno;
        r = fd_write_all(in, text, strlen(text));
        if (r < 0)
                return r;
        if (lseek(in, 0, SEEK_SET) < 0)
                return -errno;
        r = run_parser(in, out, err);
        if (r == -EBADMSG)
                *ret_error = parser_message(err);
        if (r < 0)
                return r;
        if (fstat(out, &st) < 0 || st.st_size == 0 || st.st_size > (off_t) KEPT_MAX)
                return -EIO;
        if (container_fd < 0)
                return 0;
        r = keep(container_fd, key, out, (size_t) st.st_size);
        return r < 0 ? r : ret ? (read_kept(container_fd, key, ret, ret_size) > 0 ? 0 : -EIO) : 0;
}
