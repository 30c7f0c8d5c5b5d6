/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* device: what a container is lent. The order of words is LXD's. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/device.h"

/* word[0] is the action, then the container, then the device. */
static const char *container(Ctl *c) {
        return c->args->words[1];
}

static const char *device(Ctl *c) {
        return c->args->words[2];
}

static int append_pair(sd_bus_message *m, const char *assignment) {
        _cleanup_free_ char *key = NULL;
        const char *equals = strchr(assignment, '=');

        key = strndup(assignment, (size_t) (equals - assignment));
        return key ? sd_bus_message_append(m, "{ss}", key, equals + 1) : -ENOMEM;
}

static int check_assignments(char *const *words) {
        STRV_FOREACH(w, words)
                if (!strchr(*w, '=') || **w == '=')
                        return report_usage("'%s' is no assignment KEY=VALUE.", *w);
        return 0;
}

static int begin(Ctl *c, const char *member, sd_bus_message **ret) {
        int r;

        r = bus_message(c, member, ret);
        if (r < 0)
                return r;
        r = sd_bus_message_append(*ret, "ss", container(c), device(c));
        return r < 0 ? bus_report_create(r) : 0;
}

static int append_pairs(sd_bus_message *m, const char *type, char *const *assignments) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{ss}");
        if (r >= 0 && type)
                r = sd_bus_message_append(m, "{ss}", "Type", type);
        for (char *const *a = assignments; r >= 0 && a && *a; a++)
                r = append_pair(m, *a);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* A user who is no administrator may lend a directory of his own; that it is opened here shows that he may. -ENOENT when it is none. */
static int open_own_directory(char *const *assignments, const char *type, char ***ret_assignments) {
        _cleanup_strv_ char **copy = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r = 0;

        if (geteuid() == 0 || !streq(type, "disk"))
                return -ENOENT;
        for (char *const *a = assignments; r >= 0 && a && *a; a++) {
                const char *source = startswith(*a, "source=") ?: startswith(*a, "Source=");
                _cleanup_free_ char *path = NULL;

                if (!source) {
                        r = strv_extend(&copy, *a);
                        continue;
                }
                path = realpath(source, NULL);
                fd = fd_close(fd);
                fd = path ? open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
                if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
                        return -ENOENT;
                r = strv_extendf(&copy, "Source=%s", path);
        }
        if (r < 0)
                return r;
        if (fd < 0)
                return -ENOENT;
        *ret_assignments = TAKE_PTR(copy);
        return TAKE_FD(fd);
}

static int device_add(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_strv_ char **assignments = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = check_assignments(c->args->words + 4);
        if (r != 0)
                return r;
        fd = open_own_directory(c->args->words + 4, c->args->words[3], &assignments);
        if (fd >= 0) {
                r = begin(c, "AddDisk", &m);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(m, "h", fd);
                if (r >= 0)
                        r = append_pairs(m, NULL, assignments);
                return r < 0 ? bus_report_create(r) : job_call(c, m, container(c), NULL);
        }
        r = begin(c, "AddDevice", &m);
        if (r < 0)
                return r;
        r = append_pairs(m, c->args->words[3], c->args->words + 4);
        return r < 0 ? bus_report_create(r) : job_call(c, m, container(c), NULL);
}

static int device_set(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_strv_ char **assignments = NULL;
        char *const *words = c->args->words + 3;
        int r;

        /* LXD's older way: KEY VALUE. */
        if (c->args->n_words == 5 && !strchr(words[0], '='))
                r = strv_extendf(&assignments, "%s=%s", words[0], words[1]);
        else
                r = strv_copy(words, &assignments);
        if (r < 0)
                return report_oom();
        r = check_assignments(assignments);
        if (r != 0)
                return r;
        r = begin(c, "SetDevice", &m);
        if (r < 0)
                return r;
        r = append_pairs(m, NULL, assignments);
        if (r >= 0)
                r = sd_bus_message_append(m, "as", 0);
        return r < 0 ? bus_report_create(r) : job_call(c, m, container(c), NULL);
}

static int device_unset(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = begin(c, "SetDevice", &m);
        if (r < 0)
                return r;
        r = append_pairs(m, NULL, NULL);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, c->args->words + 3);
        return r < 0 ? bus_report_create(r) : job_call(c, m, container(c), NULL);
}

static int device_remove(Ctl *c) {
        int result = 0;

        STRV_FOREACH(name, c->args->words + 2) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                int r;

                r = bus_message(c, "RemoveDevice", &m);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(m, "ss", container(c), *name);
                r = r < 0 ? bus_report_create(r) : job_call(c, m, container(c), NULL);
                if (r < 0)
                        result = r;
        }
        return result;
}

/* Reads the next device: its keys as "Key=value". 0 at the end. */
static int read_device(sd_bus_message *m, const char **ret_name, char ***ret_values, int *ret_applied) {
        _cleanup_strv_ char **values = NULL;
        const char *key, *value;
        int r;

        r = sd_bus_message_enter_container(m, 'r', "sa{ss}b");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "s", ret_name);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &key, &value)) > 0)
                r = strv_extendf(&values, "%s=%s", key, value);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r >= 0)
                r = sd_bus_message_read(m, "b", ret_applied);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret_values = TAKE_PTR(values);
        return 1;
}

