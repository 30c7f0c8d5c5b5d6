# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Privileged containers: what they are, what is kept from them all the same, and that nobody gets one by accident. What needs a kernel that
# is the test's own is in vm/privileged.
# guests: busybox trixie
# limit: 240

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
        expect berthctl launch busybox p1 --set security.privileged=true
        expect berthctl launch busybox u1
}

teardown_file() {
        remove_all
}

# inside_sh NAME SCRIPT
inside_sh() {
        berthctl exec "$1" -- sh -euc "$2"
}

# inside_refuses NAME REGEX SCRIPT: it fails with this.
inside_refuses() {
        expect_fail --message "$2" inside_sh "$1" "$3"
}

# its root is the host's, and everybody is told
test_R107_is_marked() {
        assert_match "$(inside p1 cat /proc/self/uid_map)" '^ *0 +0 +4294967295$'
        assert_eq "$(inside p1 id -u)" 0
        assert_eq "$(stat -c %u "/proc/$(leader_of p1)")" 0
        assert_match "$(inside u1 cat /proc/self/uid_map)" ' 65536$'
        assert_match "$(berthctl list | grep '^p1 ')" ' PRIV '
        assert_no_match "$(berthctl list | grep '^u1 ')" PRIV
        assert_eq "$(field p1 type | jq -c .)" '["container","PRIV"]'
        assert_match "$(berthctl status p1)" 'Privileged: yes'
        assert_no_match "$(berthctl status u1)" Privileged
        assert_match "$(berthctl show p1 --applied)" 'privileged +yes.*uid-map +0 0 4294967295'
        assert_eq "$(berthctl show p1 --property=Privileged --value)" yes
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/u1 org.berth1.Container Privileged)" 'b false'
        # It says what it runs as, and of one that does not run what it would start as.
        new_container c1 busybox --set Privileged=yes
        assert_match "$(berthctl list | grep '^c1 ')" ' PRIV '
        expect berthctl start c1
        expect berthctl set c1 Privileged=no
        assert_match "$(berthctl list | grep '^c1 ')" ' PRIV '
        expect berthctl restart c1
        assert_no_match "$(berthctl list | grep '^c1 ')" PRIV
        expect berthctl stop --force c1
        # Also when it is not its own file that says so.
        on_exit 'rm -rf /etc/berth/containers/c1.conf.d /etc/berth/profiles/privileged.conf; rmdir --ignore-fail-on-non-empty /etc/berth/containers /etc/berth/profiles'
        mkdir -p /etc/berth/containers/c1.conf.d /etc/berth/profiles
        printf '[Security]\nPrivileged=yes\n' >/etc/berth/containers/c1.conf.d/50-privileged.conf
        assert_match "$(berthctl list | grep '^c1 ')" ' PRIV '
        rm -r /etc/berth/containers/c1.conf.d
        assert_no_match "$(berthctl list | grep '^c1 ')" PRIV
        printf '[Security]\nPrivileged=yes\n' >/etc/berth/profiles/privileged.conf
        expect berthctl unset c1 Privileged
        assert_no_match "$(berthctl list | grep '^c1 ')" PRIV
        expect berthctl set c1 Profiles=privileged
        assert_match "$(berthctl list | grep '^c1 ')" ' PRIV '
        expect berthctl delete c1
}

# on disk the ids are those of every container, and it holds its range as every other does
test_R107_ids_on_disk() {
        local upper=$STORE/containers/p1/layer/upper
        inside_sh p1 'mkdir -p /root/d; echo x >/root/d/file; chown 1000:33 /root/d/file; rm /etc/hostname'
        assert_eq "$(stat -c %u:%g "$upper/root/d/file")" "$((FOREIGN_BASE + 1000)):$((FOREIGN_BASE + 33))"
        [ -z "$(find "$upper" \( -uid -"$FOREIGN_BASE" -o -uid +$((FOREIGN_END - 1)) \) -print -quit)" ] || fail "there are other owners in its layer"
        # There is no id beyond them.
        inside_refuses p1 'Value too large|Invalid argument' 'touch /root/beyond; chown 65536 /root/beyond'
        [ -L "$(find "$STORE/uid-leases" -lname p1 | head -n 1)" ] || fail "it has no lease"
}

