/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/squashfs.h"

#include <sqfs/block.h>
#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>
#include <sqfs/xattr.h>
#include <sqfs/xattr_reader.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/strv.h"
#include "worker/entry-attributes.h"
#include "worker/reader.h"
#include "worker/stream.h"

#define DEPTH_MAX 256U
#define INODES_MAX (64U * 1024U * 1024U)
#define NO_ATTRIBUTES UINT32_MAX

/* What was the first name of an inode with several. */
typedef struct Link {
        uint32_t inode;
        char *path; /* owned */
} Link;

typedef struct Squashfs {
        sqfs_file_t file; /* first: libsquashfs hands it back */
        int fd;
        uint64_t size, out_bytes;
        sqfs_super_t super;
        sqfs_compressor_t *compressor;
        sqfs_data_reader_t *data;
        sqfs_id_table_t *ids;
        sqfs_xattr_reader_t *xattrs; /* NULL: there are none */
        EntryAttributes attributes;
        Link *links;      /* a hash table of n_slots, a power of two */
        size_t n_links, n_slots;
        uint8_t *seen;    /* a bit for every inode of a directory that has been read: one of two names would be a loop, or a bomb */
        char path[STREAM_PATH_MAX + 1];
        StreamOut *out;
        char error[STREAM_TEXT_MAX];
} Squashfs;

static int fail(Squashfs *s, const char *format, ...) _printf_(2, 3);
static int fail(Squashfs *s, const char *format, ...) {
        va_list ap;

        if (s->error[0])
                return -EBADMSG;
        va_start(ap, format);
        (void) vsnprintf(s->error, sizeof s->error, format, ap);
        va_end(ap);
        return -EBADMSG;
}

static int fail_library(Squashfs *s, int error) {
        if (error == SQFS_ERROR_ALLOC)
                return fail(s, "needs more than the %u MiB of memory that unpacking may take", READER_MEMORY_MAX >> 20);
        if (error == SQFS_ERROR_UNSUPPORTED)
                return fail(s, "is a squashfs of a kind or compression that is not supported");
        return fail(s, "is damaged or cut short (squashfs, error %d%s%.200s)", -error, s->path[0] ? " at " : "", s->path);
}

