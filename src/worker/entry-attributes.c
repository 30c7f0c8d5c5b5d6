/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/entry-attributes.h"

#include <endian.h>
#include <string.h>

#include "basic/strv.h"
#include "worker/stream.h"

/* The kernel's encoding of an ACL (linux/posix_acl_xattr.h), little-endian */
typedef struct AclEntry {
        uint16_t tag;
        uint16_t permissions;
        uint32_t id;
} AclEntry;

#define ACL_VERSION 2U
#define ACL_ENTRIES_MAX 512U

static const struct {
        int tag;
        uint16_t kernel_tag; /* their order is the order that the kernel wants */
} acl_tags[] = {
        { ARCHIVE_ENTRY_ACL_USER_OBJ,  0x01 },
        { ARCHIVE_ENTRY_ACL_USER,      0x02 },
        { ARCHIVE_ENTRY_ACL_GROUP_OBJ, 0x04 },
        { ARCHIVE_ENTRY_ACL_GROUP,     0x08 },
        { ARCHIVE_ENTRY_ACL_MASK,      0x10 },
        { ARCHIVE_ENTRY_ACL_OTHER,     0x20 },
};

int entry_attributes_add(EntryAttributes *a, const char *name, const void *value, size_t size) {
        StreamAttribute head = { .name_size = (uint32_t) strlen(name), .value_size = (uint32_t) size };
        uint8_t *p = a->data + a->size;

        if (head.name_size == 0 || head.name_size > STREAM_ATTRIBUTE_NAME_MAX || size > STREAM_ATTRIBUTE_VALUE_MAX ||
            a->n >= STREAM_ATTRIBUTES_MAX || a->size + sizeof head + head.name_size + size > STREAM_ATTRIBUTES_SIZE_MAX)
                return -E2BIG;

        p = mempcpy(p, &head, sizeof head);
        p = mempcpy(p, name, head.name_size);
        if (size > 0)
                memcpy(p, value, size);
        a->size += (uint32_t) (sizeof head + head.name_size + size);
        a->n++;
        return 0;
}

static int collect_acl(EntryAttributes *a, struct archive_entry *e, int type, const char *name, const char **ret_error) {
        struct {
                uint32_t version;
                AclEntry entries[ACL_ENTRIES_MAX];
        } acl = { .version = htole32(ACL_VERSION) };
        size_t n = 0;

        if (archive_entry_acl_count(e, type) == 0)
                return 0;

        for (size_t t = 0; t < ELEMENTSOF(acl_tags); t++) {
                int entry_type, permissions, tag, id;
                const char *who;

                (void) archive_entry_acl_reset(e, type);
                while (archive_entry_acl_next(e, type, &entry_type, &permissions, &tag, &id, &who) == ARCHIVE_OK) {
                        bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

                        if (tag != acl_tags[t].tag)
                                continue;
                        if (named && id < 0) {
                                *ret_error = "holds an access control list that names a user or group without its number "
                                             "(GNU tar: --numeric-owner)";
                                return -EBADMSG;
                        }
                        if (n >= ACL_ENTRIES_MAX) {
                                *ret_error = "holds an access control list that is too long";
                                return -E2BIG;
                        }
                        acl.entries[n++] = (AclEntry) {
                                .tag = htole16(acl_tags[t].kernel_tag),
                                .permissions = htole16((uint16_t) (permissions & 7)),
                                .id = named ? htole32((uint32_t) id) : UINT32_MAX,
                        };
                }
        }
        return entry_attributes_add(a, name, &acl, sizeof acl.version + n * sizeof(AclEntry));
}

int entry_attributes_collect(EntryAttributes *a, struct archive_entry *e, const char **ret_error) {
        bool acl_seen = false;
        const void *value;
        const char *name;
        size_t size;
        int r = 0;

        a->size = a->n = 0;
        *ret_error = "holds more extended attributes than a file can have";

        (void) archive_entry_xattr_reset(e);
        while (r >= 0 && archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK && name) {
                if (startswith(name, "system.posix_acl_"))
                        acl_seen = true;
                r = entry_attributes_add(a, name, value, size);
        }

        /* An archive may have them in both forms, which say the same. */
        if (r >= 0 && !acl_seen)
                r = collect_acl(a, e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", ret_error);
        if (r >= 0 && !acl_seen)
                r = collect_acl(a, e, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default", ret_error);
        return r;
}