# nodes of character devices can be made, and none but its own be opened; what a device gives goes with it. The control is the host, where the same node opens.
test_R107_devices_are_kept_away() {
        mknod "$TEST_TMP/fuse" c 10 229
        # shellcheck disable=SC2188
        (: <"$TEST_TMP/fuse") || cannot_run "the host itself cannot open its FUSE"
        run_container d1 busybox --set Privileged=yes
        inside_sh d1 'cd /root; mknod fuse c 10 229; mknod kmsg c 1 11; mknod mem c 1 1; mknod port c 1 4; mknod console c 5 1; mknod tty0 c 4 0; mknod zero c 1 5'
        local node
        for node in fuse kmsg mem port console tty0; do
                inside_refuses d1 'Operation not permitted' ": </root/$node"
        done
        # A block device that the host has mounted could be mounted without being opened.
        for node in '7 0' '8 0'; do
                inside_refuses d1 'Operation not permitted' "mknod /root/block b $node"
        done
        assert_eq "$(inside_sh d1 'head -c 3 /root/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x >/dev/null && echo ok')" $'3\n3\nok'
        assert_match "$(systemctl show --property=DevicePolicy berth-d1.scope)" strict
        # Lent and taken back while it runs; a node of its own making is worth as much.
        expect berthctl device add d1 f unix-char Source=/dev/fuse Path=/dev/fuse
        inside_sh d1 ': </dev/fuse; : </root/fuse'
        inside_refuses d1 'Operation not permitted' ': </root/kmsg'
        # PID 1 makes its program anew; other settings leave the list alone.
        systemctl daemon-reload
        systemctl daemon-reexec
        expect berthctl set d1 CPUWeight=50
        inside_sh d1 ': </root/fuse'
        inside_refuses d1 'Operation not permitted' ': </root/kmsg'
        expect berthctl unset d1 CPUWeight
        expect berthctl restart p1
        inside_sh d1 ': </dev/fuse; : </root/fuse'
        expect berthctl device remove d1 f
        inside_refuses d1 'Operation not permitted' ': </root/fuse'
}

# the host's own nodes are not what it has: a new mode of its /dev/null is its own trouble
test_R107_the_hosts_nodes_are_not_lent() {
        local before
        before=$(stat -c '%a %u' /dev/null /dev/zero /dev/tty)
        inside_sh p1 'chmod 0600 /dev/null /proc/kallsyms; chown 33 /dev/zero; stat -c %a /dev/null' >&2
        assert_eq "$(inside p1 stat -c %a /dev/null)" 600
        assert_eq "$(stat -c '%a %u' /dev/null /dev/zero /dev/tty)" "$before"
        inside_sh p1 'chmod 0666 /dev/null; chown 0 /dev/zero'
        printf x >"$TEST_TMP/x"
        expect_fail --message "unix-char" berthctl device add p1 n disk Source=/dev/null Path=/root/null
}

# where PID 1 does not keep devices away it does not start. PID 1 is made to forget its policy.
test_R107_no_policy_no_start() {
        local drop_in=/run/systemd/system/berth-c1.scope.d
        new_container c1 busybox --set Privileged=yes
        on_exit "rm -rf $drop_in; systemctl daemon-reload"
        mkdir -p "$drop_in"
        printf '[Scope]\nDevicePolicy=auto\nDeviceAllow=\n' >"$drop_in/99-test.conf"
        systemctl daemon-reload
        start_fails "PID 1 cannot keep the host's devices from a privileged container" c1
        rm -r "$drop_in"
        systemctl daemon-reload
        expect berthctl start c1
}

