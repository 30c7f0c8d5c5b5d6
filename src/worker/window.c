/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/window.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/fd.h"

/* What is smaller is not counted: decoders have few of those. */
#define BLOCK_MIN (1024U * 1024U)
/* An input, an output and a window for each of four threads, and outputs that are still to be fetched. */
#define BLOCKS_MAX 32U
/* The disk is lent for speed only when it has many times as much. */
#define SPARE_FACTOR 8U

typedef struct Block {
        uint8_t *begin; /* NULL: unused */
        size_t size;
} Block;

/* One for a process: it reads one archive. */
static uint8_t *file;
static bool spare;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Block blocks[BLOCKS_MAX];

int window_make_file(int dir_fd, int *ret_fd) {
        _cleanup_close_ int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0 || ftruncate(fd, WINDOW_FILE_BYTES) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

bool window_file_used(int fd) {
        struct stat st;

        return fd >= 0 && fstat(fd, &st) >= 0 && st.st_blocks > 0;
}

int window_map(int fd) {
        struct statvfs st;
        void *p = mmap(NULL, WINDOW_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED)
                return -errno;
        /* Who is killed by it, and does not say so itself as a sanitizer would, has its parent know why. */
        (void) signal(SIGBUS, SIG_DFL);
        file = p;
        spare = fstatvfs(fd, &st) >= 0 && st.f_bavail * st.f_frsize / SPARE_FACTOR >= WINDOW_FILE_BYTES;
        return 0;
}

size_t window_spare(void) {
        return WINDOW_MEMORY_MAX + (spare ? WINDOW_FILE_BYTES : 0);
}

static bool is_in_file(const Block *b) {
        return file && b->begin >= file && b->begin < file + WINDOW_FILE_BYTES;
}

static size_t memory_left(void) {
        size_t left = WINDOW_MEMORY_MAX;

        for (size_t i = 0; i < BLOCKS_MAX; i++)
                if (blocks[i].begin && !is_in_file(&blocks[i]))
                        left -= MIN_OF(left, blocks[i].size);
        return left;
}

/* The end of a block that is in the way of one at p. */
static uint8_t *find_obstacle(const uint8_t *p, size_t size) {
        for (size_t i = 0; i < BLOCKS_MAX; i++)
                if (is_in_file(&blocks[i]) && blocks[i].begin < p + size && p < blocks[i].begin + blocks[i].size)
                        return blocks[i].begin + blocks[i].size;
        return NULL;
}

static uint8_t *find_room_in_file(size_t size) {
        uint8_t *p = file, *obstacle;

        while (size <= (size_t) (file + WINDOW_FILE_BYTES - p)) {
                obstacle = find_obstacle(p, size);
                if (!obstacle)
                        return p;
                p = obstacle;
        }
        return NULL;
}

static Block *find_block(const void *begin) {
        for (size_t i = 0; i < BLOCKS_MAX; i++)
                if (blocks[i].begin == begin)
                        return &blocks[i];
        return NULL;
}

static void *allocate_block(size_t size) {
        Block *b = find_block(NULL);

        /* To whole pages: what follows in the file is aligned for anything. */
        size = (size + 4095) & ~(size_t) 4095;
        if (!b)
                return NULL;
        b->begin = !file || size <= memory_left() ? malloc(size) : find_room_in_file(size);
        b->size = size;
        return b->begin;
}

void *window_allocate(size_t size) {
        void *p;

        if (size < BLOCK_MIN)
                return malloc(size);
        if (size > SIZE_MAX / 2)
                return NULL;
        (void) pthread_mutex_lock(&lock);
        p = allocate_block(size);
        (void) pthread_mutex_unlock(&lock);
        return p;
}

void window_free(void *p) {
        Block *b;
        bool in_file;

        if (!p)
                return;
        (void) pthread_mutex_lock(&lock);
        b = find_block(p);
        in_file = b && is_in_file(b);
        if (b)
                b->begin = NULL;
        (void) pthread_mutex_unlock(&lock);
        if (!in_file)
                free(p);
}
