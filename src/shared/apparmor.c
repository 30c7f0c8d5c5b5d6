/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/apparmor-policy.h"
#include "shared/foreign-range.h"
#include "shared/names.h"

#define ENABLED "/sys/module/apparmor/parameters/enabled"
#define OWN_LABEL "/proc/self/attr/apparmor/current"
#define APPARMOR_FS "/sys/kernel/security/apparmor"
#define REPLACE APPARMOR_FS "/.replace"
#define REMOVE APPARMOR_FS "/.remove"
#define NAMESPACES APPARMOR_FS "/policy/namespaces"

#define OUTER_NAMESPACE "berth-%s"
#define INNER_NAMESPACE "lxc-%s"

static bool file_begins(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        char data[64];
        ssize_t n = fd < 0 ? 0 : read(fd, data, sizeof data - 1);

        data[n > 0 ? n : 0] = 0;
        return startswith(data, text);
}

AppArmorState apparmor_state(void) {
        if (!file_begins(ENABLED, "Y"))
                return APPARMOR_NONE;
        if (access(REPLACE, F_OK) >= 0)
                return APPARMOR_OURS;
        return file_begins(OWN_LABEL, "unconfined") ? APPARMOR_NONE : APPARMOR_CONFINES;
}

bool apparmor_makes_profile(const Settings *s) {
        return !s->apparmor_profile && apparmor_state() != APPARMOR_NONE;
}

bool apparmor_has_namespace(const Settings *s) {
        /* One without a user namespace would administrate the host's policy, if it could any. */
        return !s->apparmor_profile && !s->privileged && apparmor_state() == APPARMOR_OURS && !foreign_range_is_shared();
}

int apparmor_label(const char *name, const Settings *s, char **ret) {
        char *label = NULL;
        int r;

        if (streq_ptr(s->apparmor_profile, "unconfined"))
                r = 0;
        else if (s->apparmor_profile)
                r = (label = strdup(s->apparmor_profile)) ? 0 : -ENOMEM;
        else if (apparmor_has_namespace(s))
                r = asprintf(&label, "berth@%s//&:" OUTER_NAMESPACE "//" INNER_NAMESPACE ":unconfined", name, name, name);
        else if (apparmor_makes_profile(s))
                r = asprintf(&label, "berth@%s", name);
        else
                r = 0;
        if (r < 0)
                return -ENOMEM;
        *ret = label;
        return 0;
}

int apparmor_profile_text(const char *name, const Settings *s, char **ret) {
        _cleanup_free_ char *lines = NULL;
        int r;

        r = strv_join(s->raw_apparmor, "\n  ", &lines);
        if (r < 0)
                return r;
        /* The names of the features that its rules are about are those of the oldest parser that berth is for, so that a newer one denies nothing that
         * this profile knows nothing of. */
        return asprintf(ret,
                        "abi <abi/3.0>,\n"
                        "profile \"berth@%s\" flags=(attach_disconnected,mediate_deleted) {\n"
                        "  include \"" APPARMOR_DIRECTORY "/%s\"\n"
                        "  include if exists <local/berth-container>\n"
                        "  %s\n"
                        "}\n",
                        name, s->privileged ? "container-privileged" : "container", lines) < 0 ? -ENOMEM : 0;
}

int apparmor_compile(int container_fd, const char *name, const Settings *s, char **ret_error) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (s->apparmor_profile || apparmor_state() != APPARMOR_OURS)
                return 0;
        r = apparmor_profile_text(name, s, &text);
        return r < 0 ? r : apparmor_policy_compile(container_fd, text, false, NULL, NULL, ret_error);
}

/* A command, or a policy, is what one write gives. */
static int write_once(const char *path, const void *data, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = write(fd, data, size);
        return n < 0 ? -errno : (size_t) n == size ? 0 : -EIO;
}

static int load_profile(int container_fd, const char *name, const Settings *s, char **ret_error) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = apparmor_profile_text(name, s, &text);
        for (int i = 0; i < 2 && r >= 0; i++) {
                _cleanup_free_ void *policy = NULL;
                size_t size;

                /* What was kept may have been cut short by the end of the host, or be for another kernel after all. */
                r = apparmor_policy_compile(container_fd, text, i > 0, &policy, &size, ret_error);
                if (r < 0)
                        return r;
                r = write_once(REPLACE, policy, size);
                if (r >= 0)
                        return 0;
                if (r == -EPROTO || r == -EPROTONOSUPPORT || r == -EBADMSG || r == -EINVAL)
                        r = i == 0 ? 0 : r;
        }
        errno = -r;
        if (r < 0 && asprintf(ret_error, "the kernel does not take its AppArmor profile 'berth@%s': %m", name) < 0)
                *ret_error = NULL;
        return r;
}

static int make_namespace(const char *name, char **ret_error) {
        char outer[sizeof NAMESPACES + CONTAINER_NAME_MAX + 16], inner[sizeof outer + CONTAINER_NAME_MAX + 32];

        snprintf(outer, sizeof outer, NAMESPACES "/" OUTER_NAMESPACE, name);
        snprintf(inner, sizeof inner, "%s/namespaces/" INNER_NAMESPACE, outer, name);
        /* Of a supervisor that was killed: with what was loaded into it. */
        if (rmdir(outer) < 0 && errno != ENOENT)
                goto fail;
        if (mkdir(outer, 0755) >= 0 && mkdir(inner, 0755) >= 0)
                return 0;
fail:
        {
                int error = errno;

                if (asprintf(ret_error, "cannot make its AppArmor policy namespace '" OUTER_NAMESPACE "': %m", name) < 0)
                        *ret_error = NULL;
                return -error;
        }
}

int apparmor_load(int container_fd, const char *name, const Settings *s, char **ret_error) {
        int r;

        if (s->apparmor_profile) {
                if (s->raw_apparmor) {
                        *ret_error = strdup("RawAppArmor= is a part of the profile that berth makes, and AppArmorProfile= names another");
                        return -EINVAL;
                }
                return 0;
        }
        switch (apparmor_state()) {
        case APPARMOR_NONE:
                if (s->raw_apparmor) {
                        *ret_error = strdup("there is no AppArmor here for its RawAppArmor=");
                        return -EOPNOTSUPP;
                }
                return 0;
        case APPARMOR_CONFINES:
                *ret_error = strdup("this host is confined by an AppArmor profile, and has no policy namespace to load one for its containers; "
                                    "AppArmorProfile=unconfined does without one of their own");
                return -EPERM;
        case APPARMOR_OURS:
                break;
        }
        r = load_profile(container_fd, name, s, ret_error);
        return r < 0 || !apparmor_has_namespace(s) ? r : make_namespace(name, ret_error);
}

void apparmor_unload(const char *name, const Settings *s) {
        char path[sizeof NAMESPACES + CONTAINER_NAME_MAX + 16], profile[CONTAINER_NAME_MAX + 16];

        if (s->apparmor_profile || apparmor_state() != APPARMOR_OURS)
                return;
        snprintf(path, sizeof path, NAMESPACES "/" OUTER_NAMESPACE, name);
        (void) rmdir(path);
        snprintf(profile, sizeof profile, "berth@%s", name);
        (void) write_once(REMOVE, profile, strlen(profile));
}
