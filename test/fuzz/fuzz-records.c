/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files that berth has written itself and finds changed: image.conf, templates.conf, snapshot.conf, and the walk of the manager over such files. */

#include <sys/stat.h>

#include "containerd/record.h"
#include "fuzz.h"
#include "shared/snapshot-conf.h"
#include "worker/image-conf.h"

static void image(const void *data, size_t size) {
        ImageConf c = {};
        int r;

        fuzz_put_file("image.conf", data, size);
        r = image_conf_read(fuzz_directory(), &c);
        must(r >= 0 || r == -EBADMSG);
        STRV_FOREACH(p, c.properties)
                must(strchr(*p, '='));
        image_conf_done(&c);
}

static void templates(const void *data, size_t size) {
        ImageTemplates t = {}, again = {};
        int r;

        fuzz_put_file(IMAGE_TEMPLATES_FILE, data, size);
        r = image_templates_read(fuzz_directory(), &t);
        must(r >= 0 || r == -EBADMSG || r == -E2BIG);
        if (r >= 0)
                for (size_t i = 0; i < t.n; i++) {
                        must(image_template_path_valid(t.items[i].path));
                        must(!t.items[i].file || image_template_file_valid(t.items[i].file));
                }
        image_templates_done(&t);
        image_templates_done(&again);
}

static void snapshot(const void *data, size_t size) {
        SnapshotConf c = {}, again = {};
        _cleanup_free_ char *text = NULL;
        int r;

        fuzz_put_file("s1/snapshot.conf", data, size);
        r = snapshot_conf_read(fuzz_directory(), "s1", &c);
        if (r < 0) {
                must(r == -EBADMSG || r == -E2BIG || r == -EFBIG);
                return;
        }
        must(snapshot_conf_print(&c, &text) >= 0);
        fuzz_put_file("s1/snapshot.conf", text, strlen(text));
        must(snapshot_conf_read(fuzz_directory(), "s1", &again) >= 0);
        must(again.created_usec == c.created_usec && again.expires_usec == c.expires_usec && again.personalised == c.personalised);
}

static int field(const char *section, const char *key, const char *value, void *userdata) {
        must(key && value && !strchr(key, '\n') && !strchr(value, '\n'));
        return 0;
}

static void record(const void *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        int r = record_walk(text, field, NULL);

        must(r >= 0 || r == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const functions[])(const void *, size_t) = { image, templates, snapshot, record };
        size_t i = fuzz_choice(&data, &size, ELEMENTSOF(functions));

        functions[i](data, size);
        return 0;
}
