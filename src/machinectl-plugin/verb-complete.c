/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* complete: a shell's completion asks what may come next. */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/server.h"
#include "settings/table.h"

#define REMOTE_SECONDS_MAX 10U

static void complete_verbs(void) {
        for (size_t i = 0; i < verb_table_size; i++) {
                if (verb_table[i].flags & VERB_HIDDEN)
                        continue;
                printf("%s\n", verb_table[i].name);
                NULSTR_FOREACH(alias, verb_table[i].aliases)
                        if (!strchr(alias, ' '))
                                printf("%s\n", alias);
        }
}

/* A verb that has verbs of its own names them in its usage: "[list | show PROFILE… | …]", "list | show … NAME". */
static bool complete_actions(const Verb *v) {
        const char *p = v->arguments;

        if (!strchr(p, '|'))
                return false;
        for (p += *p == '['; p; p = strchr(p, '|')) {
                size_t n;

                p += strspn(p, "| ");
                n = strcspn(p, " |]");
                printf("%.*s\n", (int) n, p);
        }
        return true;
}

static void complete_options(const Verb *v) {
        uint64_t options = OPTIONS_COMMON | (v ? v->options : 0);

        for (size_t i = 0; i < option_table_size; i++)
                if (option_table[i].name && option_table[i].help && (options & UINT64_C(1) << option_table[i].option))
                        printf("--%s%s\n", option_table[i].name, option_table[i].argument ? "=" : "");
}

static int complete_containers(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *name;
        int r;

        r = bus_method(c, "ListContainers", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(sssuutsbbo)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sssuutsbbo)", &name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) > 0)
                printf("%s\n", name);
        return r;
}

static int complete_images(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *fingerprint;
        int r;

        r = bus_method(c, "ListImages", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(" IMAGES_ROW ")");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', IMAGES_ROW)) > 0) {
                _cleanup_strv_ char **aliases = NULL;

                r = sd_bus_message_read(reply, "s", &fingerprint);
                if (r >= 0)
                        r = sd_bus_message_read_strv(reply, &aliases);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, IMAGES_MORE);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        break;
                STRV_FOREACH(a, aliases)
                        printf("%s\n", *a);
                if (!aliases)
                        printf("%.12s\n", fingerprint);
        }
        return r;
}

static int complete_profiles(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *name;
        int r;

        r = bus_method(c, "ListProfiles", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(sssbas)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sssbas")) > 0) {
                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0)
                        printf("%s\n", name);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "ssbas");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static int complete_jobs(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t id;
        int r;

        r = bus_method(c, "ListJobs", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ussdsuo)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ussdsuo)", &id, NULL, NULL, NULL, NULL, NULL, NULL)) > 0)
                printf("%u\n", id);
        return r;
}

static int complete_snapshots(Ctl *c, const char *container) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *of, *name;
        int r;

        r = bus_method(c, "ListAllSnapshots", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ssttbt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssttbt)", &of, &name, NULL, NULL, NULL, NULL)) > 0)
                if (!container)
                        printf("%s/%s\n", of, name);
                else if (streq(of, container))
                        printf("%s\n", name);
        return r;
}

/* Names of servers; behind a ':' what that one has. Nobody has to wait for long for it. */
static int complete_remote_images(Ctl *c, const char *current) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *colon = strchr(current, ':'), *name;
        _cleanup_free_ char *remote = NULL, *text = NULL;
        char *line, *rest, *alias;
        int r;

        if (!colon) {
                r = bus_method(c, "ListRemotes", NULL, &reply, "");
                if (r < 0)
                        return r;
                r = sd_bus_message_enter_container(reply, 'a', "(ssss)");
                while (r >= 0 && (r = sd_bus_message_read(reply, "(ssss)", &name, NULL, NULL, NULL)) > 0)
                        printf("%s:\n", name);
                return r;
        }
        remote = strndup(current, (size_t) (colon - current));
        if (!remote)
                return report_oom();
        (void) alarm(REMOTE_SECONDS_MAX);
        r = fetch_remote_list(c, remote, &text);
        if (r < 0)
                return r;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                char *aliases = strsep(&line, "\t");

                while ((alias = strsep(&aliases, ", ")))
                        if (*alias)
                                printf("%s:%s\n", remote, alias);
        }
        return 0;
}

