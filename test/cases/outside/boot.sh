# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hosts that go down and come up again, seen from outside.
# limit: 300

# push_guest NAME
push_guest() {
        "$TOP/test/guest" "$1" "$TEST_TMP/$1.tar"
        host_push "$TEST_TMP/$1.tar" "/root/$1.tar"
}

# Functions for scripts in the host.
readonly IN_HOST='
        state_of() { berthctl list --json=short | jq -r --arg n "$1" ".[] | select(.name == \$n) | .state"; }
        wait_for() { for i in $(seq 300); do ! "$@" || return 0; sleep 0.2; done; echo "not in time: $*" >&2; return 1; }
'

# enabled containers run again after a reboot, others do not; their shutdown was clean
test_R64_reboot_of_the_host() {
        host_up
        push_guest trixie
        push_guest busybox
        host_sh "$IN_HOST"'
                berthctl import --quiet /root/trixie.tar --alias trixie
                berthctl import --quiet /root/busybox.tar --alias busybox
                berthctl launch trixie web1
                berthctl launch busybox db
                berthctl launch busybox other
                berthctl launch --ephemeral busybox fleeting
                berthctl create --ephemeral busybox unborn
                berthctl create busybox late
                systemctl enable berth@web1
                berthctl enable db late
                berthctl set late After=berth@db.service Requires=berth@db.service
                berthctl exec db -- sh -c "echo ::shutdown:/bin/touch /root/clean >>/etc/inittab; kill -HUP 1"
                sleep 0.5'
        host_reboot
        host_sh "$IN_HOST"'
                # What was ephemeral and ran goes without anybody calling; one that never ran waits for its first start.
                gone() { test ! -e /var/lib/berth/containers/fleeting; }
                wait_for gone
                test -e /var/lib/berth/containers/unborn
                wait_for test "$(state_of web1)" = running
                test "$(systemctl is-system-running --wait)" = running
                test "$(state_of web1)" = running
                test "$(state_of db)" = running
                test "$(state_of late)" = running
                test "$(state_of other)" = stopped
                test "$(systemctl -M web1 is-system-running --wait)" = running
                # In order, and after what they need.
                test "$(systemctl show -p ActiveEnterTimestampMonotonic --value berth@db)" -le "$(systemctl show -p ActiveEnterTimestampMonotonic --value berth@late)"
                # The guests were shut down, not killed.
                grep -q "Journal stopped" <<<"$(berthctl exec web1 -- journalctl --no-pager -u systemd-journald --output=cat)"
                berthctl exec db -- test -e /root/clean
                # Nobody had to ask the manager for it.
                berthctl stop --force web1 db late'
}

# the host goes down with containers that run: those that came after others stop before them; who does not stop in time is killed
test_F19_shutdown_stops_in_order() {
        host_up
        push_guest busybox
        host_sh "$IN_HOST"'
                berthctl import --quiet /root/busybox.tar --alias busybox
                berthctl launch busybox db
                berthctl launch busybox web --set After=berth@db.service
                berthctl launch busybox stubborn --set "Init=/bin/sh -c \"trap : TERM INT PWR USR1 USR2; while :; do sleep 1; done\"" --set TimeoutStopSec=3'
        host_reboot
        host_sh "$IN_HOST"'
                journalctl -b -1 --no-pager -u "berth@*" --output=short-monotonic >/root/log || true
                cat /root/log >&2
                web=$(grep -n "Stopped.*web\|web.*[Dd]eactivated" /root/log | head -n 1 | cut -d: -f1)
                db=$(grep -n "Stopping.*db" /root/log | head -n 1 | cut -d: -f1)
                test "$web" -lt "$db"
                grep -q "stubborn.*did not stop in time" /root/log
                ! grep -q "left-over process\|SIGKILL" /root/log
                test "$(state_of db)" = stopped
                berthctl start db web
                berthctl delete --force db web stubborn
                berthctl remove-image busybox
                nothing_left() { test -z "$(find /var/lib/berth -mindepth 2)"; }
                wait_for nothing_left'
}
