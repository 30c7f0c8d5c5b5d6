/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/image-yaml.h"
#include "shared/names.h"
#include "worker/image-conf.h"
#include "worker/metadata.h"
#include "worker/store.h"

/* image: what is said of an image is changed, its content and with that its fingerprint never. Either single words of it, or all of it as the
 * text of a metadata.yaml with a `public` beside. */

#define NOT_THIS_WAY "That is no date: give YYYY-MM-DD, with HH:MM[:SS] behind it if it matters and Z for UTC, or 'never'."

static int parse_date(const char *text, uint64_t *ret_usec) {
        static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S" };

        if (isempty(text) || streq(text, "never"))
                return *ret_usec = 0, 0;
        for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
                struct tm tm = { .tm_isdst = -1 };
                const char *end = strptime(text, formats[i], &tm);
                time_t t;

                if (!end || (*end && !streq(end, "Z")))
                        continue;
                t = *end ? timegm(&tm) : mktime(&tm);
                if (t <= 0)
                        return -EINVAL;
                *ret_usec = (uint64_t) t * USEC_PER_SEC;
                return 0;
        }
        return -EINVAL;
}

static int set_description(ImageConf *c, const char *value) {
        int r;

        if (!image_text_valid(value))
                return -EINVAL;
        r = free_and_strdup(&c->description, value);
        /* Images of LXD have it as a property; there it would come back with an edit. */
        return r < 0 ? r : isempty(value) ? image_conf_unset_property(c, "description") : image_conf_set_property(c, "description", value);
}

static int assign(Job *j, ImageConf *c, const char *key, const char *value) {
        int r;

        if (streq(key, "public")) {
                r = parse_bool(value);
                if (r < 0)
                        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'public' is yes or no, not '%s'.", name_for_message(value));
                c->public = r;
                return 0;
        }
        if (streq(key, "expires")) {
                r = parse_date(value, &c->expires_usec);
                return r < 0 ? failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, NOT_THIS_WAY) : 0;
        }
        r = streq(key, "description") ? set_description(c, value) : image_conf_set_property(c, key, value);
        if (r == -E2BIG)
                return failure_set(&j->failure, FAILURE_LIMIT_REACHED, r, "An image has at most %u properties.", IMAGE_PROPERTIES_MAX);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "The property '%s' cannot be set: its name has characters that are not "
                                   "allowed, or its value is no single line of text.", name_for_message(key));
        return 0;
}

static int unset(Job *j, ImageConf *c, const char *key) {
        if (streq(key, "public"))
                c->public = false;
        else if (streq(key, "expires"))
                c->expires_usec = 0;
        else if (streq(key, "description"))
                return set_description(c, "");
        else if (!strv_get_value(c->properties, key))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, ENOENT, "The image has no property '%s'.", name_for_message(key));
        else
                return image_conf_unset_property(c, key);
        return 0;
}

static int change_words(Job *j, ImageConf *c) {
        _cleanup_strv_ char **settings = NULL, **keys = NULL;
        int r;

        r = message_get_strv(j->request, "setting", &settings);
        if (r >= 0)
                r = message_get_strv(j->request, "unset", &keys);
        STRV_FOREACH(k, keys)
                if (r >= 0)
                        r = unset(j, c, *k);
        STRV_FOREACH(s, settings) {
                char *equals = strchr(*s, '=');

                if (r < 0)
                        break;
                if (!equals)
                        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is no KEY=VALUE.", name_for_message(*s));
                *equals = 0;
                r = assign(j, c, *s, equals + 1);
        }
        return r;
}

static int text_of(const ImageConf *c, char **ret) {
        return image_yaml_print(&(ImageYaml) {
                .architecture = c->architecture,
                .created_usec = c->created_usec,
                .expires_usec = c->expires_usec,
                .properties = c->properties,
                .templates = &c->templates,
                .public = c->public,
        }, ret);
}

/* What a text does not mention is not there any more, but for what an image always has. */
static int change_text(Job *j, int image_fd, const char *text, ImageConf *c) {
        _cleanup_(image_conf_done) ImageConf n = { .public = c->public };
        const char *before = message_get(j->request, "before");
        _cleanup_free_ char *now = NULL, *metadata = NULL;
        int r;

        r = text_of(c, &now);
        if (r < 0)
                return r;
        if (!isempty(before) && !streq(before, now))
                return failure_set(&j->failure, FAILURE_BUSY, EBUSY, "The image '%.12s' was changed by somebody else meanwhile.", c->fingerprint);
        r = metadata_read(j, text, strlen(text), image_fd, &n);
        if (r < 0)
                return r;

        free(c->architecture);
        free(c->description);
        strv_free(c->properties);
        image_templates_done(&c->templates);
        c->architecture = TAKE_PTR(n.architecture);
        c->description = TAKE_PTR(n.description);
        c->properties = TAKE_PTR(n.properties);
        c->templates = n.templates;
        n.templates = (ImageTemplates) {};
        c->public = n.public;
        c->expires_usec = n.expires_usec;
        if (n.created_usec > 0)
                c->created_usec = n.created_usec;

        r = image_yaml_print(&(ImageYaml) { .architecture = c->architecture, .created_usec = c->created_usec, .expires_usec = c->expires_usec,
                                            .properties = c->properties, .templates = &c->templates, .public = -1 }, &metadata);
        if (r >= 0)
                r = path_write_atomic(image_fd, "metadata.yaml", metadata, strlen(metadata), 0600);
        if (r >= 0 && c->templates.n == 0 && unlinkat(image_fd, IMAGE_TEMPLATES_FILE, 0) < 0 && errno != ENOENT)
                r = -errno;
        return r < 0 ? r : image_templates_write(&c->templates, image_fd);
}

int job_image(Job *j) {
        _cleanup_close_ int images = -EBADF, image = -EBADF;
        _cleanup_(image_conf_done) ImageConf c = {};
        const char *fingerprint, *text = message_get(j->request, "text");
        int r;

        r = job_get(j, "fingerprint", &fingerprint);
        if (r >= 0)
                r = store_lock_image(j, fingerprint, LOCK_SH, &image);
        if (r >= 0)
                r = store_open(j, DIR_IMAGES, &images);
        if (r < 0)
                return r;
        /* Of two changes at a time one would be lost. Containers that are made hold the image's own lock, for longer than somebody waits. */
        if (flock(images, LOCK_EX) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to lock the images: %m");
        r = image_conf_read(image, &c);
        if (r >= 0)
                r = image_templates_read(image, &c.templates);
        if (r >= 0)
                r = text ? change_text(j, image, text, &c) : change_words(j, &c);
        if (r >= 0)
                r = image_conf_replace(&c, image);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to change the image '%.12s': %m", fingerprint);
        images = fd_close(images);
        image = fd_close(image);
        job_commit(j);
        return 0;
}
