/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/metadata.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "shared/image-templates.h"
#include "shared/message.h"
#include "shared/yaml-tree.h"
#include "worker/architecture.h"
#include "worker/parser.h"

typedef struct Checker {
        char **fields; /* owned */
        char **error;
} Checker;

static int fail(Checker *c, const YamlNode *n, const char *format, ...) _printf_(3, 4);
static int fail(Checker *c, const YamlNode *n, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (!*c->error && text && asprintf(c->error, "line %zu: %s", n->line, text) < 0)
                *c->error = NULL;
        return -EBADMSG;
}

static int check_text(Checker *c, const char *what, const YamlNode *n) {
        if (n->type != YAML_TEXT)
                return fail(c, n, "'%.100s' must be a text", what);
        if (!image_text_valid(n->text))
                return fail(c, n, "'%.100s' is longer than %u bytes or holds control characters", what, IMAGE_TEXT_MAX);
        return 0;
}

static int check_architecture(Checker *c, const YamlNode *n) {
        const char *name;

        if (n->type != YAML_TEXT || yaml_is_null(n))
                return fail(c, n, "'architecture' must be a text");
        name = architecture_normalize(n->text);
        if (!name)
                return fail(c, n, "'architecture' is no name of an architecture");
        return strv_extendf(&c->fields, "architecture=%s", name);
}

static int check_date(Checker *c, const YamlNode *n, const char *field) {
        uint64_t seconds;

        if (yaml_is_null(n))
                return 0;
        if (n->type != YAML_TEXT || !n->plain || parse_u64(n->text, UINT64_MAX / USEC_PER_SEC, &seconds) < 0)
                return fail(c, n, "'%s' must be a number of seconds", n->key);
        return strv_extendf(&c->fields, "%s=%llu", field, (unsigned long long) seconds);
}

static int check_creation_date(Checker *c, const YamlNode *n) {
        return check_date(c, n, "creation-date");
}

static int check_expiry_date(Checker *c, const YamlNode *n) {
        return check_date(c, n, "expiry-date");
}

/* berth's own: of the text that people edit. */
static int check_public(Checker *c, const YamlNode *n) {
        if (n->type != YAML_TEXT || !n->plain || parse_bool(n->text) < 0)
                return fail(c, n, "'public' must be true or false");
        return strv_extendf(&c->fields, "public=%s", parse_bool(n->text) > 0 ? "yes" : "no");
}

