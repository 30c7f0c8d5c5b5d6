/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/image-conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/image-archive.h"

#define IMAGE_CONF_SIZE_MAX (4U * 1024U * 1024U)

static const char *const type_names[_IMAGE_TYPE_MAX] = {
        [IMAGE_PLAIN] = "plain",
        [IMAGE_UNIFIED] = "unified",
        [IMAGE_SPLIT] = "split",
        [IMAGE_OCI] = "oci",
};

const char *image_type_to_string(ImageType t) {
        return (unsigned) t < _IMAGE_TYPE_MAX ? type_names[t] : NULL;
}

void image_conf_done(ImageConf *c) {
        free(TAKE_PTR(c->architecture));
        free(TAKE_PTR(c->description));
        free(TAKE_PTR(c->remote));
        free(TAKE_PTR(c->remote_image));
        free(TAKE_PTR(c->source));
        c->properties = strv_free(c->properties);
        c->archives = strv_free(c->archives);
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

int image_conf_unset_property(ImageConf *c, const char *key) {
        _cleanup_strv_ char **rest = NULL;
        size_t n = strlen(key);
        int r = 0;

        STRV_FOREACH(p, c->properties)
                if (r >= 0 && (strncmp(*p, key, n) != 0 || (*p)[n] != '='))
                        r = strv_extend(&rest, *p);
        if (r < 0)
                return r;
        strv_free(c->properties);
        c->properties = TAKE_PTR(rest);
        return 0;
}

static int print(const ImageConf *c, char **ret, size_t *ret_size) {
        _cleanup_free_ char *archives = NULL;
        char *text = NULL;
        size_t size;
        FILE *f;
        int r;

        r = strv_join(c->archives, " ", &archives);
        if (r < 0)
                return r;
        f = open_memstream(&text, &size);
        if (!f)
                return -errno;

        fprintf(f, "# Written by berth, which is told of changes by berthctl image-set and image-edit.\n"
                   "[Image]\nFingerprint=%s\nType=%s\nOwner=%u\n", c->fingerprint, image_type_to_string(c->type), (unsigned) c->owner);
        if (c->public)
                fprintf(f, "Public=yes\n");
        if (c->architecture)
                fprintf(f, "Architecture=%s\n", c->architecture);
        if (!isempty(c->description))
                fprintf(f, "Description=%s\n", c->description);
        fprintf(f, "CreatedUSec=%llu\nUploadedUSec=%llu\n", (unsigned long long) c->created_usec, (unsigned long long) c->uploaded_usec);
        if (c->expires_usec > 0)
                fprintf(f, "ExpiresUSec=%llu\n", (unsigned long long) c->expires_usec);
        fprintf(f, "SizeBytes=%llu\nRootfsBytes=%llu\nDroppedDevices=%llu\n", (unsigned long long) c->size_bytes,
                (unsigned long long) c->rootfs_bytes, (unsigned long long) c->dropped_devices);
        if (c->remote && c->remote_image)
                fprintf(f, "Remote=%s\nRemoteImage=%s\n", c->remote, c->remote_image);
        if (c->source)
                fprintf(f, "Source=%s\n", c->source);
        if (c->auto_update)
                fprintf(f, "AutoUpdate=yes\n");
        if (c->cached)
                fprintf(f, "Cached=yes\n");
        if (!isempty(archives))
                fprintf(f, "Archives=%s\n", archives);
        if (c->properties) {
                fprintf(f, "\n[Properties]\n");
                STRV_FOREACH(p, c->properties)
                        fprintf(f, "%s\n", *p);
        }
        if (fclose(f) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        *ret_size = size;
        return 0;
}

int image_conf_write(const ImageConf *c, int image_fd) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size = 0;
        int r;

        r = print(c, &text, &size);
        if (r < 0)
                return r;
        fd = openat(image_fd, "image.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd_write_all(fd, text, size);
}

int image_conf_replace(const ImageConf *c, int image_fd) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r;

        r = print(c, &text, &size);
        return r < 0 ? r : path_write_atomic(image_fd, "image.conf", text, size, 0600);
}

static int take_line(ImageConf *c, const char *key, const char *value) {
        const struct {
                const char *key;
                char **text;
                uint64_t *number;
        } fields[] = {
                { "Architecture", &c->architecture, NULL }, { "Description", &c->description, NULL },
                { "Remote", &c->remote, NULL },             { "RemoteImage", &c->remote_image, NULL },
                { "Source", &c->source, NULL },
                { "CreatedUSec", NULL, &c->created_usec },  { "UploadedUSec", NULL, &c->uploaded_usec },
                { "ExpiresUSec", NULL, &c->expires_usec },  { "SizeBytes", NULL, &c->size_bytes },
                { "RootfsBytes", NULL, &c->rootfs_bytes },  { "DroppedDevices", NULL, &c->dropped_devices },
        };
        uint32_t owner;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (streq(fields[i].key, key))
                        return fields[i].text ? free_and_strdup(fields[i].text, value) : parse_u64(value, UINT64_MAX, fields[i].number);
        if (streq(key, "Fingerprint")) {
                if (strlen(value) >= sizeof c->fingerprint)
                        return -EBADMSG;
                strcpy(c->fingerprint, value);
        } else if (streq(key, "Type")) {
                for (ImageType t = 0; t < _IMAGE_TYPE_MAX; t++)
                        if (streq(type_names[t], value))
                                c->type = t;
        } else if (streq(key, "Owner")) {
                r = parse_u32(value, UINT32_MAX - 1, &owner);
                if (r < 0)
                        return r;
                c->owner = owner;
        } else if (streq(key, "Public"))
                c->public = parse_bool(value) > 0;
        else if (streq(key, "AutoUpdate"))
                c->auto_update = parse_bool(value) > 0;
        else if (streq(key, "Cached"))
                c->cached = parse_bool(value) > 0;
        else if (streq(key, "Archives"))
                while (*value) {
                        size_t n = strcspn(value, " ");

                        r = strv_extendf(&c->archives, "%.*s", (int) n, value);
                        if (r < 0)
                                return r;
                        value += n + strspn(value + n, " ");
                }
        return 0;
}

int image_conf_read(int image_fd, ImageConf *ret) {
        _cleanup_(image_conf_done) ImageConf c = {};
        _cleanup_free_ char *text = NULL;
        bool properties = false;
        char *line, *rest;
        int r;

        r = path_read(image_fd, "image.conf", IMAGE_CONF_SIZE_MAX, &text, NULL);
        for (rest = text; r >= 0 && (line = strsep(&rest, "\n"));) {
                char *equals = strchr(line, '=');

                if (line[0] == '[')
                        properties = streq(line, "[Properties]");
                if (!equals || line[0] == '#' || line[0] == '[')
                        continue;
                *equals = 0;
                r = properties ? image_conf_set_property(&c, line, equals + 1) : take_line(&c, line, equals + 1);
        }
        if (r < 0)
                return r == -EINVAL || r == -ERANGE || r == -E2BIG ? -EBADMSG : r;
        *ret = c;
        c = (ImageConf) {};
        return 0;
}

int image_conf_note_use(int image_fd) {
        _cleanup_close_ int fd = openat(image_fd, IMAGE_USED_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 || futimens(fd, NULL) < 0 ? -errno : 0;
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
