# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Debian package of the tree.

install_berth() {
        die "this tree has no packaging yet; use --no-berth"
}
