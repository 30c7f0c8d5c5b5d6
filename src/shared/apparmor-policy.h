/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A profile as the kernel takes it, made by apparmor_parser(8) and kept in the container's directory behind what it was made of. Knows nothing of
 * what a profile says. */

#define APPARMOR_DIRECTORY BERTH_LIBEXECDIR "/apparmor"

/* ret and ret_size may be NULL. container_fd negative: only to see whether the text is right. anew: whatever is kept. -EBADMSG: the text is wrong, *ret_error is what the parser says; with other errors it may be set, too. */
int apparmor_policy_compile(int container_fd, const char *text, bool anew, void **ret, size_t *ret_size, char **ret_error);
