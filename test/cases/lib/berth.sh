# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests have in common: guests to run, containers that go away with the test, looking at what is there,
# and refusals that must leave everything as it was. Sourced by the case files.

CASES_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly STORE=/var/lib/berth
readonly FOREIGN_BASE=2147352576 # on disk all ids are in [FOREIGN_BASE, FOREIGN_BASE + 65536)
# shellcheck disable=SC2034 # tests use it
readonly FOREIGN_END=$((FOREIGN_BASE + 65536))

# ---- waiting

# eventually SECONDS COMMAND...: it must succeed within this time.
eventually() {
        local limit=$(($1 * ${BERTH_TEST_SLOW:-1}))
        shift
        wait_until "$limit" "$@" || fail "not within $limit s: $*"
}

# not COMMAND...: for wait_until.
not() {
        ! "$@"
}

# seconds COMMAND...: run it and print how long it took, in whole seconds, rounded up.
seconds() {
        local start=${EPOCHREALTIME/[.,]/}
        "$@" >&2
        echo $(((${EPOCHREALTIME/[.,]/} - start + 999999) / 1000000))
}

# ---- images and containers

# import_guests NAME...: for setup_file; the image has the guest's name as alias, and users who may create containers see it.
import_guests() {
        local name
        for name; do
                expect berthctl import --quiet "$(guest "$name")" --alias "$name" --public
        done
}

# remove_all: for teardown_file.
remove_all() {
        local name
        for name in $(berthctl list --json=short | jq -r '.[].name'); do
                expect berthctl delete --force "$name"
        done
        for name in $(berthctl list-images --json=short | jq -r '.[].fingerprint'); do
                expect berthctl remove-image "$name"
        done
}

# new_container NAME IMAGE [OPTION...]: not started; gone at the end of the test.
new_container() {
        on_exit "forget '$1'"
        expect berthctl create "$2" "$1" "${@:3}"
}

# run_container NAME IMAGE [OPTION...]: the same, running.
run_container() {
        on_exit "forget '$1'"
        expect berthctl launch "$2" "$1" "${@:3}"
}

# forget NAME...: whatever state they are in.
forget() {
        local name
        for name; do
                [ ! -e "$STORE/containers/$name" ] || berthctl delete --force "$name" >&2
                systemctl reset-failed "berth@$name.service" "berth-$name.scope" 2>/dev/null || true
        done
}

# forget_image IMAGE...
forget_image() {
        local image
        for image; do
                berthctl remove-image "$image" >/dev/null 2>&1 || true
        done
}

# inside NAME COMMAND...
inside() {
        berthctl exec "$1" -- "${@:2}"
}

# ---- looking

# field NAME KEY: of `berthctl list`; nothing if there is no such container.
field() {
        berthctl list --json=short | jq -r --arg name "$1" --arg key "$2" '.[] | select(.name == $name) | .[$key] // ""'
}

state_of() {
        local state
        state=$(field "$1" state)
        echo "${state:-absent}"
}

state_is() {
        [ "$(state_of "$1")" = "$2" ]
}

assert_state() {
        assert_eq "$(state_of "$1")" "$2" "state of $1"
}

leader_of() {
        field "$1" leader
}

# has_rebooted NAME LEADER: it runs, with another leader.
has_rebooted() {
        local leader
        leader=$(leader_of "$1")
        [ "$(state_of "$1")" = running ] && [ "${leader:-0}" != 0 ] && [ "$leader" != "$2" ]
}

# supervisor_of NAME: its pid.
supervisor_of() {
        systemctl show --property=MainPID --value "berth@$1.service"
}

# uid_base NAME: the first of the host's ids that a running container has.
uid_base() {
        awk '{ print $2 }' "/proc/$(leader_of "$1")/uid_map"
}

# image_of ALIAS: its fingerprint.
image_of() {
        berthctl show-image "$1" --property=Fingerprint --value
}

image_count() {
        berthctl list-images --json=short | jq length
}

has_image() {
        berthctl show-image "$1" >/dev/null 2>&1
}

manager_pid() {
        systemctl show --property=MainPID --value berth-containerd.service
}

fingerprint_of() {
        cat -- "$@" | sha256sum | cut -d' ' -f1
}

# ---- refusals

