# shellcheck shell=bash
# shellcheck disable=SC2034 # CMD is the caller's
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth, through its command line tool as its users do.

berth_setup() {
        command -v berthctl >/dev/null || return 1
        berthctl import "$BUSYBOX" --alias small >>"$LOG" 2>&1
        berthctl import "$DEBIAN" --alias big >>"$LOG" 2>&1
        info berth "$(berthctl --version | head -n 1)"
}

berth_does() {
        case $1 in
        create) CMD=(berthctl create small "$2") ;;
        create-debian) CMD=(berthctl create big "$2") ;;
        start) CMD=(berthctl start "$2") ;;
        exec) CMD=(berthctl exec "$2" -- true) ;;
        stop) CMD=(berthctl stop --force "$2") ;;
        delete | delete-debian) CMD=(berthctl delete "$2") ;;
        delete-running) CMD=(berthctl delete --force "$2") ;;
        list) CMD=(berthctl list) ;;
        import) CMD=(berthctl import "$2" --alias imported) ;;
        remove-image) CMD=(berthctl remove-image imported) ;;
        *) return 1 ;;
        esac
}

berth_memory() {
        berthctl list >/dev/null
        memory_of memory-container berth '^/usr/lib/berth/berth-launch '
        sample memory-daemon berth "$(private_bytes "$(systemctl show -P MainPID berth-containerd)")"
}
