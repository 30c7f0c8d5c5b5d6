/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* The state directory ("On disk" in docs/ARCHITECTURE.md) as jobs use it: things being made and things being removed, each locked by the
 * job that does it, so that what a killed job leaves can be told from what is at work. */

#define NEW_PREFIX ".new-"

/* One of the DIR_ directories; made when it is not there. */
int store_open(Job *j, const char *directory, int *ret_fd);

/* An empty, locked directory .new-ID in dir_fd. */
int store_make_new(Job *j, int dir_fd, char **ret_name, int *ret_fd);

/* Opens and locks name in dir_fd (LOCK_SH or LOCK_EX; with LOCK_NB -EWOULDBLOCK when somebody has it). -ENOENT when it is gone, also when
 * it went while this waited. */
int store_lock(int dir_fd, const char *name, int operation, int *ret_fd);

/* Moves name, whose directory the caller has locked, into the trash; durable on return. */
int store_trash(Job *j, int dir_fd, const char *name, char **ret_trash_name);
/* Removes name, which is in the trash or was never finished, with the volumes of the layers in it; when one cannot be removed all stays. */
int store_remove_tree(int dir_fd, const char *name);
/* Empties it; a failure is only logged, the collect job tries again. */
void store_empty_trash(Job *j, const char *trash_name);

/* trash/JOB, empty and locked: for what is made, and for what is left in the end; the collect job looks for what nobody uses as long as it is there. */
int store_make_scratch(Job *j, char **ret_name, int *ret_fd);

/* images/FINGERPRINT, locked. Fails with a sentence. */
int store_lock_image(Job *j, const char *fingerprint, int operation, int *ret_fd);
/* Is it one that a container can have? Fails with a sentence. */
int store_check_container_name(Job *j, const char *name);
/* containers/NAME, its name checked. Fails with a sentence. */
int store_open_container(Job *j, const char *name, int *ret_fd);
/* Takes the container's own lock, so that it does not run and no other job works on it; or fails with a sentence. */
int store_lock_container(Job *j, const char *name, int container_fd, int *ret_lock_fd);

int aliases_of(int state_fd, const char *fingerprint, char ***ret);
/* The alias stands for the image from now on; a sentence. alias.c */
int alias_point(Job *j, int aliases_fd, const char *alias, const char *fingerprint, bool replace);
/* Fingerprint that the alias stands for; -ENOENT. */
int alias_read(int aliases_fd, const char *alias, char ret[static 65]);
