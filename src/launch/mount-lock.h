/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes the attributes of a detached mount (read-only, nodev, nosuid, noexec) such that the container's root cannot take them back: in a mount
 * namespace of its own it may remount whatever was put there, unless the kernel has locked it, and it locks what gets into a namespace of less
 * privileged owners by a copy of the namespace (mount_namespaces(7)), not what is moved there. So it goes through such a copy. Also what is below
 * the mount. The fd is replaced. userns_fd: any that is not the host's; the locks hold for whoever is in the namespace that it gets to, a privileged
 * container's root, too. */
int mount_lock(int *mount_fd, int userns_fd);