# the host's knobs are read-only or out of sight; those of its own network are its own
test_R107_R108_kernel_knobs() {
        local file forward
        inside_refuses p1 'Read-only file system' 'echo 1 >/proc/sys/kernel/panic'
        for file in kernel/sysrq kernel/core_pattern kernel/modprobe vm/drop_caches fs/file-max; do
                [ ! -e "/proc/sys/$file" ] || inside_refuses p1 'Read-only file system' "echo 1 >/proc/sys/$file"
        done
        inside_refuses p1 'Read-only|nonexistent|Permission' 'echo b >/proc/sysrq-trigger'
        inside_refuses p1 'Read-only|nonexistent|Permission' 'echo 1 >/proc/irq/default_smp_affinity'
        inside_refuses p1 'Read-only' 'echo mem >/sys/power/state'
        inside_refuses p1 'Read-only' 'echo /bin/x >/sys/kernel/uevent_helper'
        inside_refuses p1 'Read-only' 'echo 1 >/sys/module/kernel/parameters/initcall_debug'
        for file in kcore kallsyms keys kmsg iomem; do
                assert_eq "$(inside_sh p1 "[ ! -e /proc/$file ] || head -c 10 /proc/$file | wc -c")" "$([ ! -e /proc/$file ] || echo 0)" "/proc/$file"
        done
        for file in debug tracing security; do
                assert_eq "$(inside_sh p1 "ls /sys/kernel/$file 2>/dev/null | wc -l")" 0 "/sys/kernel/$file"
        done
        # All of them. The control: it is the mount that keeps them, and CAP_SYS_ADMIN is what it is (berth.container(5), PRIVILEGED).
        local writable='n=0; for f in $(find sys -type f -not -path "sys/net/*"); do ! (: >>$f) 2>/dev/null || n=$((n + 1)); done; echo $n'
        assert_eq "$(inside_sh p1 "cd /proc; $writable")" 0 'what can be written to in /proc/sys'
        [ "$(inside_sh p1 "mkdir -p /root/p; mount -t proc none /root/p; cd /root/p; $writable; cd /; umount /root/p")" -gt 100 ] || fail "the control finds nothing to write to"
        forward=$(</proc/sys/net/ipv4/ip_forward)
        inside_sh p1 "echo $((1 - forward)) >/proc/sys/net/ipv4/ip_forward"
        assert_eq "$(inside p1 cat /proc/sys/net/ipv4/ip_forward)" "$((1 - forward))"
        assert_eq "$(</proc/sys/net/ipv4/ip_forward)" "$forward" "ip_forward of the host"
        inside_sh p1 "echo $forward >/proc/sys/net/ipv4/ip_forward"
        [ "$(inside p1 cat /proc/sys/kernel/random/boot_id)" != "$(</proc/sys/kernel/random/boot_id)" ] || fail "it has the host's boot id"
        inside_sh p1 'hostname other'
        [ "$(hostname)" != other ] || fail "it has the host's name"
        # The root of its tree is not where its limits are.
        inside_sh p1 'mkdir /sys/fs/cgroup/own && rmdir /sys/fs/cgroup/own'
        assert_eq "$(inside p1 cat /proc/1/cgroup | grep '^0:')" 0::/
        assert_match "$(grep '^0:' "/proc/$(leader_of p1)/cgroup")" '/berth-p1.scope/payload$'
}

