# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Devices: what a container is lent, from its start on or while it runs, and given back.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# shared DIRECTORY: on a file system that can be mounted with other ids; gone at the end of the test.
shared() {
        on_exit "rm -rf '$1'"
        rm -rf "$1"
        mkdir -p "$1"
        echo hello >"$1/file"
        chown 1000:1000 "$1/file"
}

# device_keys NAME DEVICE KEY: as all files together say.
device_value() {
        berthctl device get "$1" "$2" "$3"
}

# a directory of the host, its ids shifted, added to a running container; owners are the same inside and outside
test_R80_directory_with_ids() {
        shared /run/share1
        run_container c1 busybox --no-profiles
        expect berthctl device add c1 home disk source=/run/share1 path=/mnt/home
        assert_eq "$(inside c1 stat -c %u:%g /mnt/home/file)" 1000:1000
        assert_eq "$(inside c1 cat /mnt/home/file)" hello
        inside c1 sh -c 'echo x >/mnt/home/new; chown 33:33 /mnt/home/new'
        assert_eq "$(stat -c %u:%g /run/share1/new)" 33:33
        expect berthctl restart c1
        assert_eq "$(inside c1 cat /mnt/home/file)" hello
        expect berthctl device set c1 home readonly=yes
        expect_fail inside c1 sh -c 'echo x >/mnt/home/new'
        expect berthctl device remove c1 home
        [ -z "$(inside c1 ls /mnt/home)" ] || fail "it is still there"
        [ -e /run/share1/file ] || fail "the host's file is gone"
}

# what the guest mounts on it is not seen by the host, and what it is called by links leads nowhere else
test_R80_mounts_and_links_stay_inside() {
        local mounts
        shared /run/share1
        run_container c1 busybox --no-profiles --device "home,type=disk,source=/run/share1,path=/mnt/home"
        mounts=$(wc -l </proc/self/mountinfo)
        inside c1 sh -c 'mkdir /mnt/home/sub; mount -t tmpfs none /mnt/home/sub; ln -s /etc /mnt/link; ln -s / /root/up'
        assert_eq "$(wc -l </proc/self/mountinfo)" "$mounts" "mounts of the host"
        expect_fail --message "device 'l'.*symbolic link" berthctl device add c1 l disk source=/run/share1 path=/mnt/link
        expect berthctl device add c1 l disk source=/run/share1 path=/root/up/mnt/other
        assert_eq "$(inside c1 cat /mnt/other/file)" hello
        [ ! -e /mnt/other ] || fail "a mount point was made on the host"
        rmdir /run/share1/sub 2>/dev/null || true
}

# what a disk was restricted to, root inside cannot take back by mounting it anew
test_R80_restrictions_hold() {
        shared /srv/lent
        mknod -m 0666 /srv/lent/zero c 1 5
        run_container c1 busybox
        expect berthctl device add c1 d1 disk Source=/srv/lent Path=/mnt ReadOnly=yes Shift=no
        expect inside c1 sh -c '! mount -o remount,bind,rw /mnt && ! mount -o remount,bind,ro,dev /mnt'
        expect_fail inside c1 sh -c 'echo x >/mnt/file'
        expect_fail inside c1 head -c 1 /mnt/zero
        assert_match "$(inside c1 grep ' /mnt ' /proc/self/mountinfo)" ' ro,nodev'
        # A file as well; and all of it can be taken away again.
        expect berthctl device add c1 d2 disk Source=/srv/lent/file Path=/root/file ReadOnly=yes Shift=no
        expect inside c1 sh -c '! mount -o remount,bind,rw /root/file'
        assert_eq "$(inside c1 cat /root/file)" hello
        expect berthctl device remove c1 d1
        expect berthctl device remove c1 d2
        assert_eq "$(inside c1 ls /mnt)" ''
}

# without a shift; a file; one in memory with a size
test_R80_other_disks() {
        shared /run/share1
        run_container c1 busybox --no-profiles
        expect berthctl device add c1 raw disk source=/run/share1 path=/mnt/raw shift=no readonly=true
        assert_eq "$(inside c1 stat -c %u /mnt/raw/file)" 65534
        expect berthctl device add c1 one disk source=/run/share1/file path=/etc/one
        assert_eq "$(inside c1 cat /etc/one)" hello
        expect berthctl device add c1 mem disk source=tmpfs path=/mnt/mem size=1M
        expect_fail inside c1 dd if=/dev/zero of=/mnt/mem/x bs=1M count=2
        assert_eq "$(berthctl device list c1 --json=short | jq -c '[.[] | .name + .applied] | sort')" '["memyes","oneyes","rawyes"]'
        # R07: one that goes and comes at its place is another one
        expect berthctl device set c1 mem size=4M
        expect inside c1 dd if=/dev/zero of=/mnt/mem/x bs=1M count=2
}

# an empty file over a file of the kernel's
test_R83_null_over_a_path() {
        run_container c1 busybox --no-profiles --device "null,type=disk,source=/dev/null,path=/sys/kernel/uevent_seqnum"
        assert_eq "$(inside c1 cat /sys/kernel/uevent_seqnum)" ""
        expect berthctl device remove c1 null
        assert_match "$(inside c1 cat /sys/kernel/uevent_seqnum)" '^[0-9]+$'
}

