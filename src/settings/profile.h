/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* Profiles: named files of settings, /etc/berth/profiles/NAME.conf or, where that is not there, /usr/lib/berth/profiles/NAME.conf. A container
 * names those it uses in Profiles=; they come before its own file, in this order. What is said of the profile itself is in its section [Profile]:
 * Description=, and OwnersMayAssign=, by which an administrator lets owners of containers use it although it has settings that are not theirs
 * to set. root: as in settings_load_at(). */

#define PROFILES_DIR "profiles"
#define PROFILE_SECTION "Profile"
#define PROFILE_NAME_MAX 63U
#define PROFILES_MAX 32U   /* of one container */
#define PROFILES_ALL_MAX 1024U

bool profile_name_valid(const char *name);

/* -ENOENT: there is none. *ret_path (may be NULL): the file. Checked as a whole: -EBADMSG. */
int profile_load(const char *root, const char *name, SettingsFile **ret, char **ret_path, char **ret_error);
/* Text that is to become a profile. */
int profile_parse(const char *file_name, const char *text, SettingsFile **ret, char **ret_error);
/* Sorted names. */
int profile_list(const char *root, char ***ret);

char *profile_description(const SettingsFile *f); /* owned by the caller; NULL when there is none, or no memory */
/* May an owner who is no administrator assign it? */
bool profile_is_for_owners(const SettingsFile *f);
/* Does it only have settings that an owner may set, or is it marked? 1, 0 with the key that says no in *ret_key, or < 0. */
int profile_owner_may_assign(const SettingsFile *f, const char **ret_key);

/* The profiles of a container, in their order. -ENOENT: no such container. */
int profile_list_of_container(const char *root, const char *container, char ***ret, char **ret_error);

/* Does one of these, "a b" or "a,b", have settings that go into unit files? */
bool profiles_have_units(const char *root, const char *names);