# it goes there and back; either form reads what the other has written
test_R107_switched_on_and_off() {
        local base
        run_container c1 busybox
        base=$(uid_base c1)
        # Files of the administrator's over the image.
        mkdir -p "$STORE/containers/c1/mount/opt"
        echo over >"$STORE/containers/c1/mount/opt/file"
        chown 1000 "$STORE/containers/c1/mount/opt/file"
        inside_sh c1 'mkdir /root/u; echo u >/root/u/f; chown -R 1000:1000 /root/u; rm /etc/passwd; rm -r /var; mkdir -p /var/own; mkfifo /root/u/fifo'
        expect berthctl set c1 Privileged=yes
        assert_match "$(inside c1 cat /proc/self/uid_map)" ' 65536$'
        expect berthctl restart c1
        assert_eq "$(uid_base c1)" 0
        assert_eq "$(inside c1 stat -c %u:%g /root/u/f)" 1000:1000
        assert_eq "$(inside c1 stat -c %u:%g /opt/file)" 1000:0
        assert_eq "$(inside_sh c1 'ls /var; ls /etc/passwd 2>/dev/null || true; cat /root/u/f')" $'own\nu'
        inside_sh c1 'echo p >/root/p; chown 33 /root/p; chmod 4755 /root/p; rm -r /root/u; mkdir /root/u; mknod /root/zero c 1 5; rm /etc/hostname; head -c 1 /root/zero >/dev/null'
        expect berthctl unset c1 Privileged
        expect berthctl restart c1
        assert_eq "$(uid_base c1)" "$base"
        assert_eq "$(inside_sh c1 'stat -c %u:%a /root/p; ls -A /root/u; ls /etc/hostname /etc/passwd 2>/dev/null || true; ls /var')" $'33:4755\nown'
        # The node is there, and worth nothing.
        inside_refuses c1 'Permission denied|not permitted' 'head -c 1 /root/zero'
        [ "$(stat -c %u "/proc/$(leader_of c1)")" -ge 65536 ] || fail "its root is the host's"
}

# what excludes it is said when it is set
test_R107_not_with() {
        local setting
        new_container c1 busybox --set Privileged=yes
        for setting in Nesting=yes IDMapSize=131072 IDMapBase=1310720 InterceptMknod=yes InterceptMount=yes InterceptSysinfo=yes InotifyWatchesMax=100 CapabilityBoundingSet=CAP_SYS_MODULE; do
                refused "Privileged=yes and .*${setting%%=*}|Privileged=yes and CAP_SYS_MODULE" berthctl set c1 "$setting"
        done
        refused 'Privileged=yes and NicType=host' berthctl create busybox c2 --no-profiles --set Privileged=yes --device eth9,type=nic,NicType=host
        refused 'Privileged=yes and ' berthctl create busybox c2 -p default -p nesting --set security.privileged=true
}

allowed() {
        as "$@" >/dev/null 2>&1
}

# an administrator gives it; an owner neither by a setting, nor a profile, nor a copy
test_R107_S119_an_administrators() {
        local setting
        polkit_rule own 'if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice" && (action.lookup("own") == "yes" || action.id == "org.berth1.create")) return polkit.Result.YES;'
        on_exit 'forget mine mine3; berthctl profile delete priv; rmdir --ignore-fail-on-non-empty /etc/berth/profiles'
        eventually 10 allowed alice berthctl create busybox mine
        for setting in Privileged=yes security.privileged=true Security.Privileged=1; do
                expect_fail --message 'administrator' as alice berthctl set mine "$setting"
                expect_fail --message 'administrator' as alice berthctl create busybox mine2 --set "$setting"
        done
        expect berthctl profile create priv
        expect berthctl profile set priv Privileged=yes
        expect_fail --message 'administrator|assign' as alice berthctl create busybox mine2 -p default -p priv
        expect_fail --message 'administrator|assign' as alice berthctl set mine Profiles='default priv'
        expect berthctl set mine Privileged=yes
        expect_fail --message 'administrator' as alice berthctl clone mine mine3
        [ ! -e "$STORE/containers/mine2" ] || fail "there is a container"
        # By a profile of the administrator's it works.
        run_container c1 busybox -p default -p priv
        assert_eq "$(uid_base c1)" 0
        assert_match "$(berthctl list | grep '^c1 ')" ' PRIV '
        forget c1
}

