/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "worker/failure.h"

/* One regular file into or out of a container. Runs inside it (storage/rootfs.h); what is there is hostile and may change at any moment. */

#define MODE_UNSET ((mode_t) -1)

typedef struct CopyFile {
        const char *path;
        int fd;         /* the caller's: source or destination */
        int cancel_fd;  /* borrowed: readable when the copy is to end without a result */
        bool fd_is_file;
        mode_t mode;    /* MODE_UNSET: as the file that is replaced, or 0644 */
        uid_t uid;      /* (uid_t) -1: likewise, or 0 */
        gid_t gid;
        bool keep;      /* the file is there, through a symlink too, and only its content is another: access lists and attributes stay */
} CopyFile;

/* The file appears under its name at once and whole: whoever reads sees the old one or the new one. */
int copy_file_to(int root_fd, const CopyFile *c, Failure *f);

/* Only regular files; never waits for a fifo or device. Says in *ret what the file was. */
int copy_file_from(int root_fd, const CopyFile *c, struct stat *ret, Failure *f);

/* The content of one file; keeps holes where both are files. Returns < 0 and says in *ret_writing which side failed. -ECANCELED: cancel_fd,
 * which may be -EBADF, has become readable. */
int copy_content(int from_fd, bool from_is_file, int to_fd, bool to_is_file, int cancel_fd, bool *ret_writing);

/* Directory and last part of an absolute path; -EINVAL when there is no last part that could be a file. */
int split_path(char *path, char **ret_directory, char **ret_name);
