/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/subject.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "containerd/alias.h"
#include "containerd/container.h"
#include "containerd/image.h"
#include "containerd/job.h"
#include "containerd/limits.h"
#include "settings/lxd.h"
#include "settings/profile.h"
#include "settings/settings.h"
#include "settings/table.h"
#include "shared/bus-names.h"
#include "shared/names.h"

void subject_done(Subject *s) {
        free(s->name);
        free(s->image);
        free(s->keys);
        *s = (Subject) {};
}

static bool subject_is_container(PolicySubject s) {
        return s == SUBJECT_CONTAINER || s == SUBJECT_NEW_CONTAINER || s == SUBJECT_THIS_CONTAINER;
}

/* The last part of an object's path, decoded; NULL when the path is of another kind. */
static int name_from_path(sd_bus_message *m, const char *prefix, char **ret) {
        int r = sd_bus_path_decode(sd_bus_message_get_path(m), prefix, ret);

        return r < 0 ? r : 0;
}

/* A rule that is about a key shall not have to know LXD's name of it, nor that its section can stand before it. */
static int add_key(Subject *s, char ***keys, const char *key, size_t n) {
        _cleanup_free_ char *word = strndup(key, n), *sentence = NULL;
        const Setting *t;
        const LxdKey *k;
        int r;

        if (!word)
                return -ENOMEM;
        k = lxd_key_find(word);
        for (size_t i = 0; k && i < LXD_KEY_NAMES_MAX && k->names[i]; i++) {
                r = add_key(s, keys, k->names[i], strlen(k->names[i]));
                if (r < 0)
                        return r;
        }
        if (k)
                return 0;
        r = setting_find(word, &t, NULL, &sentence);
        if (r == -ENOMEM)
                return r;
        if (r >= 0)
                s->ruled = s->ruled || t->who == SETTING_RULED;
        return strv_extend(keys, r >= 0 ? t->name : word);
}

/* What cannot be read as settings changes nothing either: the handler refuses it. */
static int read_text_keys(Subject *s, sd_bus_message *m, char ***ret) {
        _cleanup_(settings_file_freep) SettingsFile *a = NULL, *b = NULL;
        _cleanup_strv_ char **changed = NULL;
        const char *text, *before;
        int r;

        r = sd_bus_message_read(m, "ss", &text, &before);
        if (r < 0)
                return r;
        if (strlen(text) > SETTINGS_TEXT_MAX || strlen(before) > SETTINGS_TEXT_MAX)
                return -E2BIG;
        if (settings_file_parse("", before, &a, NULL) >= 0 && settings_file_parse("", text, &b, NULL) >= 0) {
                r = settings_file_changed_keys(a, b, &changed);
                if (r < 0)
                        return r;
        }
        r = 0;
        STRV_FOREACH(c, changed)
                if (r >= 0)
                        r = add_key(s, ret, *c, strlen(*c));
        return r;
}

