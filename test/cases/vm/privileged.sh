# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Privileged containers on a kernel that is the test's own: devices that are worth something, limits, a quota, core dumps.
# guests: busybox trixie
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        truncate -s 900M /var/quota-disk
        mkfs.ext4 -q -O quota,project -E quotatype=prjquota /var/quota-disk
        systemctl stop berth-containerd.service
        [ -d "$STORE" ] || mkdir -m 0700 "$STORE"
        mount -o loop,prjquota /var/quota-disk "$STORE"
        chmod 0700 "$STORE"
        import_guests busybox
        expect berthctl launch busybox p1 --set Privileged=yes --set MemoryMax=64M --set TasksMax=50
}

teardown_file() {
        remove_all
        systemctl stop berth-containerd.service
        eventually 10 umount "$STORE"
        rm /var/quota-disk
}

inside_sh() {
        berthctl exec "$1" -- sh -euc "$2"
}

inside_refuses() {
        expect_fail --message "$2" inside_sh "$1" "$3"
}

# what its root could mount anew or uncover, the profile of a privileged container keeps
test_R107_R108_profile() {
        run_container q1 busybox --set Privileged=yes
        assert_eq "$(cat "/proc/$(leader_of q1)/attr/apparmor/current")" 'berth@q1 (enforce)'
        assert_eq "$(inside q1 cat /proc/self/attr/apparmor/current)" 'berth@q1 (enforce)'
        # The control: the host itself may, and its log tells of it ('h' prints a help).
        dmesg --clear
        echo h >/proc/sysrq-trigger
        eventually 5 eval 'grep -q "sysrq.*HELP" <<<"$(dmesg)"'
        dmesg --clear
        inside_sh q1 'mkdir -p /root/p /root/s; mount -t proc proc /root/p; umount /proc/sysrq-trigger 2>/dev/null || true'
        inside_refuses q1 'permitted|denied' 'echo h >/root/p/sysrq-trigger'
        inside_refuses q1 'permitted|denied|read-only' 'echo h >/proc/sysrq-trigger'
        inside_refuses q1 'permitted|denied' 'echo /bin/true >/root/p/sys/kernel/core_pattern'
        inside_refuses q1 'permitted|denied' 'echo 1 >/root/p/sys/vm/drop_caches'
        inside_refuses q1 'permitted|denied' 'mount -t debugfs none /root/s || exit 1'
        inside_refuses q1 'permitted|denied' 'mount -t securityfs none /root/s || exit 1'
        assert_no_match "$(dmesg)" 'sysrq.*HELP'
}

# the host's disks, its memory and its log: the same nodes open on the host
test_R107_S34_S30_the_hosts_devices() {
        local disk numbers node
        disk=$(findmnt -n -o SOURCE --target /var)
        numbers=$(stat -Lc '%Hr %Lr' "$disk")
        mkdir "$TEST_TMP/dev"
        mount -t tmpfs -o dev none "$TEST_TMP/dev"
        on_exit "umount '$TEST_TMP/dev'"
        mknod "$TEST_TMP/dev/kmsg" c 1 11
        mknod "$TEST_TMP/dev/mem" c 1 1
        mknod "$TEST_TMP/dev/disk" b $numbers
        for node in kmsg mem disk; do
                # shellcheck disable=SC2188
                (: <"$TEST_TMP/dev/$node") || cannot_run "the host itself cannot open $node"
        done
        # By names that the profile says nothing of.
        inside_sh p1 "cd /root; rm -rf n-* m; mknod n-kmsg c 1 11; mknod n-mem c 1 1; mknod n-port c 1 4; mkdir m"
        for node in kmsg mem port; do
                inside_refuses p1 'Operation not permitted' ": </root/n-$node"
        done
        inside_refuses p1 'permitted|denied' 'echo berth-test-log >/root/n-kmsg'
        # The host has it mounted: with a node of it, a mount would give the same file system, and open nothing.
        inside_refuses p1 'permitted' "mknod /root/n-disk b $numbers"
        assert_no_match "$(dmesg)" berth-test-log
        # A disk that it is lent it has, and mounts; no other.
        truncate -s 20M "$TEST_TMP/image"
        mkfs.ext4 -q "$TEST_TMP/image"
        local loop
        # Of its own: PID 1 keeps the list of a scope that runs.
        run_container d1 busybox --set Privileged=yes
        loop=$(losetup --find --show "$TEST_TMP/image")
        on_exit "losetup --detach $loop"
        expect berthctl device add d1 b unix-block Source="$loop" Path=/dev/lent
        inside_sh d1 'mkdir /root/m; mount -t ext4 /dev/lent /root/m; echo x >/root/m/file; umount /root/m'
        expect berthctl device remove d1 b
        inside_refuses d1 'permitted' "mknod /root/loop b $(stat -c '%Hr %Lr' "$loop")"
        inside_refuses d1 'permitted|denied|No such' 'mount -t ext4 /dev/lent /root/m || exit 1'
}

