/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Takes the kernel's memory in several of the ways that there are, a mebibyte at a time, and says how many it got; who is killed over it says nothing. */

#define MIB (1UL << 20)
#define PAGE 4096UL
#define TABLE (2 * MIB) /* what one page of page tables maps */

static int take_anonymous(void) {
        char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return -errno;
        for (size_t i = 0; i < MIB; i += PAGE)
                p[i] = 1;
        return 0;
}

static int take_tmpfs(void) {
        static char content[MIB];
        static int fd = -1;

        if (fd < 0)
                fd = memfd_create("probe", MFD_CLOEXEC);
        return fd < 0 || write(fd, content, sizeof content) < 0 ? -errno : 0;
}

/* Pages that are only read are the one of zeroes, and need nothing but what points to it. */
static int take_page_tables(void) {
        size_t size = MIB / PAGE * TABLE;
        volatile char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED)
                return -errno;
        (void) madvise((void *) p, size, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < size; i += TABLE)
                (void) p[i];
        return 0;
}

/* Buffers are pages, however little of one is written, as long as no write fits into the page before. */
static int take_pipes(void) {
        static char content[PAGE];

        for (size_t n = 0; n < MIB;) {
                ssize_t l = 0;
                int fds[2];

                if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                        return -errno;
                while ((l = write(fds[1], content, sizeof content)) > 0)
                        n += (size_t) l;
                if (l < 0 && errno != EAGAIN)
                        return -errno;
        }
        return 0;
}

/* memory KIND MIB */
void topic_memory(char **arguments) {
        static const struct { const char *name; int (*take)(void); } kinds[] = {
                { "anonymous", take_anonymous }, { "tmpfs", take_tmpfs }, { "page-tables", take_page_tables }, { "pipes", take_pipes },
        };
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &files);
        }
        for (size_t i = 0; arguments[0] && arguments[1] && i < sizeof kinds / sizeof kinds[0]; i++)
                if (strcmp(arguments[0], kinds[i].name) == 0) {
                        long n = 0, most = strtol(arguments[1], NULL, 10);
                        int r = 0;

                        while (n < most && (r = kinds[i].take()) >= 0)
                                n++;
                        printf("%ld %s\n", n, r < 0 ? strerrorname_np(-r) : "none");
                        exit(0);
                }
        fprintf(stderr, "probe: memory of which kind?\n");
        exit(2);
}
