# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is made of a container that is there: copies, snapshots, images; the disk that copies take; and what an import needs of memory.

# A systemd in it has started, and has written what it writes at its first start.
settled() {
        local subject=$1 name=$2 i CMD=()
        "${subject}_does" exec "$name" || return 0
        for i in {1..60}; do
                "${CMD[@]:0:${#CMD[@]}-1}" systemctl is-active --quiet multi-user.target &>>"$LOG" && break
                sleep 1
        done
}

# The container that all rounds use: of Debian, started once.
copies_setup() {
        quiet "$1" create-debian source
        quiet "$1" start source
        settled "$1" source
        quiet "$1" stop source
}

# snapshots SUBJECT NAME [SUFFIX]
snapshots() {
        timed "$1" snapshot "$2" "snapshot${3-}"
        timed "$1" restore "$2" "restore${3-}"
        quiet "$1" delete-snapshot "$2"
}

copied() {
        timed "$1" copy "$2" "copy${3-}"
        quiet "$1" delete-copy "$2"
}

# copies_of SUBJECT NAME DIRECTORY [SUFFIX]: of one that runs first: after that berth's manager is awake, as in all that is measured, and what is copied next has just been
# written to. DIRECTORY is on the file system where all is.
copies_of() {
        local subject=$1 name=$2 where=$3 suffix=${4-}
        quiet "$subject" start "$name"
        settled "$subject" "$name"
        sync -f "$where"
        copied "$subject" "$name" "-running$suffix"
        sync -f "$where"
        snapshots "$subject" "$name" "-running$suffix"
        quiet "$subject" stop "$name"
        sync -f "$where"
        copied "$subject" "$name" "$suffix"
        sync -f "$where"
        snapshots "$subject" "$name" "$suffix"
}

copies_round() {
        local subject=$1 kind
        copies_of "$subject" source "$BENCH"
        for kind in publish publish-zstd; do
                sync -f "$BENCH"
                timed "$subject" "$kind" source
                quiet "$subject" remove-published source
        done
        [ "$subject" != berth ] || {
                copied berth large -large
                snapshots berth large -large
        }
        sync -f "$BENCH"
}

# disk_of SUBJECT: all that it has on the disk.
disk_of() {
        du -s --block-size=1 "$BENCH/lib/${1/#lxd/$LXD_UNIT}" | cut -f 1
}

disk() {
        local subject=$1 i CMD=()
        sync -f "$BENCH"
        sample disk-one "$subject" "$(disk_of "$subject")"
        for i in {1..10}; do
                "${subject}_does" copy source
                CMD[-1]=clone$i
                attempt "$subject" copy /dev/null
        done
        sync -f "$BENCH"
        sample disk-ten-clones "$subject" "$(disk_of "$subject")"
}

# with_copies: sets those
# shellcheck disable=SC2154 # subjects is of inside.sh
with_copies() {
        local subject
        those=()
        for subject in berth lxd; do
                [[ " ${subjects[*]} " != *" $subject "* ]] || those+=("$subject")
        done
}

copies() {
        local subject those=()
        say "Copies, snapshots, publications: $SLOW_ROUNDS rounds …"
        with_copies
        for subject in "${those[@]}"; do
                copies_setup "$subject"
                disk "$subject"
        done
        [ "${those[0]-}" != berth ] || large
        rounds "$SLOW_ROUNDS" copies_round "${those[@]}"
}

btrfs_round() {
        copies_of "$1" btrfs "$BENCH/btrfs" -btrfs
        sync -f "$BENCH/btrfs"
}

# The same where both have their containers on one btrfs, a store here and a pool there.
btrfs() {
        local subject those=()
        command -v mkfs.btrfs >/dev/null || return 0
        say "Copies, snapshots on btrfs: $SLOW_ROUNDS rounds …"
        truncate -s 20G /var/bench-btrfs.img
        mkfs.btrfs -q /var/bench-btrfs.img &>>"$LOG"
        mkdir "$BENCH/btrfs"
        mount -o loop /var/bench-btrfs.img "$BENCH/btrfs"
        mkdir "$BENCH/btrfs/berth" # LXD makes its own
        chmod 0700 "$BENCH/btrfs/berth"
        with_copies
        for subject in "${those[@]}"; do
                "${subject}_btrfs" &>>"$LOG"
                quiet "$subject" start btrfs
                settled "$subject" btrfs
                quiet "$subject" stop btrfs
        done
        rounds "$SLOW_ROUNDS" btrfs_round "${those[@]}"
        for subject in "${those[@]}"; do
                "${subject}_no_btrfs" &>>"$LOG"
        done
}

# The same with an image of four times the size.
large() {
        mkdir -p "$BENCH/large/srv"
        head -c 450M /dev/urandom >"$BENCH/large/srv/more"
        cp "$DEBIAN" "$BENCH/large.tar"
        tar -C "$BENCH/large" --owner=0 --group=0 -rf "$BENCH/large.tar" ./srv/more
        berthctl import "$BENCH/large.tar" --alias large &>>"$LOG"
        rm -r "$BENCH/large" "$BENCH/large.tar"
        berthctl create --no-profiles large large &>>"$LOG"
        quiet berth start large
        settled berth large
        quiet berth stop large
}

# import_memory: the sum of what each process of a job had at its most. For each archive all of it (VmHWM), pages that they share counted for each; and of the
# archive that took most what the kernel cannot write to a file and take back (RssAnon and RssShmem, seen every few milliseconds).
import_memory() {
        local kind pid id kib own most most_own=0 sum_own
        [[ " ${subjects[*]} " == *" berth "* ]] || return 0
        say "Memory of imports …"
        # As most archives are, and two that want a large window of what was before: 64 MiB is xz -9, 128 MiB the most that zstd takes unasked.
        xz -0 -T0 --block-size=24MiB -c "$IMPORT" >"$IMPORT.6.xz"
        xz -0 -T1 --lzma2=preset=0,dict=64MiB -c "$IMPORT" >"$IMPORT.dict64.xz"
        zstd -q -1 --long=27 -T0 -c "$IMPORT" >"$IMPORT.long27.zst"
        for kind in '' .gz .xz .6.xz .zst .dict64.xz .long27.zst; do
                # Until the spare workers, which are not counted, have their own name (berth-spare).
                sleep 1
                berthctl import "$IMPORT$kind" --alias imported &>>"$LOG" &
                pid=$!
                local -A of=() own_of=()
                while kill -0 "$pid" 2>/dev/null; do
                        while read -r id kib own; do
                                [ "${of[$id]:-0}" -ge "$kib" ] || of[$id]=$kib
                                [ "${own_of[$id]:-0}" -ge "$own" ] || own_of[$id]=$own
                        done < <(for id in $(pgrep '^berth-worker'); do
                                awk -v id="$id" '{ of[$1] = $2 } END { if (NR) print id, of["VmHWM:"] + 0, of["RssAnon:"] + of["RssShmem:"] }' "/proc/$id/status"
                        done 2>/dev/null)
                done
                wait "$pid" || say "import of $kind failed"
                most=0 sum_own=0
                for id in "${!of[@]}"; do
                        most=$((most + of[$id]))
                        sum_own=$((sum_own + own_of[$id]))
                done
                sample "memory-import${kind//./-}" berth $((most * 1024))
                [ "$sum_own" -le "$most_own" ] || most_own=$sum_own
                berthctl remove-image imported &>>"$LOG"
        done
        sample memory-import-own berth $((most_own * 1024))
}
