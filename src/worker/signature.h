/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* Whether somebody signed a text whose key is in a keyring: gpgv(1) says it, in a process without files of berth's, network or rights. */

#define KEYRING_SIZE_MAX (1024U * 1024U)

/* A keyring as a file in memory, which is what gpgv is given. name: for sentences. */
int signature_load_keyring(Job *j, int fd, const char *name, int *ret_fd);

/* signature NULL: text is signed in itself, and *ret is what was signed. Else the signature is detached, and ret NULL. Fails with a sentence. */
int signature_check(Job *j, int keyring_fd, const char *name, const char *text, size_t size, const char *signature, size_t signature_size,
                    char **ret, size_t *ret_size);
