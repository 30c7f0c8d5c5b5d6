# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# System calls that the supervisor answers: device nodes, file systems on block devices, the figures of sysinfo(2); and what a container can do
# without, such as overlays in its user namespace.
# guests: busybox trixie

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly EPERM=1 EBUSY=16 ENOSYS=38

setup_file() {
        import_guests busybox trixie
        # One with, one without.
        expect berthctl launch busybox i1 --set InterceptMknod=yes --set security.syscalls.intercept.sysinfo=true --set InterceptMount=yes \
                --set security.syscalls.intercept.mount.allowed=ext4,xfs
        expect berthctl launch busybox n1
}

teardown_file() {
        remove_all
}

# harmless nodes are made by whoever asks, work, and are the guest's to chmod; others are refused as ever
test_R120_mknod_is_intercepted() {
        local node
        expect_fail inside n1 mknod /root/null c 1 3
        expect inside i1 mknod -m 600 /root/null c 1 3
        assert_eq "$(inside i1 stat -c '%F %a %u' /root/null)" 'character special file 600 0'
        expect inside i1 sh -c 'echo gone >/root/null && [ ! -s /root/null ]'
        expect inside i1 sh -c 'chmod 644 /root/null && chown 5:6 /root/null'
        assert_eq "$(inside i1 stat -c '%a %u %g' /root/null)" '644 5 6'
        for node in zero:5 full:7 random:8 urandom:9; do
                expect inside i1 mknod "/root/${node%:*}" c 1 "${node#*:}"
        done
        assert_eq "$(inside i1 sh -c 'head -c 2 /root/zero | od -An -tx1')" ' 00 00'
        expect_fail inside i1 sh -c 'echo x >/root/full'
        # By a path that begins where the caller is, in a root of its own, on a file system of its own.
        expect inside i1 sh -c 'mkdir -p /root/d/e && mount -t tmpfs none /root/d && mkdir /root/d/e && cd /root/d/e && mknod ../n c 1 3'
        expect inside i1 sh -c 'echo x >/root/d/n'
        # It is a mount: that is how it goes.
        expect_fail inside i1 rm /root/null
        expect inside i1 sh -c 'umount /root/null && rm /root/null'
        # What is there stays, and what is not harmless is not made, by any name.
        expect_fail --message 'exists' inside i1 mknod /root/zero c 1 5
        for node in 'b 8 0' 'c 1 1' 'c 5 1' 'c 10 200' 'b 7 0' 'c 4 64'; do
                # shellcheck disable=SC2086 # words
                expect_fail inside i1 mknod /root/x $node
        done
        expect inside i1 sh -c 'mkfifo /root/fifo && [ -p /root/fifo ]'
        assert_eq "$(find /run/berth/i1 -name "*mknod*" | wc -l)" 0 "left-overs"
}

# who has no right to make nodes is not lent any: another user, and root of a user namespace inside
test_R120_mknod_for_root_only() {
        expect_fail inside i1 su -s /bin/sh nobody -c 'mknod /tmp/x c 1 3'
        expect_fail inside i1 unshare -U -r mknod /tmp/y c 1 3
        expect_fail inside i1 mknod /proc/self/fd/3/x c 1 3
        expect_fail inside i1 mknod /nowhere/x c 1 3
}

# many at once, from who does not wait for the answers: the supervisor goes on
test_R120_flood_of_calls() {
        local started
        inside i1 sh -c 'i=0; while [ $i -lt 60 ]; do (mknod /tmp/f$i c 1 3; umount /tmp/f$i; rm /tmp/f$i; mknod /tmp/f$i c 1 3) & i=$((i + 1)); done; wait' &
        on_exit "wait $! 2>/dev/null; true"
        inside i1 sh -c 'i=0; while [ $i -lt 40 ]; do mknod /tmp/k$i c 1 3 & kill -9 $!; i=$((i + 1)); done' &
        on_exit "wait $! 2>/dev/null; true"
        started=$SECONDS
        expect inside i1 true
        expect berthctl show i1 --applied >/dev/null
        [ $((SECONDS - started)) -lt $((10 * ${BERTH_TEST_SLOW:-1})) ] || fail "it did not answer"
        wait
        eventually 10 no_left_overs
}

no_left_overs() {
        [ "$(find /run/berth/i1 -name '.mknod*' | wc -l)" -eq 0 ]
}

