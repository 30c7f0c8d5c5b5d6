/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cancel, help, version; and complete, which a shell's completion asks what may come next. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/help.h"
#include "machinectl-plugin/pager.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/settings.h"

int verb_cancel(Ctl *c) {
        int result = 0, r;

        STRV_FOREACH(word, c->args->words) {
                uint32_t id;

                if (parse_u32(*word, UINT32_MAX, &id) < 0)
                        return report_usage("'%s' is no number of a job. See 'berthctl list-jobs'.", *word);
                r = bus_method(c, "CancelJob", *word, NULL, "u", id);
                if (r < 0)
                        result = r;
        }
        return result;
}

int verb_help(Ctl *c) {
        const char *topic = c->args->words[0];
        const Verb *v;

        if (topic && (streq(topic, "settings") || streq(topic, "config"))) {
                pager_open(c);
                settings_print_help(stdout);
                return 0;
        }
        v = topic ? verb_find(topic) : NULL;
        if (topic && !v)
                return report_usage("There is no help on '%s'. See 'berthctl help', 'berthctl help settings'.", topic);
        pager_open(c);
        return v ? help_print_verb(v) : help_print();
}

int verb_version(Ctl *c) {
        help_print_version();
        return 0;
}

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
        r = sd_bus_message_enter_container(reply, 'a', "(sssuutso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sssuutso)", &name, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) > 0)
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
        r = sd_bus_message_enter_container(reply, 'a', "(sasssttto)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sasssttto")) > 0) {
                _cleanup_strv_ char **aliases = NULL;

                r = sd_bus_message_read(reply, "s", &fingerprint);
                if (r >= 0)
                        r = sd_bus_message_read_strv(reply, &aliases);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "ssttto");
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

/* complete WORD…: all words after berthctl up to the one being typed, which is the last and may be empty. Prints candidates, one a line;
 * "/" alone: names of files. */
int verb_complete(Ctl *c) {
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
        case WORD_VERB:
                complete_verbs();
                return 0;
        case WORD_FILE:
                printf("/\n");
                return 0;
        case WORD_OTHER:
                break;
        }
        return 0;
}
