/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/bus-error.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "shared/bus-names.h"

/* What to do next, after the manager's own sentence. '%s' is the target, twice at most; such a row is passed over when there is none. */
static const struct {
        const char *error;
        const char *hint;
        const char *not_for; /* the verb that has no use for it */
        const char *only_for;
} hints[] = {
        { BERTH_ERROR_NO_SUCH_CONTAINER, "See 'berthctl list'." },
        { BERTH_ERROR_CONTAINER_EXISTS, "Choose another name, or remove it with 'berthctl delete %s'." },
        { BERTH_ERROR_NOT_RUNNING, "Start it with 'berthctl start %s'.", "stop" },
        { BERTH_ERROR_PROTECTED, "Take that away with 'berthctl unset %s ProtectDelete'.", .only_for = "delete" },
        { BERTH_ERROR_ALREADY_RUNNING, "Stop it with 'berthctl stop %s', or use 'berthctl delete --force %s'.", .only_for = "delete" },
        { BERTH_ERROR_START_FAILED, "See 'berthctl info --show-log %s'." },
        { BERTH_ERROR_STOP_FAILED, "Force it with 'berthctl stop --force %s'." },
        { BERTH_ERROR_NO_SUCH_IMAGE, "See 'berthctl list-images'." },
        { BERTH_ERROR_IMAGE_EXISTS, "See 'berthctl list-images'." },
        { BERTH_ERROR_AMBIGUOUS_IMAGE, "Give more digits of the fingerprint; see 'berthctl list-images'." },
        { BERTH_ERROR_NO_SUCH_PROFILE, "See 'berthctl profile list'." },
        { BERTH_ERROR_ALIAS_EXISTS, "See 'berthctl alias list'." },
        { BERTH_ERROR_NO_SUCH_ALIAS, "See 'berthctl alias list'." },
        { BERTH_ERROR_BAD_SETTINGS, "See 'berthctl help settings'." },
        { BERTH_ERROR_NO_SUCH_JOB, "See 'berthctl list-jobs'." },
};

static bool is_one_of(const sd_bus_error *error, const char *const *names) {
        for (; error && error->name && *names; names++)
                if (streq(error->name, *names))
                        return true;
        return false;
}

/* The manager went away, or the bus did, while we waited. Its work is in units of their own. */
static const char *const lost[] = {
        SD_BUS_ERROR_NO_REPLY,
        SD_BUS_ERROR_DISCONNECTED,
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        NULL,
};

static const char *const not_there[] = {
        SD_BUS_ERROR_SERVICE_UNKNOWN,
        "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
        "org.freedesktop.DBus.Error.Spawn.ExecFailed",
        "org.freedesktop.DBus.Error.Spawn.ChildExited",
        "org.freedesktop.systemd1.NoSuchUnit",
        NULL,
};

/* It was to be started, and PID 1 could not: most often what it needs is not there. */
static const char *const not_started[] = {
        "org.freedesktop.DBus.Error.TimedOut",
        "org.freedesktop.DBus.Error.Spawn.Failed",
        "org.freedesktop.DBus.Error.Spawn.ChildSignaled",
        "org.freedesktop.systemd1.JobFailed",
        NULL,
};

static const char *const denied[] = {
        SD_BUS_ERROR_ACCESS_DENIED,
        SD_BUS_ERROR_AUTH_FAILED,
        SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
        NULL,
};

/* Their sentences know the job, not what the caller named: a file that berthctl opened, most often. */
static const char *const of_the_target[] = {
        BERTH_ERROR_BAD_ARCHIVE,
        BERTH_ERROR_BAD_METADATA,
        BERTH_ERROR_INVALID_ARGUMENT,
        BERTH_ERROR_JOB_FAILED,
        BERTH_ERROR_NO_SPACE,
        NULL,
};

static int explain_denied(const sd_bus_error *error, const char *verb, const char *target, bool asked, char **ret) {
        bool may_ask = streq(error->name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
        const char *hint = may_ask && !asked ? "An administrator's password may allow it: run it on a terminal and without --no-ask-password."
                                             : "Polkit decides this; see ACCESS in berthctl(1).";

        /* The manager names the deed and the container. The bus, which speaks of messages and rules, does not. */
        if (!isempty(error->message) && !startswith(error->message, "Rejected "))
                return asprintf(ret, "%s%s %s", error->message, endswith(error->message, ".") ? "" : ".", hint);
        return asprintf(ret, "Not allowed to %s%s%s%s. %s", verb, target ? " '" : "", target ?: "", target ? "'" : "", hint);
}

int bus_error_explain(int r, const sd_bus_error *error, const char *verb, const char *target, bool asked, char **ret) {
        _cleanup_free_ char *hint = NULL;
        const char *message, *stop;
        bool prefix;
        int n;

        r = r < 0 ? -r : r;
        if (is_one_of(error, denied))
                n = explain_denied(error, verb, target, asked, ret);
        else if (is_one_of(error, lost) || ((!error || !error->name) && (r == ECONNRESET || r == ENOTCONN || r == EPIPE)))
                n = asprintf(ret, "The connection to berth-containerd was lost before it answered. What it had begun goes on: "
                             "see 'berthctl list-jobs' and 'berthctl list'.");
        else if (is_one_of(error, not_there))
                n = asprintf(ret, "berth-containerd cannot be reached: %s. See 'systemctl status berth-containerd'.", error->message ?: error->name);
        else if (is_one_of(error, not_started))
                n = asprintf(ret, "berth-containerd could not be started. See 'systemctl status berth-containerd', and where /var/lib/berth is a file system of its own "
                             "'systemctl status var-lib-berth.mount'.");
        else if (!error || isempty(error->name))
                n = asprintf(ret, "'%s' failed: %s.", verb, strerror(r));
        else {
                for (size_t i = 0; i < ELEMENTSOF(hints); i++) {
                        if (!streq(hints[i].error, error->name) || streq_ptr(hints[i].not_for, verb) ||
                            (hints[i].only_for && !streq(hints[i].only_for, verb)) || (strstr(hints[i].hint, "%s") && !target))
                                continue;
                        if (asprintf(&hint, hints[i].hint, target, target) < 0) {
                                hint = NULL;
                                return -ENOMEM;
                        }
                        break;
                }
                message = isempty(error->message) ? error->name : error->message;
                stop = strchr(".!?", message[strlen(message) - 1]) ? "" : ".";
                prefix = target && is_one_of(error, of_the_target) && !strstr(message, target);
                n = asprintf(ret, "%s%s%s%s%s%s%s", prefix ? "'" : "", prefix ? target : "", prefix ? "': " : "", message, stop, hint ? " " : "",
                             hint ?: "");
        }
        return n < 0 ? -ENOMEM : 0;
}
