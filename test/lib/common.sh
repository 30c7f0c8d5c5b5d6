# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What every script under test/ needs: messages, the packages a step needs, cleanup
# that runs however the script ends, and processes that are told apart for certain.
# Sourced, never run.

set -euo pipefail

# The top of the source tree, whatever the current directory is.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
readonly TOP

say() {
        printf '%s\n' "$*" >&2
}

die() {
        say "${0##*/}: $*"
        exit 1
}

need_root() {
        [ "$(id -u)" -eq 0 ] || die "this needs root; try: sudo $0 $*"
}

# on_exit COMMAND: run at the end, last one first, however the script ends.
CLEANUP=()
EXIT_STATUS=0

on_exit() {
        CLEANUP+=("$1")
}

run_cleanup() {
        # What is run here has variables of its own, and they are these.
        local rc=$? cleanup_at
        # For a cleanup that reports.
        EXIT_STATUS=$rc
        trap '' INT TERM HUP
        set +e
        for ((cleanup_at = ${#CLEANUP[@]} - 1; cleanup_at >= 0; cleanup_at--)); do
                eval "${CLEANUP[cleanup_at]}"
        done
        exit "$rc"
}

trap run_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# need_packages PACKAGE...: install those that are missing, and say so. One at a time
# on a machine, because apt does not like company.
need_packages() {
        local missing=() p
        for p in "$@"; do
                [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
        done
        [ "${#missing[@]}" -gt 0 ] || return 0
        say "Installing from Debian: ${missing[*]}"
        (
                flock 9
                export DEBIAN_FRONTEND=noninteractive
                apt-get -q -y --no-install-recommends install "${missing[@]}" >/dev/null 2>&1 || {
                        apt-get -q update >/dev/null
                        apt-get -q -y --no-install-recommends install "${missing[@]}" >/dev/null
                }
        ) 9>/run/lock/berth-test-apt >&2 || die "could not install ${missing[*]}"
}

# process_id PID: pid and start time, which together name one process for ever.
process_id() {
        local stat fields
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        # Field 22 of the file; the first two are cut off, because a name may have blanks in it.
        read -r -a fields <<<"${stat##*) }"
        printf '%s:%s\n' "$1" "${fields[19]}"
}

# process_lives ID: true while exactly that process is there and not a zombie.
process_lives() {
        local pid=${1%%:*} state
        [ "$(process_id "$pid")" = "$1" ] || return 1
        state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || return 1
        [ "$state" != Z ]
}

# process_end ID: kill it if it is still the same process, and wait until it is gone.
process_end() {
        local i
        process_lives "$1" || return 0
        kill -KILL "${1%%:*}" 2>/dev/null || true
        for ((i = 0; i < 200; i++)); do
                process_lives "$1" || return 0
                sleep 0.05
        done
        return 1
}

# wait_until SECONDS COMMAND...: try until it succeeds.
wait_until() {
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.1
        done
}

# spawn_detached UNIT LOG COMMAND...: run it in the background, with nothing of ours: no terminal, no
# descriptor, and under a service manager a unit of its own.
spawn_detached() {
        local unit=$1 log=$2
        shift 2
        if [ -d /run/systemd/system ]; then
                # Every $ is doubled, because a service expands variables.
                systemd-run --quiet --collect --unit="$unit" --description="Test host" --property=Delegate=yes --property=KillMode=mixed \
                        --property=StandardOutput="append:$log" --property=StandardError="append:$log" -- \
                        "${@//\$/\$\$}"
        else
                # Whoever waits for the end of a pipe does not wait for this.
                setsid --fork bash -c '
                        for fd in /proc/$$/fd/*; do
                                [ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
                        done
                        exec "$@"' - "$@" </dev/null >>"$log" 2>&1
        fi
}
