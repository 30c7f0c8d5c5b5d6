# shellcheck shell=bash
# shellcheck disable=SC2034 # CMD is the caller's
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth, through its command line tool as its users do.

berth_setup() {
        command -v berthctl >/dev/null || return 1
        systemctl stop berth-containerd
        berthctl import "$BUSYBOX" --alias small &>>"$LOG"
        berthctl import "$DEBIAN" --alias big &>>"$LOG"
        info berth "$(berthctl --version | head -n 1)"
}

berth_does() {
        case $1 in
        # As the peers' are here: without network. What that costs is a row of its own.
        create) CMD=(berthctl create --no-profiles small "$2") ;;
        create-debian) CMD=(berthctl create --no-profiles big "$2") ;;
        create-default) CMD=(berthctl create small "$2") ;;
        start) CMD=(berthctl start "$2") ;;
        exec) CMD=(berthctl exec "$2" -- true) ;;
        stop) CMD=(berthctl stop --force "$2") ;;
        delete | delete-debian) CMD=(berthctl delete "$2") ;;
        delete-running) CMD=(berthctl delete --force "$2") ;;
        list) CMD=(berthctl list) ;;
        copy) CMD=(berthctl clone "$2" "$2-copy") ;;
        delete-copy) CMD=(berthctl delete --force "$2-copy") ;;
        snapshot) CMD=(berthctl snapshot "$2" s1) ;;
        restore) CMD=(berthctl restore "$2" s1) ;;
        delete-snapshot) CMD=(berthctl delete "$2/s1") ;;
        publish) CMD=(berthctl publish "$2" --alias published) ;;
        publish-zstd) CMD=(berthctl publish "$2" --alias published --compression zstd) ;;
        remove-published) CMD=(berthctl remove-image published) ;;
        import) CMD=(berthctl import "$2" --alias imported) ;;
        remove-image) CMD=(berthctl remove-image imported) ;;
        *) return 1 ;;
        esac
}

berth_btrfs() {
        mkdir -p /etc/berth/stores.d
        printf '[Store]\nType=btrfs\nPath=%s\n' "$BENCH/btrfs/berth" >/etc/berth/stores.d/btrfs.conf
        berthctl create --no-profiles --store=btrfs big btrfs
}

berth_no_btrfs() {
        berthctl delete --force btrfs
        rm /etc/berth/stores.d/btrfs.conf
}

# With the default profile, eth0 on the bridge, and without network, in turns.
berth_round() {
        local i kinds=(none default)
        quiet berth create none
        quiet berth create-default default
        for i in 0 1; do
                quiet berth start "${kinds[i]}"
                quiet berth stop "${kinds[i]}"
        done
        for i in 0 1 1 0 0 1; do
                timed berth start "${kinds[i]}" "start-net-${kinds[i]}"
                quiet berth stop "${kinds[i]}"
        done
        quiet berth delete none
        quiet berth delete default
}

berth_memory() {
        berthctl list >/dev/null
        memory_of memory-container berth '^/usr/lib/berth/berth-launch '
        sample memory-daemon berth "$(private_bytes "$(systemctl show -P MainPID berth-containerd)")"
}

# A list of many, an answer of a manager that is not there yet, and how long it takes to go away again.
berth_more() {
        local round=1 begin i
        if [ "$LIST" -gt 0 ]; then
                many berth create "$LIST" 1
                for i in {1..10}; do
                        timed berth list - "list-$LIST"
                done
                sample "memory-daemon-$LIST" berth "$(private_bytes "$(systemctl show -P MainPID berth-containerd)")"
        fi
        for i in {1..5}; do
                systemctl stop berth-containerd
                timed berth list - list-cold
        done
        begin=$SECONDS
        while [ "$(systemctl show -P ActiveState berth-containerd)" = active ] && [ $((SECONDS - begin)) -lt 180 ]; do
                sleep 0.5
        done
        [ "$(systemctl show -P ActiveState berth-containerd)" = active ] || sample idle-exit berth "$(((SECONDS - begin) * 1000000000))"
}
