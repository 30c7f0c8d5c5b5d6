#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs one test where it belongs: in a test host, or on the machine for tests that drive
# hosts from outside. A test is a function `test_R51_exec_exit_code` of a file below test/cases; the file
# is sourced, so what it does outside of functions must be harmless.
#
#   harness.sh test FILE FUNCTION      exit status 0 passed, 1 failed, 3 failed and the host is not clean any more
#   harness.sh setup FILE              the file's setup_file, if it has one; what it leaves is allowed to be there
#   harness.sh teardown FILE           the file's teardown_file; afterwards the host is as before setup
#
# A test has `set -e`: the first command that fails ends it. TEST_TMP is a folder of its own. on_exit
# COMMAND runs at its end. Whatever berth has more of after a test than before makes it fail.

. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

readonly HARNESS_STATE=/run/berth-harness
SUITE=${SUITE:-unknown}

# ---- what tests use

# callers N: how one came to the Nth function from here, up to the test, which was called by run_body.
callers() {
        local i path=''
        for ((i = $1; i + 1 < ${#FUNCNAME[@]}; i++)); do
                [ "${FUNCNAME[i]}" != run_body ] || break
                path+=" < ${BASH_SOURCE[i + 1]##*/}:${BASH_LINENO[i]}"
        done
        # The last one is the harness itself.
        echo "${path% < *}"
}

fail() {
        say "  FAIL: $*"
        say "        $(callers 1)"
        exit 1
}

# The test could not do what it is there for. No skip passes for success.
cannot_run() {
        fail "could not run: $*"
}

# expect COMMAND...: it must succeed; its output goes to the log as well.
expect() {
        say "  # $*"
        "$@" || fail "'$*' ended with status $?"
}

# expect_fail [--status N] [--message REGEX] COMMAND...: it must fail, with status N if given (or else any
# that is not a crash or "not found"), and say something that matches REGEX.
expect_fail() {
        local status='' message='' output rc=0
        while [ $# -gt 0 ]; do
                case $1 in
                --status) status=$2; shift 2 ;;
                --message) message=$2; shift 2 ;;
                *) break ;;
                esac
        done
        say "  # $*   (must fail)"
        output=$("$@" 2>&1) || rc=$?
        say "$output"
        [ "$rc" -ne 0 ] || fail "'$*' succeeded"
        if [ -n "$status" ]; then
                [ "$rc" -eq "$status" ] || fail "'$*' ended with status $rc, not $status"
        elif [ "$rc" -ge 126 ]; then
                fail "'$*' ended with status $rc"
        fi
        [ -z "$message" ] || [[ $output =~ $message ]] || fail "the message does not match '$message'"
}

# assert_eq ACTUAL EXPECTED [WHAT]
assert_eq() {
        [ "$1" = "$2" ] || fail "${3:-value}: is '$1', should be '$2'"
}

# assert_match TEXT REGEX [WHAT]
assert_match() {
        [[ $1 =~ $2 ]] || fail "${3:-text}: does not match '$2': $1"
}

# assert_no_match TEXT REGEX [WHAT]
assert_no_match() {
        [[ ! $1 =~ $2 ]] || fail "${3:-text}: matches '$2': $1"
}

# as USER COMMAND...: as an unprivileged user, in its home directory, without a session.
as() {
        local user=$1
        shift
        (
                cd "$(getent passwd "$user" | cut -d: -f6)"
                exec setpriv --reuid="$user" --regid="$user" --init-groups --reset-env "$@"
        )
}

# guest NAME: the path of a root file system tarball; the file names it in its `# guests:` line.
guest() {
        local tar=/var/lib/berth-guests/$1.tar
        [ -e "$tar" ] || cannot_run "there is no guest '$1' here; add it to the '# guests:' line of the file"
        echo "$tar"
}

# program NAME: the path of a program of the tests; the file names it in its `# programs:` line.
program() {
        [ -x "/var/lib/berth-programs/$1" ] || cannot_run "there is no program '$1' here; add it to the '# programs:' line of the file"
        echo "/var/lib/berth-programs/$1"
}

# ---- for tests that drive a host from outside

# host_up [OPTION...]: a fresh host of this suite, gone at the end of the test.
host_up() {
        on_exit '"$TOP/test/host" journal "$TEST_HOST" >"$TEST_JOURNAL" 2>&1; "$TOP/test/host" down "$TEST_HOST"'
        "$TOP/test/host" up "$TEST_HOST" --suite "$SUITE" "$@"
}

# host_run [--user USER] COMMAND...
host_run() {
        local options=()
        if [ "$1" = --user ]; then
                options=(--user "$2")
                shift 2
        fi
        "$TOP/test/host" run "${options[@]}" "$TEST_HOST" -- "$@" </dev/null
}

# host_sh SCRIPT [ARGUMENT...]: a bash script there, which ends at the first command that fails.
host_sh() {
        host_run bash -euo pipefail -xc "$1" - "${@:2}"
}

host_push() {
        "$TOP/test/host" push "$TEST_HOST" "$1" "$2"
}

# host_reboot [--power-cut]
host_reboot() {
        "$TOP/test/host" reboot "$TEST_HOST" "$@"
}

# ---- the state of the host, to see what a test leaves behind

# host_state UNITS: one line for each thing that berth, or a test, may leave. Few programs, because this runs after every test, in emulated machines too.
host_state() {
        local path
        awk '$3 == "failed" { print "failed unit " $1 }
                $1 ~ /^(berth[-@]|machine-berth)/ && $1 != "berth-containerd.service" && $1 !~ /\.(slice|socket|target)$/ { print "unit " $1 " " $3 }' <<<"$1"
        awk '$5 !~ "^/(run/(credentials|user)/|proc/sys/fs/binfmt_misc)" { print "mount " $5 }' /proc/self/mountinfo
        # Of a container or an image, its folder is enough to see.
        find /var/lib/berth -mindepth 2 -maxdepth 2 -printf 'file %p\n' 2>/dev/null
        find /run/berth /etc/berth -mindepth 1 -maxdepth 2 -not -path '/run/berth/.jobs*' -printf 'file %p\n' 2>/dev/null
        # The manager comes and goes as it likes.
        find /run/systemd /etc/systemd -path '/run/systemd/machines/*' -type f -printf 'machine %f\n' -o \
                -name '*berth*' -not -name '*berth-containerd*' -not -name '80-berthbr0*' -not -name 10-berth.conf -printf 'file %p\n' 2>/dev/null
        # What is in a container's is the guest's, berth's jobs in a guest as well.
        find /sys/fs/cgroup -type d -path '*/berth-*.scope/*' -prune -o -type d \( -name '*berth-*' -o -name 'berth@*' \) \
                -not -name 'berth-containerd.service' -not -name '*.slice' -printf 'cgroup %P\n' 2>/dev/null
        for path in /sys/class/net/*/; do
                [ "$path" = /sys/class/net/berthbr0/ ] || echo "interface $path"
        done
        for path in /run/netns/*; do
                [ ! -e "$path" ] || echo "network namespace $path"
        done
        ps -e -o comm= | awk '/^berth-(launch|worker)/ { print "process " $1 }'
        find /dev/shm /tmp -mindepth 1 -maxdepth 1 -name '*berth*' -not -name '*berth-containerd*' -printf 'file %p\n' 2>/dev/null
}

host_state_sorted() {
        # Not everything that is looked for must exist. The worker that waits for a job, as long as the manager is there, comes when it is quiet.
        (
                set +e +o pipefail
                units=$(systemctl list-units --all --plain --no-legend --full)
                host_state "$units" | grep -vFf <(awk '/ waits for a job( with an archive)?$/ { print $1 }' <<<"$units") | sort | uniq -c
        )
}

# spare_workers: the units that wait for a job.
spare_workers() {
        systemctl list-units --plain --no-legend --full 'berth-job-*' | awk '/ waits for a job( with an archive)?$/ { print $1 }'
}

# host_settles: jobs that go on in the background, emptying the trash say, are over.
host_settles() {
        local i
        for ((i = 0; i < ${BERTH_TEST_SLOW:-1} * 240; i++)); do
                # A unit that is gone leaves its files for a moment.
                [ -n "$({
                        systemctl list-units --plain --no-legend 'berth-job-*'
                        ls -d /run/systemd/*/*berth-job-* /sys/fs/cgroup/*/berth-job-* 2>/dev/null
                } | grep -vFf <(spare_workers))" ] || return 0
                sleep 0.25
        done
}

# host_baseline FILE: what tests are measured by: a state that was there twice. A file that is being replaced, a unit that is on its way out are in one only.
host_baseline() {
        local i last now
        host_settles
        last=$(host_state_sorted)
        for ((i = 0; i < ${BERTH_TEST_SLOW:-1} * 40; i++)); do
                sleep 0.25
                now=$(host_state_sorted)
                [ "$now" != "$last" ] || break
                last=$now
        done
        echo "$last" >"$1"
}

# host_is_as FILE: compares with a state kept before. What is done in the background gets some time.
host_is_as() {
        local before=$1 end=$((SECONDS + 60 * (${BERTH_TEST_SLOW:-1} > 1 ? 2 : 1))) now
        [ -e "$before" ] || return 0
        while :; do
                now=$(host_state_sorted)
                [ "$now" != "$(<"$before")" ] || return 0
                [ "$SECONDS" -lt "$end" ] || break
                sleep 0.25
        done
        say "  FAIL: the host is not as it was before (< before, > now):"
        diff "$before" - <<<"$now" | grep '^[<>]' | head -n 40 >&2
        return 1
}

# ---- what sanitizers report (test/check --sanitized)

# sanitizer_mark: what is in the journal from now on is of what comes.
sanitizer_mark() {
        SANITIZER_CURSOR=
        [ "${BERTH_TEST_SANITIZED:-no}" = no ] || SANITIZER_CURSOR=$(journalctl -q -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
}

# sanitizers_silent: every report goes to syslog, wherever standard error of its process goes.
sanitizers_silent() {
        [ -n "$SANITIZER_CURSOR" ] || return 0
        journalctl --sync
        journalctl -q -o cat --after-cursor="$SANITIZER_CURSOR" >"$HARNESS_STATE/said"
        grep -a -q -E '(Address|Leak|UndefinedBehavior)Sanitizer|: runtime error: ' "$HARNESS_STATE/said" || return 0
        say "  FAIL: a sanitizer reports:"
        # Once to standard error and once to syslog.
        grep -a -E '^(==[0-9]+==| +#[0-9]+ 0x|SUMMARY: |READ |WRITE |(Direct|Indirect) leak )|: runtime error: |(freed|allocated) by|Sanitizer' "$HARNESS_STATE/said" |
                grep -a -v 'external symbolizer' | awk '!seen[$0]++' | head -n 200 >&2
        return 1
}

# ---- verbs

# In the machine itself there is much that is none of ours.
in_host() {
        [ "${BERTH_TEST_OUTSIDE:-no}" = no ]
}

run_body() {
        local file=$1 function=$2
        TEST_TMP=$(mktemp -d /var/tmp/test.XXXXXX)
        chmod 0755 "$TEST_TMP"
        on_exit 'rm -rf --one-file-system -- "$TEST_TMP"'
        # An exit has said why already.
        trap '[[ $BASH_COMMAND = exit* ]] || say "  FAIL: ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND$(callers 1)"' ERR
        set -E
        cd "$TEST_TMP"
        # shellcheck source=/dev/null
        . "$file"
        if [ "$(type -t "$function")" = function ]; then
                "$function"
                return
        fi
        # Not every file has these two.
        [[ $function = setup_file || $function = teardown_file ]] || cannot_run "there is no function '$function' in $file"
}

# run_limited FILE FUNCTION: in a process of its own with a time limit.
run_limited() {
        local limit rc=0
        # An emulated machine gets twice the time, not ten times: what hangs there must leave some to all that comes after.
        limit=$(sed -n 's/^# limit: *//p' "$1")
        limit=$((${limit:-300} * (${BERTH_TEST_SLOW:-1} > 1 ? 2 : 1)))
        [[ $2 != *_long ]] || limit=$((limit * 4))
        timeout --kill-after=20 "$limit" bash "${BASH_SOURCE[0]}" body "$1" "$2" </dev/null || rc=$?
        [ "$rc" -ne 124 ] || say "  FAIL: not done after $limit seconds"
        return "$rc"
}

harness_test() {
        local rc=0
        sanitizer_mark
        run_limited "$1" "$2" || rc=1
        sanitizers_silent || rc=1
        if in_host && ! host_is_as "$HARNESS_STATE/baseline"; then
                rc=3
        fi
        exit "$rc"
}

harness_setup() {
        local rc=0
        if in_host; then
                mkdir -p "$HARNESS_STATE"
                # A daemon that is still starting up would look like something left behind.
                host_baseline "$HARNESS_STATE/before"
        fi
        sanitizer_mark
        run_limited "$1" setup_file || rc=1
        sanitizers_silent || rc=1
        ! in_host || { host_baseline "$HARNESS_STATE/baseline"; }
        exit "$rc"
}

harness_teardown() {
        local rc=0
        sanitizer_mark
        run_limited "$1" teardown_file || rc=1
        # Its leaks are seen at its end.
        [ -z "$SANITIZER_CURSOR" ] || systemctl stop berth-containerd.service
        sanitizers_silent || rc=1
        if in_host && ! host_is_as "$HARNESS_STATE/before"; then
                rc=3
        fi
        exit "$rc"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
        case ${1-} in
        test) harness_test "$2" "$3" ;;
        body) run_body "$2" "$3" ;;
        setup) harness_setup "$2" ;;
        teardown) harness_teardown "$2" ;;
        *) die "what?" ;;
        esac
fi
