# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two stores that need more of the kernel than a container has: thin, of LVM, and tank, of ZFS. For case files of virtual machines, to call from setup_file and
# teardown_file; with stores.sh.

lvm_store_up() {
        local loop
        import_guests busybox
        truncate -s 900M /var/lvm-disk
        loop=$(losetup --find --show /var/lvm-disk)
        expect vgcreate --quiet t-vg "$loop"
        expect lvcreate --quiet --yes --type thin-pool --size 600M --name berth t-vg
        a_store thin Type=lvm VolumeGroup=t-vg VolumeSize=100M
}

block_stores_up() {
        lvm_store_up
        # What the tests write is to count: nothing of it may be compressed.
        truncate -s 400M /var/zfs-disk
        expect modprobe zfs
        expect zpool create -m none -O compression=off tank /var/zfs-disk
        expect zfs create tank/berth
        a_store tank Type=zfs Dataset=tank/berth
}

lvm_store_down() {
        local loop
        remove_all
        layers_are_right || fail 'layers are left'
        rm -r /etc/berth/stores.d
        expect vgremove --quiet --force t-vg
        loop=$(losetup --associated /var/lvm-disk --noheadings --output NAME)
        pvremove --quiet "$loop"
        losetup --detach "$loop"
        rm /var/lvm-disk
}

block_stores_down() {
        lvm_store_down
        zpool destroy tank
        rm /var/zfs-disk
}

# volumes_in STORE: vault is an encrypted one in the same group.
volumes_in() {
        case $1 in
        thin | vault) lvs --noheadings --options lv_name --select 'lv_name=~^berth-' t-vg ;;
        tank) zfs list -H -r -t all -o name tank/berth | sed 1d ;;
        esac
}

# devices_open: of the group, those that are there because a volume is mounted.
devices_open() {
        dmsetup ls | grep -c '^t--vg-berth--' || true
}

devices_are() {
        [ "$(devices_open)" = "$1" ]
}

# volume_of NAME: of what it writes to.
volume_of() {
        layers "$1" | cut -d' ' -f1
}