# a node of the host, with owner and mode of the container's, live and over a restart
test_R78_unix_char() {
        run_container c1 busybox --no-profiles
        expect berthctl device add c1 z unix-char source=/dev/zero path=/dev/zz uid=5 gid=6 mode=0604
        assert_eq "$(inside c1 stat -c %u:%g:%a:%t:%T /dev/zz)" 5:6:604:1:5
        assert_eq "$(inside c1 sh -c 'head -c 2 /dev/zz | od -An -tx1 | tr -d " \n"')" 0000
        expect berthctl restart c1
        assert_eq "$(inside c1 stat -c %t:%T /dev/zz)" 1:5
        expect berthctl device remove c1 z
        expect_fail inside c1 test -e /dev/zz
        [ -z "$(find /run/berth/c1 -name '.node*')" ] || fail "a node is left on the host"
}

# a node that is of the other kind, or not there
test_R78_not_there() {
        run_container c1 busybox --no-profiles
        refused "device 'n'.*'/dev/no-such-node'" berthctl device add c1 n unix-char path=/dev/no-such-node
        refused "device 'n'.*no block device" berthctl device add c1 n unix-block path=/dev/zero
        expect berthctl device add c1 n unix-char path=/dev/no-such-node required=no
        assert_eq "$(berthctl device list c1 --json=short | jq -r '.[0].applied')" no
        expect berthctl restart c1
}

# none takes away what a file of the administrator's gives
test_R82_none_masks() {
        shared /run/share1
        on_exit 'rm -rf /etc/berth/container.conf.d'
        mkdir -p /etc/berth/container.conf.d
        printf '[Device home]\nType=disk\nSource=/run/share1\nPath=/mnt/home\n' >/etc/berth/container.conf.d/50-test.conf
        run_container c1 busybox --no-profiles
        expect inside c1 test -e /mnt/home/file
        expect_fail --message "comes from.*none" berthctl device remove c1 home
        expect berthctl device set c1 home type=none
        expect_fail inside c1 test -e /mnt/home/file
        expect berthctl device remove c1 home
        expect inside c1 test -e /mnt/home/file
        # a part of it is said anew
        expect berthctl device set c1 home path=/mnt/elsewhere
        expect inside c1 test -e /mnt/elsewhere/file
        expect_fail inside c1 test -e /mnt/home/file
}

# one drop-in, all follow
test_R84_shared_device() {
        shared /run/share1
        on_exit 'rm -rf /etc/berth/container.conf.d'
        mkdir -p /etc/berth/container.conf.d
        run_container c1 busybox --no-profiles
        run_container c2 busybox --no-profiles
        printf '[Device home]\nType=disk\nSource=/run/share1\nPath=/mnt/home\n' >/etc/berth/container.conf.d/50-test.conf
        expect berthctl restart c1 c2
        expect inside c1 test -e /mnt/home/file
        expect inside c2 test -e /mnt/home/file
}

# what cannot be given: a start fails with its name, a live change leaves everything as it was
test_R80_cannot_be_given() {
        new_container c1 busybox --no-profiles --device "home,type=disk,source=/run/no-such-directory,path=/mnt/home"
        start_fails "device 'home'.*'/run/no-such-directory'" c1
        expect berthctl device set c1 home required=no
        expect berthctl start c1
        assert_state c1 running
        refused "device 'b'.*'/run/no-such-directory'" berthctl device add c1 b disk source=/run/no-such-directory path=/mnt/b
        refused "has a device 'home' already" berthctl device add c1 home disk source=/run path=/mnt/b
        refused "has no device 'nope'" berthctl device set c1 nope path=/x
        refused "has no device 'nope'" berthctl device remove c1 nope
        refused "Path: .*'relative'" berthctl device add c1 b disk source=/run path=relative
        refused "needs Path=" berthctl device add c1 b disk source=/run
        refused "no key 'colour'" berthctl device add c1 b disk source=/run path=/x colour=red
        refused "Type: .*'gnu'" berthctl device add c1 b gnu
        refused "in the way of device" berthctl device add c1 b disk source=/run path=/mnt/home
        refused "device's name" berthctl device add c1 'a b' disk source=/run path=/x
        refused "Device 'x' is of type disk and needs Path=" berthctl create busybox c9 --device x,type=disk,source=/run
}

# a user may lend his container what is no step into the host
test_S35_owner_and_devices() {
        polkit_rule devices 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'forget u1'
        expect as alice berthctl create busybox u1
        refused "administrator" as alice berthctl device add u1 d disk source=/etc path=/mnt
        refused "administrator" as alice berthctl device add u1 d unix-char path=/dev/zero
        refused "administrator" as alice berthctl device add u1 d nic nictype=physical parent=lo
        refused "administrator" as alice berthctl set u1 Device.d.Source=/etc
        refused "administrator" as alice berthctl create busybox u2 --device d,type=disk,source=/etc,path=/mnt
        expect as alice berthctl device add u1 eth1 nic nictype=p2p
        expect as alice berthctl device set u1 eth1 mtu=1400
        expect berthctl device set u1 eth1 nictype=bridged security.mac_filtering=yes
        refused "administrator" as alice berthctl device remove u1 eth1
        refused "administrator" as alice berthctl device unset u1 eth1 security.mac_filtering
        # nor by way of being nothing for a moment, of a device that is a profile's but for that
        refused "administrator" as alice berthctl device set u1 eth1 type=none
        expect berthctl device set u1 eth0 security.mac_filtering=yes
        refused "administrator" as alice berthctl device add u1 eth0 none
        refused "administrator" as alice berthctl device set u1 eth0 type=none
        refused "administrator" as alice berthctl set u1 Device.eth0.Type=none
        expect berthctl device unset u1 eth0 security.mac_filtering
        expect as alice berthctl device add u1 eth0 none
}
