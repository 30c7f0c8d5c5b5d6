/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pull, remotes, refresh-images: images come from servers. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/remote.h"
#include "shared/names.h"

#define LISTING_SIZE_MAX (32U * 1024U * 1024U)

static int append_flag(sd_bus_message *m, bool on, const char *name) {
        return on ? sd_bus_message_append(m, "{sv}", name, "b", true) : 0;
}

static int append_options(Ctl *c, bool cached, const char *alias, sd_bus_message *m, int keyring) {
        const char *verify = arguments_get(c->args, OPTION_VERIFY);
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && !cached)
                r = image_append_options(c, m, alias, NULL, c->args->options[OPTION_PROPERTY]);
        if (r >= 0 && verify)
                r = sd_bus_message_append(m, "{sv}", "verify", "s", verify);
        if (r >= 0 && keyring >= 0)
                r = sd_bus_message_append(m, "{sv}", "keyring", "h", keyring);
        if (r >= 0)
                r = append_flag(m, !cached && arguments_have(c->args, OPTION_FORCE), "force");
        if (r >= 0)
                r = append_flag(m, arguments_have(c->args, OPTION_AUTO_UPDATE), "auto-update");
        if (r >= 0)
                r = append_flag(m, cached, "cached");
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int pull(Ctl *c, const char *source, bool cached, const char *alias, char **ret_fingerprint) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *keyring = arguments_get(c->args, OPTION_KEYRING), *fingerprint;
        _cleanup_close_ int keyring_fd = -EBADF;
        int r;

        if (keyring) {
                keyring_fd = open(keyring, O_RDONLY | O_CLOEXEC | O_NOCTTY);
                if (keyring_fd < 0)
                        return report_failure("Cannot open the keyring '%s': %s", keyring, strerror(errno));
        }
        r = bus_message(c, "PullImage", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", source);
        if (r >= 0)
                r = append_options(c, cached, alias, m, keyring_fd);
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, source, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "so", &fingerprint, NULL);
        if (r < 0)
                return bus_report_parse(r);
        *ret_fingerprint = strdup(fingerprint);
        return *ret_fingerprint ? 0 : report_oom();
}

int pull_image(Ctl *c, const char *source, bool cached, char **ret_fingerprint) {
        return pull(c, source, cached, NULL, ret_fingerprint);
}

/* "local:", "local:ALIAS" or ALIAS; *ret_alias is NULL where none is given. */
static int read_destination(const char *word, const char **ret_alias) {
        const char *local = startswith(word, REMOTE_LOCAL ":");

        if (!local && strchr(word, ':'))
                return report_failure("'%s' is on a server, and images are copied to this host only: '" REMOTE_LOCAL ":'.", word);
        *ret_alias = local ?: word;
        if (isempty(*ret_alias)) {
                *ret_alias = NULL;
                return 0;
        }
        return alias_valid(*ret_alias) ? 0 : report_failure("'%s' cannot be an alias of an image.", *ret_alias);
}

int verb_pull(Ctl *c) {
        const char *source = c->args->words[0], *alias = NULL;
        _cleanup_free_ char *fingerprint = NULL;
        int r;

        if (startswith(source, REMOTE_LOCAL ":"))
                return report_failure("'%s' is on this host already; 'berthctl alias add' gives it another name, 'berthctl image-set' makes it public.", source);
        r = c->args->n_words > 1 ? read_destination(c->args->words[1], &alias) : 0;
        if (r == 0)
                r = image_check_options(c, c->args->options[OPTION_PROPERTY]);
        if (r == 0)
                r = pull(c, source, false, alias, &fingerprint);
        if (r == 0 && !c->quiet)
                printf("%s\n", fingerprint);
        return r;
}

static int list_remotes(Ctl *c) {
        static const TableColumn columns[] = {
                { "NAME", "name" },
                { "URL", "url", TABLE_SHRINK },
                { "PROTOCOL", "protocol" },
                { "KEYRING", "keyring", TABLE_SHRINK },
                { "FILE", "file", TABLE_SHRINK },
        };
        const char *name, *url, *keyring, *file;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int r;

        r = bus_method(c, "ListRemotes", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        table_add_text(t, REMOTE_LOCAL, NULL);
        table_add_text(t, "", NULL);
        table_add_text(t, "this host", NULL);
        table_add_text(t, "", NULL);
        table_add_text(t, "", NULL);
        r = sd_bus_message_enter_container(reply, 'a', "(ssss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssss)", &name, &url, &keyring, &file)) > 0) {
                table_add_text(t, name, NULL);
                table_add_text(t, url, NULL);
                table_add_text(t, "simplestreams", NULL);
                table_add_text(t, keyring, NULL);
                table_add_text(t, file, NULL);
        }
        return r < 0 ? bus_report_parse(r) : ctl_print_table(c, t, "remotes");
}

