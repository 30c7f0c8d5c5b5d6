/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/image.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/gate.h"
#include "shared/bus-names.h"

int image_new(Manager *m, const char *fingerprint, Image **ret) {
        _cleanup_(image_freep) Image *i = NULL;
        int r;

        assert(m && fingerprint && ret);

        i = calloc(1, sizeof *i);
        if (!i)
                return -ENOMEM;
        i->fingerprint = strdup(fingerprint);
        if (!i->fingerprint)
                return -ENOMEM;
        r = table_put(&m->images, i);
        if (r < 0)
                return r;
        i->manager = m;
        *ret = TAKE_PTR(i);
        return 0;
}

Image *image_free(Image *i) {
        if (!i)
                return NULL;
        if (i->manager)
                (void) table_remove(&i->manager->images, i->fingerprint);
        image_record_done(&i->record);
        free(i->fingerprint);
        free(i);
        return NULL;
}

int image_load(Image *i, int images_fd) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (images_fd < 0) {
                fd = store_open_images();
                if (fd < 0)
                        return fd;
                images_fd = fd;
        }
        r = store_read_image(images_fd, i->fingerprint, &i->stamp, &i->record);
        if (r < 0 && !i->damaged)
                log_warning_errno(r, "The record of image '%.12s' cannot be read: %m", i->fingerprint);
        if (r != 0)
                i->damaged = r < 0;
        return r;
}

bool image_shows(const Image *i) {
        return i->record.public || gate_shows(i->manager->gate, i->record.owner);
}

#define CANDIDATES_NAMED_MAX 5U

static int fail_ambiguous(Manager *m, const char *reference, sd_bus_error *error) {
        _cleanup_strv_ char **candidates = NULL, **seen = NULL;
        _cleanup_free_ char *fingerprint = NULL, *names = NULL;
        size_t n = 0;
        int r;

        (void) store_resolve_image(reference, &fingerprint, &candidates);
        (void) manager_refresh_images(m);
        STRV_FOREACH(c, candidates) {
                Image *i = table_get(&m->images, *c);

                if (!i || image_load(i, -EBADF) < 0 || !image_shows(i) || n++ >= CANDIDATES_NAMED_MAX)
                        continue;
                r = strv_extendf(&seen, "%.16s", *c);
                if (r < 0)
                        return r;
        }
        /* That others have such images is nothing that he may know. */
        if (n == 0)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_IMAGE, "There is no image '%.130s'.", reference);
        (void) strv_join(seen, "', '", &names);
        return sd_bus_error_setf(error, BERTH_ERROR_AMBIGUOUS_IMAGE, "More than one image begins with '%s'%s%s%s%s.", reference, seen ? ": '" : "",
                                 seen ? names ?: "?" : "", seen ? "'" : "", n > CANDIDATES_NAMED_MAX ? " and more" : "");
}

int image_find(Manager *m, const char *reference, bool only_seen, Image **ret, sd_bus_error *error) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = manager_find_image(m, reference, ret);
        if (r >= 0 && only_seen) {
                (void) image_load(*ret, -EBADF);
                if (!image_shows(*ret))
                        r = -ENOENT;
        }
        if (r >= 0 || (r != -ENOENT && r != -ENOTUNIQ))
                return r;
        if (r == -ENOTUNIQ)
                return fail_ambiguous(m, reference, error);
        if (string_escape(reference, &escaped) < 0)
                return -ENOMEM;
        return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_IMAGE, "There is no image '%.130s'.", escaped);
}