static int check_properties(Checker *c, const YamlNode *n) {
        size_t count = 0;
        int r;

        if (yaml_is_null(n))
                return 0;
        if (n->type != YAML_MAP)
                return fail(c, n, "'properties' must be a map");
        for (const YamlNode *p = n->first; p; p = p->next) {
                if (!image_property_key_valid(p->key))
                        return fail(c, p, "'%.100s' is no name of a property", p->key);
                if (yaml_is_null(p))
                        continue;
                if (++count > IMAGE_PROPERTIES_MAX)
                        return fail(c, p, "'properties' has more than %u entries", IMAGE_PROPERTIES_MAX);
                r = check_text(c, p->key, p);
                if (r >= 0)
                        r = strv_extendf(&c->fields, "property=%s=%s", p->key, p->text);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A template's own may have several lines, such as a default for cloud-init. */
static int check_property(Checker *c, const YamlNode *n) {
        if (yaml_is_null(n))
                return 0;
        if (n->type != YAML_TEXT)
                return fail(c, n, "'%.100s' must be a text", n->key);
        if (strlen(n->text) > IMAGE_TEXT_MAX || !image_property_key_valid(n->key))
                return fail(c, n, "'%.100s' is no name of a property, or its text is longer than %u bytes", n->key, IMAGE_TEXT_MAX);
        return strv_extendf(&c->fields, "template=property=%s=%s", n->key, n->text);
}

static int check_template(Checker *c, const YamlNode *n) {
        const YamlNode *file = yaml_member(n, "template"), *when = yaml_member(n, "when"), *only = yaml_member(n, "create_only"),
                       *properties = yaml_member(n, "properties");
        int r;

        if (!image_template_path_valid(n->key))
                return fail(c, n, "the template's target '%.100s' is no absolute path without '..'", n->key);
        if (n->type != YAML_MAP)
                return fail(c, n, "the template of '%.100s' must be a map", n->key);
        if (!file || file->type != YAML_TEXT || !image_template_file_valid(file->text))
                return fail(c, file ?: n, "'template' of '%.100s' must be the name of a file in templates/", n->key);
        r = strv_extendf(&c->fields, "template=path=%s", n->key);
        if (r >= 0)
                r = strv_extendf(&c->fields, "template=file=%s", file->text);
        if (r < 0)
                return r;
        if (when && !yaml_is_null(when)) {
                if (when->type != YAML_LIST)
                        return fail(c, when, "'when' of '%.100s' must be a list", n->key);
                for (const YamlNode *w = when->first; w; w = w->next) {
                        r = check_text(c, "when", w);
                        if (r >= 0)
                                r = strv_extendf(&c->fields, "template=when=%s", w->text);
                        if (r < 0)
                                return r;
                }
        }
        if (only && (only->type != YAML_TEXT || !only->plain || parse_bool(only->text) < 0))
                return fail(c, only, "'create_only' of '%.100s' must be true or false", n->key);
        if (only && parse_bool(only->text) > 0) {
                r = strv_extend(&c->fields, "template=create-only=yes");
                if (r < 0)
                        return r;
        }
        if (properties && !yaml_is_null(properties)) {
                if (properties->type != YAML_MAP)
                        return fail(c, properties, "'properties' of '%.100s' must be a map", n->key);
                for (const YamlNode *p = properties->first; p; p = p->next) {
                        r = check_property(c, p);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int check_templates(Checker *c, const YamlNode *n) {
        size_t count = 0;
        int r;

        if (yaml_is_null(n))
                return 0;
        if (n->type != YAML_MAP)
                return fail(c, n, "'templates' must be a map");
        for (const YamlNode *t = n->first; t; t = t->next) {
                if (++count > IMAGE_TEMPLATES_MAX)
                        return fail(c, t, "'templates' has more than %u entries", IMAGE_TEMPLATES_MAX);
                r = check_template(c, t);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Keys that are not here are left alone: other tools write their own. */
static const struct {
        const char *key;
        int (*check)(Checker *c, const YamlNode *n);
        bool required;
} keys[] = {
        { "architecture",  check_architecture,  true  },
        { "creation_date", check_creation_date, false },
        { "expiry_date",   check_expiry_date,   false },
        { "properties",    check_properties,    false },
        { "public",        check_public,        false },
        { "templates",     check_templates,     false },
};

int metadata_parse(const char *text, size_t size, char ***ret_fields, char **ret_error) {
        _cleanup_(yaml_node_freep) YamlNode *root = NULL;
        _cleanup_strv_ char **fields = NULL;
        Checker c = { .error = ret_error };
        int r;

        *ret_error = NULL;
        r = yaml_parse(text, size, METADATA_DEPTH_MAX, METADATA_KEYS_MAX, &root, ret_error);
        if (r < 0)
                return r;
        if (root->type != YAML_MAP)
                return fail(&c, root, "it must be a map of keys");

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(keys); i++) {
                const YamlNode *n = yaml_member(root, keys[i].key);

                if (n)
                        r = keys[i].check(&c, n);
                else if (keys[i].required)
                        r = fail(&c, root, "the key '%s' is missing", keys[i].key);
        }
        fields = c.fields;
        if (r < 0)
                return r;
        *ret_fields = TAKE_PTR(fields);
        return 0;
}

static int take_field(ImageConf *c, const char *field) {
        _cleanup_free_ char *key = NULL;
        const char *value;
        uint64_t seconds;

        if ((value = startswith(field, "architecture=")))
                return architecture_normalize(value) ? free_and_strdup(&c->architecture, value) : -EBADMSG;
        if ((value = startswith(field, "creation-date="))) {
                if (parse_u64(value, UINT64_MAX / USEC_PER_SEC, &seconds) < 0)
                        return -EBADMSG;
                c->created_usec = seconds * USEC_PER_SEC;
                return 0;
        }
        if ((value = startswith(field, "expiry-date="))) {
                if (parse_u64(value, UINT64_MAX / USEC_PER_SEC, &seconds) < 0)
                        return -EBADMSG;
                c->expires_usec = seconds * USEC_PER_SEC;
                return 0;
        }
        if ((value = startswith(field, "public=")))
                return c->public = streq(value, "yes"), 0;
        if ((value = startswith(field, "template=")))
                return image_templates_add_field(&c->templates, value);
        if ((value = startswith(field, "property="))) {
                const char *equals = strchr(value, '=');

                if (!equals || !(key = strndup(value, (size_t) (equals - value))))
                        return equals ? -ENOMEM : -EBADMSG;
                if (streq(key, "description") && image_text_valid(equals + 1) && !c->description &&
                    !(c->description = strdup(equals + 1)))
                        return -ENOMEM;
                return image_conf_set_property(c, key, equals + 1);
        }
        return -EBADMSG;
}

int metadata_read(Job *j, const char *text, size_t size, int scratch_fd, ImageConf *c) {
        _cleanup_(message_freep) Message *m = NULL;
        const char *error;
        int r;

        r = parser_run(metadata_parse, text, size, scratch_fd, &m);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_METADATA, r, "The image's metadata.yaml could not be read: its parser failed.");

        error = message_get(m, "error");
        if (error)
                return failure_set(&j->failure, FAILURE_BAD_METADATA, EBADMSG, "The image's metadata.yaml is not right: %s.", error);
        STRV_FOREACH(f, m->fields) {
                r = take_field(c, *f);
                if (r < 0)
                        return failure_set(&j->failure, FAILURE_BAD_METADATA, r, "The image's metadata.yaml could not be used: %m");
        }
        return 0;
}
