/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/template/value.h"

/* The filters of a template's expressions, {{ value|name:argument }}. */

typedef Value *(*Filter)(Arena *a, const Value *v, const Value *argument);

/* NULL: there is none of that name. A filter returns NULL when the arena is full. */
Filter filter_find(const char *name, size_t size);
