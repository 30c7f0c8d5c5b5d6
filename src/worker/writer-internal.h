/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/stream.h"
#include "worker/writer.h"

/* The writer's state, for writer.c (the loop and the kinds of entries), writer-place.c (where an entry goes) and writer-metadata.c
 * (what it is given). All return 0 or < 0 with the report's failure set. */

/* A directory's owner, mode, attributes and times are set at the end: later entries change its times, and nothing should be inherited
 * from set-group-ID bits and default ACLs that the archive did not say itself. */
typedef struct PendingDirectory {
        char *path; /* owned */
        StreamEntry entry;
        uint8_t *attributes; /* owned, NULL when it has none */
} PendingDirectory;

typedef struct Writer {
        StreamIn in;
        int root_fd; /* borrowed */
        bool fresh, layer;
        const UnpackShared *shared;
        WriterReport *report;

        char parent[STREAM_PATH_MAX + 1]; /* directory that parent_fd is */
        int parent_fd;                    /* owned; -EBADF when not valid */

        PendingDirectory *directories; /* owned */
        size_t n_directories, allocated_directories;
} Writer;

/* "The archive's entry 'x' PROBLEM." */
int writer_fail_entry(Writer *w, FailureKind kind, int error, const char *problem);
/* The same for a failed system call. */
int writer_fail_errno(Writer *w, int error, const char *what);

/* The directory that path is in, made when it is not there; *ret_fd is borrowed, *ret_name is path's last part. */
int place_find_parent(Writer *w, char *path, int *ret_fd, const char **ret_name);
/* As above for the target of a hard link, which must be there. */
int place_find_link_target(Writer *w, char *path, int *ret_fd, const char **ret_name);
/* Removes what is in the way of an entry. */
int place_clear(Writer *w, int parent_fd, const char *name);
void place_forget(Writer *w);

/* Owner, mode, attributes, times of an open file or directory. */
int metadata_apply(Writer *w, int fd, const StreamEntry *e, bool created_with_mode);
/* Owner and times of what cannot be opened. */
int metadata_apply_at(Writer *w, int parent_fd, const char *name, const StreamEntry *e);
int metadata_defer(Writer *w);
int metadata_apply_deferred(Writer *w);
