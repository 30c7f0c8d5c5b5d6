# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Stores of LVM: what is their own. On one suite, since all of it is emulated and takes long; a container's life in them (stores.sh) is on both.
# suites: bookworm
# guests: busybox
# limit: 600

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/stores.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/block-stores.sh"

setup_file() {
        block_stores_up
}

teardown_file() {
        block_stores_down
}

# a volume is open as long as its container runs, however that ends
test_R101_lvm_closed() {
        local volume
        on_exit 'forget c1'
        expect berthctl create busybox c1 --no-profiles --store thin
        volume=$(volume_of c1)
        assert_eq "$(lvs --noheadings --options pool_lv,segtype "t-vg/berth-$volume" | xargs)" 'berth thin'
        eventually 10 devices_are 0
        expect berthctl start c1
        assert_eq "$(devices_open)" 1
        assert_eq "$(lvs --noheadings --options lv_device_open "t-vg/berth-$volume" | xargs)" open
        # Nobody but the kernel is left to close it.
        kill -KILL "$(supervisor_of c1)"
        eventually 10 devices_are 0
        systemctl reset-failed berth@c1 2>/dev/null || true
        expect berthctl start c1
        expect berthctl stop --force c1
        eventually 10 devices_are 0
}

# less than a volume has is a quota, more is more; while it runs, too
test_R93_lvm_root_size() {
        store_limit thin
        run_container c1 busybox --no-profiles --store thin --device root,type=disk,path=/,size=160MiB
        [ "$(inside c1 df -m / | awk 'END { print $2 }')" -gt 140 ] || fail 'the file system has not become larger'
        expect berthctl device set c1 root size=30MiB
        assert_match "$(inside c1 df -m / | tail -n 1)" ' 30 '
        expect berthctl delete --force c1
}

# what is new is refused when the pool is full, and there is room again afterwards
test_R101_lvm_full() {
        on_exit 'forget c1 c2; lvremove --quiet --yes t-vg/filler >/dev/null 2>&1 || true'
        expect berthctl create busybox c1 --no-profiles --store thin
        # As long as there is room; what a first snapshot makes of files is there then.
        expect berthctl snapshot c1
        expect lvcreate --quiet --yes --type thin --virtualsize 600M --thinpool t-vg/berth --name filler
        dd if=/dev/zero of=/dev/t-vg/filler bs=4M oflag=direct 2>/dev/null || true
        refused "store 'thin' is full: of its thin pool 't-vg/berth'" berthctl create busybox c2 --no-profiles --store thin
        refused "No space is left" berthctl snapshot c1
        expect lvremove --quiet --yes t-vg/filler
        expect berthctl snapshot c1
        expect berthctl start c1
        expect berthctl delete --force c1
        eventually 10 store_is_empty thin
}

# a thin pool of its own in a group that is there
test_R101_lvm_init() {
        on_exit 'forget c1; lvremove --quiet --yes t-vg/second >/dev/null 2>&1; rm -f /etc/berth/stores.d/lvm.conf; systemctl stop berth-containerd; rm -f /etc/berth/berth.conf'
        refused 'nogroup' berthctl init --storage lvm,group=nogroup
        expect berthctl init --storage lvm,group=t-vg,pool=second,size=100M
        expect berthctl create busybox c1 --no-profiles
        assert_eq "$(lvs --noheadings --options pool_lv "t-vg/berth-$(volume_of c1)" | xargs)" second
        expect berthctl delete c1
        eventually 10 no_debris
}

hide_group() {
        vgrename --quiet t-vg t-other
}
show_group() {
        vgrename --quiet t-other t-vg
}

# a volume group that is not there
test_R101_lvm_gone() {
        store_gone thin hide_group show_group
}
