/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/image.h"

#include <assert.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"

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
