/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/image-templates.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/path.h"
#include "basic/strv.h"
#include "settings/quote.h"

#define FILE_SIZE_MAX (2U * 1024U * 1024U)

void image_templates_done(ImageTemplates *t) {
        for (size_t i = 0; i < t->n; i++) {
                free(t->items[i].path);
                free(t->items[i].file);
                strv_free(t->items[i].properties);
        }
        free(t->items);
        *t = (ImageTemplates) {};
}

bool image_template_file_valid(const char *name) {
        return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') && !streq(name, ".") && !streq(name, "..") && text_is_plain(name) > 0;
}

bool image_template_path_valid(const char *path) {
        const char *p = path;

        if (*p != '/' || strlen(path) >= PATH_MAX || text_is_plain(path) <= 0)
                return false;
        while (*p) {
                size_t n;

                p += strspn(p, "/");
                n = strcspn(p, "/");
                if (n > NAME_MAX || (n == 2 && strncmp(p, "..", 2) == 0) || (n == 1 && *p == '.'))
                        return false;
                p += n;
        }
        return path[strspn(path, "/")] && p[-1] != '/';
}

static int add_template(ImageTemplates *t, const char *path) {
        ImageTemplate *items;

        if (t->n >= IMAGE_TEMPLATES_MAX || !image_template_path_valid(path))
                return -EBADMSG;
        items = reallocarray(t->items, t->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        t->items = items;
        t->items[t->n] = (ImageTemplate) { .path = strdup(path) };
        return t->items[t->n++].path ? 0 : -ENOMEM;
}

int image_templates_add_field(ImageTemplates *t, const char *field) {
        ImageTemplate *last = t->n > 0 ? &t->items[t->n - 1] : NULL;
        const char *value;

        if ((value = startswith(field, "path=")))
                return add_template(t, value);
        if (!last)
                return -EBADMSG;
        if ((value = startswith(field, "file=")))
                return image_template_file_valid(value) ? free_and_strdup(&last->file, value) : -EBADMSG;
        if ((value = startswith(field, "when="))) {
                last->on_create |= streq(value, "create");
                last->on_copy |= streq(value, "copy");
                last->on_start |= streq(value, "start");
                return 0;
        }
        if ((value = startswith(field, "create-only="))) {
                last->create_only = streq(value, "yes");
                return 0;
        }
        if ((value = startswith(field, "property=")))
                return strchr(value, '=') && strv_length(last->properties) < IMAGE_TEMPLATE_PROPERTIES_MAX ? strv_extend(&last->properties, value)
                                                                                                           : -EBADMSG;
        return -EBADMSG;
}

static int print_field(FILE *f, const char *key, const char *value) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = text_escape(value, &escaped);
        if (r >= 0)
                fprintf(f, "%s=%s\n", key, escaped);
        return r;
}

int image_templates_write(const ImageTemplates *t, int image_fd) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = 0;
        FILE *f;

        if (t->n == 0)
                return 0;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (const ImageTemplate *i = t->items; r >= 0 && i < t->items + t->n; i++) {
                r = print_field(f, "path", i->path);
                if (r >= 0)
                        r = print_field(f, "file", i->file ?: "");
                fprintf(f, "%s%s%screate-only=%s\n", i->on_create ? "when=create\n" : "", i->on_copy ? "when=copy\n" : "",
                        i->on_start ? "when=start\n" : "", i->create_only ? "yes" : "no");
                STRV_FOREACH(p, i->properties)
                        if (r >= 0)
                                r = print_field(f, "property", *p);
        }
        if (fclose(f) != 0 && r >= 0)
                r = -ENOMEM;
        return r < 0 ? r : path_write_atomic(image_fd, IMAGE_TEMPLATES_FILE, text, size, 0600);
}

int image_templates_read(int image_fd, ImageTemplates *ret) {
        _cleanup_(image_templates_done) ImageTemplates t = {};
        _cleanup_free_ char *text = NULL;
        char *rest, *line;
        size_t size;
        int r;

        r = path_read(image_fd, IMAGE_TEMPLATES_FILE, FILE_SIZE_MAX, &text, &size);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                _cleanup_free_ char *field = NULL, *reason = NULL;

                if (!*line)
                        continue;
                r = text_unescape(line, &field, &reason);
                if (r >= 0)
                        r = image_templates_add_field(&t, field);
                if (r < 0)
                        return r == -EINVAL ? -EBADMSG : r;
        }
        for (size_t i = 0; i < t.n; i++)
                if (!t.items[i].file)
                        return -EBADMSG;
        *ret = t;
        t = (ImageTemplates) {};
        return 0;
}