# its limits are the host's, although the files are its root's
test_R107_S26_limits() {
        local cgroup
        cgroup=/sys/fs/cgroup$(systemctl show -p ControlGroup --value berth-p1.scope)
        assert_eq "$(<"$cgroup/memory.max")" 67108864
        # What it writes at the root of its own tree takes nothing away from what is above.
        inside_sh p1 'for f in memory.max memory.high pids.max cpu.max; do echo max >/sys/fs/cgroup/$f || true; done; for f in /sys/fs/cgroup/*; do ! grep -s 67108864 $f || exit 1; done' >&2
        assert_eq "$(<"$cgroup/memory.max")" 67108864
        assert_eq "$(<"$cgroup/pids.max")" 50
        expect_fail inside_sh p1 'echo 1 >/sys/fs/cgroup/../cgroup.procs'
        expect_fail inside_sh p1 'mkdir -p /root/c; mount -t cgroup2 none /root/c; grep 67108864 /root/c/memory.max /root/c/../memory.max'
        # The kernel says so as well.
        expect_fail inside_sh p1 'head -c 200M /dev/zero | tail -c 199M >/dev/null'
        # It rules what is below, with all controllers.
        inside_sh p1 'grep memory /sys/fs/cgroup/cgroup.controllers; mkdir /sys/fs/cgroup/own; echo $$ >/sys/fs/cgroup/own/cgroup.procs; cat /proc/self/cgroup' >&2
        assert_eq "$(berthctl top --json=short 2>/dev/null | jq -r '.[]? | select(.name == "p1") | .name' | head -n 1)" p1
}

# a limit of its files, as of anybody's, with the same number before and after
test_R107_R94_quota() {
        local text
        new_container c1 busybox --set Privileged=yes --device root,type=disk,path=/,size=16M
        expect berthctl start c1
        text=$(inside_sh c1 'dd if=/dev/zero of=/root/big bs=1M count=64' 2>&1) && fail "it may write 64 MiB"
        assert_match "$text" 'Disk quota exceeded|No space left'
        expect berthctl set c1 Privileged=no
        expect berthctl restart c1
        text=$(inside_sh c1 'dd if=/dev/zero of=/root/big2 bs=1M count=64' 2>&1) && fail "it may write 64 MiB"
        assert_match "$text" 'Disk quota exceeded|No space left'
}

# what it tries to do to the host's kernel changes nothing there
test_R107_R108_S28_kernel() {
        local before
        before=$(sysctl -a 2>/dev/null | grep -E '^(kernel\.(sysrq|core_pattern|modprobe|panic|hostname|domainname|printk|dmesg_restrict|kptr_restrict)|vm\.(overcommit|panic|swappiness)|fs\.(suid_dumpable|protected|file-max))' | sort)
        # The profile refuses it; without one it would be written to nowhere.
        inside_refuses p1 'denied' 'echo c >/proc/sysrq-trigger'
        assert_eq "$(inside_sh p1 'stat -c %t:%T /proc/sysrq-trigger')" 1:3
        inside_refuses p1 'Read-only|denied' 'echo 1 >/proc/sys/kernel/sysrq'
        inside_refuses p1 'Read-only|denied' 'echo 0 >/proc/sys/kernel/sysrq'
        inside_refuses p1 'Read-only|denied' 'echo "|/bin/sh" >/proc/sys/kernel/core_pattern'
        inside_refuses p1 'Read-only|denied' 'echo 0 >/sys/kernel/mm/ksm/run'
        inside_sh p1 'for f in $(find /proc/sys -type f -not -path "/proc/sys/net/*"); do ! (: >>$f) 2>/dev/null || { echo "$f can be written to"; exit 1; }; done'
        expect_fail inside p1 modprobe dummy
        assert_eq "$(sysctl -a 2>/dev/null | grep -E '^(kernel\.(sysrq|core_pattern|modprobe|panic|hostname|domainname|printk|dmesg_restrict|kptr_restrict)|vm\.(overcommit|panic|swappiness)|fs\.(suid_dumpable|protected|file-max))' | sort)" "$before"
}

# with the host's AppArmor, cgroups and modules at hand a Debian comes up as cleanly as without
test_R107_R66_systemd_guest() {
        import_guests trixie
        run_container t1 trixie --set Privileged=yes
        assert_match "$(inside t1 systemctl is-system-running --wait)" running
        assert_eq "$(inside t1 systemctl list-units --state=failed --no-legend --plain)" '' 'failed units'
        assert_eq "$(inside t1 findmnt -n -t debugfs,tracefs,securityfs,configfs,fusectl,bpf,pstore,binfmt_misc -o TARGET || true)" ''
        assert_eq "$(inside t1 systemd-run --quiet --pipe --wait -p MemoryMax=50M -p PrivateDevices=yes -p ProtectKernelTunables=yes echo works)" works
        # Its controllers are the guest's to give on.
        assert_eq "$(inside t1 systemd-run --quiet --pipe --wait -p MemoryMax=50M sh -c 'cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max')" 52428800
        forget t1
        forget_image trixie
}
