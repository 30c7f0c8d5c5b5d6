/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <stdio.h>

#include "basic/macro.h"

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
        _JSON_MODE_MAX,
        _JSON_MODE_INVALID = -EINVAL,
} JsonMode;

JsonMode json_mode_from_string(const char *s);

static inline json_object *json_free(json_object *o) {
        json_object_put(o);
        return NULL;
}
DEFINE_CLEANUP(json_object *, json_free)
#define _cleanup_json_ _cleanup_(json_freep)

/* One value and a newline. What would make a terminal do something is written \uXXXX: the same value, harmless to look at. */
int json_print(json_object *o, JsonMode mode, FILE *f);