static int ask(Ctl *c, sd_bus_message **ret) {
        int r;

        r = bus_method(c, "ListDevices", container(c), ret, "s", container(c));
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(*ret, 'a', "(sa{ss}b)");
        return r < 0 ? bus_report_parse(r) : 0;
}

static int device_list(Ctl *c) {
        static const TableColumn columns[] = {
                { "NAME", "name" },
                { "TYPE", "type" },
                { "APPLIED", "applied" },
                { "SETTINGS", "settings", TABLE_SHRINK },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int r;

        r = ask(c, &reply);
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        for (;;) {
                _cleanup_strv_ char **values = NULL;
                const char *name;
                int applied;

                r = read_device(reply, &name, &values, &applied);
                if (r < 0)
                        return bus_report_parse(r);
                if (r == 0)
                        break;
                table_add_text(t, name, NULL);
                table_add_text(t, strv_get_value(values, "Type"), NULL);
                table_add_text(t, applied ? "yes" : "no", NULL);
                /* The first is its type. */
                table_add_list(t, values && startswith(values[0], "Type=") ? values + 1 : values);
        }
        return ctl_print_table(c, t, "devices");
}

static int for_device(Ctl *c, const char *only, const char *key) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        bool found = false;
        int r;

        r = ask(c, &reply);
        if (r < 0)
                return r;
        for (;;) {
                _cleanup_strv_ char **values = NULL;
                const char *name;
                int applied;

                r = read_device(reply, &name, &values, &applied);
                if (r < 0)
                        return bus_report_parse(r);
                if (r == 0)
                        break;
                if (only && !streq(only, name))
                        continue;
                if (key) {
                        const char *value = strv_get_value(values, key);

                        if (!value)
                                return report_failure("'%s' is not set of device '%s' in '%s'.", key, name, container(c));
                        printf("%s\n", value);
                } else {
                        printf("%s[Device %s]\n", found ? "\n" : "", name);
                        STRV_FOREACH(v, values)
                                printf("%s\n", *v);
                }
                found = true;
        }
        if (only && !found)
                return report_failure("Container '%s' has no device '%s'.", container(c), only);
        return 0;
}

static int device_show(Ctl *c) {
        return for_device(c, c->args->n_words > 2 ? device(c) : NULL, NULL);
}

static int device_get_key(Ctl *c) {
        _cleanup_free_ char *error = NULL;
        DeviceKey key;

        if (device_key_find(c->args->words[3], &key, &error) < 0)
                return report_failure("%s", error ?: "No such key.");
        return for_device(c, device(c), device_key_name(key));
}

static const struct {
        const char *name;
        size_t min, max; /* words after it */
        int (*run)(Ctl *c);
        const char *usage;
} actions[] = {
        { "list", 1, 1, device_list, "list NAME" },
        { "ls", 1, 1, device_list, "list NAME" },
        { "show", 1, 2, device_show, "show NAME [DEVICE]" },
        { "get", 3, 3, device_get_key, "get NAME DEVICE KEY" },
        { "add", 3, WORDS_MAX, device_add, "add NAME DEVICE TYPE [KEY=VALUE…]" },
        { "set", 3, WORDS_MAX, device_set, "set NAME DEVICE KEY=VALUE…" },
        { "unset", 3, WORDS_MAX, device_unset, "unset NAME DEVICE KEY…" },
        { "remove", 2, WORDS_MAX, device_remove, "remove NAME DEVICE…" },
        { "rm", 2, WORDS_MAX, device_remove, "remove NAME DEVICE…" },
};

int verb_device(Ctl *c) {
        const char *action = c->args->words[0];
        size_t n = c->args->n_words - 1;

        for (size_t i = 0; i < ELEMENTSOF(actions); i++) {
                if (!streq(actions[i].name, action))
                        continue;
                if (n < actions[i].min || n > actions[i].max)
                        return report_usage("Usage: berthctl device %s", actions[i].usage);
                return actions[i].run(c);
        }
        return report_usage("Devices can be listed, shown, added, set, unset and removed, not '%s'. See 'berthctl device --help'.", action);
}

/* "eth1,type=nic,parent=br0" of --device becomes settings of the new container. */
int device_option_settings(const char *option, char ***settings) {
        _cleanup_free_ char *copy = strdup(option);
        char *rest = copy, *name, *word;
        int r;

        if (!copy)
                return report_oom();
        name = strsep(&rest, ",");
        if (!device_name_valid(name) || isempty(rest))
                return report_failure("'%s' is no device: give --device NAME,type=TYPE,KEY=VALUE…", option);
        while ((word = strsep(&rest, ","))) {
                if (!strchr(word, '=') || *word == '=')
                        return report_failure("'%s' in '%s' is no assignment KEY=VALUE.", word, option);
                r = strv_extendf(settings, "Device.%s.%s", name, word);
                if (r < 0)
                        return report_oom();
        }
        return 0;
}
