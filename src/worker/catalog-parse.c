/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "shared/names.h"
#include "worker/catalog.h"

/* simplestreams' two kinds of lists, as Ubuntu and the makers of LXC publish them. The index names lists of products; a product (release, variant,
 * architecture) has versions, a version has files, and of one version berth takes the metadata and one root file system. Runs as a parser
 * (sandbox.h): what it says is checked by who reads it. */

#define DEPTH_MAX 24
#define ARCHITECTURES_NAMED_MAX 16U

static json_object *parse(const char *text, size_t size) {
        json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
        json_object *o = NULL;

        if (t && size < INT_MAX) {
                o = json_tokener_parse_ex(t, text, (int) size);
                if (json_tokener_get_error(t) != json_tokener_success) {
                        json_object_put(o);
                        o = NULL;
                }
        }
        json_tokener_free(t);
        return o;
}

static json_object *member(json_object *o, const char *key, enum json_type type) {
        json_object *v;

        return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

static const char *text_of(json_object *o, const char *key) {
        json_object *v = member(o, key, json_type_string);

        return v ? json_object_get_string(v) : NULL;
}

static void put(FILE *out, const char *key, const char *value) {
        fprintf(out, "%s=%s", key, value);
        fputc(0, out);
}

int catalog_parse_index(const char *text, size_t size, FILE *out) {
        json_object *root = parse(text, size), *index = member(root, "index", json_type_object);

        if (!index) {
                json_object_put(root);
                return -EBADMSG;
        }
        json_object_object_foreach(index, name, entry) {
                const char *type = text_of(entry, "datatype"), *path = text_of(entry, "path");

                if (name && type && path && streq(type, "image-downloads"))
                        put(out, "path", path);
        }
        json_object_put(root);
        return 0;
}

/* What a version has of what berth can use. */
typedef struct Files {
        json_object *metadata, *rootfs, *unified, *squashfs;
} Files;

static Files files_of(json_object *version) {
        json_object *items = member(version, "items", json_type_object);
        Files f = {};

        if (!items)
                return f;
        json_object_object_foreach(items, name, item) {
                const char *type = text_of(item, "ftype");

                if (!name || !type)
                        continue;
                /* Of the two names that the same file has, the newer one. */
                if (streq(type, "incus.tar.xz") || (streq(type, "lxd.tar.xz") && !f.metadata))
                        f.metadata = item;
                else if (streq(type, "root.tar.xz"))
                        f.rootfs = item;
                else if (streq(type, "squashfs"))
                        f.squashfs = item;
                else if (streq(type, "incus_combined.tar.gz") || (streq(type, "lxd_combined.tar.gz") && !f.unified))
                        f.unified = item;
        }
        return f;
}

static bool usable(const Files *f) {
        return (f->metadata && (f->rootfs || f->squashfs)) || f->unified;
}

static json_object *newest(json_object *product, const char **ret_serial, Files *ret) {
        json_object *versions = member(product, "versions", json_type_object), *found = NULL;

        *ret_serial = NULL;
        if (!versions)
                return NULL;
        json_object_object_foreach(versions, serial, version) {
                Files f = files_of(version);

                if (!usable(&f) || (*ret_serial && strcmp(serial, *ret_serial) <= 0))
                        continue;
                found = version;
                *ret_serial = serial;
                *ret = f;
        }
        return found;
}

static const char *kind_of(const Files *f) {
        return f->metadata && f->rootfs ? "root.tar.xz" : f->unified ? "unified" : "squashfs";
}

static const char *fingerprint_of(const Files *f) {
        const char *kind = kind_of(f);

        if (streq(kind, "unified"))
                return text_of(f->unified, "sha256");
        if (streq(kind, "squashfs"))
                return text_of(f->metadata, "combined_squashfs_sha256");
        return text_of(f->metadata, "combined_rootxz_sha256") ?: text_of(f->metadata, "combined_sha256");
}

static uint64_t size_of(json_object *item) {
        json_object *v = member(item, "size", json_type_int);

        return v && json_object_get_int64(v) > 0 ? (uint64_t) json_object_get_int64(v) : 0;
}

static bool has_alias(const char *aliases, const char *wanted, size_t n) {
        while (aliases && *aliases) {
                size_t length;

                aliases += strspn(aliases, ", ");
                length = strcspn(aliases, ",");
                if (length == n && strncmp(aliases, wanted, n) == 0)
                        return true;
                aliases += length;
        }
        return false;
}

static void put_file(FILE *out, json_object *item) {
        const char *path = text_of(item, "path"), *sha256 = text_of(item, "sha256");

        fprintf(out, "file=%s %llu %s", sha256 ?: "?", (unsigned long long) size_of(item), path ?: "");
        fputc(0, out);
}

static void put_image(FILE *out, json_object *product, const char *serial, const Files *f) {
        const char *kind = kind_of(f), *fingerprint = fingerprint_of(f);

        put(out, "architecture", text_of(product, "arch") ?: "");
        put(out, "serial", serial);
        put(out, "kind", kind);
        if (fingerprint)
                put(out, "fingerprint", fingerprint);
        if (streq(kind, "unified"))
                put_file(out, f->unified);
        else {
                put_file(out, f->metadata);
                put_file(out, streq(kind, "squashfs") ? f->squashfs : f->rootfs);
        }
}

/* A column of a line: no character that would end it, or be taken for more than text. */
static void put_column(FILE *out, const char *text, char end) {
        _cleanup_free_ char *escaped = NULL;

        if (text && string_escape(text, &escaped) >= 0)
                fputs(escaped, out);
        fputc(end, out);
}

static void put_line(FILE *out, json_object *product, const char *serial, const Files *f) {
        const char *os = text_of(product, "os"), *release = text_of(product, "release_title") ?: text_of(product, "release"),
                   *variant = text_of(product, "variant");
        _cleanup_free_ char *description = NULL;
        uint64_t size = streq(kind_of(f), "unified") ? size_of(f->unified) :
                        size_of(f->metadata) + size_of(f->rootfs ?: f->squashfs);

        if (asprintf(&description, "%s %s%s%s%s", os ?: "", release ?: "", variant ? " (" : "", variant ?: "", variant ? ")" : "") < 0)
                description = NULL;
        put_column(out, text_of(product, "aliases"), '\t');
        put_column(out, text_of(product, "arch"), '\t');
        put_column(out, description, '\t');
        put_column(out, serial, '\t');
        fprintf(out, "%llu\t", (unsigned long long) size);
        put_column(out, kind_of(f), '\t');
        put_column(out, fingerprint_of(f), '\n');
}

static int find(json_object *products, const char *wanted, const char *architecture, FILE *out) {
        const char *slash = strrchr(wanted, '/'), *others[ARCHITECTURES_NAMED_MAX];
        size_t n_others = 0;

        json_object_object_foreach(products, name, product) {
                const char *aliases = text_of(product, "aliases"), *arch = text_of(product, "arch"), *serial;
                bool plain, with_architecture;
                Files f = {};

                plain = has_alias(aliases, wanted, strlen(wanted));
                with_architecture = slash && arch && streq(slash + 1, arch) && has_alias(aliases, wanted, (size_t) (slash - wanted));
                if (!name || !arch || (!plain && !with_architecture) || !newest(product, &serial, &f))
                        continue;
                if (with_architecture || streq(arch, architecture)) {
                        put_image(out, product, serial, &f);
                        return 0;
                }
                if (n_others < ARCHITECTURES_NAMED_MAX)
                        others[n_others++] = arch;
        }
        for (size_t i = 0; i < n_others; i++)
                put(out, "other", others[i]);
        return 0;
}

int catalog_parse_products(const char *text, size_t size, const char *wanted, const char *architecture, FILE *out) {
        json_object *root = parse(text, size), *products = member(root, "products", json_type_object);
        int r = 0;

        if (!products)
                r = -EBADMSG;
        else if (wanted)
                r = find(products, wanted, architecture, out);
        else {
                json_object_object_foreach(products, name, product) {
                        const char *serial;
                        Files f = {};

                        if (name && newest(product, &serial, &f))
                                put_line(out, product, serial, &f);
                }
        }
        json_object_put(root);
        return r;
}
