/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Servers of images that have a name: remotes.d/NAME.conf in /etc/berth or, where that is not there, in /usr/lib/berth; a link to /dev/null takes one
 * away. Nothing is contacted because of such a file. root: as in settings_load_at(). */

#define REMOTES_DIR "remotes.d"
#define REMOTE_SECTION "Remote"
#define REMOTE_NAME_MAX 63U
#define REMOTES_MAX 256U
#define REMOTE_LOCAL "local" /* this host: no file has that name */

typedef struct Remote {
        char *name;     /* all owned */
        char *url;      /* without a '/' at its end */
        char *keyring;  /* of those who sign its lists, or NULL: they are not signed, and what https: says of the server has to do */
        char *file;
} Remote;

void remote_done(Remote *r);

bool remote_name_valid(const char *name);
/* May it be in such a file? NULL, or what is wrong with it. */
const char *remote_check_url(const char *url);

/* -ENOENT: there is none. -EBADMSG: *ret_error is "FILE:LINE: reason". */
int remote_load(const char *root, const char *name, Remote *ret, char **ret_error);
/* Sorted names. */
int remote_list(const char *root, char ***ret);

/* "REMOTE:IMAGE": the name is copied, the rest pointed to. NULL where there is no such name in front. */
const char *remote_split(const char *source, char name[static REMOTE_NAME_MAX + 1]);
