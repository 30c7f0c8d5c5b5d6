/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/image-metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/process.h"
#include "shared/image-yaml.h"

static const char *get_text(json_object *o, const char *key) {
        return json_object_get_string(json_object_object_get(o, key)) ?: "";
}

static int get_properties(json_object *image, char ***ret) {
        json_object *properties = json_object_object_get(image, "Properties");
        const char *description = get_text(image, "Description");
        _cleanup_strv_ char **pairs = NULL;
        bool described = false;
        int r;

        if (!json_object_is_type(properties, json_type_object))
                return -EBADMSG;
        json_object_object_foreach(properties, key, value) {
                described = described || streq(key, "description");
                r = strv_extendf(&pairs, "%s=%s", key, json_object_get_string(value) ?: "");
                if (r < 0)
                        return r;
        }
        /* It was found in the os-release of the root file system, and elsewhere is looked for here. */
        if (!described && !isempty(description)) {
                r = strv_extendf(&pairs, "description=%s", description);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(pairs);
        return 0;
}

/* Nothing of the file that it is read from is in it. */
static int run_tar(int text_fd, uint64_t seconds, int archive_fd) {
        char mtime[sizeof "--mtime=@" + DECIMAL_MAX];
        const char *const arguments[] = {
                "tar", "--create", "--file=-", "--format=ustar", "--dereference", "--absolute-names", "--transform=s,.*,metadata.yaml,",
                "--numeric-owner", "--owner=0", "--group=0", "--mode=0644", mtime, "/dev/stdin", NULL,
        };
        pid_t pid;
        int r;

        snprintf(mtime, sizeof mtime, "--mtime=@%" PRIu64, seconds);
        r = process_start(arguments, text_fd, archive_fd, &pid);
        if (r < 0)
                return r;
        return process_wait(pid) == EXIT_SUCCESS ? 0 : -EIO;
}

int image_metadata_archive(json_object *image, int *ret_fd) {
        const uint64_t created_usec = json_object_get_uint64(json_object_object_get(image, "CreatedUSec"));
        const char *architecture = get_text(image, "Architecture");
        _cleanup_close_ int text = -EBADF, fd = -EBADF;
        _cleanup_strv_ char **properties = NULL;
        _cleanup_free_ char *yaml = NULL;
        struct utsname u;
        int r;

        /* Nobody takes an image without one; what has no program in it that tells it runs wherever its scripts do. */
        if (isempty(architecture)) {
                if (uname(&u) < 0)
                        return -errno;
                architecture = u.machine;
        }
        r = get_properties(image, &properties);
        if (r >= 0)
                r = image_yaml_print(&(ImageYaml) {
                        .architecture = architecture,
                        .created_usec = created_usec,
                        .expires_usec = json_object_get_uint64(json_object_object_get(image, "ExpiresUSec")),
                        .properties = properties,
                        .public = -1,
                }, &yaml);
        if (r < 0)
                return r;
        text = memfd_create("metadata.yaml", MFD_CLOEXEC);
        fd = memfd_create("metadata", MFD_CLOEXEC);
        if (text < 0 || fd < 0)
                return -errno;
        r = fd_write_all(text, yaml, strlen(yaml));
        if (r >= 0)
                r = run_tar(text, created_usec / USEC_PER_SEC, fd);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
