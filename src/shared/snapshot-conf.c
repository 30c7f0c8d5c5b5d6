/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/snapshot-conf.h"

#include <stdio.h>
#include <string.h>

#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"

#define SIZE_MAX_BYTES 4096U

int snapshot_conf_print(const SnapshotConf *c, char **ret) {
        return asprintf(ret, "[Snapshot]\nCreatedUSec=%llu\nExpiresUSec=%llu\nStateful=%s\nPersonalised=%s\n", (unsigned long long) c->created_usec,
                        (unsigned long long) c->expires_usec, c->stateful ? "yes" : "no", c->personalised ? "yes" : "no") < 0 ? -ENOMEM : 0;
}

static int parse_line(const char *line, SnapshotConf *c) {
        const struct {
                const char *prefix;
                uint64_t *number;
                bool *truth;
        } keys[] = {
                { "CreatedUSec=", &c->created_usec, NULL },
                { "ExpiresUSec=", &c->expires_usec, NULL },
                { "Stateful=", NULL, &c->stateful },
                { "Personalised=", NULL, &c->personalised },
        };

        if (isempty(line) || streq(line, "[Snapshot]"))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const char *value = startswith(line, keys[i].prefix);
                int r;

                if (!value)
                        continue;
                r = keys[i].number ? parse_u64(value, UINT64_MAX, keys[i].number) : parse_bool(value);
                if (r < 0)
                        return -EBADMSG;
                if (keys[i].truth)
                        *keys[i].truth = r > 0;
                return 0;
        }
        return -EBADMSG;
}

int snapshot_conf_read(int snapshots_fd, const char *name, SnapshotConf *ret) {
        char path[SNAPSHOT_NAME_MAX + sizeof "/snapshot.conf"];
        _cleanup_free_ char *text = NULL;
        SnapshotConf c = {};
        int r;

        snprintf(path, sizeof path, "%s/snapshot.conf", name);
        r = path_read(snapshots_fd, path, SIZE_MAX_BYTES, &text, NULL);
        for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));)
                r = parse_line(line, &c);
        if (r >= 0)
                *ret = c;
        return r < 0 ? r : 0;
}
