/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* import, import-fs, publish, remove-image, alias: images come and go and have names. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/process.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/secret.h"
#include "machinectl-plugin/source.h"
#include "machinectl-plugin/tree-archive.h"
#include "machinectl-plugin/verbs.h"
#include "shared/bus-names.h"
#include "shared/names.h"

static int check_alias(const char *alias) {
        if (!alias_valid(alias))
                return report_failure("'%s' cannot be the name of an image: letters, digits, '.', '_', '+', '-' and '/' between parts, "
                                      "beginning with a letter or digit, at most %u.", alias, ALIAS_NAME_MAX);
        return 0;
}

static int append_properties(sd_bus_message *m, char *const *properties) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "properties");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a{ss}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{ss}");
        STRV_FOREACH(p, properties) {
                _cleanup_free_ char *key = strndup(*p, strcspn(*p, "="));

                if (!key)
                        return -ENOMEM;
                if (r >= 0)
                        r = sd_bus_message_append(m, "{ss}", key, strchr(*p, '=') + 1);
        }
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

int image_append_options(Ctl *c, sd_bus_message *m, const char *alias, const char *snapshot, char *const *properties) {
        const char *description = arguments_get(c->args, OPTION_DESCRIPTION);
        const char *compression = arguments_get(c->args, OPTION_COMPRESSION);
        _cleanup_strv_ char **aliases = NULL;
        int r;

        r = strv_copy(c->args->options[OPTION_ALIAS], &aliases);
        if (r >= 0 && alias)
                r = strv_extend(&aliases, alias);
        if (r >= 0 && aliases) {
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", "aliases");
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'v', "as");
                if (r >= 0)
                        r = sd_bus_message_append_strv(m, aliases);
                for (int i = 0; i < 2 && r >= 0; i++)
                        r = sd_bus_message_close_container(m);
        }
        if (r >= 0 && description)
                r = sd_bus_message_append(m, "{sv}", "description", "s", description);
        if (r >= 0 && arguments_have(c->args, OPTION_PUBLIC))
                r = sd_bus_message_append(m, "{sv}", "public", "b", true);
        if (r >= 0 && snapshot)
                r = sd_bus_message_append(m, "{sv}", "snapshot", "s", snapshot);
        if (r >= 0 && compression)
                r = sd_bus_message_append(m, "{sv}", "compression", "s", compression);
        if (r >= 0 && properties)
                r = append_properties(m, properties);
        return r;
}

static int append_import_options(Ctl *c, sd_bus_message *m, const char *alias, const char *snapshot, char *const *properties) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = image_append_options(c, m, alias, snapshot, properties);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int image_check_options(Ctl *c, char *const *properties) {
        int r = 0;

        STRV_FOREACH(a, c->args->options[OPTION_ALIAS])
                if (r >= 0)
                        r = check_alias(*a);
        STRV_FOREACH(p, properties)
                if (r >= 0 && (!strchr(*p, '=') || **p == '='))
                        r = report_failure("'%s' is no property: give %sNAME=VALUE.", *p, properties == c->args->options[OPTION_PROPERTY] ? "--property " : "");
        return r;
}

/* A split image: metadata and root file system. */
#define IMPORT_FILES_MAX 2U

static void sources_done(Source (*sources)[IMPORT_FILES_MAX]) {
        for (size_t i = 0; i < IMPORT_FILES_MAX; i++)
                source_done(&(*sources)[i]);
}

static int print_fingerprint(Ctl *c, sd_bus_message *reply) {
        const char *fingerprint;
        int r = sd_bus_message_read(reply, "so", &fingerprint, NULL);

        if (r < 0)
                return bus_report_parse(r);
        if (!c->quiet)
                printf("%s\n", fingerprint);
        return 0;
}

static int call_import(Ctl *c, sd_bus_message *m, const char *target) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = job_call(c, m, target, &reply);
        if (r < 0)
                return r;
        return print_fingerprint(c, reply);
}

/* What reads the tree is waited for, and knows best why not all of it came. */
static int call_import_tree(Ctl *c, sd_bus_message **m, const char *directory, pid_t pid) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r, code;

        r = job_try(c, *m, directory, &reply, &error);
        *m = sd_bus_message_unref(*m);
        code = process_wait(pid);
        if (code > 0)
                return report_failure("Not all of '%s' could be read: tar ended with %d.", directory, code);
        if (sd_bus_error_is_set(&error))
                return bus_report(c, r, &error, directory);
        return r < 0 ? r : print_fingerprint(c, reply);
}

