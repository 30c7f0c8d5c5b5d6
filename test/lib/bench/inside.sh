#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The benchmark itself, as it runs in a test host (see test/bench). Every subject is a file of functions: SUBJECT_setup makes
# ready, SUBJECT_does OPERATION NAME sets CMD to the command of an operation or fails if it has no such thing, SUBJECT_memory.
# Subjects take turns inside a round, in another order every time, so that noise hits all alike.

set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
PATH=$PWD:$PATH

# Where everything measured lives: a file system of its own, made fresh, or else the figures are those of the machine's. (One
# without a journal, for example, looks for free inodes in vain for minutes after many files were removed.)
readonly BENCH=/srv/bench
readonly SAMPLES=$BENCH/samples LOG=$BENCH/log
readonly DEBIAN=$BENCH/debian.tar BUSYBOX=$BENCH/busybox.tar META=$BENCH/meta.tar
# The same as debian.tar but for its padding: what knows images by their hash has not got this one.
readonly IMPORT=$BENCH/import.tar
# For a moment of quiet: what the one before left to the kernel's workers is not the next one's to pay.
readonly SETTLE=${BENCH_SETTLE:-0.3}

ROUNDS=${BENCH_ROUNDS:-10} SLOW_ROUNDS=${BENCH_SLOW_ROUNDS:-5} WARM_UP=${BENCH_WARM_UP:-2}
SCALE=${BENCH_SCALE:-100} LIST=${BENCH_LIST:-500}
PARTS=" ${BENCH_PARTS:-life import debian copies btrfs memory scale more} "

say() {
        printf '%s\n' "$*" >&2
}

wanted() {
        [[ $PARTS == *" $1 "* ]]
}

info() {
        printf 'info\t%s\t%s\n' "$1" "$2" >>"$SAMPLES"
}

# sample OPERATION SUBJECT VALUE: nanoseconds, or bytes for what is called memory-… or disk-….
sample() {
        printf '%s\t%s\t%s\n' "$@" >>"$SAMPLES"
}

. ./berth.sh
. ./lxc.sh
. ./lxd.sh
. ./nspawn.sh
. ./copies.sh

prepare_file_system() {
        local dir
        truncate -s 40G /var/bench.img
        mkfs.ext4 -q -E lazy_itable_init=1,nodiscard /var/bench.img
        mkdir -p "$BENCH"
        mount -o loop /var/bench.img "$BENCH"
        for dir in berth lxc lxd incus machines; do
                mkdir -p "/var/lib/$dir" "$BENCH/lib/$dir"
                chmod --reference="/var/lib/$dir" "$BENCH/lib/$dir"
                chown --reference="/var/lib/$dir" "$BENCH/lib/$dir"
                mount --bind "$BENCH/lib/$dir" "/var/lib/$dir"
        done
        chmod 0700 "$BENCH/lib/berth"
}

prepare_archives() {
        mkdir "$BENCH/meta"
        printf 'architecture: %s\ncreation_date: 1700000000\nproperties: {description: bench}\n' "$(uname -m)" >"$BENCH/meta/metadata.yaml"
        tar -C "$BENCH/meta" -cf "$META" metadata.yaml
        cp input/debian.tar "$DEBIAN"
        cp input/busybox.tar "$BUSYBOX"
        cp input/debian.tar "$IMPORT"
        head -c 10240 /dev/zero >>"$IMPORT"
        ! wanted import && ! wanted memory || {
                gzip -c "$IMPORT" >"$IMPORT.gz"
                xz -T0 -3 -c "$IMPORT" >"$IMPORT.xz"
                zstd -q -T0 -c "$IMPORT" >"$IMPORT.zst"
        }
        info image-bytes "$(stat -c %s "$DEBIAN")"
}

# timed SUBJECT OPERATION NAME [AS]: one sample, unless this is a warm-up.
timed() {
        local subject=$1 operation=$2 name=$3 as=${4-$2} file=$SAMPLES CMD=()
        "${subject}_does" "$operation" "$name" || return 0
        [ "$round" -gt 0 ] || file=/dev/null
        sleep "$SETTLE"
        attempt "$subject" "$as" "$file"
}

# quiet SUBJECT OPERATION NAME: the same, not measured.
quiet() {
        local CMD=()
        "$1_does" "$2" "$3" || return 0
        attempt "$1" "$2" /dev/null
}

# attempt SUBJECT OPERATION FILE [OPTION...]: run CMD. A failure is told once.
attempt() {
        local subject=$1 operation=$2 file=$3
        shift 3
        bench-timer "$@" "$file" "$operation" "$subject" "${CMD[@]}" >"$LOG.one" 2>&1 || {
                [ -e "$BENCH/failed-$subject-$operation" ] || {
                        say "$subject: $operation failed:"
                        tail -n 3 "$LOG.one" >&2
                }
                : >"$BENCH/failed-$subject-$operation"
                printf 'failed\t%s\t%s\n' "$operation" "$subject" >>"$SAMPLES"
        }
        cat "$LOG.one" >>"$LOG"
}

