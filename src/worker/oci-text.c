/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/oci-text.h"

#include <json.h>
#include <string.h>

#include "basic/strv.h"
#include "shared/host-architecture.h"
#include "worker/architecture.h"

#define DEPTH_MAX 32
#define VALUE_MAX 4096U
#define LIST_MAX 256U

static void json_free(json_object **o) {
        json_object_put(*o);
}
#define _cleanup_object_ __attribute__((cleanup(json_free)))

static int fail(char **error, const char *sentence) {
        if (!*error)
                *error = strdup(sentence);
        return -EBADMSG;
}

static int parse(const char *text, size_t size, json_type type, json_object **ret, char **error) {
        json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
        json_object *o;

        if (!t)
                return -ENOMEM;
        o = json_tokener_parse_ex(t, text, (int) size);
        json_tokener_free(t);
        if (!o || !json_object_is_type(o, type)) {
                json_object_put(o);
                return fail(error, "it is no JSON of that kind");
        }
        *ret = o;
        return 0;
}

/* NULL when it is not there, or of another type. */
static json_object *member(json_object *o, const char *key, json_type type) {
        json_object *m = NULL;

        return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &m) && json_object_is_type(m, type) ? m : NULL;
}

static const char *text_of(json_object *o, const char *key) {
        json_object *m = member(o, key, json_type_string);

        return m ? json_object_get_string(m) : NULL;
}

/* What is too long is nothing that is of use here. */
static int add(char ***fields, const char *name, const char *value) {
        return value && strlen(value) <= VALUE_MAX ? strv_extendf(fields, "%s=%s", name, value) : 0;
}

static int add_list(char ***fields, const char *name, json_object *array) {
        size_t n = array ? json_object_array_length(array) : 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < MIN_OF(n, (size_t) LIST_MAX); i++) {
                json_object *o = json_object_array_get_idx(array, i);

                if (json_object_is_type(o, json_type_string))
                        r = add(fields, name, json_object_get_string(o));
        }
        return r;
}

static bool is_for_this_host(json_object *descriptor) {
        json_object *platform = member(descriptor, "platform", json_type_object);
        const char *os = text_of(platform, "os"), *architecture = text_of(platform, "architecture");
        const char *name = architecture ? architecture_normalize(architecture) : NULL;

        return (!os || streq(os, "linux")) && (!architecture || (name && host_architecture_is(name)));
}

static const char *tag_of(json_object *descriptor) {
        return text_of(member(descriptor, "annotations", json_type_object), "org.opencontainers.image.ref.name");
}

/* Variants of an architecture have one name, or none; what is under another is another image. */
static bool is_other_image(json_object *a, json_object *b) {
        const char *x = tag_of(a), *y = tag_of(b);

        return x && y && !streq(x, y) && !streq(text_of(a, "digest"), text_of(b, "digest"));
}

/* Of several platforms that of the host; the only one whatever it is. */
int oci_parse_index(const char *text, size_t size, char ***ret_fields, char **ret_error) {
        _cleanup_object_ json_object *o = NULL;
        json_object *list, *found = NULL;
        const char *type;
        size_t n;
        int r;

        r = parse(text, size, json_type_object, &o, ret_error);
        if (r < 0)
                return r;
        list = member(o, "manifests", json_type_array);
        n = list ? json_object_array_length(list) : 0;
        for (size_t i = 0; i < MIN_OF(n, (size_t) LIST_MAX); i++) {
                json_object *d = json_object_array_get_idx(list, i);

                if (!text_of(d, "digest") || (n > 1 && !is_for_this_host(d)))
                        continue;
                if (found && is_other_image(found, d))
                        return fail(ret_error, "it has several images; copy the one that is meant to a layout of its own");
                found = found ?: d;
        }
        if (!found)
                return fail(ret_error, n > 0 ? "it has no image for this host's architecture" : "it lists no image");
        type = text_of(found, "mediaType");
        r = add(ret_fields, type && (endswith(type, ".index.v1+json") || endswith(type, ".list.v2+json")) ? "index" : "manifest", text_of(found, "digest"));
        return r < 0 ? r : add(ret_fields, "tag", tag_of(found));
}

int oci_parse_manifest(const char *text, size_t size, char ***ret_fields, char **ret_error) {
        _cleanup_object_ json_object *o = NULL;
        json_object *layers;
        const char *config;
        int r;

        r = parse(text, size, json_type_object, &o, ret_error);
        if (r < 0)
                return r;
        config = text_of(member(o, "config", json_type_object), "digest");
        layers = member(o, "layers", json_type_array);
        if (!config || !layers)
                return fail(ret_error, "it is no manifest of an image");
        r = add(ret_fields, "config", config);
        for (size_t i = 0; r >= 0 && i < MIN_OF(json_object_array_length(layers), (size_t) LIST_MAX); i++) {
                const char *digest = text_of(json_object_array_get_idx(layers, i), "digest");

                r = digest ? add(ret_fields, "layer", digest) : fail(ret_error, "one of its layers has no digest");
        }
        return r;
}

int oci_parse_docker(const char *text, size_t size, char ***ret_fields, char **ret_error) {
        _cleanup_object_ json_object *o = NULL;
        json_object *image, *layers;
        int r;

        r = parse(text, size, json_type_array, &o, ret_error);
        if (r < 0)
                return r;
        if (json_object_array_length(o) != 1)
                return fail(ret_error, "it has several images, or none; save them one by one");
        image = json_object_array_get_idx(o, 0);
        layers = member(image, "Layers", json_type_array);
        if (!text_of(image, "Config") || !layers)
                return fail(ret_error, "it names no configuration or no layers");
        r = add(ret_fields, "config", text_of(image, "Config"));
        if (r >= 0)
                r = add_list(ret_fields, "layer", layers);
        return r < 0 ? r : add_list(ret_fields, "tag", member(image, "RepoTags", json_type_array));
}

int oci_parse_config(const char *text, size_t size, char ***ret_fields, char **ret_error) {
        _cleanup_object_ json_object *o = NULL;
        json_object *config, *labels;
        int r;

        r = parse(text, size, json_type_object, &o, ret_error);
        if (r < 0)
                return r;
        config = member(o, "config", json_type_object);
        r = add(ret_fields, "architecture", text_of(o, "architecture"));
        if (r >= 0)
                r = add(ret_fields, "created", text_of(o, "created"));
        if (r >= 0)
                r = add_list(ret_fields, "diff", member(member(o, "rootfs", json_type_object), "diff_ids", json_type_array));
        if (r >= 0)
                r = add_list(ret_fields, "env", member(config, "Env", json_type_array));
        if (r >= 0)
                r = add_list(ret_fields, "argument", member(config, "Entrypoint", json_type_array));
        if (r >= 0)
                r = add_list(ret_fields, "argument", member(config, "Cmd", json_type_array));
        if (r >= 0)
                r = add(ret_fields, "directory", text_of(config, "WorkingDir"));
        if (r >= 0)
                r = add(ret_fields, "user", text_of(config, "User"));
        if (r >= 0)
                r = add(ret_fields, "signal", text_of(config, "StopSignal"));
        labels = member(config, "Labels", json_type_object);
        if (labels && r >= 0) {
                size_t n = 0;

                json_object_object_foreach(labels, key, value) {
                        if (r < 0 || ++n > LIST_MAX || !json_object_is_type(value, json_type_string) || strlen(key) > 64 ||
                            strlen(json_object_get_string(value)) > VALUE_MAX)
                                continue;
                        r = strv_extendf(ret_fields, "label=%s=%s", key, json_object_get_string(value));
                }
        }
        return r;
}
