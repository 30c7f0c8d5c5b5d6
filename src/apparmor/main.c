/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-apparmor-rules PROFILE LIST: prints the file PROFILE with the rules of LIST (rules.h) in place of its line @RULES@. Runs when berth is built. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "apparmor/rules.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"

#define FILE_MAX (1024U * 1024U)

static int read_file(const char *path, char **ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t size;
        int r = fd < 0 ? -errno : fd_read_string(fd, FILE_MAX, ret, &size);

        return r < 0 ? log_error_errno(r, "Cannot read '%s': %m", path) : 0;
}

int main(int argc, char *argv[]) {
        _cleanup_free_ char *profile = NULL, *list = NULL;
        const char *reason;
        unsigned line;

        log_open("berth-apparmor-rules");
        if (argc != 3) {
                log_error("Two files are needed: a profile and a list.");
                return EXIT_FAILURE;
        }
        if (read_file(argv[1], &profile) < 0 || read_file(argv[2], &list) < 0)
                return EXIT_FAILURE;
        for (char *rest = profile, *l; (l = strsep(&rest, "\n"));) {
                if (!streq(l, "@RULES@")) {
                        if (rest || *l)
                                puts(l);
                        continue;
                }
                int r = apparmor_rules_write(list, "wkl", stdout, &line, &reason);

                if (r < 0) {
                        log_error("%s:%u: %s", argv[2], r == -EINVAL ? line : 0, r == -EINVAL ? reason : strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
