# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The probe (test/attack), which tries what root in a container may not. Behind berth.sh, for files with "# programs: probe".

readonly PROBE=/var/lib/berth-programs/probe

# give_probe NAME
give_probe() {
        expect berthctl copy-to "$1" "$PROBE" /root/probe
        expect inside "$1" chmod 0755 /root/probe
}