# files go in and out, whether it runs or not; a copy has its nodes too
test_R107_files_and_copies() {
        echo data >"$TEST_TMP/x"
        run_container c1 busybox --set Privileged=yes
        expect berthctl copy-to c1 "$TEST_TMP/x" /root/running
        expect machinectl copy-to c1 "$TEST_TMP/x" /root/by-machinectl
        assert_eq "$(inside_sh c1 'stat -c %u /root/running /root/by-machinectl; mknod /root/zero c 1 5; mknod /root/kmsg c 1 11')" $'0\n0'
        # A node is not opened for it.
        expect_fail --message 'neither a file nor a directory' berthctl copy-from c1 /root/kmsg "$TEST_TMP/kmsg"
        expect berthctl stop --force c1
        expect berthctl copy-to c1 "$TEST_TMP/x" /root/stopped
        expect berthctl copy-from c1 /root/stopped "$TEST_TMP/y"
        assert_eq "$(<"$TEST_TMP/y")" data
        on_exit 'forget c2'
        expect berthctl clone c1 c2
        expect berthctl start c2
        assert_eq "$(uid_base c2)" 0
        assert_eq "$(inside_sh c2 'stat -c %u /root/stopped; head -c 2 /root/zero | wc -c')" $'0\n2'
        inside_refuses c2 'Operation not permitted' ': </root/kmsg'
        # A snapshot of one that runs, too. What is in the store is in nobody else's range, wherever it is.
        inside_sh c2 'mknod /root/full c 1 7; echo before >/root/note'
        expect berthctl snapshot c2 s1
        inside_sh c2 'rm /root/full; echo after >/root/note'
        expect berthctl stop --force c2
        expect berthctl restore c2 s1
        expect berthctl start c2
        assert_eq "$(inside_sh c2 'head -c 2 /root/full | wc -c; cat /root/note')" $'2\nbefore'
        [ -z "$(find "$STORE/layers" "$STORE/containers/c2" -path '*/upper/*' \( -uid -"$FOREIGN_BASE" -o -uid +$((FOREIGN_END - 1)) \) -print -quit)" ] || fail "there are other owners in the store"
}

# directories of the host with their own ids; restrictions hold, although its root is the host's
test_R107_disks() {
        local lent=$TEST_TMP/lent
        mkdir -p "$lent"
        echo hello >"$lent/file"
        chown 1000:1000 "$lent/file"
        mknod -m 0666 "$lent/zero" c 1 5
        assert_eq "$(head -c 1 "$lent/zero" | wc -c)" 1
        run_container c1 busybox --set Privileged=yes --device d,type=disk,source="$lent",path=/mnt/ro,readonly=yes
        expect berthctl device add c1 w disk Source="$lent" Path=/mnt/rw
        expect berthctl device add c1 v disk Source=volume:v Path=/mnt/v
        expect berthctl device add c1 t disk Source=tmpfs Path=/mnt/t Size=1M
        assert_eq "$(inside c1 stat -c %u:%g /mnt/ro/file)" 1000:1000
        inside_sh c1 '! mount -o remount,bind,rw /mnt/ro && ! mount -o remount,bind,ro,dev /mnt/ro' >&2
        inside_refuses c1 'Read-only' 'echo x >/mnt/ro/file'
        inside_refuses c1 'Permission denied' 'head -c 1 /mnt/rw/zero'
        inside_sh c1 'echo x >/mnt/rw/new; chown 33 /mnt/rw/new; echo x >/mnt/v/file; chown 33 /mnt/v/file; echo x >/mnt/t/file'
        assert_eq "$(stat -c %u "$lent/new")" 33
        assert_eq "$(stat -c %u "$STORE/containers/c1/volumes/v/file")" "$((FOREIGN_BASE + 33))"
        expect berthctl device remove c1 w
        expect berthctl set c1 Privileged=no
        expect berthctl restart c1
        assert_eq "$(inside c1 stat -c %u /mnt/v/file)" 33
        assert_eq "$(inside c1 stat -c %u /mnt/ro/file)" 1000
}

