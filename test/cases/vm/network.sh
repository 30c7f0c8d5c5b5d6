# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The network on a kernel that lacks what it needs.
# guests: busybox
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# without MODULE: as a kernel that was built without it.
without() {
        on_exit without_no_more
        ip link delete berthbr0 2>/dev/null || true
        modprobe -r "$1" 2>/dev/null || true
        [ ! -e "/sys/module/$1" ] || fail "the module '$1' does not go"
        echo "install $1 /bin/false" >/etc/modprobe.d/test.conf
}

without_no_more() {
        rm -f /etc/modprobe.d/test.conf
}

# without bridges, or pairs of interfaces, a start says so, and how to go on; and that is true
test_R75_R129_kernel_without_bridges() {
        without bridge
        new_container c1 busybox
        start_fails "device 'eth0': cannot make the bridge 'berthbr0': the kernel has none.*'berthctl device set c1 eth0 type=none'.*--no-profiles" c1
        expect berthctl device set c1 eth0 type=none
        expect berthctl start c1
        run_container c2 busybox --no-profiles
        without_no_more
        expect berthctl device remove c1 eth0
        assert_eq "$(inside c1 ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
        expect berthctl delete --force c1
        without veth
        new_container c1 busybox
        start_fails "device 'eth0': the kernel has no pairs of interfaces \(module 'veth'\).*'berthctl device set c1 eth0 type=none'" c1
        expect berthctl device set c1 eth0 type=none
        expect berthctl start c1
        without_no_more
        expect berthctl device set c1 eth0 type=nic
        assert_eq "$(inside c1 ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
}
