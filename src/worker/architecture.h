/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Names of processor architectures as uname(1) and LXD's metadata have them, from ELF headers and from other names in use. */

#define ELF_HEADER_SIZE 20U

/* NULL when it is no ELF header or an unknown machine. */
const char *architecture_from_elf(const uint8_t *header, size_t size);
/* "amd64" -> "x86_64"; a name that is not known but well-formed is returned as it is, NULL for anything else. */
const char *architecture_normalize(const char *name);
