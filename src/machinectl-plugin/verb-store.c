/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stores, and what init makes of --storage: where the files of containers are. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/table.h"
#include "machinectl-plugin/verbs.h"

#define LISTING_SIZE_MAX (1024U * 1024U)

enum { NAME, TYPE, PLACE, CONTAINERS, USED, FREE, STATE, _COLUMNS };

static int add_line(Table *t, char *line) {
        char *columns[_COLUMNS] = {};
        size_t n = 0;
        uint64_t number;

        while (line && n < _COLUMNS)
                columns[n++] = strsep(&line, "\t");
        if (n < _COLUMNS || line)
                return -EBADMSG;
        for (n = 0; n < _COLUMNS; n++)
                if (n != CONTAINERS && n != USED && n != FREE)
                        table_add_text(t, columns[n], NULL);
                else if (parse_u64(columns[n], UINT64_MAX, &number) < 0)
                        table_add_text(t, "", NULL);
                else if (n == CONTAINERS)
                        table_add_number(t, number, NULL);
                else
                        table_add_size(t, number);
        return 0;
}

int store_list(Ctl *c, char **ret_text) {
        _cleanup_close_ int fd = memfd_create("stores", MFD_CLOEXEC);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (fd < 0)
                return report_failure("Cannot make a file in memory: %s", strerror(errno));
        r = bus_message(c, "ListStores", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "h", fd);
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, "stores", NULL);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_string(fd, LISTING_SIZE_MAX, ret_text, NULL) < 0)
                return report_failure("Cannot read the list of stores.");
        return 0;
}

int verb_stores(Ctl *c) {
        static const TableColumn columns[] = {
                [NAME] = { "STORE", "name" },  [TYPE] = { "TYPE", "type" }, [PLACE] = { "PLACE", "place", TABLE_SHRINK },
                [CONTAINERS] = { "CONTAINERS", "containers", TABLE_RIGHT }, [USED] = { "USED", "used_bytes", TABLE_RIGHT },
                [FREE] = { "FREE", "free_bytes", TABLE_RIGHT }, [STATE] = { "STATE", "state", TABLE_SHRINK },
        };
        _cleanup_(table_freep) Table *t = NULL;
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        int r;

        r = store_list(c, &text);
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        for (rest = text; (line = strsep(&rest, "\n"));)
                if (*line && add_line(t, line) < 0)
                        return report_failure("The list of stores is not as it should be.");
        return ctl_print_table(c, t, "stores");
}

/* Keys of LXD's pools and short ones, beside those of a store's file. */
static const struct {
        const char *name, *key;
        const char *type; /* NULL: of any */
} keys[] = {
        { "source", "VolumeGroup", "lvm" }, { "source", "Dataset", "zfs" }, { "pool", "ThinPool", "lvm" }, { "pool", "ThinPool", "luks" }, { "group", "VolumeGroup" },
        { "path", "Path" },        { "source", "Path" },         { "size", "Size" },       { "volume-size", "VolumeSize" }, { "volume.size", "VolumeSize" },
        { "dataset", "Dataset" },  { "pool", "Dataset" },        { "zfs.pool_name", "Dataset" }, { "vg", "VolumeGroup" },   { "lvm.vg_name", "VolumeGroup" },
        { "storage.lvm_vg_name", "VolumeGroup" }, { "storage.zfs_pool_name", "Dataset" },  { "thinpool", "ThinPool" }, { "lvm.thinpool_name", "ThinPool" },
};

int store_add_setting(char ***settings, const char *type, const char *word) {
        const char *value = strchr(word, '=');

        if (!value)
                return report_failure("'%s' is not KEY=VALUE; give --storage TYPE,KEY=VALUE,…", word);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if ((!keys[i].type || streq(keys[i].type, type)) && strlen(keys[i].name) == (size_t) (value - word) && strncmp(keys[i].name, word, (size_t) (value - word)) == 0)
                        return strv_extendf(settings, "%s=%s", keys[i].key, value + 1) < 0 ? report_oom() : 0;
        return strv_extend(settings, word) < 0 ? report_oom() : 0;
}

int store_add(Ctl *c, const char *name, const char *type, char *const *settings) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, "AddStore", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", name, type);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) settings);
        return r < 0 ? bus_report_create(r) : job_call(c, m, name, NULL);
}

int store_remove(Ctl *c, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, "RemoveStore", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        return r < 0 ? bus_report_create(r) : job_call(c, m, name, NULL);
}

int verb_remove_store(Ctl *c) {
        return store_remove(c, c->args->words[0]);
}

const char *store_type(const char *driver) {
        static const char *const types[][2] = { { "dir", "directory" }, { "directory", "directory" }, { "btrfs", "btrfs" }, { "lvm", "lvm" }, { "zfs", "zfs" }, { "luks", "luks" } };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (streq(types[i][0], driver))
                        return types[i][1];
        return NULL;
}

int store_init(Ctl *c, const char *what) {
        _cleanup_strv_ char **settings = NULL, **server = NULL;
        _cleanup_free_ char *copy = strdup(what);
        const char *type = NULL, *name = NULL;
        int r = 0;

        if (!copy)
                return report_oom();
        for (char *rest = copy, *word; r >= 0 && (word = strsep(&rest, ","));)
                if (!type)
                        type = word;
                else if (startswith(word, "name="))
                        name = startswith(word, "name=");
                else
                        r = store_add_setting(&settings, type, word);
        if (r < 0)
                return r;
        type = store_type(type) ?: type;
        /* That is where containers are which are only said to be encrypted; others have no key to be made with there. */
        if (streq(type, "luks"))
                return store_add(c, name ?: "encrypted", type, settings);
        /* That one is there without being made. */
        if (streq(type, "overlay") && !settings && !name)
                name = "default";
        else
                r = store_add(c, name ?: type, type, settings);
        if (r >= 0 && strv_extendf(&server, "DefaultStore=%s", name ?: type) < 0)
                return report_oom();
        return r < 0 ? r : server_change_settings(c, server, NULL);
}
