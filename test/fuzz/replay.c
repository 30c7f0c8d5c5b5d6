/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the place of libFuzzer where it is not linked: gives the target each file of the folders named once, and makes up nothing. What the seeds
 * reach is measured so (test/lib/coverage.sh). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/fd.h"
#include "fuzz.h"

#define SEED_SIZE_MAX (1024U * 1024U)

int main(int argc, char **argv) {
        unsigned n = 0;

        for (char **folder = argv + 1; *folder; folder++) {
                struct dirent *de;
                DIR *d;

                d = opendir(*folder);
                while (d && (de = readdir(d))) {
                        _cleanup_close_ int fd = openat(dirfd(d), de->d_name, O_RDONLY | O_CLOEXEC);
                        _cleanup_free_ char *text = NULL;
                        size_t size;

                        if (de->d_name[0] == '.' || fd < 0 || fd_read_string(fd, SEED_SIZE_MAX, &text, &size) < 0)
                                continue;
                        (void) LLVMFuzzerTestOneInput((const uint8_t *) text, size);
                        n++;
                }
                if (d)
                        closedir(d);
        }
        fprintf(stderr, "%u seeds\n", n);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
