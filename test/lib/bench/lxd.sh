# shellcheck shell=bash
# shellcheck disable=SC2034 # CMD is the caller's
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# LXD, or Incus where Debian has that: the same verbs. Storage is a directory, containers are unprivileged and have no network.

lxd_setup() {
        LXD=lxc LXD_ADMIN=(lxd) LXD_UNIT=lxd
        if command -v incus >/dev/null; then
                LXD=incus LXD_ADMIN=(incus admin) LXD_UNIT=incus
        elif ! command -v lxd >/dev/null; then
                return 1
        fi
        # Its state has another place now.
        systemctl stop "$LXD_UNIT.socket" "$LXD_UNIT.service" 2>/dev/null || true
        systemctl start "$LXD_UNIT.socket"
        "${LXD_ADMIN[@]}" init --preseed &>>"$LOG" <<-E
		config: {}
		storage_pools:
		- name: default
		  driver: dir
		profiles:
		- name: default
		  devices:
		    root: {type: disk, path: /, pool: default}
		E
        {
                "$LXD" image import "$META" "$BUSYBOX" --alias small
                "$LXD" image import "$META" "$DEBIAN" --alias big
        } >>"$LOG" 2>&1
        info lxd "$LXD_UNIT $("$LXD" version | sed -n 's/^Server version: //p')"
}

# Incus has verbs of its own for snapshots.
lxd_snapshot_does() {
        case $LXD-$1 in
        lxc-snapshot) CMD=(lxc snapshot "$2" s1) ;;
        lxc-restore) CMD=(lxc restore "$2" s1) ;;
        lxc-delete-snapshot) CMD=(lxc delete "$2/s1") ;;
        incus-snapshot) CMD=(incus snapshot create "$2" s1) ;;
        incus-restore) CMD=(incus snapshot restore "$2" s1) ;;
        incus-delete-snapshot) CMD=(incus snapshot delete "$2" s1) ;;
        esac
}

lxd_does() {
        case $1 in
        create) CMD=("$LXD" init small "$2") ;;
        create-debian) CMD=("$LXD" init big "$2") ;;
        start) CMD=("$LXD" start "$2") ;;
        exec) CMD=("$LXD" exec "$2" -- true) ;;
        stop) CMD=("$LXD" stop -f "$2") ;;
        delete | delete-debian) CMD=("$LXD" delete "$2") ;;
        delete-running) CMD=("$LXD" delete -f "$2") ;;
        list) CMD=("$LXD" list) ;;
        copy) CMD=("$LXD" copy "$2" "$2-copy") ;;
        delete-copy) CMD=("$LXD" delete -f "$2-copy") ;;
        snapshot | restore | delete-snapshot) lxd_snapshot_does "$1" "$2" ;;
        publish) CMD=("$LXD" publish "$2" --alias published) ;;
        publish-zstd) CMD=("$LXD" publish "$2" --alias published --compression zstd) ;;
        remove-published) CMD=("$LXD" image delete published) ;;
        import) CMD=("$LXD" image import "$META" "$2" --alias imported) ;; # the archive is kept, not unpacked
        remove-image) CMD=("$LXD" image delete imported) ;;
        *) return 1 ;;
        esac
}

lxd_btrfs() {
        "$LXD" storage create btrfs btrfs source="$BENCH/btrfs/lxd"
        "$LXD" init big btrfs --storage btrfs
}

lxd_no_btrfs() {
        "$LXD" delete --force btrfs
        "$LXD" image delete big
        "$LXD" storage delete btrfs
        "$LXD" image import "$META" "$DEBIAN" --alias big
}

lxd_memory() {
        memory_of memory-container lxd "^\[lxc monitor\] (/var/lib/$LXD_UNIT|/run/$LXD_UNIT)"
        sample memory-daemon lxd "$(private_bytes "$(systemctl show -P MainPID "$LXD_UNIT")")"
}
