# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests for another machine than the host's: one that its kernel can be, and one that it cannot.
# guests: busybox busybox-i386

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        [ "$(uname -m)" = x86_64 ] || cannot_run "this is for hosts that are amd64"
        import_guests busybox busybox-i386
}

teardown_file() {
        remove_all
}

# an i386 image on amd64 believes that it is on an i686: its init, a command, a user's command; amd64 images do not
test_R69_second_architecture() {
        run_container c1 busybox-i386
        assert_eq "$(berthctl show-image busybox-i386 --property=Architecture --value)" i686
        assert_eq "$(inside c1 uname -m)" i686
        assert_eq "$(cat "/proc/$(leader_of c1)/personality")" 00000008
        assert_eq "$(berthctl exec --user root c1 -- sh -c 'uname -m')" i686
        run_container c2 busybox
        assert_eq "$(inside c2 uname -m)" x86_64
}

# it can be told
test_R69_personality() {
        run_container c1 busybox-i386 --set Personality=x86-64
        assert_eq "$(inside c1 uname -m)" x86_64
        run_container c2 busybox --set Personality=x86
        assert_eq "$(inside c2 uname -m)" i686
        new_container c3 busybox --set Personality=arm64
        start_fails "cannot be 'arm64'" c3
        refused 'Personality' berthctl set c3 Personality=z80
}

# what this kernel cannot execute is said, with the name of the architecture and what is missing
test_R69_foreign_architecture() {
        [ -z "$(find /proc/sys/fs/binfmt_misc -name 'qemu-aarch64*' 2>/dev/null)" ] || cannot_run "this host executes arm64 programs"
        # The head of an arm64 program, which is all that anybody reads of it.
        printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0%0128d' 0 >init
        mktar foreign.tar 'dir|etc' 'file|etc/os-release|ID=test\n' 'dir|sbin' 'dir|usr' 'dir|dev' 'dir|proc' 'dir|sys' 'dir|run' 'dir|bin'
        mkdir -p sbin bin && cp init sbin/init && cp init bin/sh && chmod 0755 sbin/init bin/sh
        tar --append --owner=0 --group=0 -f foreign.tar sbin/init bin/sh
        on_exit 'forget_image foreign'
        expect berthctl import --quiet foreign.tar --alias foreign
        assert_eq "$(berthctl show-image foreign --property=Architecture --value)" aarch64
        refused "is for aarch64.*emulator.*--force" berthctl create foreign c1
        new_container c1 foreign --force
        start_fails 'image is for aarch64.*emulator.*qemu-user' c1
}
