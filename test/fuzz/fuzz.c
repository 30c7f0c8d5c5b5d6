/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/dev/shm/berth-fuzz.XXXXXX";
static int directory_fd = -EBADF;

static void fill(int fd, const void *data, size_t size) {
        must(ftruncate(fd, 0) == 0);
        must(pwrite(fd, size > 0 ? data : "", size, 0) == (ssize_t) size);
        must(lseek(fd, 0, SEEK_SET) == 0);
}

int fuzz_memfd(const void *data, size_t size) {
        static int fd = -EBADF;

        if (fd < 0) {
                fd = memfd_create("fuzz", MFD_CLOEXEC);
                must(fd >= 0);
        }
        fill(fd, data, size);
        return fd;
}

/* Of names that targets have chosen, so without surprises. */
static void remove_directory(void) {
        char command[128];

        snprintf(command, sizeof command, "rm -rf %s", directory);
        (void) !system(command);
}

int fuzz_directory(void) {
        if (directory_fd < 0) {
                must(mkdtemp(directory));
                must(atexit(remove_directory) == 0);
                directory_fd = open(directory, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
                must(directory_fd >= 0);
        }
        return directory_fd;
}

const char *fuzz_directory_path(void) {
        (void) fuzz_directory();
        return directory;
}

void fuzz_put_file(const char *name, const void *data, size_t size) {
        _cleanup_close_ int fd = -EBADF;
        int dir_fd = fuzz_directory();

        for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
                _cleanup_free_ char *parent = strndup(name, (size_t) (p - name));

                must(parent && (mkdirat(dir_fd, parent, 0755) == 0 || errno == EEXIST));
        }
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        must(fd >= 0);
        fill(fd, data, size);
}