# rounds COUNT FUNCTION SUBJECT...: those before round 1 are not counted.
rounds() {
        local count=$1 function=$2 round i subjects
        shift 2
        subjects=("$@")
        [ "$count" -gt 0 ] || return 0
        for ((round = 1 - WARM_UP; round <= count; round++)); do
                for ((i = 0; i < ${#subjects[@]}; i++)); do
                        "$function" "${subjects[(i + round + WARM_UP) % ${#subjects[@]}]}"
                done
        done
}

# The life of a small container.
life() {
        local subject=$1
        if [ "$subject" = kernel ]; then
                migration
                return
        fi
        timed "$subject" create small
        timed "$subject" start small start-first
        for _ in 1 2 3; do
                timed "$subject" exec small
        done
        timed "$subject" stop small
        timed "$subject" start small
        timed "$subject" stop small
        timed "$subject" delete small
        quiet "$subject" create small2
        quiet "$subject" start small2
        timed "$subject" delete-running small2
        ! declare -F "${subject}_round" >/dev/null || "${subject}_round"
}

# Of a Debian one, never started.
big_life() {
        sync -f "$BENCH"
        timed "$1" create-debian big
        sync -f "$BENCH"
        timed "$1" delete-debian big
}

import() {
        local kind
        for kind in '' .gz .xz .zst; do
                sync -f "$BENCH"
                timed "$1" import "$IMPORT$kind" "import${kind/./-}"
                sync -f "$BENCH"
                timed "$1" remove-image "$IMPORT$kind" "remove-image${kind/./-}"
        done
}

# Moving a process between cgroups, which a start cannot do without.
migration() {
        local cgroup
        cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/bench
        mkdir -p "$cgroup"
        sleep "$SETTLE"
        bench-timer --migrate "$cgroup/cgroup.procs" "$([ "$round" -gt 0 ] && echo "$SAMPLES" || echo /dev/null)" migration kernel
}

private_bytes() {
        awk '/^Private_(Clean|Dirty)/ { kb += $2 } END { print kb * 1024 }' "/proc/$1/smaps_rollup"
}

# memory_of OPERATION SUBJECT PATTERN: of every process whose command line matches.
memory_of() {
        local pid
        for pid in $(pgrep -f "$3"); do
                sample "$1" "$2" "$(private_bytes "$pid")"
        done
}

# Many at once, a subject after the other.
scale() {
        local subject=$1 round=1 i CMD=()
        [ "$SCALE" -gt 0 ] || return 0
        "${subject}_does" start many1 || return 0
        say "$subject: $SCALE containers …"
        many "$subject" create "$SCALE" 1
        many "$subject" start "$SCALE" 1
        for i in 1 2 3 4 5; do
                timed "$subject" list - "list-$SCALE"
                timed "$subject" exec many1 "exec-with-$SCALE"
        done
        "${subject}_memory"
        many "$subject" delete-running "$SCALE" 1
}

# many SUBJECT OPERATION COUNT FROM: the sum of them all is one sample.
many() {
        local CMD=()
        [ "$3" -gt 0 ] || return 0
        "$1_does" "$2" "many{}" || return 0
        attempt "$1" "$2-$3" "$SAMPLES" --repeat "$3" --from "$4"
}

prepare_file_system
prepare_archives
info kernel "$(uname -r)"
info systemd "$(systemctl --version | sed -n '1s/.*(\(.*\))/\1/p')"
subjects=()
for subject in ${BENCH_SUBJECTS:-berth lxc lxd nspawn nspawn_userns machinectl tar}; do
        say "$subject: set-up …"
        if "${subject}_setup"; then
                subjects+=("$subject")
        else
                say "$subject: not here"
        fi
done

! wanted life || {
        say "Small containers: $ROUNDS rounds …"
        rounds "$ROUNDS" life "${subjects[@]}" kernel
}
! wanted import || {
        say "Imports: $SLOW_ROUNDS rounds …"
        rounds "$SLOW_ROUNDS" import "${subjects[@]}"
}
! wanted debian || {
        say "Containers of Debian: $SLOW_ROUNDS rounds …"
        rounds "$SLOW_ROUNDS" big_life "${subjects[@]}"
}
! wanted copies || copies
! wanted btrfs || btrfs
! wanted memory || import_memory
for subject in "${subjects[@]}"; do
        ! wanted scale || scale "$subject"
done
for subject in "${subjects[@]}"; do
        ! wanted more || ! declare -F "${subject}_more" >/dev/null || "${subject}_more"
done
