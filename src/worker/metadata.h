/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "worker/image-conf.h"
#include "worker/job.h"

/* metadata.yaml of an LXD image. YAML is parsed by a parser process (sandbox.h), with limits and with a strict idea of what may be in it: one
 * document, a mapping, no anchors, aliases or tags. What comes back is a message of fields that is checked again. */

#define METADATA_SIZE_MAX (1024U * 1024U)
#define METADATA_DEPTH_MAX 32U
#define METADATA_KEYS_MAX 1000U /* of one mapping */

/* Fills architecture, description, times and properties of *c. scratch_fd: a directory of the job's. */
int metadata_read(Job *j, const char *text, size_t size, int scratch_fd, ImageConf *c);

/* What the parser process runs: fields NUL-terminated to out_fd; an error is the field "error". For tests too. */
int metadata_parse(const char *text, size_t size, char ***ret_fields, char **ret_error);
