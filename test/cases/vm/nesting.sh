# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What nesting needs of a whole kernel: modules, a /proc that the kernel gives away only where one is seen whole, controllers.
# guests: busybox trixie
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
}

teardown_file() {
        remove_all
}

has_module() {
        grep -q "^$1 " /proc/modules
}

# modules that a container asks for are there before it starts; one that is not to be had is named, and nothing starts
test_R77_kernel_modules() {
        local module
        for module in dummy nf_nat_ftp; do
                modprobe -r "$module" || true
                ! has_module "$module" || fail "$module is there already"
        done
        # With '-', and one that is built in or there long since.
        new_container c1 busybox --set linux.kernel_modules=dummy,nf-nat-ftp,ext4
        ! has_module dummy || fail "it was loaded too early"
        expect berthctl start c1
        has_module dummy || fail "dummy is not there"
        has_module nf_nat_ftp || fail "nf_nat_ftp is not there"
        on_exit 'modprobe -r dummy nf_nat_ftp'
        new_container c2 busybox --set KernelModules=dummy --set KernelModules=no_such_thing
        start_fails "kernel module 'no_such_thing'" c2
        refused KernelModules berthctl set c2 KernelModules=../../tmp/evil
        refused KernelModules berthctl set c2 'KernelModules=-r'
        # The guest itself loads none.
        expect_fail inside c1 modprobe dummy
}

# in a user namespace inside nobody sees what is masked outside; only with Nesting= there is a whole /proc and /sys to be had
test_R116_proc_in_a_user_namespace() {
        run_container plain trixie
        expect_fail --message 'Operation not permitted|permission denied' inside plain unshare --user --map-root-user --pid --fork --mount-proc true
        run_container nest trixie --set Nesting=yes
        expect inside nest unshare --user --map-root-user --pid --fork --mount-proc true
        expect inside nest unshare --user --map-root-user --net --mount mount -t sysfs sysfs /mnt
        # One level further down it goes on.
        expect inside nest unshare --user --map-root-user --pid --fork --mount-proc unshare --user --map-root-user --pid --fork --mount-proc true
}

# the guest's systemd, asked on its bus, limits what runs in a unit: a hog in it is killed, alone
test_R118_transient_unit_with_a_limit() {
        run_container t1 trixie
        # What it runs asks for more than it may have.
        inside t1 busctl call -- org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartTransientUnit \
                'ssa(sv)a(sa(sv))' hog.service fail 4 MemoryMax t 33554432 MemorySwapMax t 0 RemainAfterExit b true \
                ExecStart 'a(sasb)' 1 /usr/bin/tail 4 /usr/bin/tail -n 1 /dev/zero false 0
        eventually 60 hog_is_over t1 ''
        assert_eq "$(inside t1 systemctl show -p Result --value hog.service)" oom-kill
        assert_eq "$(inside t1 systemctl show -p MemoryMax --value hog.service)" 33554432
        assert_eq "$(inside t1 systemctl show -p ActiveState --value dbus.service)" active
}

# hog_is_over NAME USER-OPTION...
hog_is_over() {
        [ "$(inside "$1" systemctl show -p ActiveState --value hog.service)" = failed ]
}

# a user of the guest's, without rights there, does the same with a manager of the user's own
test_R118_user_of_the_guest() {
        run_container t1 trixie
        inside t1 systemctl start user@1000.service
        # shellcheck disable=SC2016
        assert_eq "$(berthctl exec --user user t1 -- env XDG_RUNTIME_DIR=/run/user/1000 sh -c '
                systemd-run --user --quiet --unit=small -p MemoryMax=32M -p MemorySwapMax=0 sleep 1000 &&
                cat /sys/fs/cgroup$(systemctl --user show -p ControlGroup --value small)/memory.max')" 33554432
        # The kill of the hog is what its unit ends with.
        berthctl exec --user user t1 -- env XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user --quiet --unit=hog -p MemoryMax=32M -p MemorySwapMax=0 tail -n 1 /dev/zero
        eventually 60 user_hog_is_over
        assert_state t1 running
}

user_hog_is_over() {
        [ "$(berthctl exec --user user t1 -- env XDG_RUNTIME_DIR=/run/user/1000 systemctl --user show -p Result --value hog)" = oom-kill ]
}
