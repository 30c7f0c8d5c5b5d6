/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "shared/message.h"

/* A strangers' text is parsed by a parser process (sandbox.h); what comes back is a message of fields, to be checked again. */

/* In that process: fields "key=value", or < 0 with a phrase. */
typedef int (*ParserFunction)(const char *text, size_t size, char ***ret_fields, char **ret_error);

/* scratch_fd: a directory of the job's. The field "error" says what is wrong with the text; < 0 when the process failed. */
int parser_run(ParserFunction parse, const char *text, size_t size, int scratch_fd, Message **ret);
