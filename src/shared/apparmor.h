/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"
#include "settings/settings.h"

/* AppArmor's part of a container. Each has a profile of its own in the host's policy, berth@NAME (no container's name has an '@'), so that a rule can
 * tell one container from the next; and a policy namespace, in which its own root loads profiles for its own programs. A process in it is
 * confined by both, "stacked" (apparmor(7), "Profile stacks and namespaces").
 *
 * The kernel lets root of a user namespace administrate policy only where the depth of both namespaces is the same. A container's user namespace
 * lies in one more (rootfs.h), so its policy namespace does, too. The name of the inner one begins with "lxc-", because Debian's and
 * Ubuntu's apparmor.service load a guest's profiles in no namespace with another name.
 *
 * In a container of its own berth loads profiles into that container's namespace, but can make no further ones: the directory in which they are
 * made belongs to the initial user namespace. So containers in containers have profiles from outside and none of their own. */

typedef enum AppArmorState {
        APPARMOR_NONE,     /* the kernel has none, or it is not for us to administrate and does not confine us either */
        APPARMOR_CONFINES, /* we are in a profile, and can load none */
        APPARMOR_OURS,
} AppArmorState;

AppArmorState apparmor_state(void);

/* Has the container a profile that berth makes, and a policy namespace? */
bool apparmor_makes_profile(const Settings *s);
bool apparmor_has_namespace(const Settings *s);

/* What its processes are to be labelled with, as the host sees it; *ret NULL: nothing, they have what the supervisor has. */
int apparmor_label(const char *name, const Settings *s, char **ret);

/* The container's profile, as text. */
int apparmor_profile_text(const char *name, const Settings *s, char **ret);

/* Compiles it, if what is kept in the container's directory (negative: nothing) was not made of the same text, parser and kernel. -EBADMSG: *ret_error is the parser's sentence.
 * Does nothing where AppArmor is not ours. */
int apparmor_compile(int container_fd, const char *name, const Settings *s, char **ret_error);

/* Compiles it, if needed, and has the kernel take it; makes the policy namespace anew. */
int apparmor_load(int container_fd, const char *name, const Settings *s, char **ret_error);
/* Takes both out of the kernel. */
void apparmor_unload(const char *name, const Settings *s);
