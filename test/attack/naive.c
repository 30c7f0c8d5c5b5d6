/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* naive VERB ROOT PATH OUTSIDE: what must not be done: it looks whether PATH leads to something below ROOT, and then uses it by its name.
 * The control of the tests that run flip: if this is not led to OUTSIDE, the race is none and they prove nothing.
 *
 *   read     opens PATH/f; it has escaped when what it has opened is OUTSIDE/f
 *   write    makes PATH/new; it has escaped when there is OUTSIDE/new
 *   mkdir    makes PATH/a/b, as mkdir -p does; the same of OUTSIDE/a
 *   mount    mounts a tmpfs on PATH, in a mount namespace of its own; it has escaped when OUTSIDE is one
 *
 * It says after how many tries it has escaped, and fails when it has not within a minute. */

static int is_inside(const char *root, const char *path) {
        char real[PATH_MAX];
        size_t n = strlen(root);

        return realpath(path, real) && strncmp(real, root, n) == 0 && (real[n] == '/' || real[n] == 0);
}

static int has_escaped(const char *verb, const char *path, const char *outside) {
        char name[PATH_MAX], victim[PATH_MAX];
        struct stat st, other;
        int fd;

        if (strcmp(verb, "read") == 0) {
                snprintf(name, sizeof name, "%s/f", path);
                snprintf(victim, sizeof victim, "%s/f", outside);
                fd = open(name, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return 0;
                if (fstat(fd, &st) < 0 || stat(victim, &other) < 0)
                        st.st_ino = other.st_ino = 0;
                close(fd);
                return st.st_ino != 0 && st.st_ino == other.st_ino && st.st_dev == other.st_dev;
        }
        if (strcmp(verb, "write") == 0) {
                snprintf(name, sizeof name, "%s/new", path);
                snprintf(victim, sizeof victim, "%s/new", outside);
                fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (fd >= 0)
                        close(fd);
                return access(victim, F_OK) >= 0;
        }
        if (strcmp(verb, "mkdir") == 0) {
                snprintf(name, sizeof name, "%s/a", path);
                snprintf(victim, sizeof victim, "%s/a", outside);
                (void) mkdir(name, 0755);
                snprintf(name, sizeof name, "%s/a/b", path);
                (void) mkdir(name, 0755);
                return access(victim, F_OK) >= 0;
        }
        /* Of a mount point, directory and what is in it are not on the same device. */
        if (mount("naive", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k") < 0)
                return 0;
        snprintf(victim, sizeof victim, "%s/..", outside);
        if (stat(outside, &st) >= 0 && stat(victim, &other) >= 0 && st.st_dev != other.st_dev)
                return 1;
        (void) umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
        return 0;
}

int main(int argc, char *argv[]) {
        time_t end = time(NULL) + 60;

        if (argc != 5) {
                fputs("naive read|write|mkdir|mount ROOT PATH OUTSIDE\n", stderr);
                return EXIT_FAILURE;
        }
        if (strcmp(argv[1], "mount") == 0 && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)) {
                fprintf(stderr, "naive: no mount namespace: %s\n", strerror(errno));
                return EXIT_FAILURE;
        }
        for (unsigned long tries = 1; time(NULL) < end; tries++)
                if (is_inside(argv[2], argv[3]) && has_escaped(argv[1], argv[3], argv[4])) {
                        printf("escaped after %lu\n", tries);
                        return EXIT_SUCCESS;
                }
        puts("not escaped");
        return EXIT_FAILURE;
}
