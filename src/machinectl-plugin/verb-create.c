/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* create, launch, clone, delete: containers come and go. */

#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/assignments.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/secret.h"
#include "machinectl-plugin/verbs.h"
#include "settings/remote.h"
#include "shared/names.h"

/* Who makes an ephemeral container to start it may be gone before he does: then nobody wants it. A question for a password may take some minutes. */
#define START_WITHIN_USEC (10 * 60 * USEC_PER_SEC)

/* Better here than after a password has been asked for. The manager checks it again. */
static int check_name(const char *name) {
        _cleanup_free_ char *sentence = NULL;

        if (container_name_valid(name))
                return 0;
        if (container_name_explain(name, &sentence) < 0)
                return report_oom();
        return report_failure("%s", sentence);
}

/* --set, and --profile, which is one of them. */
static int collect_settings(Ctl *c, char ***ret) {
        char **profiles = c->args->options[OPTION_PROFILE];
        _cleanup_strv_ char **settings = NULL;
        _cleanup_free_ char *joined = NULL;
        int r;

        if (profiles && arguments_have(c->args, OPTION_NO_PROFILES))
                return report_failure("--profile and --no-profiles do not go together.");
        r = assignments_read(c->args->options[OPTION_SET], &settings);
        if (r < 0)
                return r;
        r = strv_join(profiles, " ", &joined);
        if (r >= 0 && (profiles || arguments_have(c->args, OPTION_NO_PROFILES)))
                r = strv_extendf(&settings, "Profiles=%s", joined);
        if (r < 0)
                return report_oom();
        *ret = TAKE_PTR(settings);
        return 0;
}

/* REMOTE:IMAGE is pulled, if it was not before, and goes by its fingerprint from here on. */
static int find_origin(Ctl *c, const char **origin, char **ret_pulled) {
        const char *local = startswith(*origin, REMOTE_LOCAL ":");
        int r;

        if (local)
                *origin = local;
        else if (strchr(*origin, ':')) {
                r = pull_image(c, *origin, true, ret_pulled);
                if (r < 0)
                        return r;
                *origin = *ret_pulled;
        }
        return 0;
}

/* CreateContainer takes name and image, CloneContainer the container it begins as and the name. */
static int create(Ctl *c, const char *method, const char *name, bool ephemeral, bool starts, char *const *more, char **ret_name) {
        _cleanup_strv_ char **settings = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_free_ char *pulled = NULL;
        const char *origin = c->args->words[0], *given;
        bool clone = streq(method, "CloneContainer");
        const char *snapshot = clone ? strchr(origin, '/') : NULL;
        _cleanup_free_ char *source = NULL;
        _cleanup_close_ int key_fd = -EBADF;
        int r;

        if (*name) {
                r = check_name(name);
                if (r < 0)
                        return r;
        }
        if (!clone) {
                r = find_origin(c, &origin, &pulled);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(s, c->args->options[OPTION_SET])
                if (!strchr(*s, '='))
                        return report_failure("'%s' is no setting: give --set KEY=VALUE.", *s);

        r = collect_settings(c, &settings);
        if (r < 0)
                return r;
        STRV_FOREACH(l, more)
                if (strv_extend(&settings, *l) < 0)
                        return report_oom();
        STRV_FOREACH(d, c->args->options[OPTION_DEVICE]) {
                r = device_option_settings(*d, &settings);
                if (r < 0)
                        return r;
        }
        if (snapshot) {
                source = strndup(origin, (size_t) (snapshot - origin));
                if (!source)
                        return report_oom();
                origin = source;
        }
        if (arguments_have(c->args, OPTION_ENCRYPTED) || arguments_have(c->args, OPTION_KEY_FILE)) {
                r = secret_of_new(c, &key_fd);
                if (r < 0)
                        return r;
        }
        r = bus_message(c, method, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", clone ? origin : name, clone ? name : origin);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, settings);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && ephemeral)
                r = sd_bus_message_append(m, "{sv}", "ephemeral", "b", true);
        if (r >= 0 && ephemeral && starts && !clone)
                r = sd_bus_message_append(m, "{sv}", "start_within_usec", "t", (uint64_t) START_WITHIN_USEC);
        if (r >= 0 && snapshot)
                r = sd_bus_message_append(m, "{sv}", "snapshot", "s", snapshot + 1);
        if (r >= 0 && !clone && arguments_have(c->args, OPTION_FORCE))
                r = sd_bus_message_append(m, "{sv}", "force", "b", true);
        if (r >= 0 && arguments_have(c->args, OPTION_STORE))
                r = sd_bus_message_append(m, "{sv}", "store", "s", c->args->options[OPTION_STORE][0]);
        if (r >= 0 && key_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", "key", "h", key_fd);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return bus_report_create(r);

        r = job_call(c, m, *name ? name : origin, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "so", &given, NULL);
        if (r < 0)
                return bus_report_parse(r);
        *ret_name = strdup(given);
        return *ret_name ? 0 : report_oom();
}

int create_container(Ctl *c, const char *name, bool ephemeral, char *const *more, char **ret_name) {
        return create(c, "CreateContainer", name, ephemeral, true, more, ret_name);
}

static int create_as_asked(Ctl *c, const char *method, bool starts, char **ret_name) {
        const char *name = c->args->words[1] ?: "";
        int r;

        r = create(c, method, name, arguments_have(c->args, OPTION_EPHEMERAL), starts, NULL, ret_name);
        /* Standard output is for what a script cannot know. */
        if (r >= 0 && !*name) {
                printf("%s\n", *ret_name);
                (void) fflush(stdout);
        }
        return r;
}

int verb_create(Ctl *c) {
        _cleanup_free_ char *name = NULL;

        return create_as_asked(c, "CreateContainer", false, &name);
}

int verb_clone(Ctl *c) {
        _cleanup_free_ char *name = NULL;

        return create_as_asked(c, "CloneContainer", false, &name);
}

int verb_launch(Ctl *c) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = create_as_asked(c, "CreateContainer", true, &name);
        if (r < 0)
                return r;
        r = secret_agent_start(c, (char *[]) { name, NULL });
        if (r >= 0)
                r = bus_method(c, "StartContainer", name, NULL, "s", name);
        secret_agent_stop(c);
        if (r < 0) {
                if (arguments_have(c->args, OPTION_EPHEMERAL))
                        report_note("'%s' did not start. If 'berthctl list' still shows it, remove it with 'berthctl delete %s'.", name, name);
                else
                        report_note("'%s' was made and is kept. When the reason is gone, 'berthctl start %s'; or 'berthctl delete %s'.",
                                    name, name, name);
        }
        return r;
}

static int append_force(Ctl *c, sd_bus_message *m) {
        return sd_bus_message_append(m, "a{sv}", 1, "force", "b", arguments_have(c->args, OPTION_FORCE));
}

int verb_delete(Ctl *c) {
        _cleanup_strv_ char **containers = NULL, **snapshots = NULL;
        int r = 0, k;

        STRV_FOREACH(w, c->args->words)
                if (r >= 0)
                        r = strv_extend(strchr(*w, '/') ? &snapshots : &containers, *w);
        if (r < 0)
                return report_oom();
        r = snapshots ? snapshots_delete(c, snapshots) : 0;
        k = containers ? bus_call_each(c, "DeleteContainer", containers, append_force, NULL) : 0;
        return r < 0 ? r : k;
}
