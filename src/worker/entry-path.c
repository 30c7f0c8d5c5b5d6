/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/entry-path.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "basic/strv.h"

int entry_path_normalize(char *path, const char **ret_problem) {
        unsigned depth = 0;
        char *in = path, *out = path;

        assert(path && ret_problem);

        if (*in == '/') {
                *ret_problem = "has an absolute name";
                return -EINVAL;
        }

        while (*in) {
                size_t n = strcspn(in, "/");

                if (n == 2 && in[0] == '.' && in[1] == '.') {
                        *ret_problem = "has '..' in its name";
                        return -EINVAL;
                }
                if (n > NAME_MAX) {
                        *ret_problem = "has a part in its name that is longer than 255 bytes";
                        return -EINVAL;
                }
                if (n > 0 && !(n == 1 && in[0] == '.')) {
                        if (++depth > ENTRY_DEPTH_MAX) {
                                *ret_problem = "is nested too deep";
                                return -EINVAL;
                        }
                        if (out != path)
                                *out++ = '/';
                        /* out never overtakes in: what is left out is at least as long as the '/' put in. */
                        memmove(out, in, n);
                        out += n;
                }
                in += n;
                in += strspn(in, "/");
        }
        *out = 0;
        return 0;
}

bool entry_path_in_dev(const char *path) {
        return startswith(path, "dev/") || startswith(path, "rootfs/dev/");
}
