/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "storage/storage.h"

#define OUTPUT_MAX (1024U * 1024U)
#define LOCALE "LC_ALL=C"
#define SEARCH_PATH "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const directories[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin" };

static int find(const char *name, char **ret) {
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", directories[i], name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                if (access(path, X_OK) >= 0) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }
        return -ENOENT;
}

bool program_exists(const char *name) {
        _cleanup_free_ char *path = NULL;

        return find(name, &path) >= 0;
}

/* Of all that has no sandbox nothing is kept from gaining privileges. */
static bool is_in_sandbox(void) {
        return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) > 0;
}

/* In a job, by way of PID 1. What a program has begun there it ends, even when the job is killed meanwhile. */
static int make_command(const char *path, char *const *argv, char ***ret) {
        static const char *const apart[] = { "/usr/bin/systemd-run", "--quiet", "--wait", "--collect", "--pipe", "--service-type=exec",
                                             "--description=A program for a store of containers",
                                             /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one word each. */
                                             "--setenv=" LOCALE, "--setenv=" SEARCH_PATH, "--" };
        _cleanup_strv_ char **l = NULL;
        int r = 0;

        if (is_in_sandbox())
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(apart); i++)
                        r = strv_extend(&l, apart[i]);
        if (r >= 0)
                r = strv_extend(&l, path);
        for (size_t i = 1; r >= 0 && argv[i]; i++)
                r = strv_extend(&l, argv[i]);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

static _noreturn_ void execute(char *const *argv, int input_fd, int output_fd, int errors_fd) {
        static char *const environment[] = { (char *) LOCALE, (char *) SEARCH_PATH, NULL };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        sigset_t none;

        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) signal(SIGPIPE, SIG_DFL);
        if (null < 0 || dup2(input_fd < 0 ? null : input_fd, STDIN_FILENO) < 0 || dup2(output_fd < 0 ? null : output_fd, STDOUT_FILENO) < 0 ||
            dup2(errors_fd, STDERR_FILENO) < 0)
                _exit(126);
        /* lvm(8) complains of what it did not open. */
        (void) fd_close_all_except(NULL, 0);
        execve(argv[0], argv, environment);
        dprintf(STDERR_FILENO, "cannot be executed: %m\n");
        _exit(126);
}

/* The first line that is no warning, without the period that some have. */
static char *find_complaint(char *text) {
        for (char *line; (line = strsep(&text, "\n"));) {
                size_t n;

                line += strspn(line, " ");
                n = strlen(line);
                if (n == 0 || startswith(line, "WARNING"))
                        continue;
                if (line[n - 1] == '.')
                        line[n - 1] = 0;
                for (char *p = line; *p; p++)
                        if ((unsigned char) *p < ' ' || *p == 0x7f)
                                *p = '?';
                return line;
        }
        return (char *) "it does not say why";
}

/* A file in memory takes what it says, however much, without anybody who reads it meanwhile. */
static int said(const char *name, int errors_fd, int status, char **ret_error) {
        char text[2048];
        ssize_t n = pread(errors_fd, text, sizeof text - 1, 0);

        text[MAX_OF(n, 0)] = 0;
        if (status < 0)
                return storage_fail(ret_error, EINTR, "'%s' was ended by a signal.", name);
        return storage_fail(ret_error, EIO, "'%s' failed: %s.", name, find_complaint(text));
}

int program_run_with(char *const *argv, int input_fd, int output_fd, char **ret_error) {
        _cleanup_close_ int errors = memfd_create("errors", MFD_CLOEXEC);
        _cleanup_strv_ char **command = NULL;
        _cleanup_free_ char *path = NULL;
        pid_t pid;
        int r;

        r = find(argv[0], &path);
        if (r == -ENOENT)
                return storage_fail(ret_error, r, "The host has no program '%s'.", argv[0]);
        if (r >= 0)
                r = make_command(path, argv, &command);
        if (r < 0)
                return r;
        pid = errors < 0 ? -1 : fork();
        if (pid < 0)
                return storage_fail(ret_error, errno, "'%s' cannot be started: %m", argv[0]);
        if (pid == 0)
                execute(command, input_fd, output_fd, errors);
        r = child_wait(pid);
        return r == 0 ? 0 : said(argv[0], errors, r, ret_error);
}

int program_run(char *const *argv, char **ret_output, char **ret_error) {
        _cleanup_close_ int output = -EBADF;
        int r;

        if (ret_output) {
                output = memfd_create("output", MFD_CLOEXEC);
                if (output < 0)
                        return storage_fail(ret_error, errno, "'%s' cannot be started: %m", argv[0]);
        }
        r = program_run_with(argv, -EBADF, output, ret_error);
        if (r < 0 || !ret_output)
                return r;
        return lseek(output, 0, SEEK_SET) < 0 ? -errno : fd_read_string(output, OUTPUT_MAX, ret_output, NULL);
}
