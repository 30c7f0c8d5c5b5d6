# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Encrypted containers where the kernel has no device-mapper, and what is wrong before it is looked for. The rest is in vm/encrypted.sh.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        # What there is of berth's own is made when it is first needed.
        expect berthctl create busybox c1
        expect berthctl delete c1
}

teardown_file() {
        remove_all
}

# without device-mapper there is one sentence, and nothing is made
test_R103_no_device_mapper() {
        [ ! -e /dev/mapper/control ] || cannot_run "this host has a device-mapper"
        printf 'a key' >key
        refused "needs the kernel's device-mapper, which this host does not have" berthctl create busybox c1 --key-file key --no-profiles
        [ -z "$(ls "$STORE/layers")" ] || fail "a layer is left"
        # The control.
        new_container c1 busybox --no-profiles
        expect_fail --message 'is not encrypted' berthctl change-key c1 --key-file key --key-file key
}

# keys that are none; a key is never a setting
test_R103_no_key() {
        : >empty
        head -c 5000 /dev/zero >long
        refused 'The key is empty' berthctl create busybox c1 --key-file empty --no-profiles
        refused 'longer than 4096 bytes' berthctl create busybox c1 --key-file long --no-profiles
        refused "Cannot open 'nowhere'" berthctl create busybox c1 --key-file nowhere --no-profiles
        refused 'no terminal to ask on' setsid -w berthctl create busybox c1 --encrypted --no-profiles </dev/null
        refused 'a key is needed|device-mapper' berthctl create busybox c1 --store encrypted --no-profiles
        refused 'Encrypted' berthctl create busybox c1 --set Encrypted=yes --no-profiles
}
