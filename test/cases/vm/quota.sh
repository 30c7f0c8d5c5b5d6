# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How much a container's own files may be: project quotas of the file system that the store is on.
# guests: busybox
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        truncate -s 600M /var/quota-disk
        mkfs.ext4 -q -O quota,project -E quotatype=prjquota /var/quota-disk
        systemctl stop berth-containerd.service
        [ -d "$STORE" ] || mkdir -m 0700 "$STORE"
        mount -o loop,prjquota /var/quota-disk "$STORE"
        chmod 0700 "$STORE"
        import_guests busybox
}

teardown_file() {
        remove_all
        systemctl stop berth-containerd.service
        eventually 10 umount "$STORE"
        rm /var/quota-disk
}


# fill NAME MIB: of its root; prints dd's words.
fill() {
        inside "$1" dd if=/dev/zero of=/root/big bs=1M count="$2" 2>&1
}

# too_much NAME MIB: more than it may have.
too_much() {
        local text
        if text=$(fill "$1" "$2"); then
                fail "it may write $2 MiB"
        fi
        assert_match "$text" 'Disk quota exceeded|No space left'
}

# past the limit there is no room, in this one alone; what it sees as its disk is the limit
test_R93_root_size() {
        run_container c1 busybox --no-profiles --device root,type=disk,path=/,size=20MiB
        run_container c2 busybox --no-profiles
        too_much c1 40
        expect fill c2 40
        inside c1 rm /root/big
        expect fill c1 10
        assert_match "$(inside c1 df -m / | tail -n 1)" ' 20 +1[0-9] '
        # The control: what has no limit sees all of the disk.
        [ "$(inside c2 df -m / | awk 'END { print $2 }')" -gt 400 ] || fail "c2 sees a limit"
        # Files of all ids, links, and what is made by whom else count, too.
        expect inside c1 sh -c 'mkdir /root/u && chown 1000 /root/u'
        # shellcheck disable=SC2016
        expect_fail --message 'Disk quota exceeded|No space left' inside c1 sh -c \
                'for i in 1 2 3 4 5 6; do dd if=/dev/zero of=/root/u/$i bs=1M count=4 && chown 1000 /root/u/$i || exit 1; done'
        expect berthctl restart c1
        too_much c1 40
}

# files without content take no room: they are so many as its size is a part of all; what berth keeps it can still write
test_S47_files_without_end() {
        local n
        run_container c1 busybox --no-profiles --device root,type=disk,path=/,size=20MiB
        run_container c2 busybox --no-profiles
        # shellcheck disable=SC2016
        # A redirection that fails ends the shell.
        inside c1 sh -c 'mkdir /root/many; cd /root/many; i=0; while [ $i -lt 3000 ]; do : >$i; i=$((i + 1)); done' 2>error && fail "there is no limit"
        assert_match "$(<error)" '[Qq]uota exceeded'
        inside c1 rm /root/many/0
        inside c1 truncate -s 100G /root/sparse
        n=$(inside c1 sh -c 'ls /root/many | wc -l')
        say "  # $n files of $(df --output=itotal "$STORE" | tail -n 1)"
        [ "$n" -gt 500 ] && [ "$n" -lt 1500 ] || fail "$n files"
        too_much c1 40
        expect berthctl set c1 Description=full
        expect berthctl create busybox c3
        expect berthctl delete c3
        # The control: more for who may have more, and without a limit.
        expect berthctl device set c1 root size=80MiB
        inside c1 sh -c 'cd /root/many; i=0; while [ $i -lt 1000 ]; do : >more$i || exit 1; i=$((i + 1)); done'
        inside c2 sh -c 'cd /root; i=0; while [ $i -lt 2000 ]; do : >$i || exit 1; i=$((i + 1)); done'
}

# it changes while it runs, as LXD says it; without one all is there again
test_R93_root_size_live() {
        run_container c1 busybox --no-profiles
        expect fill c1 30
        expect berthctl device set c1 root size=35MiB
        assert_eq "$(berthctl device list c1 --json=short | jq -r '.[0].name + .[0].applied')" rootyes
        too_much c1 60
        expect berthctl device set c1 root size=80MiB
        expect fill c1 60
        too_much c1 90
        # Below what is used: nothing is lost, and nothing more can be written.
        expect berthctl device set c1 root size=20MiB
        inside c1 sh -c 'dd if=/dev/zero of=/root/more bs=1M count=1' && fail "it may write more"
        expect berthctl device remove c1 root
        expect fill c1 90
        refused "needs Size=" berthctl device add c1 root disk path=/
        refused "cannot have Source=" berthctl device add c1 root disk path=/ source=/srv size=1G
}

# the number of the project is the host's: the guest cannot leave it
test_R93_guest_cannot_leave() {
        run_container c1 busybox --no-profiles --device root,type=disk,path=/,size=20MiB
        local upper=$STORE/containers/c1/layer/upper root base
        base=$(sed -n 's/^UIDBase=//p' "$STORE/containers/c1/container.conf")
        inside c1 sh -c 'mkdir /root/d; echo x >/root/d/f'
        assert_eq "$(lsattr -p "$upper/root/d/f" | awk '{ print $1 }')" "$base"
        root=/proc/$(leader_of c1)/root
        # The host's program with the container's ids and capabilities, in its user namespace.
        expect_fail nsenter -t "$(leader_of c1)" -U -S 0 -G 0 -- chattr -p 0 "$root/root/d"
        expect_fail nsenter -t "$(leader_of c1)" -U -S 0 -G 0 -- chattr -P "$root/root/d"
        expect_fail nsenter -t "$(leader_of c1)" -U -S 0 -G 0 -- chattr -p 0 "$root/root/d/f"
        # The control: another attribute it may set, and the host may set this one.
        expect nsenter -t "$(leader_of c1)" -U -S 0 -G 0 -- chattr +d "$root/root/d/f"
        expect chattr -p 0 "$upper/root/d/f"
}

# what it had is there for others when it is gone, and a limit that was taken away while it did not run is gone
test_R93_root_size_while_stopped() {
        local before
        before=$(df --output=avail -k "$STORE" | tail -n 1)
        run_container c1 busybox --no-profiles --device root,type=disk,path=/,size=20MiB
        too_much c1 40
        expect berthctl stop c1
        expect berthctl device remove c1 root
        expect berthctl start c1
        expect fill c1 40
        expect berthctl delete --force c1
        eventually 10 has_room "$((before - 1024))"
}

has_room() {
        sync -f "$STORE"
        [ "$(df --output=avail -k "$STORE" | tail -n 1)" -ge "$1" ]
}

# a store that keeps no such count: the start fails, naming the device and what to do
test_R93_no_project_quota() {
        new_container c1 busybox --no-profiles --device root,type=disk,path=/,size=20MiB
        # As if it had been mounted without prjquota: Q_XQUOTAOFF, and on again at the end.
        on_exit 'quota_switch 1'
        quota_switch 2 || cannot_run "the quota cannot be turned off"
        start_fails "device 'root'.*project quota.*prjquota" c1
        quota_switch 1
        expect berthctl start c1
}

# quota_switch 1|2: limits of projects are kept, or not: quotactl_fd(fd, QCMD(Q_XQUOTAON or OFF, PRJQUOTA), 0, FS_QUOTA_PDQ_ENFD).
quota_switch() {
        perl -e 'open my $f, "<", $ARGV[0] or die; my $flags = pack "L", 1 << 5;
                exit(syscall(443, fileno $f, ((0x5800 + $ARGV[1]) << 8) | 2, 0, $flags) < 0)' "$STORE" "$1"
}
