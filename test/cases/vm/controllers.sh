# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What needs a whole kernel: the cgroup controllers, and AppArmor being there.
# guests: busybox trixie
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
}

teardown_file() {
        remove_all
}

# cgroup_of NAME: the folder of its scope.
cgroup_of() {
        echo "/sys/fs/cgroup$(systemctl show -p ControlGroup --value "berth-$1.scope")"
}

# settings are limits of the scope, from the start; systemctl changes them live
test_R90_limits() {
        run_container c1 busybox --set MemoryMax=64M --set TasksMax=50 --set CPUQuota=50% --set CPUWeight=20
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 67108864
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 50
        assert_eq "$(cut -d' ' -f1 "$(cgroup_of c1)/cpu.max")" 50000
        assert_eq "$(cat "$(cgroup_of c1)/cpu.weight")" 20
        expect systemctl set-property --runtime berth-c1.scope MemoryMax=128M
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 134217728
}

# the guest cannot raise its own limits, nor see others'
test_S26_limits_are_the_hosts() {
        run_container c1 busybox --set MemoryMax=64M --set TasksMax=50
        expect_fail inside c1 sh -c 'echo max >/sys/fs/cgroup/memory.max'
        expect_fail inside c1 sh -c 'echo max >/sys/fs/cgroup/pids.max'
        expect_fail inside c1 sh -c 'echo 1 >/sys/fs/cgroup/../cgroup.procs'
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 67108864
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 50
}

# the controllers are delegated to a systemd guest, which uses them
test_R118_delegated_controllers() {
        run_container t1 trixie
        assert_match "$(inside t1 cat /sys/fs/cgroup/cgroup.controllers)" 'cpu.*io.*memory.*pids'
        inside t1 systemd-run --quiet --unit=limited -p MemoryMax=50M -p TasksMax=11 sleep 1000
        assert_eq "$(inside t1 cat /sys/fs/cgroup/system.slice/limited.service/memory.max)" 52428800
        assert_eq "$(inside t1 cat /sys/fs/cgroup/system.slice/limited.service/pids.max)" 11
        expect inside t1 systemd-run --quiet --scope -p MemoryMax=50M true
        assert_eq "$(systemctl -M t1 is-system-running)" running
}

# freeze is the kernel's
test_R49_freeze_with_controllers() {
        run_container c1 busybox
        expect berthctl freeze c1
        assert_eq "$(cat "$(cgroup_of c1)/cgroup.freeze")" 1
        expect berthctl thaw c1
        expect berthctl stop c1
}

# a kernel with AppArmor: containers run, and so does what is confined on the host
test_R66_apparmor_kernel() {
        [ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || cannot_run "the kernel has no AppArmor"
        run_container t1 trixie
        assert_eq "$(inside t1 systemctl is-system-running --wait)" running
        assert_eq "$(systemctl -M t1 list-units --state=failed --no-legend --plain)" ''
}

# so many CPUs: what runs inside counts them, and two loaders get no more than one CPU's time
test_R89_cpu_count_inside() {
        run_container c1 busybox --set limits.cpu=1
        assert_eq "$(inside c1 nproc)" 1
        expect berthctl set c1 limits.cpu 2
        assert_eq "$(inside c1 nproc)" 2
        expect berthctl unset c1 limits.cpu
        assert_eq "$(inside c1 nproc)" "$(nproc)"
}

# a fork bomb ends at the number of processes, also one that was set while the container runs
test_R95_fork_bomb() {
        run_container c1 busybox
        expect berthctl set c1 limits.processes 30
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 30
        inside c1 sh -c 'i=0; while [ $i -lt 100 ]; do sleep 20 & i=$((i + 1)); done' >/dev/null 2>&1 || true
        [ "$(cat "$(cgroup_of c1)/pids.current")" -le 30 ] || fail "more than 30"
        assert_match "$(cat "$(cgroup_of c1)/pids.events")" 'max [1-9]'
}

# limits of memory and CPU change while it runs
test_R96_live_limits() {
        run_container c1 busybox
        expect berthctl set c1 limits.memory=100MiB CPUQuota=30% limits.memory.swap=false
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 104857600
        assert_eq "$(cat "$(cgroup_of c1)/cpu.max")" '30000 100000'
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" 0
        expect berthctl unset c1 limits.memory CPUQuota limits.memory.swap
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" max
        assert_eq "$(cat "$(cgroup_of c1)/cpu.max")" 'max 100000'
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" max
}

# a hog of memory is killed alone; a fork bomb stops at its limit; the host and another container do not mind
test_R90_R95_hog_and_bomb() {
        run_container c1 busybox --set MemoryMax=48M --set MemorySwapMax=0 --set TasksMax=60
        run_container c2 busybox
        # tail keeps a line until its end, which never comes.
        expect_fail --status 137 inside c1 sh -c 'tail -n 1 /dev/zero >/dev/null'
        assert_match "$(cat "$(cgroup_of c1)/memory.events")" 'oom_kill [1-9]'
        expect inside c1 true
        inside c1 sh -c 'i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i + 1)); done' 2>/dev/null || true
        [ "$(cat "$(cgroup_of c1)/pids.max")" = 60 ] || fail "the limit is $(cat "$(cgroup_of c1)/pids.max")"
        assert_match "$(cat "$(cgroup_of c1)/pids.events")" 'max [1-9]'
        expect inside c2 true
        assert_state c1 running
        assert_state c2 running
}

# legacy_tiocsti: even where the kernel lets it be, the caller's terminal is not typed into
test_S81_tiocsti() {
        # Linux before 6.2 has no such setting, and lets it be.
        if [ -e /proc/sys/dev/tty/legacy_tiocsti ]; then
                on_exit "echo $(cat /proc/sys/dev/tty/legacy_tiocsti) >/proc/sys/dev/tty/legacy_tiocsti"
                echo 1 >/proc/sys/dev/tty/legacy_tiocsti
        fi
        run_container t1 trixie
        echo 'for my $c (split //, "echo INJ"."ECTED\n") { ioctl(STDIN, 0x5412, $c) or die "refused: $!\n" } print "typed\n"' >inject.pl
        berthctl copy-to t1 inject.pl /root/inject.pl
        # What is typed into the terminal is read by the shell that comes next in it.
        # The first of it is the end of script's own input.
        local after='; sleep 0.3; for i in 1 2 3; do read -t 1 line; echo "next: $line"; done'
        # The control: into a terminal of one's own it works.
        SHELL=/bin/bash script -qec "perl inject.pl$after" control </dev/null >/dev/null || true
        grep -q 'next: .*INJECTED' control || cannot_run "the attack does not work at all: $(cat -v control)"
        SHELL=/bin/bash script -qec "berthctl exec -t t1 -- perl /root/inject.pl$after" typescript </dev/null >/dev/null || true
        grep -q 'typed\|refused' typescript || fail "the attack did not run: $(cat -v typescript)"
        ! grep -q 'next: .*INJECTED' typescript || fail "it was typed: $(cat -v typescript)"
}
