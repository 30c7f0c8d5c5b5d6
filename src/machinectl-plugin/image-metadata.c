/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/image-metadata.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/image-yaml.h"

#define TAR_BLOCK 512U

/* ustar, POSIX.1-2001. */
typedef struct TarHeader {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2], user[32], group[32],
             major[8], minor[8], prefix[155], rest[12];
} TarHeader;

static_assert(sizeof(TarHeader) == TAR_BLOCK, "a header is one block");

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

/* With a zero behind them. */
static void put_octal(char *field, size_t size, uint64_t value) {
        for (size_t i = size - 1; i-- > 0; value >>= 3)
                field[i] = (char) ('0' + (value & 7));
}

/* No archive of berth's own needs more of the format than this. */
static int write_archive(int fd, const char *text, uint64_t seconds) {
        static const char zeros[2 * TAR_BLOCK];
        TarHeader h = { .name = "metadata.yaml", .type = '0', .magic = "ustar" };
        const size_t size = strlen(text);
        unsigned sum = 0;
        int r;

        put_octal(h.mode, sizeof h.mode, 0644);
        put_octal(h.uid, sizeof h.uid, 0);
        put_octal(h.gid, sizeof h.gid, 0);
        put_octal(h.size, sizeof h.size, size);
        put_octal(h.mtime, sizeof h.mtime, seconds);
        memcpy(h.version, "00", sizeof h.version);
        memset(h.checksum, ' ', sizeof h.checksum); /* as which it counts itself */
        for (size_t i = 0; i < sizeof h; i++)
                sum += ((const unsigned char *) &h)[i];
        put_octal(h.checksum, sizeof h.checksum - 1, sum);
        h.checksum[6] = 0;

        r = fd_write_all(fd, &h, sizeof h);
        if (r >= 0)
                r = fd_write_all(fd, text, size);
        if (r >= 0)
                r = fd_write_all(fd, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
        return r < 0 ? r : fd_write_all(fd, zeros, sizeof zeros);
}

int image_metadata_archive(json_object *image, int *ret_fd) {
        const uint64_t created_usec = json_object_get_uint64(json_object_object_get(image, "CreatedUSec"));
        const char *architecture = get_text(image, "Architecture");
        _cleanup_close_ int fd = -EBADF;
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
        fd = memfd_create("metadata", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_archive(fd, yaml, created_usec / USEC_PER_SEC);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