# store_state: all that berth keeps, one line each.
store_state() {
        # The times of directories change when something is made and taken away again; what is in them may not. The file of a store is written to
        # when its file system likes.
        find "$STORE" /run/berth /etc/berth /run/systemd/nspawn-uid -mindepth 1 \
                \( -path /run/berth/.jobs -prune \) -o \( -path "$STORE/stores/*.img" -printf '%p %y %s %U:%G %m\n' \) -o \( -type d -printf '%p %y %U %m\n' \) -o -printf '%p %y %s %U:%G %m %T@ %l\n' 2>/dev/null | sort || true
        # Addresses come when the guest and the bridge like.
        berthctl list --json=short | jq -c 'map(del(.addresses))'
        berthctl list-images --json=short
        berthctl list-jobs --json=short
}

store_state_is() {
        [ "$(store_state)" = "$1" ]
}

# refused [--status N] REGEX COMMAND...: it fails, says what and why, is not a crash, and leaves everything as it was.
refused() {
        local status=() before message
        if [ "$1" = --status ]; then
                status=(--status "$2")
                shift 2
        fi
        message=$1
        shift
        # A job before this one has answered, and may still be at what it does after that.
        wait_until $((5 * ${BERTH_TEST_SLOW:-1})) trash_is_empty || true
        before=$(store_state)
        expect_fail "${status[@]}" --message "$message" "$@"
        if ! wait_until $((10 * ${BERTH_TEST_SLOW:-1})) store_state_is "$before"; then
                diff <(echo "$before") <(store_state) >&2 || true
                fail "'$*' was refused, and changed something (< before, > now)"
        fi
}

# start_fails REGEX NAME: it says why, and nothing of the attempt stays but what is known of its failure.
start_fails() {
        local mounts
        mounts=$(wc -l </proc/self/mountinfo)
        expect_fail --message "$1" berthctl start "$2"
        assert_match "$(state_of "$2")" '^(failed|stopped)$' "state of $2"
        assert_eq "$(field "$2" leader)" 0 "leader of $2"
        eventually 10 not systemctl is-active --quiet "berth-$2.scope"
        [ -z "$(find /sys/fs/cgroup -name "berth-$2.scope" -o -name "berth@$2.service")" ] || fail "a cgroup is left"
        [ ! -e "/run/berth/$2" ] || fail "/run/berth/$2 is left"
        expect_fail machinectl show "$2"
        assert_eq "$(wc -l </proc/self/mountinfo)" "$mounts" mounts
        systemctl reset-failed "berth@$2" 2>/dev/null || true
}

# host_stamp / host_untouched: no file of the host itself was made or changed in between.
host_stamp() {
        touch "$TEST_TMP/host-stamp"
        # The clock of files is coarse.
        sleep 0.02
}

host_untouched() {
        local changed
        changed=$(find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path "$STORE" -o -path /var/log -o -path /var/tmp \
                -o -path /tmp -o -path /var/lib/systemd -o -path /root/test \) -prune -o -cnewer "$TEST_TMP/host-stamp" -print |
                head -n 5)
        [ -z "$changed" ] || fail "files of the host have changed: $changed"
        changed=$(find /var /run /tmp -xdev -name '*canary*' 2>/dev/null | grep -v "^$TEST_TMP\|^$STORE/\(images\|layers\|containers\|aliases\)/" | head -n 5 || true)
        [ -z "$changed" ] || fail "found where it must not be: $changed"
}

# mktar FILE ENTRY...: a tar archive as told, see lib/mktar.
mktar() {
        perl "$CASES_LIB/mktar" "$@"
}

# a_rootfs FILE [ENTRY...]: a small root file system that can be imported, not run, and something more in it.
a_rootfs() {
        mktar "$1" 'dir|etc' 'file|etc/os-release|ID=test\n' 'dir|usr' 'dir|usr/lib' 'symlink|lib|usr/lib' "${@:2}"
}

# a_long_archive FILE MIB: behind whose end the same MiB comes again and again. All of that has to be decompressed and goes nowhere, and is known again by who
# remembers that much.
a_long_archive() {
        local i
        a_rootfs "$1"
        head -c 1M /dev/urandom >again
        for ((i = 0; i < $2; i++)); do
                cat again >>"$1"
        done
}

# ---- a user with or without rights

# polkit_rule NAME JAVASCRIPT: in force until the end of the test, or until polkit_revoke.
polkit_rule() {
        on_exit "rm -f '/etc/polkit-1/rules.d/50-$1.rules'"
        printf 'polkit.addRule(function(action, subject) {\n%s\n});\n' "$2" >"/etc/polkit-1/rules.d/50-$1.rules.new"
        rules_change mv "/etc/polkit-1/rules.d/50-$1.rules.new" "/etc/polkit-1/rules.d/50-$1.rules"
}

