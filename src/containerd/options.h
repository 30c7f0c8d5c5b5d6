/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* The `a{sv} options` at the end of many methods: each option of a method is a row, an unknown one is an error. */

typedef struct Option {
        const char *name;
        char type;      /* b: bool *, u: uint32_t *, t: uint64_t *, s: const char **, h: int * (both borrowed from the message) */
        void *value;    /* stays as it is when the option is not given */
} Option;

/* other: called for options of types that are not above; NULL when there are none. It reads the variant and returns > 0, or 0. */
typedef int (*OptionOther)(sd_bus_message *m, const char *name, void *userdata);

int options_read(sd_bus_message *m, const Option *options, size_t n, OptionOther other, void *userdata, sd_bus_error *error);
