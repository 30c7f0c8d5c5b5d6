/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/templates.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/guest-file.h"
#include "launch/template-context.h"
#include "launch/template/process.h"
#include "launch/template/render.h"
#include "shared/names.h"
#include "storage/rootfs.h"

#define ARENA_SIZE (32U * 1024U * 1024U)

void templates_done(Templates *t) {
        for (size_t i = 0; t->texts && i < t->list.n; i++)
                free(t->texts[i]);
        free(t->texts);
        free(t->sizes);
        image_templates_done(&t->list);
        *t = (Templates) {};
}

static bool wants_first(const Templates *t, const ImageTemplate *i) {
        return t->first && (t->copied ? i->on_copy : i->on_create);
}

static int read_texts(int image_fd, Templates *t, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        size_t total = 0;
        int r;

        t->texts = calloc(t->list.n, sizeof *t->texts);
        t->sizes = calloc(t->list.n, sizeof *t->sizes);
        if (!t->texts || !t->sizes)
                return -ENOMEM;
        fd = path_open_beneath(image_fd, "templates", O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0 && fd != -ENOENT)
                return fd;

        for (size_t i = 0; i < t->list.n; i++) {
                const ImageTemplate *item = &t->list.items[i];

                if (!wants_first(t, item) && !item->on_start)
                        continue;
                r = fd < 0 ? fd : path_read(fd, item->file, TEMPLATE_SIZE_MAX, &t->texts[i], &t->sizes[i]);
                if (r >= 0 && (total += t->sizes[i]) > TEMPLATES_SIZE_MAX)
                        r = -E2BIG;
                if (r < 0) {
                        const char *why = r == -ENOENT ? "the image has no such template" : r == -E2BIG ? "it is too large" : strerror(-r);

                        return asprintf(ret_error, "cannot read the template '%s' of '%s': %s", item->file, item->path, why) < 0 ? -ENOMEM : r;
                }
        }
        return 0;
}

int templates_load(const Settings *s, bool first, bool copied, Templates *ret, char **ret_error) {
        _cleanup_(templates_done) Templates t = { .first = first, .copied = copied };
        _cleanup_close_ int state = -EBADF, image = -EBADF;
        int r;

        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return -errno;
        image = rootfs_open_image(state, s->image);
        if (image < 0)
                return image;
        r = image_templates_read(image, &t.list);
        if (r >= 0 && t.list.n > 0)
                r = read_texts(image, &t, ret_error);
        if (r < 0)
                return r;
        *ret = t;
        t = (Templates) {};
        return 0;
}

static int explain(const ImageTemplate *i, const char *reason, int error, char **ret_error) {
        if (asprintf(ret_error, "the template '%s' of '%s' cannot be applied: %s", i->file, i->path, reason ?: strerror(-error)) < 0)
                *ret_error = NULL;
        return error;
}

static bool is_there(int root_fd, const char *path) {
        _cleanup_close_ int fd = path_open_in_root(root_fd, path, O_PATH | O_NOFOLLOW, 0);

        return fd >= 0;
}

static int apply_one(const Templates *t, size_t n, const char *trigger, Arena *arena, Value *context, int root_fd, char **ret_error) {
        _cleanup_(rendering_done) Rendering rendering = {};
        const ImageTemplate *i = &t->list.items[n];
        _cleanup_free_ char *reason = NULL;
        int r;

        if (i->create_only && is_there(root_fd, i->path))
                return 0;
        r = template_context_set(arena, context, trigger, i->path, i->properties);
        if (r >= 0)
                r = template_render_apart(arena, context, t->texts[n], t->sizes[n], &rendering, &reason);
        if (r < 0)
                return explain(i, reason, r, ret_error);
        r = guest_file_write(root_fd, i->path, rendering.output, rendering.size, 0644);
        return r < 0 ? explain(i, r == -EBADMSG ? "it would replace what is no regular file" : NULL, r, ret_error) : 0;
}

int templates_apply(const Templates *t, const char *name, const Settings *s, int root_fd, char **ret_error) {
        _cleanup_(arena_done) Arena arena = {};
        Value *context;
        int r;

        if (t->list.n == 0)
                return 0;
        r = arena_new(ARENA_SIZE, &arena);
        if (r >= 0)
                r = template_context_new(&arena, name, s, &context);
        for (unsigned start = 0; r >= 0 && start < 2; start++)
                for (size_t i = 0; r >= 0 && i < t->list.n; i++)
                        if (start ? t->list.items[i].on_start : wants_first(t, &t->list.items[i]))
                                r = apply_one(t, i, start ? "start" : t->copied ? "copy" : "create", &arena, context, root_fd, ret_error);
        return r;
}