# rules_change COMMAND...: which changes the folder of rules. polkit hears of it by inotify, some time later, when it runs.
rules_change() {
        local before
        before=$(rules_loaded)
        "$@"
        ! systemctl --quiet is-active polkit.service || wait_until 5 rules_are_loaded_after "$before" || true
}

rules_loaded() {
        # Without a match it fails.
        { journalctl -b -u polkit.service -o cat --grep 'Finished loading' 2>/dev/null || true; } | wc -l
}

rules_are_loaded_after() {
        [ "$(rules_loaded)" -gt "$1" ]
}

polkit_revoke() {
        rm -f "/etc/polkit-1/rules.d/50-$1.rules"
}

# ---- the bus

# monitor_bus FILE [NAME]: what is said to and by berth, or who else has the name, as JSON, from now on.
monitor_bus() {
        busctl --json=short monitor "${2:-org.berth1}" >"$1" 2>/dev/null &
        on_exit "kill $! 2>/dev/null; true"
        eventually 20 bus_is_seen "$1" "${2:-org.berth1}"
}

# heard FILE FILTER: of what monitor_bus has seen, by jq(1). The last line may be half there.
heard() {
        jq -rR "fromjson? | $2" "$1"
}

bus_is_seen() {
        busctl call "$2" "/${2//.//}" org.freedesktop.DBus.Peer Ping
        grep -q Ping "$1"
}

# ---- a slow import, to do things in the middle of it

# slow_import FILE [OPTION...]: begins an import from a pipe that has FILE's first half only. Its berthctl's pid is in
# IMPORT_PID, its output in import.log, descriptor 7 is the pipe.
slow_import() {
        local file=$1 half
        shift
        half=$(($(stat -c %s "$file") / 2))
        rm -f import.pipe
        mkfifo import.pipe
        # A background process of a shell ignores the signal of ^C, unless told otherwise.
        env --default-signal=INT,QUIT berthctl import import.pipe "$@" >import.log 2>&1 7>&- &
        IMPORT_PID=$!
        on_exit 'kill -KILL "$IMPORT_PID" 2>/dev/null; exec 7>&-'
        exec 7>import.pipe
        head -c "$half" "$file" >&7
        eventually 10 import_is_seen
}

import_is_seen() {
        [ "$(berthctl list-jobs --json=short | jq '[.[] | select(.kind == "import")] | length')" -gt 0 ]
}

# slow_import_rest FILE: the other half, and the end.
slow_import_rest() {
        tail -c "+$(($(stat -c %s "$1") / 2 + 1))" "$1" >&7
        exec 7>&-
}

import_job() {
        berthctl list-jobs --json=short | jq -r '[.[] | select(.kind == "import")][0].id'
}

# layers NAME: topmost first, the first is its own.
layers() {
        sed -n 's/^Layers=//p' "$STORE/containers/$1/container.conf"
}

# No layer is there that nobody names, none is named that is not there.
layers_are_right() {
        diff <(find "$STORE/layers" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort) \
                <(cat "$STORE"/containers/*/container.conf "$STORE"/containers/*/snapshots/*/container.conf 2>/dev/null | sed -n 's/^Layers=//p' | tr ' ' '\n' | sort -u) >&2
}

trash_is_empty() {
        [ -z "$(find "$STORE/trash" -mindepth 1 -maxdepth 1 2>/dev/null)" ]
}

no_debris() {
        layers_are_right &&
                [ -z "$(find "$STORE/images" "$STORE/containers" "$STORE/trash" -mindepth 1 -maxdepth 1 \( -name '.new-*' -o -path "$STORE/trash/*" \) 2>/dev/null)" ] &&
                [ -z "$(find /run/berth/.jobs -mindepth 1 -not -name last-id 2>/dev/null)" ] &&
                [ -z "$(systemctl list-units --plain --no-legend --full 'berth-job-*' | grep -vE ' waits for a job( with an archive)?$')" ]
}

# import_ends: its exit status, in IMPORT_STATUS.
import_ends() {
        # shellcheck disable=SC2034 # tests use it
        IMPORT_STATUS=0
        # shellcheck disable=SC2034
        wait "$IMPORT_PID" || IMPORT_STATUS=$?
        cat import.log >&2
}
