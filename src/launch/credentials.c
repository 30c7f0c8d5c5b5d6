/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/credentials.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/strv.h"

#define CREDENTIAL_SIZE_MAX (1024U * 1024U) /* of one; systemd.exec(5), "LoadCredential=" */
#define CREDENTIALS_SIZE_MAX (1024U * 1024U) /* and of all */

/* Where a credential without a path is looked for, systemd.exec(5); without those of a service manager that was given its own. */
static const char *const stores[] = { "/etc/credstore", "/run/credstore", "/usr/local/lib/credstore", "/usr/lib/credstore" };

/* The administrator's own name for it, which may go over links; no pipe or device is waited for. */
static int read_file(const char *path, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) ? fd_read_string(fd, CREDENTIAL_SIZE_MAX, ret, ret_size) : -EINVAL;
}

static int read_one(const char *id, const char *path, char **ret, size_t *ret_size, char **ret_error) {
        int r = -ENOENT;

        if (path)
                r = read_file(path, ret, ret_size);
        for (size_t i = 0; !path && r == -ENOENT && i < ELEMENTSOF(stores); i++) {
                _cleanup_free_ char *file = NULL;

                if (asprintf(&file, "%s/%s", stores[i], id) < 0)
                        return -ENOMEM;
                r = read_file(file, ret, ret_size);
        }
        if (r >= 0 && memchr(*ret, 0, *ret_size))
                return asprintf(ret_error, "LoadCredential=: the credential '%s' has a NUL byte in it, which cannot be passed on; encode it", id) < 0 ? -ENOMEM : -EINVAL;
        if (r < 0 && asprintf(ret_error, "LoadCredential=: the credential '%s' cannot be read from %s%s%s: %s", id, path ? "'" : "the credential store",
                              path ?: "", path ? "'" : "", strerror(-r)) < 0)
                return -ENOMEM;
        return r;
}

int credentials_load(Settings *s, char **ret_error) {
        size_t total = 0;
        int r;

        STRV_FOREACH(c, s->load_credentials) {
                _cleanup_free_ char *id = strndup(*c, strcspn(*c, ":")), *value = NULL;
                const char *colon = strchr(*c, ':');
                size_t size = 0;

                if (!id)
                        return -ENOMEM;
                r = read_one(id, colon ? colon + 1 : NULL, &value, &size, ret_error);
                if (r < 0)
                        return r;
                total += size;
                if (total > CREDENTIALS_SIZE_MAX)
                        return asprintf(ret_error, "LoadCredential=: the credentials are larger than %u KiB together", CREDENTIALS_SIZE_MAX / 1024) < 0 ? -ENOMEM : -E2BIG;
                r = strv_extendf(&s->loaded_credentials, "%s:%s", id, value);
                if (r < 0)
                        return r;
        }
        return 0;
}
