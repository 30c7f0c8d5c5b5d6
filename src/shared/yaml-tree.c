/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/yaml-tree.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "basic/strv.h"

typedef struct Loader {
        yaml_parser_t parser;
        unsigned depth_max;
        size_t keys_max;
        char *error; /* owned */
} Loader;

YamlNode *yaml_node_free(YamlNode *n) {
        while (n) {
                YamlNode *next = n->next;

                /* As deep as the tree, which is limited. */
                n->first = yaml_node_free(n->first);
                free(n->key);
                free(n->text);
                free(n);
                n = next;
        }
        return NULL;
}

static int fail(Loader *l, size_t line, const char *format, ...) _printf_(3, 4);
static int fail(Loader *l, size_t line, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (!l->error && text && asprintf(&l->error, "line %zu: %s", line + 1, text) < 0)
                l->error = NULL;
        return -EBADMSG;
}

static int next_event(Loader *l, yaml_event_t *ret) {
        if (yaml_parser_parse(&l->parser, ret))
                return 0;
        if (l->parser.error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        return fail(l, l->parser.problem_mark.line, "%s", l->parser.problem ?: "this is no YAML");
}

static void event_done(yaml_event_t *e) {
        yaml_event_delete(e);
}

static int load_scalar(Loader *l, const yaml_event_t *e, char **ret) {
        const char *value = (const char *) e->data.scalar.value;
        size_t line = e->start_mark.line;

        if (e->data.scalar.anchor)
                return fail(l, line, "anchors are not allowed");
        if (e->data.scalar.tag)
                return fail(l, line, "tags are not allowed");
        if (strlen(value) != e->data.scalar.length)
                return fail(l, line, "a NUL byte is in a text");
        *ret = strdup(value);
        return *ret ? 0 : -ENOMEM;
}

static int load_node(Loader *l, yaml_event_t *e, unsigned depth, YamlNode **ret);

static int load_members(Loader *l, YamlNode *parent, yaml_event_type_t end, unsigned depth) {
        YamlNode **tail = &parent->first;
        size_t n = 0;
        int r;

        for (;;) {
                _cleanup_(event_done) yaml_event_t e = {};
                _cleanup_free_ char *key = NULL;

                r = next_event(l, &e);
                if (r < 0)
                        return r;
                if (e.type == end)
                        return 0;

                if (parent->type == YAML_MAP) {
                        if (++n > l->keys_max)
                                return fail(l, e.start_mark.line, "more than %zu keys are in one map", l->keys_max);
                        if (e.type == YAML_ALIAS_EVENT)
                                return fail(l, e.start_mark.line, "aliases are not allowed");
                        if (e.type != YAML_SCALAR_EVENT)
                                return fail(l, e.start_mark.line, "a key is no text");
                        r = load_scalar(l, &e, &key);
                        if (r < 0)
                                return r;
                        if (yaml_member(parent, key))
                                return fail(l, e.start_mark.line, "the key '%.200s' is there twice", key);
                        yaml_event_delete(&e);
                        memset(&e, 0, sizeof e);
                        r = next_event(l, &e);
                        if (r < 0)
                                return r;
                }

                r = load_node(l, &e, depth + 1, tail);
                if (r < 0)
                        return r;
                (*tail)->key = TAKE_PTR(key);
                tail = &(*tail)->next;
        }
}

static int load_node(Loader *l, yaml_event_t *e, unsigned depth, YamlNode **ret) {
        _cleanup_(yaml_node_freep) YamlNode *n = NULL;
        size_t line = e->start_mark.line;
        int r;

        if (depth > l->depth_max)
                return fail(l, line, "it is nested deeper than %u levels", l->depth_max);

        n = calloc(1, sizeof *n);
        if (!n)
                return -ENOMEM;
        n->line = line + 1;

        switch (e->type) {
        case YAML_SCALAR_EVENT:
                n->type = YAML_TEXT;
                n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
                r = load_scalar(l, e, &n->text);
                break;
        case YAML_SEQUENCE_START_EVENT:
                if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
                        return fail(l, line, "anchors and tags are not allowed");
                n->type = YAML_LIST;
                r = load_members(l, n, YAML_SEQUENCE_END_EVENT, depth);
                break;
        case YAML_MAPPING_START_EVENT:
                if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
                        return fail(l, line, "anchors and tags are not allowed");
                n->type = YAML_MAP;
                r = load_members(l, n, YAML_MAPPING_END_EVENT, depth);
                break;
        case YAML_ALIAS_EVENT:
                return fail(l, line, "aliases are not allowed");
        default:
                return fail(l, line, "it is empty");
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(n);
        return 0;
}

static int load_document(Loader *l, YamlNode **ret) {
        static const yaml_event_type_t before[] = { YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT };
        static const yaml_event_type_t after[] = { YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT };
        _cleanup_(yaml_node_freep) YamlNode *n = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(before); i++) {
                _cleanup_(event_done) yaml_event_t e = {};

                r = next_event(l, &e);
                if (r < 0)
                        return r;
                if (e.type != before[i])
                        return fail(l, e.start_mark.line, "it is empty");
        }

        {
                _cleanup_(event_done) yaml_event_t e = {};

                r = next_event(l, &e);
                if (r >= 0)
                        r = load_node(l, &e, 1, &n);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < ELEMENTSOF(after); i++) {
                _cleanup_(event_done) yaml_event_t e = {};

                r = next_event(l, &e);
                if (r < 0)
                        return r;
                if (e.type != after[i])
                        return fail(l, e.start_mark.line, "there is a second document");
        }
        *ret = TAKE_PTR(n);
        return 0;
}

int yaml_parse(const char *text, size_t size, unsigned depth_max, size_t keys_max, YamlNode **ret, char **ret_error) {
        Loader l = { .depth_max = depth_max, .keys_max = keys_max };
        int r;

        assert(text && ret && ret_error);

        if (!yaml_parser_initialize(&l.parser))
                return -ENOMEM;
        /* Or a byte order mark would choose UTF-16. */
        yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&l.parser, (const unsigned char *) text, size);
        r = load_document(&l, ret);
        yaml_parser_delete(&l.parser);
        *ret_error = l.error;
        return r;
}

YamlNode *yaml_member(const YamlNode *map, const char *key) {
        for (YamlNode *n = map->type == YAML_MAP ? map->first : NULL; n; n = n->next)
                if (n->key && streq(n->key, key))
                        return n;
        return NULL;
}

bool yaml_is_null(const YamlNode *n) {
        return n->type == YAML_TEXT && n->plain && (!*n->text || streq(n->text, "~") || strcasecmp(n->text, "null") == 0);
}