static void complete_settings(const char *end) {
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                if (t->who != SETTING_BERTH)
                        printf("%s%s\n", t->name, end);
}

static const char *assignment(const Verb *v) {
        return v->run == verb_set || v->run == verb_image_set ? "=" : "";
}

/* complete WORD…: all words after berthctl up to the one being typed, which is the last and may be empty. Prints candidates, one a line;
 * "/" alone: names of files. */
int verb_complete(Ctl *c) {
        static const char *const image_keys[] = { "description", "expires", "public" };
        _cleanup_(arguments_freep) Arguments *typed = NULL;
        _cleanup_free_ char *error = NULL;
        _cleanup_free_ char **argv = NULL;
        size_t n = c->args->n_words;
        const char *current;
        VerbWord kind;
        const Verb *v;
        int r;

        if (n == 0)
                return 0;
        current = c->args->words[n - 1];
        argv = calloc(n + 2, sizeof(char *));
        if (!argv)
                return report_oom();
        argv[0] = (char *) "berthctl";
        memcpy(argv + 1, c->args->words, (n - 1) * sizeof(char *));
        /* What is complete so far may be too little for the verb; that is no reason to refuse it here. */
        argv[n] = (char *) "--help";
        if (arguments_parse((int) n + 1, argv, &typed, &error) < 0) {
                argv[n] = NULL;
                return 0;
        }
        v = typed->verb;
        if (current[0] == '-') {
                complete_options(v);
                return 0;
        }
        if (!v) {
                complete_verbs();
                return 0;
        }
        if (typed->n_words == 0 && v->first == WORD_OTHER && complete_actions(v))
                return 0;
        if (v->run == verb_profile && typed->n_words > 1 && (streq(typed->words[0], "set") || streq(typed->words[0], "unset"))) {
                complete_settings(streq(typed->words[0], "set") ? "=" : "");
                return 0;
        }
        kind = typed->n_words == 0 ? v->first : v->rest;
        switch (kind) {
        case WORD_CONTAINER:
                return complete_containers(c);
        case WORD_IMAGE:
                return complete_images(c);
        case WORD_JOB:
                return complete_jobs(c);
        case WORD_PROFILE:
                r = complete_profiles(c);
                return r < 0 ? r : complete_containers(c);
        case WORD_SERVER_KEY:
                for (ServerKey k = 0; k < _SERVER_KEY_MAX; k++)
                        printf("%s%s\n", server_table[k].name, v->run == verb_set_server ? "=" : "");
                return 0;
        case WORD_VERB:
                complete_verbs();
                return 0;
        case WORD_FILE:
                printf("/\n");
                return 0;
        case WORD_SNAPSHOT:
                return strchr(current, '/') ? complete_snapshots(c, NULL) : complete_containers(c);
        case WORD_SNAPSHOT_OF:
                return complete_snapshots(c, typed->words[0]);
        case WORD_ANY_IMAGE:
                if (!strchr(current, ':')) {
                        r = complete_images(c);
                        if (r < 0)
                                return r;
                }
                return complete_remote_images(c, current);
        case WORD_REMOTE_IMAGE:
                return complete_remote_images(c, current);
        case WORD_SETTING:
                complete_settings(assignment(v));
                return 0;
        case WORD_IMAGE_KEY:
                for (size_t i = 0; i < ELEMENTSOF(image_keys); i++)
                        printf("%s%s\n", image_keys[i], assignment(v));
                return 0;
        case WORD_OTHER:
                break;
        }
        return 0;
}
