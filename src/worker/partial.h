/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* Files whose SHA-256 is known before they are downloaded, as far as they are: images/.partial-SHA256, which the next download of the same file goes on with, whoever asks for it
 * and of whatever server, because the hash of all of it decides in the end. What a user has of a server that he chose himself is .partial-SHA256-UID, for him alone: such a server can
 * promise any hash and send something else, and others would have that for a beginning. There are few of them, for a day, and each is locked by who works on it. */

/* Locked, with what is there in it; without a name when another job has it. Fails with a sentence. */
int partial_open(Job *j, int images_fd, const char *sha256, uid_t uid, int *ret_fd);
/* It is whole, or no use; an open one stays until it is closed. */
void partial_forget(int images_fd, const char *sha256, uid_t uid);
/* Removes those that are old, and the oldest until there are so few. */
void partial_expire(int images_fd, size_t max);

#define PARTIALS_MAX 4U
