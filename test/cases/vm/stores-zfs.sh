# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Stores of ZFS: what is their own. On one suite, since all of it is emulated and takes long; a container's life in them (stores.sh) is on both.
# suites: trixie
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

# a reference quota
test_R93_zfs_root_size() {
        store_limit tank
}

# volumes that were copied of one another go in any order
test_R100_zfs_removal() {
        local order names
        for order in 'c1 c2 c3' 'c2 c3 c1'; do
                on_exit 'forget c1 c2 c3'
                expect berthctl create busybox c1 --no-profiles --store tank
                expect berthctl copy c1 c2
                expect berthctl copy c2 c3
                assert_eq "$(zfs get -H -o value origin "tank/berth/$(volume_of c2)" | cut -d@ -f1)" "tank/berth/$(volume_of c1)"
                read -r -a names <<<"$order"
                expect berthctl delete "${names[0]}"
                expect berthctl start "${names[2]}"
                expect berthctl delete "${names[1]}"
                assert_state "${names[2]}" running
                expect berthctl delete --force "${names[2]}"
                eventually 10 store_is_empty tank
        done
}

# what a job leaves that was killed in the middle of a copy goes with it
test_R100_zfs_half_copy() {
        local from half=0123456789abcdef0123456789abcdef
        on_exit 'forget c1'
        expect berthctl create busybox c1 --no-profiles --store tank
        from=tank/berth/$(volume_of c1)
        expect zfs snapshot "$from@$half"
        mkdir -p "$STORE/trash/new/layer"
        echo "tank $half" >"$STORE/trash/new/layer/volume"
        systemctl stop berth-containerd
        berthctl list >/dev/null
        eventually 10 not zfs list "$from@$half"
        expect berthctl start c1
        expect berthctl delete --force c1
        eventually 10 store_is_empty tank
}

# a pool of berth's own, which is imported when somebody needs it
test_R100_zfs_init() {
        on_exit 'forget c1; zpool destroy berth 2>/dev/null; rm -rf "$STORE/zfs" /etc/berth/stores.d/own.conf; systemctl stop berth-containerd; rm -f /etc/berth/berth.conf'
        expect berthctl init --storage zfs,size=200M,name=own
        assert_match "$(berthctl stores)" 'own +zfs +berth '
        expect berthctl create busybox c1 --no-profiles
        assert_eq "$(zfs list -H -o name "berth/$(volume_of c1)")" "berth/$(volume_of c1)"
        # As after the host has booted.
        expect zpool export berth
        expect berthctl start c1
        expect berthctl delete --force c1
        eventually 10 no_debris
}

hide_pool() {
        zpool export tank
}
show_pool() {
        zpool import -d /var/zfs-disk tank
}

# a pool that is not imported
test_R100_zfs_gone() {
        store_gone tank hide_pool show_pool
}
