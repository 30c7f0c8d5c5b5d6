/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The language of templates: ends, within its memory, and puts out no more than it may. */

#include "fuzz.h"
#include "launch/template/render.h"

#define ARENA_SIZE (4U << 20)
#define OUTPUT_MAX 65536U

static Value *variables(Arena *a) {
        Value *v = value_new(a, VALUE_MAP), *container = value_new(a, VALUE_MAP), *config = value_new(a, VALUE_MAP), *devices = value_new(a, VALUE_MAP),
              *eth0 = value_new(a, VALUE_MAP);

        must(value_set_text(a, v, "trigger", "create") >= 0);
        must(value_set_text(a, v, "path", "/etc/hosts") >= 0);
        must(value_set_text(a, container, "name", "web1") >= 0);
        must(value_set_text(a, config, "user.data", "a\nb<&>'\"") >= 0);
        must(value_set(a, container, "number", value_number(a, INT64_MIN)) >= 0);
        must(value_set_text(a, eth0, "type", "nic") >= 0);
        must(value_set(a, devices, "eth0", eth0) >= 0);
        must(value_set(a, devices, "root", value_copy(a, eth0)) >= 0);
        must(value_set(a, v, "container", container) >= 0);
        must(value_set(a, v, "config", config) >= 0);
        must(value_set(a, v, "devices", devices) >= 0);
        return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Arena arena;
        static char *output;
        _cleanup_free_ char *text = NULL;
        char error[TEMPLATE_ERROR_MAX] = "";
        size_t n = 0;

        if (!output) {
                must(arena_new(ARENA_SIZE, &arena) >= 0);
                output = malloc(OUTPUT_MAX);
                must(output);
        }
        /* As it comes from the kernel. */
        memset(arena.base, 0, arena.used);
        arena.used = 0;

        /* On the heap, with nothing behind it. */
        text = malloc(size ?: 1);
        must(text);
        if (size > 0)
                memcpy(text, data, size);
        if (template_render(&arena, variables(&arena), text, size, output, OUTPUT_MAX, &n, error) < 0)
                must(error[0]);
        must(n <= OUTPUT_MAX);
        return 0;
}
