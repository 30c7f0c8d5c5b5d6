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

# settings are limits of the scope, from the start and live
test_R90_limits() {
        run_container c1 busybox --set MemoryMax=64M --set TasksMax=50 --set CPUQuota=50% --set CPUWeight=20
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 67108864
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 50
        assert_eq "$(cut -d' ' -f1 "$(cgroup_of c1)/cpu.max")" 50000
        assert_eq "$(cat "$(cgroup_of c1)/cpu.weight")" 20
        expect berthctl set c1 MemoryMax=96M
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 100663296
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

# a hog of memory is killed alone; a fork bomb stops at its limit; the host and another container do not mind
test_R90_hog_and_bomb() {
        run_container c1 busybox --set MemoryMax=48M --set MemorySwapMax=0 --set TasksMax=60
        run_container c2 busybox
        expect_fail inside c1 sh -c 'x=; while :; do x="$x$(head -c 1000000 /dev/zero | tr "\0" x)"; done'
        expect inside c1 true
        inside c1 sh -c 'i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i + 1)); done' 2>/dev/null || true
        [ "$(cat "$(cgroup_of c1)/pids.current")" -le 60 ] || fail "there are $(cat "$(cgroup_of c1)/pids.current") processes"
        expect inside c2 true
        assert_state c1 running
        assert_state c2 running
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

# legacy_tiocsti: even where the kernel lets it be, the caller's terminal is not typed into
test_S81_tiocsti() {
        [ -e /proc/sys/dev/tty/legacy_tiocsti ] || cannot_run "the kernel has no such setting"
        echo 1 >/proc/sys/dev/tty/legacy_tiocsti
        on_exit 'echo 0 >/proc/sys/dev/tty/legacy_tiocsti'
        run_container t1 trixie
        local inject='for $c (split //, "echo INJECTED\n") { ioctl(STDIN, 0x5412, $c) or die "$!" } print "typed\n"'
        # The control: into a terminal that one has, it works.
        script -qefc "perl -e '$inject'; sleep 0.3; read -t 1 line && echo \"got \$line\"" typescript </dev/null >/dev/null || true
        grep -q 'got .*INJECTED' typescript || cannot_run "the attack does not work at all: $(cat -v typescript)"
        script -qefc "berthctl exec -t t1 -- perl -e '$inject'; sleep 0.3; read -t 1 line && echo \"got \$line\"" typescript </dev/null >/dev/null || true
        grep -q typed typescript
        assert_no_match "$(<typescript)" 'got .*INJECTED'
}