/* *ret_pid: of whoever makes an archive of a directory, or 0. */
static int open_import_source(Ctl *c, const char *name, Source *source, pid_t *ret_pid) {
        int r, fd;

        r = source_open(name, "archive", source);
        if (r < 0 || !S_ISDIR(source->st.st_mode))
                return r;
        /* What skopeo(1) calls oci:DIRECTORY. */
        if (c->args->n_words > 1 || faccessat(source->fd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return report_failure("'%s' is a directory: berthctl import-fs makes an image of it.", name);
        r = tree_archive_start(source->fd, &fd, ret_pid);
        if (r < 0)
                return r;
        (void) close(source->fd);
        source->fd = fd;
        return 0;
}

int verb_import(Ctl *c) {
        static const char *const standard_input[] = { "-", NULL };
        char *const *names = c->args->n_words > 0 ? c->args->words : (char *const *) standard_input;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sources_done) Source sources[IMPORT_FILES_MAX] = { SOURCE_NONE, SOURCE_NONE };
        const char *foreign = arguments_get(c->args, OPTION_FOREIGN);
        pid_t pid = 0;
        int r;

        if (foreign)
                return import_foreign(c, foreign);
        if (arguments_have(c->args, OPTION_NAME) || arguments_have(c->args, OPTION_SET))
                return report_usage("--name and --set are for what becomes a container: with --lxc, --openvz or --nspawn. An image has an --alias.");
        r = image_check_options(c, c->args->options[OPTION_PROPERTY]);
        if (r >= 0)
                r = bus_message(c, "ImportImage", &m);
        if (r < 0)
                return r;

        r = sd_bus_message_open_container(m, 'a', "h");
        for (size_t i = 0; names[i] && r >= 0; i++) {
                r = open_import_source(c, names[i], &sources[i], &pid);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(m, "h", sources[i].fd);
                /* The message has a duplicate; with ours open a relay would not see that nobody reads. */
                sources[i].fd = fd_close(sources[i].fd);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = append_import_options(c, m, NULL, NULL, c->args->options[OPTION_PROPERTY]);
        if (r < 0)
                return bus_report_create(r);

        return pid > 0 ? call_import_tree(c, &m, names[0], pid) : call_import(c, m, names[0]);
}

int verb_import_fs(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *directory = c->args->words[0];
        _cleanup_close_ int fd = -EBADF, tree = -EBADF;
        pid_t pid;
        int r;

        tree = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree < 0 && errno == ENOTDIR)
                return report_failure("'%s' is no directory; berthctl import takes archives.", directory);
        if (tree < 0)
                return report_failure("Cannot open '%s': %m.", directory);
        r = image_check_options(c, c->args->options[OPTION_PROPERTY]);
        if (r >= 0 && c->args->words[1])
                r = check_alias(c->args->words[1]);
        if (r >= 0)
                r = bus_message(c, "ImportImage", &m);
        if (r >= 0)
                r = tree_archive_start(tree, &fd, &pid);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ah", 1, fd);
        /* The message has a duplicate; with ours open the relay would not see that nobody reads. */
        fd = fd_close(fd);
        if (r >= 0)
                r = append_import_options(c, m, c->args->words[1], NULL, c->args->options[OPTION_PROPERTY]);
        if (r >= 0)
                return call_import_tree(c, &m, directory, pid);
        m = sd_bus_message_unref(m);
        (void) process_wait(pid);
        return bus_report_create(r);
}

/* *ret_error: why the job failed, if it did. */
static int publish(Ctl *c, const char *name, const char *snapshot, char *const *properties, int key_fd, sd_bus_message **ret_reply, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, "PublishContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = image_append_options(c, m, NULL, snapshot, properties);
        if (r >= 0 && key_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", "key", "h", key_fd);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? bus_report_create(r) : job_try(c, m, name, ret_reply, ret_error);
}

int verb_publish(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_strv_ char **properties = NULL;
        const char *slash = strchr(c->args->words[0], '/'), *snapshot = slash ? slash + 1 : NULL;
        _cleanup_free_ char *name = strndup(c->args->words[0], strcspn(c->args->words[0], "/"));
        _cleanup_close_ int key_fd = -EBADF;
        int r;

        if (!name || strv_copy(c->args->words + 1, &properties) < 0)
                return report_oom();
        STRV_FOREACH(p, c->args->options[OPTION_PROPERTY])
                if (strv_extend(&properties, *p) < 0)
                        return report_oom();
        r = image_check_options(c, properties);
        if (r >= 0)
                r = secret_of_container(c, name, false, &key_fd);
        if (r < 0)
                return r;
        r = publish(c, name, snapshot, properties, key_fd, &reply, &error);
        if (r < 0 && key_fd < 0 && sd_bus_error_has_name(&error, BERTH_ERROR_KEY_NEEDED)) {
                r = secret_of_container(c, name, true, &key_fd);
                if (r < 0)
                        return r;
                sd_bus_error_free(&error);
                r = publish(c, name, snapshot, properties, key_fd, &reply, &error);
        }
        if (sd_bus_error_is_set(&error))
                return bus_report(c, r, &error, name);
        return r < 0 ? r : print_fingerprint(c, reply);
}

int verb_remove_image(Ctl *c) {
        return bus_call_each(c, "RemoveImage", c->args->words, NULL, NULL);
}

static int list_aliases(Ctl *c) {
        static const TableColumn columns[] = {
                { "ALIAS", "alias" },
                { "FINGERPRINT", "fingerprint" },
                { "DESCRIPTION", "description", TABLE_SHRINK },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        const char *fingerprint, *description;
        int r;

        r = bus_method(c, "ListImages", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();

        r = sd_bus_message_enter_container(reply, 'a', "(" IMAGES_ROW ")");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', IMAGES_ROW)) > 0) {
                _cleanup_strv_ char **aliases = NULL;

                r = sd_bus_message_read(reply, "s", &fingerprint);
                if (r >= 0)
                        r = sd_bus_message_read_strv(reply, &aliases);
                if (r >= 0)
                        r = sd_bus_message_read(reply, "s", &description);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "sttto" "bsua{ss}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        break;
                STRV_FOREACH(a, aliases) {
                        table_add_text(t, *a, NULL);
                        table_add_text(t, fingerprint, NULL);
                        table_add_text(t, description, NULL);
                }
        }
        if (r < 0)
                return bus_report_parse(r);
        table_sort(t, 0);
        return ctl_print_table(c, t, "aliases");
}

static int add_alias(Ctl *c, const char *alias, const char *image) {
        int r;

        r = check_alias(alias);
        if (r < 0)
                return r;
        return bus_method(c, "AddAlias", image, NULL, "ss", alias, image);
}

static int alias_add(Ctl *c) {
        return add_alias(c, c->args->words[1], c->args->words[2]);
}

static int alias_remove(Ctl *c) {
        return bus_call_each(c, "RemoveAlias", c->args->words + 1, NULL, NULL);
}

static int alias_rename(Ctl *c) {
        const char *old = c->args->words[1];
        int r;

        /* In this order the image has a name at every moment. */
        r = add_alias(c, c->args->words[2], old);
        if (r < 0)
                return r;
        return bus_method(c, "RemoveAlias", old, NULL, "s", old);
}

static const struct {
        const char *name;
        size_t min, max; /* words after it */
        int (*run)(Ctl *c);
        const char *usage;
} alias_actions[] = {
        { "list", 0, 0, list_aliases, "list" },
        { "ls", 0, 0, list_aliases, "list" },
        { "add", 2, 2, alias_add, "add ALIAS IMAGE" },
        { "create", 2, 2, alias_add, "add ALIAS IMAGE" },
        { "remove", 1, WORDS_MAX, alias_remove, "remove ALIAS…" },
        { "rm", 1, WORDS_MAX, alias_remove, "remove ALIAS…" },
        { "delete", 1, WORDS_MAX, alias_remove, "remove ALIAS…" },
        { "rename", 2, 2, alias_rename, "rename OLD NEW" },
};

int verb_alias(Ctl *c) {
        const char *action = c->args->n_words > 0 ? c->args->words[0] : "list";
        size_t n = c->args->n_words > 0 ? c->args->n_words - 1 : 0;

        for (size_t i = 0; i < ELEMENTSOF(alias_actions); i++) {
                if (!streq(alias_actions[i].name, action))
                        continue;
                if (n < alias_actions[i].min || n > alias_actions[i].max)
                        return report_usage("Usage: berthctl alias %s", alias_actions[i].usage);
                return alias_actions[i].run(c);
        }
        return report_usage("Aliases can be listed, added, removed and renamed, not '%s'. See 'berthctl alias --help'.", action);
}
