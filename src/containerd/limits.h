/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An end to everything that a caller can make more of. What an administrator may lower is in berth.conf (settings/server.h). */

#define CONTAINERS_MAX 4096U
#define IMAGES_MAX 1024U
#define ALIASES_MAX 8192U
#define JOBS_MAX 64U                 /* at once */
#define CALLS_MAX 1024U              /* waiting for polkit at once */
#define CALLS_PER_USER_MAX 32U
#define SETTINGS_PER_CALL_MAX 256U
#define ALIASES_PER_CALL_MAX 32U
#define PROPERTIES_PER_CALL_MAX 256U
#define ARGUMENTS_MAX 2048U          /* argv and environment of a session together */
#define REQUEST_BYTES_MAX (128U * 1024U) /* one datagram; the kernel's default send buffer takes 208 KiB with its overhead */
#define TEXT_BYTES_MAX 4096U         /* a description, a path */
#define SIGNAL_MAX 64
#define SETTINGS_TEXT_MAX (48U * 1024U)  /* a settings file that is replaced as a whole: two of them in one request */