# what a container does in its life: a reboot from inside, standing still, a command alone, hooks, the console
test_R107_life() {
        local leader
        run_container c1 busybox --ephemeral --set Privileged=yes --set 'HookStartHost=/bin/sh -c "echo $BERTH_UID_BASE >/run/berth-test-hook"'
        on_exit 'rm -f /run/berth-test-hook'
        assert_eq "$(</run/berth-test-hook)" 0
        leader=$(leader_of c1)
        # PID 1 may end the one who asked before that has ended itself.
        inside c1 reboot || true
        eventually 20 has_rebooted c1 "$leader"
        assert_eq "$(uid_base c1)" 0
        expect berthctl freeze c1
        assert_state c1 frozen
        expect berthctl thaw c1
        assert_eq "$(berthctl exec --user nobody c1 -- id -u)" "$(inside c1 id -u nobody)"
        assert_match "$(berthctl exec --tty c1 -- tty)" '^/dev/pts/'
        inside_sh c1 'kill -9 1; ls -l /proc/1/exe' >&2
        expect berthctl stop c1
        eventually 20 state_is c1 absent
        assert_eq "$(berthctl run --set Privileged=yes busybox -- cat /proc/self/uid_map | awk '{ print $3 }')" 4294967295
}

# a whole Debian
test_R107_R66_systemd_guest() {
        run_container t1 trixie --set Privileged=yes
        assert_match "$(inside t1 systemctl is-system-running --wait)" running
        assert_eq "$(inside t1 systemctl list-units --state=failed --no-legend --plain)" '' 'failed units'
        assert_eq "$(systemctl -M t1 is-system-running)" running
        assert_match "$(machinectl show t1)" 'State=running'
        assert_eq "$(inside t1 systemd-run --quiet --pipe --wait -p DynamicUser=yes -p PrivateTmp=yes -p ProtectSystem=strict -p PrivateDevices=yes echo works)" works
        # Nothing is mounted there that is the host's as a whole.
        assert_eq "$(inside t1 findmnt -n -t debugfs,tracefs,securityfs,configfs,fusectl,bpf,pstore,binfmt_misc -o TARGET || true)" ''
        # File capabilities, written in one form and used in the other.
        inside t1 sh -euc 'cp /bin/ping /usr/local/bin/p; setcap cap_net_raw+ep /usr/local/bin/p; getcap /usr/local/bin/p'
        berthctl exec --user user t1 -- /usr/local/bin/p -c 1 127.0.0.1 >/dev/null
        # The default policy of system calls: kexec_load, init_module, open_by_handle_at, settimeofday, bpf, swapon. A call that is allowed is the control.
        local call
        for call in 246 175 304 164 321 167; do
                assert_eq "$(inside t1 perl -e 'print syscall($ARGV[0], 0, 0, 0, 0, 0) < 0 && $!{EPERM} ? "refused" : "open: $!"' "$call")" refused "system call $call"
        done
        assert_match "$(inside t1 perl -e 'print syscall(303, 0, 0, 0, 0, 0) < 0 && $!{EPERM} ? "refused" : "open: $!"')" open
        local bounding name
        bounding=$(inside t1 sh -c 'capsh --decode=$(awk "/^CapBnd/ { print \$2 }" /proc/1/status)')
        for name in sys_module sys_rawio sys_time syslog mac_admin mac_override sys_pacct wake_alarm block_suspend audit_control audit_read linux_immutable bpf perfmon; do
                assert_no_match "$bounding" "cap_$name"
        done
        assert_match "$bounding" cap_sys_admin
        expect berthctl set t1 Privileged=no
        expect berthctl restart t1
        assert_match "$(inside t1 getcap /usr/local/bin/p)" cap_net_raw
        berthctl exec --user user t1 -- /usr/local/bin/p -c 1 127.0.0.1 >/dev/null
        assert_match "$(inside t1 systemctl is-system-running --wait)" running
}