# sysinfo(2) tells how long the container has been up
test_R120_uptime_is_the_containers() {
        local up
        up=$(inside n1 sh -c 'cut -d. -f1 /proc/uptime')
        [ "$up" -gt 60 ] || cannot_run "the host has not been up for longer than the container"
        assert_match "$(inside i1 uptime)" 'up [0-5] min'
        assert_no_match "$(inside n1 uptime)" 'up [0-5] min,'
}

# a file system on a device that the container was lent, and on no other
test_R120_loop_device_and_mount() {
        local loop
        losetup -f >/dev/null || cannot_run "there are no loop devices here"
        truncate -s 20M image
        expect mkfs.ext4 -q image
        loop=$(losetup -f --show image)
        on_exit "losetup -d $loop"
        run_container m1 busybox --set InterceptMount=yes --set InterceptMountTypes='ext4 xfs'
        expect berthctl device add m1 disk0 unix-block "source=$loop" path=/dev/vdx
        expect inside m1 mkdir -p /mnt/fs
        expect inside m1 mount -t ext4 /dev/vdx /mnt/fs
        expect inside m1 sh -c 'echo hello >/mnt/fs/file && chown 33:33 /mnt/fs/file'
        assert_match "$(inside m1 grep ' /mnt/fs ' /proc/self/mountinfo)" 'nosuid,nodev'
        # Not to be lifted: a node in the image is the image's maker's choice.
        expect inside m1 sh -c '! mount -o remount,bind,dev /mnt/fs'
        expect inside m1 umount /mnt/fs
        # The ids on the device are those of the inside.
        mkdir -p fs
        expect mount -o ro "$loop" fs
        on_exit 'umount fs 2>/dev/null; true'
        assert_eq "$(stat -c %u:%g fs/file)" 33:33
        expect umount fs
        # Options that reach further, types that were not named, devices that are not its own.
        expect inside m1 sh -c '! mount -t ext4 -o journal_path=/dev/vdx /dev/vdx /mnt/fs'
        expect inside m1 sh -c '! mount -t ext2 /dev/vdx /mnt/fs'
        expect inside m1 sh -c '! mount -t ext4 /dev/null /mnt/fs'
        expect inside m1 sh -c "! mount -t ext4 $loop /mnt/fs"
        # What the kernel allows by itself it goes on to allow.
        expect inside m1 mount -t tmpfs none /mnt/fs
        expect inside m1 umount /mnt/fs
        # Without the key it is the kernel's refusal, whatever was lent.
        run_container m2 busybox
        expect berthctl device add m2 disk0 unix-block "source=$loop" path=/dev/vdx
        expect inside m2 sh -c 'mkdir -p /mnt && ! mount -t ext4 /dev/vdx /mnt'
}

# overlays in its user namespace, without any key
test_R120_overlay_inside() {
        expect inside n1 sh -c 'mkdir -p /mnt && mount -t tmpfs none /mnt && cd /mnt && mkdir l u w m && echo lower >l/f && mount -t overlay -o lowerdir=l,upperdir=u,workdir=w,userxattr none m'
        expect inside n1 sh -c 'echo upper >/mnt/m/f; rm /mnt/m/f; echo new >/mnt/m/g'
        assert_eq "$(inside n1 cat /mnt/u/g)" new
        assert_eq "$(inside n1 cat /mnt/l/f)" lower
        expect_fail inside n1 cat /mnt/m/f
        expect inside n1 sh -c 'cd /; umount /mnt/m /mnt'
}

# FSOPEN: opens, makes and attaches a file system of TYPE by the new interface, all of it by numbers; prints what the first call said, or "mounted".
# shellcheck disable=SC2016
readonly FSOPEN='my ($type, $at) = @ARGV; my $fs = syscall(430, $type, 1); if ($fs < 0) { print "errno ", $! + 0; exit }
syscall(431, $fs, 6, 0, 0, 0) == 0 or die "fsconfig: $!"; my $m = syscall(432, $fs, 1, 0); $m >= 0 or die "fsmount: $!";
my $empty = ""; syscall(429, $m, $empty, -100, $at, 4) == 0 or die "move_mount: $!"; print "mounted"'

