# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Block devices that come and go, file systems other than ext4, and what is told to a disk.
# guests: busybox
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

cgroup_of() {
        echo "/sys/fs/cgroup$(systemctl show -p ControlGroup --value "berth-$1.scope")"
}

# a node that is not there yet: the container has it when the host has it, and as long
test_R79_hotplug() {
        run_container c1 busybox --no-profiles --device "d,type=unix-block,source=/dev/mapper/hot,path=/dev/hot,required=no"
        on_exit 'dmsetup remove hot 2>/dev/null || true'
        assert_eq "$(berthctl device list c1 --json=short | jq -r '.[0].applied')" no
        expect_fail inside c1 test -e /dev/hot
        dmsetup create hot --table '0 2048 zero'
        eventually 10 inside c1 test -b /dev/hot
        assert_eq "$(inside c1 sh -c 'dd if=/dev/hot bs=512 count=1 2>/dev/null | tr -d "\0" | wc -c')" 0
        assert_eq "$(berthctl device list c1 --json=short | jq -r '.[0].applied')" yes
        dmsetup remove hot
        eventually 10 not inside c1 test -e /dev/hot
        # Another one under its name is another one.
        dmsetup create other --table '0 2048 zero'
        on_exit 'dmsetup remove other'
        dmsetup create hot --table '0 4096 zero'
        eventually 10 inside c1 test -b /dev/hot
        assert_eq "$(inside c1 stat -c %T /dev/hot)" "$(stat -Lc %T /dev/mapper/hot)"
        # The control: with required=yes, as when nothing is said, there is no start without.
        dmsetup remove hot
        new_container c2 busybox --no-profiles --device "d,type=unix-block,source=/dev/mapper/hot,path=/dev/hot"
        start_fails "device 'd'.*'/dev/mapper/hot'" c2
}

# what is asked for by what it is, and the host has not
test_R78_none_fits() {
        new_container c1 busybox --no-profiles --device "u,type=usb,vendorid=1d6b,required=yes"
        start_fails "device 'u'.*none that fits" c1
        expect berthctl device unset c1 u required
        expect berthctl start c1
        refused "device 'g'.*none that fits" berthctl device add c1 g gpu
        refused "device 't'.*is no tty" berthctl device add c1 t tty source=/dev/zero
        expect berthctl device add c1 t tty source=/dev/ttyS0
        assert_eq "$(inside c1 stat -c %t:%T /dev/ttyS0)" 4:40
        expect berthctl device remove c1 t
        expect_fail inside c1 test -e /dev/ttyS0
}

# btrfs and vfat; a kernel that cannot give them the container's ids says so, and has them as they are
test_R80_file_systems() {
        local loop
        truncate -s 128M btrfs.img
        mkfs.btrfs -q btrfs.img
        loop=$(losetup --find --show btrfs.img)
        on_exit "losetup --detach '$loop'"
        run_container c1 busybox --no-profiles --device "d,type=disk,source=$loop,path=/mnt/d"
        assert_match "$(inside c1 grep ' /mnt/d ' /proc/mounts)" 'btrfs rw,nosuid,nodev'
        inside c1 sh -c 'echo x >/mnt/d/new; chown 7:8 /mnt/d/new'
        expect berthctl stop c1
        mkdir btrfs
        mount "$loop" btrfs
        assert_eq "$(stat -c %u:%g btrfs/new)" 7:8
        umount btrfs
}
