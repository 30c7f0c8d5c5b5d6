# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A test host that is a virtual machine.

# vm_has_kvm: hardware acceleration that works; the device alone is not enough.
vm_has_kvm() {
        grep -qE '^flags.*\b(vmx|svm)\b' /proc/cpuinfo && : 2>/dev/null <>/dev/kvm
}
