/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/assignments.h"

#include <fcntl.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/report.h"

#define FILE_SIZE_MAX (24U * 1024U) /* with its escapes it has to fit into a line of a settings file */

static int read_value(const char *assignment, const char *file, char ***l) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size;
        int r;

        fd = streq(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return report_failure("The file '%s' cannot be opened: %m", file);
        r = fd_read_string(fd, FILE_SIZE_MAX, &text, &size);
        if (r == -E2BIG)
                return report_failure("The file '%s' is larger than %u KiB, which is too much for a setting.", file, FILE_SIZE_MAX >> 10);
        errno = -r;
        if (r < 0)
                return report_failure("The file '%s' cannot be read: %m", file);
        if (strlen(text) != size)
                return report_failure("The file '%s' has NUL bytes in it and is no text.", file);
        r = strv_extendf(l, "%.*s=%s", (int) strcspn(assignment, "="), assignment, text);
        return r < 0 ? report_oom() : 0;
}

/* Keys whose values are texts of many lines. */
static bool is_long_text(const char *assignment) {
        return startswith(assignment, "user.") || startswith(assignment, "raw.seccomp=");
}

int assignments_read(char *const *given, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        int r;

        STRV_FOREACH(a, given) {
                const char *equals = strchr(*a, '=');

                if (equals && equals[1] == '@' && is_long_text(*a))
                        r = read_value(*a, equals + 2, &l);
                else
                        r = strv_extend(&l, *a) < 0 ? report_oom() : 0;
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}
