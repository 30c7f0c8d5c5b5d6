/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* What the archive reader tells the writer: a sequence of records through a pipe, in the machine's own byte order, with nothing in it that
 * needs parsing. The reader is a process that hostile input may have taken over, so whoever receives checks every length and value here,
 * and every name again when it is used.
 *
 *   entry   StreamEntry, then path_size, link_size and attributes_size bytes
 *   data    StreamData, then size bytes of the last entry's content at offset; offsets only grow; what is left out is a hole
 *   end     StreamEnd: the archive was read to its end and was whole
 *   error   StreamError, then text_size bytes: it was not, and this is why
 *
 * Names have no NUL at their end. Attributes are StreamAttribute, name, value, one after the other; ACLs are the attributes
 * system.posix_acl_access and _default in the kernel's encoding. */

#define STREAM_MAGIC 0x62727468U

#define STREAM_PATH_MAX 4095U
#define STREAM_ATTRIBUTES_MAX 128U                  /* of one entry */
#define STREAM_ATTRIBUTES_SIZE_MAX (1024U * 1024U)  /* all of one entry */
#define STREAM_ATTRIBUTE_NAME_MAX 255U
#define STREAM_ATTRIBUTE_VALUE_MAX 65536U           /* the kernel's own limit */
#define STREAM_DATA_MAX (1024U * 1024U)             /* one record */
#define STREAM_TEXT_MAX 512U
#define STREAM_FILE_SIZE_MAX (UINT64_C(1) << 44)    /* 16 TiB, ext4's largest file */

typedef enum StreamKind {
        STREAM_ENTRY = 1,
        STREAM_DATA,
        STREAM_END,
        STREAM_ERROR,
} StreamKind;

typedef enum EntryType {
        ENTRY_FILE = 1,
        ENTRY_DIRECTORY,
        ENTRY_SYMLINK,
        ENTRY_HARDLINK,
        ENTRY_FIFO,
        ENTRY_DEVICE,
        ENTRY_SOCKET,
        _ENTRY_TYPE_MAX,
} EntryType;

typedef struct StreamHeader {
        uint32_t magic;
        uint32_t kind;
} StreamHeader;

typedef struct StreamEntry {
        uint32_t type;
        uint32_t mode; /* 07777 at most */
        uint64_t uid;
        uint64_t gid;
        uint64_t size;
        int64_t mtime_sec;
        uint32_t mtime_nsec;
        uint32_t path_size;
        uint32_t link_size;
        uint32_t n_attributes;
        uint32_t attributes_size;
        uint32_t unused;
} StreamEntry;

typedef struct StreamAttribute {
        uint32_t name_size;
        uint32_t value_size;
} StreamAttribute;

typedef struct StreamData {
        uint64_t offset;
        uint32_t size;
        uint32_t unused;
} StreamData;

typedef struct StreamError {
        uint32_t text_size;
        uint32_t unused;
} StreamError;

/* Sending end */
typedef struct StreamOut {
        int fd; /* borrowed */
        size_t used;
        uint8_t buffer[64 * 1024];
} StreamOut;

int stream_put_entry(StreamOut *o, const StreamEntry *e, const char *path, const char *link, const void *attributes);
int stream_put_data(StreamOut *o, uint64_t offset, const void *data, size_t size); /* any size; cut into records */
int stream_put_end(StreamOut *o);                      /* flushes */
int stream_put_error(StreamOut *o, const char *text);  /* flushes */

/* Receiving end */
typedef struct StreamIn {
        int fd; /* borrowed */
        size_t begin, end;
        uint8_t *buffer; /* owned */

        /* The record that stream_next() found; valid until the next call. */
        StreamEntry entry;
        char path[STREAM_PATH_MAX + 1];
        char link[STREAM_PATH_MAX + 1];
        uint8_t *attributes; /* owned */
        StreamData data;
        char text[STREAM_TEXT_MAX + 1];

        /* private */
        uint64_t position;  /* next offset that data of the entry may have */
        uint32_t unread;    /* bytes of the data record that were not taken yet */
        bool entry_has_data;
        StreamHeader header; /* of the record that comes next, when magic is set */
} StreamIn;

int stream_in_init(StreamIn *i, int fd);
void stream_in_done(StreamIn *i);

/* The kind of the next record; -EBADMSG for anything that breaks the rules, -ENODATA when the stream ends without an end record. */
int stream_next(StreamIn *i);

/* The kind of the next record, which stays where it is: the current entry is still valid. */
int stream_peek(StreamIn *i);

/* A piece of the data record, at most what is in the buffer: returns its size, 0 when the record is at its end. */
ssize_t stream_take_data(StreamIn *i, const void **ret);

/* Walks over the entry's attributes: begin with *position = 0. Returns 0 at the end. name has no NUL. */
int stream_next_attribute(const StreamIn *i, size_t *position, char ret_name[static STREAM_ATTRIBUTE_NAME_MAX + 1],
                          const void **ret_value, size_t *ret_size);
