/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* A user of the guest, from the guest's own /etc/passwd and /etc/group, read as text: no NSS, so that no code of the guest is loaded
 * (ATTACKS S23, CVE-2019-14271). */

typedef struct GuestUser {
        char *name;  /* owned, as are the next two */
        char *home;
        char *shell;
        uid_t uid;
        gid_t gid;
        gid_t groups[64];
        size_t n_groups;
        bool in_passwd; /* else only a number was given, or root meant */
} GuestUser;

void guest_user_done(GuestUser *u);

/* name: a name or a number ("" or NULL: root), and behind ':' the one group that it shall have. root_fd: the guest's root. -ESRCH: no such user or group. Root and
 * plain numbers need no files. */
int guest_user_find(int root_fd, const char *name, GuestUser *ret);

/* Takes on its ids and groups. */
int guest_user_become(const GuestUser *u);
