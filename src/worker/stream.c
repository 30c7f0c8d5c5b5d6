/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/stream.h"

#include <assert.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "basic/fd.h"

#define IN_BUFFER_SIZE (256U * 1024U)

static int flush(StreamOut *o) {
        int r = fd_write_all(o->fd, o->buffer, o->used);

        o->used = 0;
        return r;
}

static int put(StreamOut *o, const void *data, size_t size) {
        const uint8_t *p = data;
        int r;

        while (size > 0) {
                size_t n = MIN_OF(size, sizeof o->buffer - o->used);

                memcpy(o->buffer + o->used, p, n);
                o->used += n;
                p += n;
                size -= n;
                if (o->used == sizeof o->buffer) {
                        r = flush(o);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int put_header(StreamOut *o, StreamKind kind, const void *record, size_t size) {
        const StreamHeader h = { .magic = STREAM_MAGIC, .kind = kind };
        int r;

        r = put(o, &h, sizeof h);
        return r < 0 ? r : put(o, record, size);
}

int stream_put_entry(StreamOut *o, const StreamEntry *e, const char *path, const char *link, const void *attributes) {
        int r;

        r = put_header(o, STREAM_ENTRY, e, sizeof *e);
        if (r >= 0)
                r = put(o, path, e->path_size);
        if (r >= 0)
                r = put(o, link, e->link_size);
        if (r >= 0)
                r = put(o, attributes, e->attributes_size);
        return r;
}

int stream_put_data(StreamOut *o, uint64_t offset, const void *data, size_t size) {
        const uint8_t *p = data;
        int r;

        while (size > 0) {
                StreamData d = { .offset = offset, .size = (uint32_t) MIN_OF(size, (size_t) STREAM_DATA_MAX) };

                r = put_header(o, STREAM_DATA, &d, sizeof d);
                if (r < 0)
                        return r;
                if (d.size <= sizeof o->buffer / 4)
                        r = put(o, p, d.size);
                else {
                        /* Large pieces go from where they are straight to the pipe. */
                        r = flush(o);
                        if (r >= 0)
                                r = fd_write_all(o->fd, p, d.size);
                }
                if (r < 0)
                        return r;
                p += d.size;
                offset += d.size;
                size -= d.size;
        }
        return 0;
}

int stream_put_end(StreamOut *o) {
        int r = put_header(o, STREAM_END, NULL, 0);

        return r < 0 ? r : flush(o);
}

int stream_put_error(StreamOut *o, const char *text) {
        StreamError e = { .text_size = (uint32_t) strnlen(text, STREAM_TEXT_MAX) };
        int r;

        r = put_header(o, STREAM_ERROR, &e, sizeof e);
        if (r >= 0)
                r = put(o, text, e.text_size);
        return r < 0 ? r : flush(o);
}

int stream_in_init(StreamIn *i, int fd) {
        *i = (StreamIn) { .fd = fd };
        i->buffer = malloc(IN_BUFFER_SIZE);
        i->attributes = malloc(STREAM_ATTRIBUTES_SIZE_MAX);
        if (!i->buffer || !i->attributes) {
                stream_in_done(i);
                return -ENOMEM;
        }
        return 0;
}

void stream_in_done(StreamIn *i) {
        free(TAKE_PTR(i->buffer));
        free(TAKE_PTR(i->attributes));
}

/* Returns 0 at the end of the stream. */
static int fill(StreamIn *i) {
        ssize_t n;

        assert(i->begin == i->end);

        do
                n = read(i->fd, i->buffer, IN_BUFFER_SIZE);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        i->begin = 0;
        i->end = (size_t) n;
        return n > 0;
}

static int take(StreamIn *i, void *data, size_t size) {
        uint8_t *p = data;
        int r;

        while (size > 0) {
                size_t n;

                if (i->begin == i->end) {
                        r = fill(i);
                        if (r <= 0)
                                return r < 0 ? r : -ENODATA;
                }
                n = MIN_OF(size, i->end - i->begin);
                memcpy(p, i->buffer + i->begin, n);
                i->begin += n;
                p += n;
                size -= n;
        }
        return 0;
}

static int take_string(StreamIn *i, char *s, size_t size) {
        int r;

        r = take(i, s, size);
        if (r < 0)
                return r;
        s[size] = 0;
        return memchr(s, 0, size) ? -EBADMSG : 0;
}

static int check_attributes(const StreamIn *i) {
        char name[STREAM_ATTRIBUTE_NAME_MAX + 1];
        const void *value;
        size_t position = 0, size;
        uint32_t n = 0;
        int r;

        while ((r = stream_next_attribute(i, &position, name, &value, &size)) > 0)
                n++;
        if (r < 0)
                return r;
        return n == i->entry.n_attributes ? 0 : -EBADMSG;
}

static int take_entry(StreamIn *i) {
        StreamEntry *e = &i->entry;
        bool link_wanted;
        int r;

        r = take(i, e, sizeof *e);
        if (r < 0)
                return r;

        link_wanted = e->type == ENTRY_SYMLINK || e->type == ENTRY_HARDLINK;
        if (e->type == 0 || e->type >= _ENTRY_TYPE_MAX || e->mode & ~07777U || e->mtime_nsec >= 1000000000U ||
            e->size > STREAM_FILE_SIZE_MAX || (e->type != ENTRY_FILE && e->size > 0) ||
            e->path_size == 0 || e->path_size > STREAM_PATH_MAX || e->link_size > STREAM_PATH_MAX || link_wanted != (e->link_size > 0) ||
            e->n_attributes > STREAM_ATTRIBUTES_MAX || e->attributes_size > STREAM_ATTRIBUTES_SIZE_MAX)
                return -EBADMSG;

        r = take_string(i, i->path, e->path_size);
        if (r >= 0)
                r = take_string(i, i->link, e->link_size);
        if (r >= 0)
                r = take(i, i->attributes, e->attributes_size);
        if (r >= 0)
                r = check_attributes(i);
        if (r < 0)
                return r;

        i->position = 0;
        i->entry_has_data = e->type == ENTRY_FILE;
        return STREAM_ENTRY;
}

static int take_data(StreamIn *i) {
        int r;

        r = take(i, &i->data, sizeof i->data);
        if (r < 0)
                return r;
        if (!i->entry_has_data || i->data.size == 0 || i->data.size > STREAM_DATA_MAX || i->data.offset < i->position ||
            i->data.offset > i->entry.size || i->data.size > i->entry.size - i->data.offset)
                return -EBADMSG;

        i->position = i->data.offset + i->data.size;
        i->unread = i->data.size;
        return STREAM_DATA;
}

int stream_peek(StreamIn *i) {
        const void *skipped;
        ssize_t n;
        int r;

        if (i->header.magic != 0)
                return (int) i->header.kind;

        while ((n = stream_take_data(i, &skipped)) != 0)
                if (n < 0)
                        return (int) n;

        r = take(i, &i->header, sizeof i->header);
        if (r >= 0 && (i->header.magic != STREAM_MAGIC || i->header.kind < STREAM_ENTRY || i->header.kind > STREAM_ERROR))
                r = -EBADMSG;
        if (r < 0) {
                i->header.magic = 0;
                return r;
        }
        return (int) i->header.kind;
}

int stream_next(StreamIn *i) {
        StreamError e;
        int kind, r;

        kind = stream_peek(i);
        if (kind < 0)
                return kind;
        i->header.magic = 0;

        switch (kind) {
        case STREAM_ENTRY:
                return take_entry(i);
        case STREAM_DATA:
                return take_data(i);
        case STREAM_END:
                return STREAM_END;
        case STREAM_ERROR:
                r = take(i, &e, sizeof e);
                if (r < 0)
                        return r;
                if (e.text_size > STREAM_TEXT_MAX)
                        return -EBADMSG;
                r = take_string(i, i->text, e.text_size);
                return r < 0 ? r : STREAM_ERROR;
        default:
                return -EBADMSG;
        }
}

ssize_t stream_take_data(StreamIn *i, const void **ret) {
        size_t n;
        int r;

        if (i->unread == 0)
                return 0;
        if (i->begin == i->end) {
                r = fill(i);
                if (r <= 0)
                        return r < 0 ? r : -ENODATA;
        }
        n = MIN_OF((size_t) i->unread, i->end - i->begin);
        *ret = i->buffer + i->begin;
        i->begin += n;
        i->unread -= (uint32_t) n;
        return (ssize_t) n;
}

int stream_next_attribute(const StreamIn *i, size_t *position, char ret_name[static STREAM_ATTRIBUTE_NAME_MAX + 1],
                          const void **ret_value, size_t *ret_size) {
        size_t left = i->entry.attributes_size - *position;
        const uint8_t *p = i->attributes + *position;
        StreamAttribute a;

        if (left == 0)
                return 0;
        if (left < sizeof a)
                return -EBADMSG;
        memcpy(&a, p, sizeof a);
        left -= sizeof a;
        if (a.name_size == 0 || a.name_size > STREAM_ATTRIBUTE_NAME_MAX || a.value_size > STREAM_ATTRIBUTE_VALUE_MAX ||
            (size_t) a.name_size + a.value_size > left || memchr(p + sizeof a, 0, a.name_size))
                return -EBADMSG;

        memcpy(ret_name, p + sizeof a, a.name_size);
        ret_name[a.name_size] = 0;
        *ret_value = p + sizeof a + a.name_size;
        *ret_size = a.value_size;
        *position += sizeof a + a.name_size + a.value_size;
        return 1;
}
