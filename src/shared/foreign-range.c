/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/foreign-range.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/names.h"

#define EXTENTS_MAX 340U /* UID_GID_MAP_MAX_EXTENTS of the kernel */

typedef struct Map {
        bool known;
        bool whole; /* the initial user namespace, or as good as it */
        struct {
                uint32_t first, count;
        } extents[EXTENTS_MAX];
        size_t n;
} Map;

const char foreign_range_explanation[] = "Berth needs the user ids 393216 to 458751 inside another container: set IDMapSize= (security.idmap.size) of that one to 1048576, as the profile 'nesting' does";

static const Map *get_map(void) {
        static Map map;
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        char *line, *rest;

        if (map.known)
                return &map;
        map.known = true;
        fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fd_read_string(fd, EXTENTS_MAX * 40, &text, NULL) < 0) {
                /* Without /proc nothing else works either, and says so better. */
                map.whole = true;
                return &map;
        }
        for (rest = text; (line = strsep(&rest, "\n")) && map.n < EXTENTS_MAX;) {
                unsigned inside, outside, count;

                if (sscanf(line, "%u %u %u", &inside, &outside, &count) != 3)
                        continue;
                map.whole = map.whole || (inside == 0 && outside == 0 && count == UINT32_MAX);
                map.extents[map.n].first = inside;
                map.extents[map.n++].count = count;
        }
        return &map;
}

bool ids_are_mapped(uint32_t first, uint32_t count) {
        const Map *m = get_map();

        for (size_t i = 0; i < m->n; i++)
                if (first >= m->extents[i].first && (uint64_t) first + count <= (uint64_t) m->extents[i].first + m->extents[i].count)
                        return true;
        return m->whole;
}

bool foreign_range_is_shared(void) {
        return !get_map()->whole;
}

uint32_t foreign_uid_base(void) {
        if (!foreign_range_is_shared())
                return FOREIGN_UID_BASE;
        /* One place only: what is on disk must have the same meaning tomorrow, when the outer container may have more ids. */
        return ids_are_mapped(NESTED_FOREIGN_UID_BASE, UID_RANGE_SIZE) ? NESTED_FOREIGN_UID_BASE : 0;
}