static int add_remote(Ctl *c) {
        const char *name = c->args->words[1], *url = c->args->words[2], *keyring = arguments_get(c->args, OPTION_KEYRING);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (keyring) {
                path = realpath(keyring, NULL);
                if (!path)
                        return report_failure("Cannot open the keyring '%s': %s", keyring, strerror(errno));
        }
        r = bus_message(c, "AddRemote", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", name, url);
        if (r >= 0)
                r = path ? sd_bus_message_append(m, "a{sv}", 1, "keyring", "s", path) : sd_bus_message_append(m, "a{sv}", 0);
        return r < 0 ? bus_report_create(r) : job_call(c, m, name, NULL);
}

int verb_remotes(Ctl *c) {
        const char *action = c->args->n_words > 0 ? c->args->words[0] : "list";

        if ((streq(action, "list") || streq(action, "ls")) && c->args->n_words < 2)
                return list_remotes(c);
        if (streq(action, "add") && c->args->n_words == 3)
                return add_remote(c);
        if ((streq(action, "remove") || streq(action, "rm")) && c->args->n_words == 2)
                return bus_method(c, "RemoveRemote", c->args->words[1], NULL, "s", c->args->words[1]);
        return report_usage("Usage: berthctl remotes [list | add NAME URL | remove NAME]");
}

int verb_refresh_images(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        uint32_t removed, renewed;
        int r;

        r = bus_message(c, "RefreshImages", &m);
        if (r >= 0)
                r = job_call(c, m, NULL, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "uu", &removed, &renewed);
        if (r < 0)
                return bus_report_parse(r);
        if (!c->quiet)
                printf("%u removed, %u renewed.\n", (unsigned) removed, (unsigned) renewed);
        return 0;
}

/* What the worker writes: tab-separated columns. */
static int add_line(Table *t, char *line, char *const *patterns) {
        char *columns[7] = {}, *rest = line;
        uint64_t size;

        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                if (!(columns[i] = strsep(&rest, "\t")))
                        return -EBADMSG;
        if (parse_u64(columns[4], UINT64_MAX, &size) < 0)
                return -EBADMSG;
        if (!name_matches(patterns, columns[0]) && !name_matches(patterns, columns[1]) && !name_matches(patterns, columns[2]) &&
            !name_matches(patterns, columns[6]))
                return 0;
        table_add_text(t, columns[0], NULL);
        table_add_text(t, columns[1], NULL);
        table_add_text(t, columns[2], NULL);
        table_add_text(t, columns[3], NULL);
        table_add_size(t, size);
        table_add_text(t, columns[5], NULL);
        table_add_text(t, columns[6], NULL);
        return 0;
}

int fetch_remote_list(Ctl *c, const char *remote, char **ret) {
        _cleanup_close_ int fd = memfd_create("images", MFD_CLOEXEC);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (fd < 0)
                return report_failure("Cannot make a file in memory: %s", strerror(errno));
        r = bus_message(c, "ListRemoteImages", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "sh", remote, fd);
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, remote, NULL);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_string(fd, LISTING_SIZE_MAX, ret, NULL) < 0)
                return report_failure("Cannot read the list of '%s'.", remote);
        return 0;
}

int list_remote_images(Ctl *c, const char *remote, char *const *patterns) {
        static const TableColumn columns[] = {
                { "ALIASES", "aliases", TABLE_SHRINK }, { "ARCHITECTURE", "architecture" }, { "DESCRIPTION", "description", TABLE_SHRINK },
                { "SERIAL", "serial" },                 { "SIZE", "size_bytes", TABLE_RIGHT }, { "FORMAT", "format" }, { "FINGERPRINT", "fingerprint", TABLE_SHRINK },
        };
        _cleanup_(table_freep) Table *t = NULL;
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        int r;

        r = fetch_remote_list(c, remote, &text);
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        for (rest = text; (line = strsep(&rest, "\n"));)
                if (*line && add_line(t, line, patterns) < 0)
                        return report_failure("The list of '%s' is not as it should be.", remote);
        table_sort(t, 0);
        return ctl_print_table(c, t, "images");
}
