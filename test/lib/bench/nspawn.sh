# shellcheck shell=bash
# shellcheck disable=SC2034 # CMD is the caller's
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd's own: one-shot systemd-nspawn, plain and with the namespaces that a container of berth always has;
# machinectl for images; and plain tar.

nspawn_setup() {
        mkdir -p "$BENCH/nspawn/usr"
        tar -C "$BENCH/nspawn" -xpf "$BUSYBOX"
}

nspawn_does() {
        case $1 in
        start) CMD=(systemd-nspawn --quiet --machine=bench --directory="$BENCH/nspawn" true) ;;
        *) return 1 ;;
        esac
}

nspawn_userns_setup() {
        mkdir -p "$BENCH/nspawn-userns/usr"
        tar -C "$BENCH/nspawn-userns" -xpf "$BUSYBOX"
}

nspawn_userns_does() {
        case $1 in
        start) CMD=(systemd-nspawn --quiet --machine=bench -U --private-network --directory="$BENCH/nspawn-userns" true) ;;
        *) return 1 ;;
        esac
}

nspawn_more() {
        local i
        systemd-nspawn --quiet --machine=bench --directory="$BENCH/nspawn" sleep 1000 </dev/null >>"$LOG" 2>&1 &
        sleep 2
        memory_of memory-container nspawn '^systemd-nspawn --quiet --machine=bench'
        sample memory-daemon machined "$(private_bytes "$(systemctl show -P MainPID systemd-machined)")"
        machinectl terminate bench
        wait
}

nspawn_memory() { :; }
nspawn_userns_memory() { :; }

machinectl_setup() {
        # It has the folder from before.
        systemctl stop systemd-machined systemd-importd 2>/dev/null || true
        machinectl --quiet import-tar "$DEBIAN" big >>"$LOG" 2>&1
}

machinectl_does() {
        case $1 in
        import | remove-image) [ "${2%.zst}" = "$2" ] || return 1 ;;& # not known to systemd 257 yet
        import) CMD=(machinectl --quiet import-tar "$2" imported) ;;
        remove-image) CMD=(machinectl remove imported) ;;
        create-debian) CMD=(machinectl clone big "$2-clone") ;;
        delete-debian) CMD=(machinectl remove "$2-clone") ;;
        *) return 1 ;;
        esac
}

tar_setup() {
        mkdir -p "$BENCH/tar"
}

tar_does() {
        case $1 in
        import)
                mkdir "$BENCH/tar/imported" || return
                case $2 in
                *.gz) CMD=(sh -c 'gzip -dc "$1" | tar -C "$2" -xpf -' sh "$2" "$BENCH/tar/imported") ;;
                *.xz) CMD=(sh -c 'xz -T0 -dc "$1" | tar -C "$2" -xpf -' sh "$2" "$BENCH/tar/imported") ;;
                *.zst) CMD=(sh -c 'zstd -dcq "$1" | tar -C "$2" -xpf -' sh "$2" "$BENCH/tar/imported") ;;
                *) CMD=(tar -C "$BENCH/tar/imported" -xpf "$2") ;;
                esac
                ;;
        remove-image) CMD=(rm -rf "$BENCH/tar/imported") ;;
        *) return 1 ;;
        esac
}