# what systemd from version 259 on makes for the credentials of its services: a file system in memory is opened, as the caller and with its ids; no other one is there, and none
# for who may not mount, or is in a user namespace of his own, or comes by another ABI
test_R120_S20_fsopen() {
        local type
        run_container f1 trixie --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes
        for type in tmpfs ramfs; do
                assert_eq "$(inside f1 unshare --mount perl -e "$FSOPEN; system q(findmnt -no FSTYPE /mnt; touch /mnt/x; stat -c %u /mnt/x)" "$type" /mnt | xargs)" "mounted$type 0"
                assert_eq "$(inside f1 perl -e "$FSOPEN" "$type" /mnt)" mounted
                assert_match "$(awk '$5 == "/mnt"' "/proc/$(leader_of f1)/mountinfo")" " - $type "
                expect inside f1 umount /mnt
        done
        for type in ext4 proc sysfs overlay cgroup2 fuse tmpfs2 '' tmpfstmpfs; do
                assert_eq "$(inside f1 perl -e "$FSOPEN" "$type" /mnt)" "errno $ENOSYS" "of '$type'"
        done
        assert_eq "$(inside f1 perl -e 'syscall(430, 16, 1); print "errno ", $! + 0')" "errno $ENOSYS"
        assert_eq "$(inside f1 unshare -Ur perl -e "$FSOPEN" tmpfs /mnt)" "errno $ENOSYS"
        assert_eq "$(inside f1 setpriv --reuid=65534 --clear-groups perl -e "$FSOPEN" tmpfs /mnt)" "errno $EPERM"
        assert_eq "$(inside f1 setpriv --bounding-set=-sys_admin perl -e "$FSOPEN" tmpfs /mnt)" "errno $EPERM"
        # libmount takes the one or the other.
        expect inside f1 sh -c 'mount -t tmpfs -o size=1m none /mnt && umount /mnt && mount -t proc proc /mnt && umount /mnt'
        # Asked for again and again it is slow and no more than that.
        inside f1 perl -e 'for (1 .. 300) { my $t = "tmpfs"; my $fs = syscall(430, $t, 1); die "$_: $!" if $fs < 0; require POSIX; POSIX::close($fs) }'
        # Without the guard, by a policy of its own, it is as before: not there, or all there.
        on_exit 'rm -rf /run/berth/.seccomp'
        run_container f2 trixie --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes --set 'SystemCallFilter=~fsopen:ENOSYS'
        assert_eq "$(inside f2 perl -e "$FSOPEN" tmpfs /mnt)" "errno $ENOSYS"
        run_container f3 trixie --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes --set 'SystemCallFilter=fsopen'
        assert_eq "$(inside f3 perl -e "$FSOPEN" proc /mnt)" mounted
        run_container f4 trixie --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes --set 'SystemCallFilter=@known'
        assert_eq "$(inside f4 perl -e "$FSOPEN" proc /mnt)" mounted
        # A privileged one has none, and mounts by mount(2).
        run_container f5 trixie --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes --set Privileged=yes
        assert_eq "$(inside f5 perl -e "$FSOPEN" tmpfs /mnt)" "errno $ENOSYS"
        expect inside f5 sh -c 'mount -t tmpfs none /mnt && umount /mnt'
}

# one listener for a process is what the kernel allows: a guest's own is refused with EBUSY where calls are intercepted, by a setting or fsopen, and works elsewhere
test_R120_listener_of_the_guests_own() {
        local name got
        for name in l1 l2 l3; do
                run_container "$name" trixie --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes --set "InterceptMknod=$([ $name = l1 ] && echo yes || echo no)" \
                        --set "Nesting=$([ $name = l3 ] && echo no || echo yes)"
                got=$(inside "$name" perl -e '$c = pack("SCCL", 6, 0, 0, 0x7fff0000); $p = pack("Sx6P", 1, $c); $r = syscall(317, 1, 8, $p); print $r < 0 ? "errno " . ($! + 0) : "fd"')
                assert_eq "$got" "$([ $name = l2 ] && echo fd || echo "errno $EBUSY")" "of $name"
        done
}

# they reach the host's kernel: an administrator's
test_R120_keys_are_the_administrators() {
        local key
        for key in InterceptMknod=yes InterceptMount=yes InterceptMountTypes=ext4 InterceptSysinfo=yes security.syscalls.intercept.mknod=true; do
                assert_match "$(berthctl help settings)" "${key%%=*}"
        done
        refused 'InterceptMountTypes.*proc' berthctl set n1 InterceptMountTypes=proc
        refused 'security.syscalls.intercept.bpf' berthctl set n1 security.syscalls.intercept.bpf=true
        assert_match "$(berthctl help settings)" 'InterceptMount=  \(boolean; next start; admin'
}