static int read_assigned_keys(Subject *s, sd_bus_message *m, char ***ret) {
        _cleanup_strv_ char **assignments = NULL, **unset = NULL;
        const unsigned flags = s->row->flags;
        int r;

        if (flags & POLICY_SETTINGS_THIRD) {
                r = sd_bus_message_skip(m, "s");
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_read_strv(m, &assignments);
        if (r < 0)
                return r;
        if (flags & POLICY_SETTINGS_FIRST) {
                r = sd_bus_message_read_strv(m, &unset);
                if (r < 0)
                        return r;
        }
        if (strv_length(assignments) + strv_length(unset) > SETTINGS_PER_CALL_MAX)
                return -E2BIG;
        STRV_FOREACH(a, assignments) {
                r = add_key(s, ret, *a, strcspn(*a, "="));
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(u, unset) {
                r = add_key(s, ret, *u, strlen(*u));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_keys(Subject *s, sd_bus_message *m) {
        _cleanup_strv_ char **keys = NULL;
        int r;

        r = s->row->flags & POLICY_SETTINGS_TEXT ? read_text_keys(s, m, &keys) : read_assigned_keys(s, m, &keys);
        if (r >= 0)
                r = strv_join(keys, " ", &s->keys);
        return r >= 0 && strlen(s->keys) > TEXT_BYTES_MAX ? -E2BIG : r;
}

/* What cannot be a name goes no further, neither to polkit nor into a dialog nor a log. */
static int check_name(PolicySubject subject, const char *name, sd_bus_error *error) {
        _cleanup_free_ char *sentence = NULL;
        int r;

        if (!name)
                return 0;
        if (subject == SUBJECT_CONTAINER || (subject == SUBJECT_NEW_CONTAINER && *name)) {
                if (container_name_valid(name))
                        return 0;
                r = container_name_explain(name, &sentence);
                return r < 0 ? r : sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, sentence);
        }
        if (subject == SUBJECT_IMAGE && !alias_valid(name) && !fingerprint_prefix_valid(name)) {
                r = string_escape(name, &sentence);
                return r < 0 ? r : sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_IMAGE, "There is no image '%.130s'.", sentence);
        }
        if (subject == SUBJECT_PROFILE && !profile_name_valid(name)) {
                r = string_escape(name, &sentence);
                return r < 0 ? r : sd_bus_error_setf(error, BERTH_ERROR_INVALID_NAME, "'%.80s' is no name for a profile: up to 63 letters, digits, '.', '_' "
                                                     "and '-', of which the first is a letter or digit.", sentence);
        }
        return subject == SUBJECT_ALIAS ? alias_check_name(name, error) : 0;
}

int subject_read(Subject *s, sd_bus_message *m, sd_bus_error *error) {
        const PolicyRow *row = s->row;
        const char *text = NULL;
        uint32_t id;
        int r = 0;

        switch (row->subject) {

        case SUBJECT_NONE:
                break;

        case SUBJECT_CONTAINER:
        case SUBJECT_NEW_CONTAINER:
        case SUBJECT_IMAGE:
        case SUBJECT_ALIAS:
        case SUBJECT_PROFILE:
                r = sd_bus_message_read(m, "s", &text);
                if (r > 0)
                        s->name = strdup(text);
                break;

        case SUBJECT_JOB:
                r = sd_bus_message_read(m, "u", &id);
                if (r > 0 && asprintf(&s->name, "%u", id) < 0)
                        return -ENOMEM;
                break;

        case SUBJECT_THIS_CONTAINER:
                r = name_from_path(m, BERTH_CONTAINER_PATH, &s->name);
                break;

        case SUBJECT_THIS_IMAGE:
                r = name_from_path(m, BERTH_IMAGE_PATH, &s->name);
                break;

        case SUBJECT_THIS_JOB:
                r = name_from_path(m, BERTH_JOB_PATH, &s->name);
                break;
        }
        if (r < 0)
                return r;
        if (text && !s->name)
                return -ENOMEM;

        r = check_name(row->subject, s->name, error);
        if (r < 0)
                return r;
        if (row->flags & POLICY_ALIAS_OF) {
                r = sd_bus_message_read(m, "s", &text);
                if (r < 0)
                        return r;
                s->image = strdup(text);
                if (!s->image)
                        return -ENOMEM;
        }
        if (row->flags & (POLICY_SETTINGS_FIRST | POLICY_SETTINGS_THIRD | POLICY_SETTINGS_TEXT)) {
                r = read_keys(s, m);
                if (r == -E2BIG)
                        return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "More than %u settings in one call, or they are too long.",
                                                 SETTINGS_PER_CALL_MAX);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_rewind(m, true);
}

int subject_owner(const Subject *s, Manager *m, uid_t *ret) {
        Container *c;
        uint32_t id;
        Image *i;
        Job *j;
        int r;

        if (!s->name)
                return -ENOENT;

        switch (s->row->subject) {

        case SUBJECT_CONTAINER:
        case SUBJECT_THIS_CONTAINER:
                r = manager_find_container(m, s->name, &c);
                if (r < 0)
                        return r;
                (void) container_load(c, -EBADF);
                *ret = c->record.owner;
                return 0;

        case SUBJECT_IMAGE:
        case SUBJECT_THIS_IMAGE:
                r = manager_find_image(m, s->name, &i);
                if (r < 0)
                        return r;
                (void) image_load(i, -EBADF);
                *ret = i->record.owner;
                return 0;

        case SUBJECT_JOB:
        case SUBJECT_THIS_JOB:
                if (parse_u32(s->name, UINT32_MAX, &id) < 0 || !(j = job_find(m, id)))
                        return -ENOENT;
                *ret = j->owner;
                return 0;

        case SUBJECT_NONE:
        case SUBJECT_NEW_CONTAINER:
        case SUBJECT_ALIAS:
        case SUBJECT_PROFILE:
                return -ENOENT;
        }
        return -ENOENT;
}

static bool image_is_of(Manager *m, const char *reference, uid_t uid) {
        Image *i;

        if (manager_find_image(m, reference, &i) < 0)
                return false;
        (void) image_load(i, -EBADF);
        return i->record.owner == uid;
}

bool subject_is_own(const Subject *s, Manager *m, uid_t caller) {
        uid_t owner;

        switch (s->row->subject) {

        case SUBJECT_NONE:
        case SUBJECT_NEW_CONTAINER:
                return s->row->flags & POLICY_OWN;

        case SUBJECT_ALIAS: /* it is its image's owner's */
                return image_is_of(m, s->image ?: s->name, caller);

        case SUBJECT_PROFILE:
                return false;

        case SUBJECT_CONTAINER:
        case SUBJECT_IMAGE:
        case SUBJECT_JOB:
        case SUBJECT_THIS_CONTAINER:
        case SUBJECT_THIS_IMAGE:
        case SUBJECT_THIS_JOB:
                break;
        }
        return subject_owner(s, m, &owner) >= 0 && owner == caller;
}

bool subject_is_public(const Subject *s, Manager *m) {
        Image *i;

        if (!s->name || (s->row->subject != SUBJECT_IMAGE && s->row->subject != SUBJECT_THIS_IMAGE) || manager_find_image(m, s->name, &i) < 0)
                return false;
        (void) image_load(i, -EBADF);
        return i->record.public;
}

static int detail(char ***details, const char *key, const char *value) {
        int r = strv_extend(details, key);

        return r < 0 ? r : strv_extend(details, value);
}

int subject_details(const Subject *s, Manager *m, uid_t caller, bool own, char ***ret) {
        static const char *const subject_keys[] = {
                [SUBJECT_CONTAINER] = "container", [SUBJECT_NEW_CONTAINER] = "container", [SUBJECT_THIS_CONTAINER] = "container",
                [SUBJECT_IMAGE] = "image", [SUBJECT_THIS_IMAGE] = "image", [SUBJECT_ALIAS] = "alias", [SUBJECT_PROFILE] = "profile",
                [SUBJECT_JOB] = "job", [SUBJECT_THIS_JOB] = "job",
        };
        const PolicyRow *row = s->row;
        _cleanup_strv_ char **details = NULL;
        char number[DECIMAL_MAX];
        uid_t owner;
        int r;

        r = detail(&details, "verb", row->action + strlen(BERTH_BUS_NAME "."));
        if (r >= 0 && s->name && subject_keys[row->subject])
                r = detail(&details, subject_keys[row->subject], s->name);
        if (r >= 0 && (subject_owner(s, m, &owner) >= 0 || (own && ((owner = caller), true)))) {
                snprintf(number, sizeof number, "%u", owner);
                r = detail(&details, "owner", number);
                if (r >= 0)
                        r = detail(&details, "own", owner == caller ? "yes" : "no");
        }
        if (r >= 0 && s->keys)
                r = detail(&details, "key", s->keys);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(details);
        return 0;
}

int subject_find(const Subject *s, Manager *manager, sd_bus_message *m, void *object, void **ret, sd_bus_error *error) {
        const PolicyRow *row = s->row;
        uid_t owner;
        uint32_t id;
        int r = 0;

        *ret = NULL;
        switch (row->subject) {

        case SUBJECT_NONE:
        case SUBJECT_NEW_CONTAINER:
        case SUBJECT_ALIAS:
        case SUBJECT_PROFILE:
                return 0;

        case SUBJECT_THIS_CONTAINER:
        case SUBJECT_THIS_IMAGE:
        case SUBJECT_THIS_JOB:
                *ret = object;
                return 0;

        case SUBJECT_CONTAINER:
                r = sd_bus_message_skip(m, "s");
                if (r >= 0)
                        r = manager_find_container(manager, s->name, (Container **) ret);
                break;

        case SUBJECT_IMAGE:
                r = sd_bus_message_skip(m, "s");
                return r < 0 ? r : image_find(manager, s->name, row->flags & POLICY_ONLY_SEEN, (Image **) ret, error);

        case SUBJECT_JOB:
                r = sd_bus_message_read(m, "u", &id);
                if (r >= 0)
                        r = (*ret = job_find(manager, id)) ? 0 : -ENOENT;
                break;
        }

        if (r >= 0 && (row->flags & POLICY_ONLY_SEEN) && (subject_owner(s, manager, &owner) < 0 || !gate_shows(manager->gate, owner)))
                r = -ENOENT;
        if (r == -ENOENT && subject_is_container(row->subject))
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_CONTAINER, "There is no container '%s'.", s->name);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_JOB, "There is no job %s.", s->name);
        return r;
}
