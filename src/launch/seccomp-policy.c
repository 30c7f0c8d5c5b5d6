/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/seccomp-policy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/quote.h"
#include "settings/syscall-name.h"

#define COMPILER BERTH_LIBEXECDIR "/berth-seccomp"
#define POLICY_SIZE_MAX (1024U * 1024U)
#define COMPILE_TIMEOUT_USEC (30 * USEC_PER_SEC)

bool seccomp_policy_is_default(const Settings *s) {
        return !s->syscall_filter && !s->raw_seccomp && streq_ptr(s->syscall_policy, "default") && streq_ptr(s->syscall_architectures, "all");
}

static int print_filter(FILE *f, const char *text) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *reason = NULL;
        bool deny = text[0] == '~';
        int r;

        r = words_split(text + deny, SYSCALL_RULE_WORDS_MAX, &words, &reason);
        if (r < 0)
                return r;
        STRV_FOREACH(word, words) {
                SyscallWord w;

                free(reason);
                reason = NULL;
                r = syscall_word_parse(*word, deny, &w, &reason);
                if (r < 0)
                        return r;
                if (w.action == SYSCALL_ERRNO)
                        fprintf(f, "errno %d %s\n", w.error, w.name);
                else
                        fprintf(f, "%s %s\n", w.action == SYSCALL_KILL ? "kill" : "allow", w.name);
        }
        return 0;
}

int seccomp_policy_text(const Settings *s, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = 0;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -errno;
        if (!streq_ptr(s->syscall_architectures, "all"))
                fputs("native\n", f);
        if (streq_ptr(s->syscall_policy, "allow"))
                fputs("default allow\n", f);
        else if (streq_ptr(s->syscall_policy, "deny"))
                fputs("default errno 38\n", f);
        STRV_FOREACH(line, s->raw_seccomp)
                fprintf(f, "raw %s\n", *line);
        for (char *const *line = s->syscall_filter; r >= 0 && line && *line; line++)
                r = print_filter(f, *line);
        if (fclose(f) != 0 || r < 0)
                return r < 0 ? r : -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

static int read_policy(const char *path, char **ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t size;

        return fd < 0 ? -errno : fd_read_string(fd, POLICY_SIZE_MAX, ret, &size);
}

/* What the compiler is given, behind a line that changes with the compiler. */
static int whole_policy(const Settings *s, char **ret) {
        _cleanup_free_ char *own = NULL, *base = NULL, *nesting = NULL;
        struct stat st;
        int r;

        if (stat(COMPILER, &st) < 0)
                return -errno;
        r = seccomp_policy_text(s, &own);
        if (r < 0)
                return r;
        /* The default one, where nothing else takes its place. */
        if (!s->raw_seccomp && streq_ptr(s->syscall_policy, "default")) {
                r = read_policy(SECCOMP_DIRECTORY "/default.policy", &base);
                if (r >= 0 && s->nesting)
                        r = read_policy(SECCOMP_DIRECTORY "/nesting.policy", &nesting);
                if (r < 0)
                        return r;
        }
        return asprintf(ret, "# %lld.%09ld %lld\n%s%s%s", (long long) st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long) st.st_size, base ?: "", nesting ?: "", own) < 0 ? -ENOMEM : 0;
}

/* FNV-1a. A name only: what is found under it is compared. */
static uint64_t hash(const char *text) {
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (; *text; text++)
                h = (h ^ (uint8_t) *text) * UINT64_C(0x100000001b3);
        return h;
}

static _noreturn_ void execute_compiler(int in, int out) {
        char *argv[] = { (char *) "berth-seccomp", NULL };
        sigset_t none;

        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        execve(COMPILER, argv, (char *[]) { NULL });
        _exit(EXIT_FAILURE);
}

/* Files on both ends: nothing to wait for but its end. */
static int compile(int in, int out) {
        pid_t pid;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execute_compiler(in, out);
        return child_wait_timeout(pid, (int) (COMPILE_TIMEOUT_USEC / USEC_PER_MSEC)) == 0 ? 0 : -EBADMSG;
}

static int open_cache(void) {
        int fd;

        if (mkdir(SECCOMP_CACHE_DIRECTORY, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = open(SECCOMP_CACHE_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int make_program(int cache, const char *name, const char *text) {
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        char temporary[64];
        int r;

        in = openat(cache, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (in < 0)
                return -errno;
        r = fd_write_all(in, text, strlen(text));
        if (r < 0)
                return r;
        if (lseek(in, 0, SEEK_SET) < 0)
                return -errno;

        /* Two that start at once make it both, and the same. */
        snprintf(temporary, sizeof temporary, ".%s-%d", name, (int) getpid());
        out = openat(cache, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (out < 0)
                return -errno;
        r = compile(in, out);
        /* A program is a multiple of eight bytes, and so is what stands behind it. */
        if (r >= 0)
                r = seccomp_program_seal(out, text);
        if (r >= 0 && renameat(cache, temporary, cache, name) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(cache, temporary, 0);
        return r;
}

int seccomp_policy_load(const Settings *s, SeccompProgram *ret, char **ret_path, char **ret_error) {
        _cleanup_free_ char *text = NULL, *path = NULL;
        _cleanup_close_ int cache = -EBADF;
        char name[32];
        int r;

        if (seccomp_policy_is_default(s)) {
                path = strdup(s->nesting ? SECCOMP_NESTING_PROGRAM : SECCOMP_DEFAULT_PROGRAM);
                r = path ? seccomp_program_load(path, NULL, ret) : -ENOMEM;
                if (r >= 0)
                        *ret_path = TAKE_PTR(path);
                return r;
        }
        r = whole_policy(s, &text);
        if (r < 0)
                return r;
        cache = open_cache();
        if (cache < 0)
                return cache;
        snprintf(name, sizeof name, "%016llx", (unsigned long long) hash(text));
        if (asprintf(&path, SECCOMP_CACHE_DIRECTORY "/%s", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = seccomp_program_load(path, text, ret);
        if (r == -ENOENT || r == -ESTALE || r == -EBADMSG) {
                r = make_program(cache, name, text);
                if (r >= 0)
                        r = seccomp_program_load(path, text, ret);
                if (r == -EBADMSG)
                        *ret_error = strdup("its policy of system calls cannot be compiled");
        }
        if (r >= 0)
                *ret_path = TAKE_PTR(path);
        return r;
}
