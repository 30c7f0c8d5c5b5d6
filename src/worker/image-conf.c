/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/image-conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

#define IMAGE_CONF_SIZE_MAX (4U * 1024U * 1024U)

static const char *const type_names[_IMAGE_TYPE_MAX] = {
        [IMAGE_PLAIN] = "plain",
        [IMAGE_UNIFIED] = "unified",
        [IMAGE_SPLIT] = "split",
};

const char *image_type_to_string(ImageType t) {
        return (unsigned) t < _IMAGE_TYPE_MAX ? type_names[t] : NULL;
}

void image_conf_done(ImageConf *c) {
        free(TAKE_PTR(c->architecture));
        free(TAKE_PTR(c->description));
        c->properties = strv_free(c->properties);
        image_templates_done(&c->templates);
}

bool image_property_key_valid(const char *key) {
        size_t n = strlen(key);

        return n > 0 && n <= IMAGE_PROPERTY_KEY_MAX &&
               strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

bool image_text_valid(const char *text) {
        _cleanup_free_ char *escaped = NULL;

        return strlen(text) <= IMAGE_TEXT_MAX && string_escape(text, &escaped) >= 0 && streq(text, escaped);
}

int image_conf_set_property(ImageConf *c, const char *key, const char *value) {
        size_t n = strlen(key);
        char *line;

        if (!image_property_key_valid(key) || !image_text_valid(value))
                return -EINVAL;

        STRV_FOREACH(p, c->properties)
                if (strncmp(*p, key, n) == 0 && (*p)[n] == '=') {
                        if (asprintf(&line, "%s=%s", key, value) < 0)
                                return -ENOMEM;
                        free(*p);
                        *(char **) p = line;
                        return 0;
                }

        if (strv_length(c->properties) >= IMAGE_PROPERTIES_MAX)
                return -E2BIG;
        return strv_extendf(&c->properties, "%s=%s", key, value);
}

int image_conf_write(const ImageConf *c, int image_fd) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -errno;

        fprintf(f, "# Written when the image was imported; berth does not read changes made here back into anything it has decided.\n"
                   "[Image]\nFingerprint=%s\nType=%s\n", c->fingerprint, image_type_to_string(c->type));
        if (c->architecture)
                fprintf(f, "Architecture=%s\n", c->architecture);
        if (c->description)
                fprintf(f, "Description=%s\n", c->description);
        fprintf(f, "CreatedUSec=%llu\nUploadedUSec=%llu\n", (unsigned long long) c->created_usec, (unsigned long long) c->uploaded_usec);
        if (c->expires_usec > 0)
                fprintf(f, "ExpiresUSec=%llu\n", (unsigned long long) c->expires_usec);
        fprintf(f, "SizeBytes=%llu\nRootfsBytes=%llu\nDroppedDevices=%llu\n", (unsigned long long) c->size_bytes,
                (unsigned long long) c->rootfs_bytes, (unsigned long long) c->dropped_devices);
        if (c->properties) {
                fprintf(f, "\n[Properties]\n");
                STRV_FOREACH(p, c->properties)
                        fprintf(f, "%s\n", *p);
        }
        if (fclose(f) != 0)
                return -ENOMEM;
        /* Not flushed: that would be the first of many, and the whole image is before it gets its name. */
        fd = openat(image_fd, "image.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd_write_all(fd, text, size);
}

int image_conf_read_key(int image_fd, const char *key, char **ret) {
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        int r;

        r = path_read(image_fd, "image.conf", IMAGE_CONF_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        for (rest = text; (line = strsep(&rest, "\n"));) {
                const char *value;

                if (streq(line, "[Properties]"))
                        break;
                value = startswith(line, key);
                if (value && *value == '=') {
                        *ret = strdup(value + 1);
                        return *ret ? 0 : -ENOMEM;
                }
        }
        return -ENOENT;
}
