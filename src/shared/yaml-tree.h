/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "basic/macro.h"

/* One YAML document as a tree of nodes, with limits, and without all that makes YAML dangerous or ambiguous: anchors, aliases, tags, several
 * documents, keys that are no text, the same key twice. */

typedef enum YamlType {
        YAML_TEXT,
        YAML_LIST,
        YAML_MAP,
} YamlType;

typedef struct YamlNode {
        YamlType type;
        size_t line;
        char *key;              /* owned; of a map's member */
        char *text;             /* owned; YAML_TEXT */
        bool plain;             /* YAML_TEXT without quotes: numbers, booleans and null are such */
        struct YamlNode *first; /* owned, with all that follow it */
        struct YamlNode *next;
} YamlNode;

YamlNode *yaml_node_free(YamlNode *n);
DEFINE_CLEANUP(YamlNode *, yaml_node_free)

/* *ret_error is a sentence that begins with the line (caller frees). */
int yaml_parse(const char *text, size_t size, unsigned depth_max, size_t keys_max, YamlNode **ret, char **ret_error);

YamlNode *yaml_member(const YamlNode *map, const char *key);
bool yaml_is_null(const YamlNode *n);
