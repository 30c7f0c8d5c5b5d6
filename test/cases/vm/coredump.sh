# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Core dumps of what runs in a container: kernel.core_pattern is one for the whole machine, so this needs one of its own. On trixie
# systemd-coredump forwards by itself (CoredumpReceive=), on bookworm berth-coredump does.
# guests: busybox trixie
# limit: 400

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly SYSCTL_FILE=/usr/share/berth/sysctl.d/60-berth-coredump.conf

setup_file() {
        import_guests busybox trixie
        expect berthctl launch trixie d1
        expect berthctl launch trixie d2 --set LimitCORE=0
        expect berthctl launch busybox b1
}

teardown_file() {
        remove_all
}

# handler: the host's is one that knows of containers, whatever its systemd.
handler() {
        local pattern
        pattern=$(cat /proc/sys/kernel/core_pattern)
        assert_match "$pattern" systemd-coredump
        [ "$SUITE" = bookworm ] || return 0
        on_exit "echo '$pattern' >/proc/sys/kernel/core_pattern"
        expect sysctl --quiet --load="$SYSCTL_FILE"
        assert_match "$(cat /proc/sys/kernel/core_pattern)" berth-coredump
}

# dumps MARK: how often coredumpctl of the host lists a process of this name; with a container's name in front, of that.
dumps() {
        local on=()
        [ $# -eq 1 ] || { on=(berthctl exec "$1" --); shift; }
        "${on[@]}" coredumpctl --no-pager --no-legend list 2>/dev/null | grep -c "$1" || true
}

has_dump() {
        [ "$(dumps "$@")" -gt 0 ]
}

# crash MARK NAME: a program called MARK crashes in the container, or, without a name, on the host.
crash() {
        local command="ulimit -c unlimited 2>/dev/null; cp /bin/sleep /tmp/$1; /tmp/$1 1000 & sleep 1; kill -SEGV \$!; wait \$!; rm -f /tmp/$1"
        if [ $# -eq 2 ]; then
                inside "$2" sh -c "$command" || true
        else
                sh -c "$command" || true
        fi
}

# a crash inside is listed inside, with the ids of the inside, and not on the host
test_R119_S42_dump_reaches_the_container() {
        handler
        # When it looks after its cgroups, a systemd inside takes the host's mark off.
        inside d1 systemctl daemon-reload
        crash crasher1 d1
        eventually 60 has_dump d1 crasher1
        assert_match "$(inside d1 coredumpctl --no-pager --no-legend list)" ' 0 +0 SIGSEGV .*crasher1'
        assert_match "$(inside d1 coredumpctl --no-pager info crasher1)" 'Storage: .*/var/lib/systemd/coredump/'
        assert_eq "$(dumps crasher1)" 0 "on the host"
        assert_eq "$(find /var/lib/systemd/coredump -name '*crasher1*' | wc -l)" 0 "files on the host"
        assert_eq "$(dumps d2 crasher1)" 0 "in another container"
}

# the host's own are the host's, as ever
test_R119_S42_dumps_of_the_host_stay() {
        handler
        crash hostcrash
        eventually 60 has_dump hostcrash
        assert_eq "$(dumps d1 hostcrash)" 0 "in a container"
}

# the container's limit holds: the crash is told of, no file is kept
test_R119_limit() {
        handler
        crash crasher2 d2
        eventually 60 has_dump d2 crasher2
        assert_no_match "$(inside d2 coredumpctl --no-pager info crasher2)" '/var/lib/systemd/coredump/.*present'
        assert_eq "$(inside d2 find /var/lib/systemd/coredump -name '*crasher2*' | wc -l)" 0
        assert_eq "$(dumps crasher2)" 0 "on the host"
}

# where nobody takes it, berth-coredump drops it; systemd-coredump takes it for the host's
test_R119_container_without_a_handler() {
        handler
        [ "$SUITE" = bookworm ] || expect_fail berthctl exec b1 -- test -e /run/systemd/coredump
        # busybox does not know itself by another name.
        inside b1 sh -c 'ulimit -c unlimited; sleep 1003 & sleep 1; kill -SEGV $!; wait $!' || true
        if [ "$SUITE" = bookworm ]; then
                eventually 20 journal_says 'container .b1. is dropped'
                assert_eq "$(find /var/lib/systemd/coredump -name 'core.sleep.*' -o -name 'core.busybox.*' | wc -l)" 0 "files on the host"
        else
                eventually 60 has_dump busybox
        fi
        expect inside b1 true
}

journal_says() {
        grep -q "$1" <<<"$(journalctl --no-pager -t berth-coredump)"
}