static int read_at(sqfs_file_t *file, sqfs_u64 offset, void *buffer, size_t size) {
        const Squashfs *s = (const Squashfs *) file;

        if (offset > s->size || size > s->size - offset)
                return SQFS_ERROR_OUT_OF_BOUNDS;
        for (size_t done = 0; done < size;) {
                ssize_t n = pread(s->fd, (uint8_t *) buffer + done, size - done, (off_t) (offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return SQFS_ERROR_IO;
                done += (size_t) n;
        }
        return 0;
}

static int write_at(_unused_ sqfs_file_t *file, _unused_ sqfs_u64 offset, _unused_ const void *buffer, _unused_ size_t size) {
        return SQFS_ERROR_UNSUPPORTED;
}

static sqfs_u64 get_size(const sqfs_file_t *file) {
        return ((const Squashfs *) file)->size;
}

static int set_size(_unused_ sqfs_file_t *file, _unused_ sqfs_u64 size) {
        return SQFS_ERROR_UNSUPPORTED;
}

static void destroy_nothing(_unused_ sqfs_object_t *o) {
}

static size_t slot_of(const Squashfs *s, uint32_t inode) {
        size_t i = (inode * UINT32_C(2654435761)) & (s->n_slots - 1);

        while (s->links[i].path && s->links[i].inode != inode)
                i = (i + 1) & (s->n_slots - 1);
        return i;
}

static int grow_links(Squashfs *s) {
        Squashfs grown = { .n_slots = MAX_OF(s->n_slots * 2, (size_t) 1024) };

        if (s->n_links * 2 < s->n_slots)
                return 0;
        grown.links = calloc(grown.n_slots, sizeof *grown.links);
        if (!grown.links)
                return fail_library(s, SQFS_ERROR_ALLOC);
        for (size_t i = 0; i < s->n_slots; i++)
                if (s->links[i].path)
                        grown.links[slot_of(&grown, s->links[i].inode)] = s->links[i];
        free(s->links);
        s->links = grown.links;
        s->n_slots = grown.n_slots;
        return 0;
}

static uint32_t link_count(const sqfs_inode_generic_t *i) {
        switch (i->base.type) {
        case SQFS_INODE_EXT_FILE:
                return i->data.file_ext.nlink;
        case SQFS_INODE_SLINK:
        case SQFS_INODE_EXT_SLINK:
                return i->data.slink.nlink;
        case SQFS_INODE_FIFO:
        case SQFS_INODE_EXT_FIFO:
                return i->data.ipc.nlink;
        default:
                return 1;
        }
}

/* Returns 1 and the first name if this is a further one. */
static int find_link(Squashfs *s, const sqfs_inode_generic_t *i, const char **ret) {
        size_t slot;
        int r;

        if (link_count(i) < 2)
                return 0;
        r = grow_links(s);
        if (r < 0)
                return r;
        slot = slot_of(s, i->base.inode_number);
        if (s->links[slot].path) {
                *ret = s->links[slot].path;
                return 1;
        }
        s->links[slot] = (Link) { .inode = i->base.inode_number, .path = strdup(s->path) };
        if (!s->links[slot].path)
                return fail_library(s, SQFS_ERROR_ALLOC);
        s->n_links++;
        return 0;
}

static int collect_attributes(Squashfs *s, const sqfs_inode_generic_t *inode) {
        sqfs_xattr_id_t description;
        uint32_t index = NO_ATTRIBUTES;
        int r;

        s->attributes.n = s->attributes.size = 0;
        if (!s->xattrs || sqfs_inode_get_xattr_index(inode, &index) != 0 || index == NO_ATTRIBUTES)
                return 0;
        r = sqfs_xattr_reader_get_desc(s->xattrs, index, &description);
        if (r == 0)
                r = sqfs_xattr_reader_seek_kv(s->xattrs, &description);
        for (uint32_t i = 0; r == 0 && i < description.count; i++) {
                sqfs_xattr_entry_t *key = NULL;
                sqfs_xattr_value_t *value = NULL;

                r = sqfs_xattr_reader_read_key(s->xattrs, &key);
                if (r == 0)
                        r = sqfs_xattr_reader_read_value(s->xattrs, key, &value);
                if (r == 0 && entry_attributes_add(&s->attributes, (const char *) key->key, value->value, value->size) < 0)
                        r = fail(s, "holds more extended attributes than a file can have ('%.300s')", s->path);
                free(key);
                free(value);
        }
        return r == 0 ? 0 : s->error[0] ? -EBADMSG : fail_library(s, r);
}

static int send_block(Squashfs *s, uint64_t offset, uint64_t file_size, const uint8_t *block, size_t size) {
        if (size == 0)
                return 0;
        if (offset > file_size || size > file_size - offset)
                return fail(s, "is damaged (content outside of its file, '%.300s')", s->path);
        s->out_bytes += size;
        if (s->out_bytes > BOMB_FREE_BYTES && s->out_bytes / BOMB_RATIO > s->size)
                return fail(s, "is a decompression bomb: it unpacks to more than %u times its size", BOMB_RATIO);
        return stream_put_data(s->out, offset, block, size);
}

static int send_content(Squashfs *s, const sqfs_inode_generic_t *inode, uint64_t file_size) {
        size_t n_blocks = inode->payload_bytes_used / sizeof(sqfs_u32), size;
        sqfs_u8 *block;
        uint64_t offset = 0;
        int r;

        for (size_t i = 0; i < n_blocks; i++, offset += s->super.block_size) {
                if (SQFS_IS_SPARSE_BLOCK(inode->extra[i]))
                        continue;
                block = NULL;
                r = sqfs_data_reader_get_block(s->data, inode, i, &size, &block);
                if (r != 0)
                        return fail_library(s, r);
                r = send_block(s, offset, file_size, block, size);
                free(block);
                if (r < 0)
                        return r;
        }
        block = NULL;
        size = 0;
        r = sqfs_data_reader_get_fragment(s->data, inode, &size, &block);
        if (r != 0)
                return fail_library(s, r);
        r = send_block(s, offset, file_size, block, size);
        free(block);
        return r;
}

static int entry_type(const sqfs_inode_generic_t *i) {
        static const int types[] = {
                [SQFS_INODE_DIR] = ENTRY_DIRECTORY, [SQFS_INODE_FILE] = ENTRY_FILE,   [SQFS_INODE_SLINK] = ENTRY_SYMLINK,
                [SQFS_INODE_BDEV] = ENTRY_DEVICE,   [SQFS_INODE_CDEV] = ENTRY_DEVICE, [SQFS_INODE_FIFO] = ENTRY_FIFO,
                [SQFS_INODE_SOCKET] = ENTRY_SOCKET,
        };
        unsigned type = i->base.type;

        if (type >= SQFS_INODE_EXT_DIR && type <= SQFS_INODE_EXT_SOCKET)
                type -= SQFS_INODE_EXT_DIR - SQFS_INODE_DIR;
        return type < ELEMENTSOF(types) && types[type] ? types[type] : -EBADMSG;
}

static int send_entry(Squashfs *s, const sqfs_inode_generic_t *inode, int type) {
        _cleanup_free_ char *target = NULL;
        const char *link = "";
        sqfs_u64 size = 0;
        uint32_t uid, gid;
        StreamEntry e;
        int r;

        r = sqfs_id_table_index_to_id(s->ids, inode->base.uid_idx, &uid);
        if (r == 0)
                r = sqfs_id_table_index_to_id(s->ids, inode->base.gid_idx, &gid);
        if (r == 0 && type == ENTRY_FILE)
                r = sqfs_inode_get_file_size(inode, &size);
        if (r != 0)
                return fail_library(s, r);
        if (size > STREAM_FILE_SIZE_MAX)
                return fail(s, "holds a file whose size is wrong ('%.300s')", s->path);
        if (type == ENTRY_SYMLINK) {
                target = strndup((const char *) inode->extra, MIN_OF(inode->payload_bytes_used, inode->data.slink.target_size));
                if (!target)
                        return fail_library(s, SQFS_ERROR_ALLOC);
                link = target;
                if (!*link || strlen(link) > STREAM_PATH_MAX)
                        return fail(s, "holds a link with a bad target ('%.300s')", s->path);
        }
        if (type != ENTRY_DIRECTORY) {
                r = find_link(s, inode, &link);
                if (r < 0)
                        return r;
                if (r > 0)
                        type = ENTRY_HARDLINK;
        }
        r = collect_attributes(s, inode);
        if (r < 0)
                return r;
        e = (StreamEntry) {
                .type = (uint32_t) type,
                .mode = inode->base.mode & 07777U,
                .uid = uid,
                .gid = gid,
                .size = type == ENTRY_FILE ? size : 0,
                .mtime_sec = inode->base.mod_time,
                .path_size = (uint32_t) strlen(s->path),
                .link_size = (uint32_t) strlen(link),
                .n_attributes = s->attributes.n,
                .attributes_size = s->attributes.size,
        };
        r = stream_put_entry(s->out, &e, s->path, link, s->attributes.data);
        return r < 0 || type != ENTRY_FILE ? r : send_content(s, inode, size);
}

static int send_directory(Squashfs *s, const sqfs_inode_generic_t *inode, unsigned depth);

static int send_member(Squashfs *s, sqfs_dir_reader_t *reader, const sqfs_dir_entry_t *entry, unsigned depth) {
        size_t length = strlen(s->path), n = strnlen((const char *) entry->name, (size_t) entry->size + 1);
        sqfs_inode_generic_t *inode = NULL;
        int r, type;

        if (n == 0 || memchr(entry->name, '/', n) || length + 1 + n > STREAM_PATH_MAX)
                return fail(s, "holds an entry whose name cannot be ('%.300s')", s->path);
        s->path[length] = '/';
        memcpy(s->path + length + 1, entry->name, n);
        s->path[length + 1 + n] = 0;

        r = sqfs_dir_reader_get_inode(reader, &inode);
        if (r != 0)
                return fail_library(s, r);
        type = entry_type(inode);
        if (type < 0)
                r = fail(s, "holds an entry of an unknown type ('%.300s')", s->path);
        else if (type == ENTRY_DIRECTORY)
                r = send_directory(s, inode, depth);
        else
                r = send_entry(s, inode, type);
        free(inode);
        if (r >= 0)
                s->path[length] = 0;
        return r;
}

/* A reader for each level: it knows one directory at a time. */
static int send_directory(Squashfs *s, const sqfs_inode_generic_t *inode, unsigned depth) {
        uint32_t number = inode->base.inode_number;
        sqfs_dir_reader_t *reader;
        int r;

        if (number > s->super.inode_count || s->seen[number / 8] & 1U << number % 8)
                return fail(s, "is damaged (a directory that is its own, '%.300s')", s->path);
        if (depth >= DEPTH_MAX)
                return fail(s, "is nested deeper than %u directories", DEPTH_MAX);
        s->seen[number / 8] |= (uint8_t) (1U << number % 8);
        r = send_entry(s, inode, ENTRY_DIRECTORY);
        if (r < 0)
                return r;

        reader = sqfs_dir_reader_create(&s->super, s->compressor, &s->file, 0);
        if (!reader)
                return fail_library(s, SQFS_ERROR_ALLOC);
        r = sqfs_dir_reader_open_dir(reader, inode, 0);
        while (r == 0) {
                sqfs_dir_entry_t *entry = NULL;

                r = sqfs_dir_reader_read(reader, &entry);
                if (r != 0)
                        break;
                r = send_member(s, reader, entry, depth + 1);
                free(entry);
        }
        sqfs_destroy(reader);
        return r > 0 ? 0 : r < 0 && !s->error[0] ? fail_library(s, r) : r;
}

static int open_file_system(Squashfs *s) {
        sqfs_compressor_config_t config;
        int r;

        r = sqfs_super_read(&s->super, &s->file);
        if (r != 0)
                return fail_library(s, r);
        if (s->super.bytes_used > s->size)
                return fail(s, "is cut short: %llu of %llu bytes are there", (unsigned long long) s->size, (unsigned long long) s->super.bytes_used);
        if (s->super.inode_count > INODES_MAX)
                return fail(s, "says that it holds %u files, which is more than there can be", s->super.inode_count);
        s->seen = calloc(s->super.inode_count / 8 + 1, 1);
        s->attributes.data = malloc(STREAM_ATTRIBUTES_SIZE_MAX);
        s->ids = sqfs_id_table_create(0);
        if (!s->seen || !s->attributes.data || !s->ids)
                return fail_library(s, SQFS_ERROR_ALLOC);

        r = sqfs_compressor_config_init(&config, s->super.compression_id, s->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);
        if (r == 0)
                r = sqfs_compressor_create(&config, &s->compressor);
        if (r == 0 && s->super.flags & SQFS_FLAG_COMPRESSOR_OPTIONS)
                r = s->compressor->read_options(s->compressor, &s->file);
        if (r == 0)
                r = sqfs_id_table_read(s->ids, &s->file, &s->super, s->compressor);
        if (r != 0)
                return fail_library(s, r);
        s->data = sqfs_data_reader_create(&s->file, s->super.block_size, s->compressor, 0);
        if (!s->data)
                return fail_library(s, SQFS_ERROR_ALLOC);
        r = sqfs_data_reader_load_fragment_table(s->data, &s->super);
        if (r == 0 && !(s->super.flags & SQFS_FLAG_NO_XATTRS)) {
                s->xattrs = sqfs_xattr_reader_create(0);
                r = s->xattrs ? sqfs_xattr_reader_load(s->xattrs, &s->super, &s->file, s->compressor) : SQFS_ERROR_ALLOC;
        }
        return r == 0 ? 0 : fail_library(s, r);
}

static int send_all(Squashfs *s) {
        sqfs_inode_generic_t *root = NULL;
        sqfs_dir_reader_t *reader;
        int r;

        r = open_file_system(s);
        if (r < 0)
                return r;
        reader = sqfs_dir_reader_create(&s->super, s->compressor, &s->file, 0);
        if (!reader)
                return fail_library(s, SQFS_ERROR_ALLOC);
        r = sqfs_dir_reader_get_root_inode(reader, &root);
        if (r != 0)
                return fail_library(s, r);
        if (entry_type(root) != ENTRY_DIRECTORY)
                return fail(s, "is damaged (its root is no directory)");
        strcpy(s->path, ".");
        return send_directory(s, root, 0);
}

int squashfs_run(int in_fd, uint64_t size, int out_fd) {
        static StreamOut out;
        static Squashfs s;
        int r;

        out = (StreamOut) { .fd = out_fd };
        s = (Squashfs) {
                .file = { .base = { .destroy = destroy_nothing }, .read_at = read_at, .write_at = write_at, .get_size = get_size, .truncate = set_size },
                .fd = in_fd,
                .size = size,
                .out = &out,
        };
        r = send_all(&s);
        /* The process ends here; what the library holds goes with it. */
        if (s.error[0])
                return stream_put_error(&out, s.error);
        return r < 0 ? r : stream_put_end(&out);
}
