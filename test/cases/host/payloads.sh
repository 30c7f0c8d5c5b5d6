# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a container can run beside a whole systemd: busybox' init, any program alone, a program below the stub init. How they start, reboot, power
# off, end and stop.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# busybox' init: up, down, up
test_R49_busybox() {
        run_container c1 busybox
        assert_eq "$(inside c1 cat /proc/1/comm)" init
        assert_eq "$(inside c1 id -u)" 0
        expect inside c1 test -c /dev/null -a -c /dev/tty -a -c /dev/console
        expect berthctl stop c1
        assert_eq "$(systemctl show -p Result --value berth@c1)" success
        expect berthctl start c1
        eventually 5 inside c1 test -d /run/lock
}

# reboot and poweroff from inside
test_R49_busybox_reboot_from_inside() {
        local leader
        run_container c1 busybox
        leader=$(leader_of c1)
        inside c1 touch /root/f
        inside c1 reboot || true
        eventually 20 has_rebooted c1 "$leader"
        expect inside c1 test -e /root/f
        assert_eq "$(machinectl show c1 -p Leader --value)" "$(leader_of c1)" "machined's leader"
        leader=$(leader_of c1)
        inside c1 reboot -f || true
        eventually 20 has_rebooted c1 "$leader"
}

# poweroff from inside: stopped, and not failed
test_R49_busybox_poweroff_from_inside() {
        run_container c1 busybox
        inside c1 poweroff || true
        eventually 20 state_is c1 stopped
        assert_eq "$(systemctl is-failed berth@c1)" inactive
        expect berthctl start c1
        inside c1 poweroff -f || true
        eventually 20 state_is c1 stopped
        assert_eq "$(systemctl is-failed berth@c1)" inactive
        expect berthctl start c1
        inside c1 halt -f || true
        eventually 20 state_is c1 stopped
}

# a few reboots in a row are nothing special; one that does nothing else is stopped, and said to have failed
test_F05_reboot_loop() {
        local leader
        run_container c1 busybox
        for _ in 1 2 3; do
                leader=$(leader_of c1)
                inside c1 reboot -f || true
                eventually 20 has_rebooted c1 "$leader"
        done
        assert_state c1 running
        run_container c2 busybox --set NotifyReady=no --set 'Init=/bin/sh -c "sleep 0.1; reboot -f"'
        eventually 30 state_is c2 failed
        assert_eq "$(systemctl show -p NRestarts --value berth@c1)" 3
        expect berthctl set c2 Init=/sbin/init
        expect berthctl start c2
}

# an init that is killed is a failure that is seen
test_R49_init_killed() {
        run_container c1 busybox
        kill -KILL "$(leader_of c1)"
        eventually 20 state_is c1 failed
        assert_match "$(berthctl list)" 'c1 +failed'
        assert_match "$(journalctl -u berth@c1 --output=cat)" "c1.*killed"
        expect berthctl start c1
        assert_state c1 running
}

# a single program: it is PID 1, its standard output is the console, its end is the container's
test_R49_program() {
        run_container c1 busybox --set 'Init=/bin/sh -c "echo hello from the program; echo $$ >/root/pid; sleep 1000"' --set NotifyReady=no
        eventually 5 inside c1 test -e /root/pid
        assert_eq "$(inside c1 cat /root/pid)" 1
        expect berthctl stop --timeout=1 c1
        # One that ends well.
        expect berthctl set c1 'Init=/bin/sh -c "sleep 0.5; exit 0"'
        expect berthctl start c1
        eventually 10 state_is c1 stopped
        assert_eq "$(systemctl is-failed berth@c1)" inactive
        # And one that does not: the status is the unit's.
        expect berthctl set c1 'Init=/bin/sh -c "sleep 0.5; exit 42"'
        expect berthctl start c1
        eventually 10 state_is c1 failed
        assert_eq "$(systemctl show -p ExecMainStatus --value berth@c1)" 42
}

# a program that ends at once
test_R49_program_ends_at_once() {
        new_container c1 busybox --set Init=/bin/true
        berthctl start c1 || true
        eventually 10 state_is_not_running c1
        expect berthctl set c1 Init=/bin/false
        berthctl start c1 || true
        eventually 10 state_is c1 failed
        assert_eq "$(systemctl show -p ExecMainStatus --value berth@c1)" 1
}

state_is_not_running() {
        [[ $(state_of "$1") =~ ^(stopped|failed)$ ]]
}

# its user, directory, environment and credentials
test_R49_program_settings() {
        new_container c1 busybox --set 'Init=/bin/sh -c "{ id -u; id -g; pwd; echo $FOO; cat $CREDENTIALS_DIRECTORY/secret; } >/tmp/out 2>&1; sleep 1000"' \
                --set User=1000 --set WorkingDirectory=/var/tmp --set 'Environment=FOO=bar' --set 'SetCredential=secret:wisdom'
        expect berthctl start c1
        eventually 20 eval 'inside c1 cat /tmp/out | grep -q bar'
        assert_match "$(inside c1 cat /tmp/out)" $'^1000\n[0-9]+\n/var/tmp\nbar\n'
        # A credential is root's, and init's.
        expect berthctl unset c1 User
        expect berthctl restart --force c1
        wisdom() { [[ $(inside c1 cat /tmp/out) =~ wisdom ]]; }
        eventually 5 wisdom
        # It is not in what everybody may see.
        assert_no_match "$(tr '\0' ' ' <"/proc/$(leader_of c1)/environ")" wisdom
        assert_no_match "$(systemctl show berth@c1 berth-c1.scope)" wisdom
        assert_no_match "$(journalctl -u berth@c1)" wisdom
}

# a user that the image does not have
test_R49_program_unknown_user() {
        new_container c1 busybox --set Init=/bin/true --set User=nosuchuser
        start_fails "nosuchuser" c1
        expect berthctl unset c1 User
        expect berthctl set c1 WorkingDirectory=/no/such/dir
        start_fails "/no/such/dir" c1
}

# below the stub init: signals arrive, orphans are reaped, the exit status is kept
test_R49_stub_init() {
        run_container c1 busybox --set StubInit=yes \
                --set 'Init=/bin/sh -c "trap \"echo term >/root/term; exit 0\" TERM; echo $$ >/root/pid; while :; do sleep 0.1; done"'
        assert_eq "$(inside c1 cat /proc/1/comm)" stub-init
        eventually 5 inside c1 test -s /root/pid
        assert_eq "$(inside c1 cat /root/pid)" 2
        # An orphan becomes PID 1's child, and is reaped.
        inside c1 sh -c '(sh -c "echo $$ >/root/orphan; exec sleep 0.3" &)'
        eventually 5 not inside c1 sh -c 'test -e /proc/$(cat /root/orphan)'
        assert_eq "$(inside c1 sh -c 'grep -l "State:.*Z" /proc/[0-9]*/status 2>/dev/null | wc -l')" 0 zombies
        expect berthctl stop --timeout=10 c1
        [ -e "$STORE/containers/c1/layer/upper/root/term" ] || fail "the program got no SIGTERM"
        expect berthctl set c1 'Init=/bin/sh -c "sleep 0.5; exit 17"'
        expect berthctl start c1
        eventually 10 state_is c1 failed
        assert_eq "$(systemctl show -p ExecMainStatus --value berth@c1)" 17
}

# the signal for a clean stop can be chosen
test_R49_kill_signal() {
        run_container c1 busybox --set KillSignal=SIGUSR1 --set NotifyReady=no \
                --set 'Init=/bin/sh -c "trap \"echo usr1 >/root/got; exit 0\" USR1; touch /root/traps; while :; do sleep 0.1; done"'
        eventually 20 inside c1 test -e /root/traps
        expect berthctl stop --timeout=10 c1
        assert_eq "$(cat "$STORE/containers/c1/layer/upper/root/got")" usr1
}

# READY=1: a start waits for it when told to
test_R49_notify_ready() {
        local took
        # busybox has no sd_notify; a datagram by its nc is not possible, so nothing ever comes.
        new_container c1 busybox --set NotifyReady=yes --set 'Init=/bin/sh -c "sleep 1000"'
        berthctl start c1 >log 2>&1 &
        on_exit "kill $! 2>/dev/null; true"
        eventually 10 state_is c1 starting
        sleep 1
        assert_state c1 starting
        expect berthctl stop --force c1
        wait $! && fail "the start ended with success"
        expect berthctl set c1 NotifyReady=no
        took=$(seconds expect berthctl start c1)
        [ "$took" -le $((3 * ${BERTH_TEST_SLOW:-1})) ] || fail "it took $took s"
}

# an image without any init: the start says so
test_R49_no_init() {
        a_rootfs f.tar
        on_exit 'forget c1; forget_image noinit'
        expect berthctl import f.tar --alias noinit
        expect berthctl create noinit c1
        start_fails "'c1'.*no init" c1
}

# an init that is not there, is no program, or of another machine
test_R49_bad_init() {
        local init
        new_container c1 busybox
        for init in /no/such/file /etc /etc/passwd /root/script; do
                [ "$init" != /root/script ] || printf '#!/no/interpreter\n' | berthctl copy-to --mode 0755 c1 - "$init"
                expect berthctl set c1 Init="$init"
                start_fails "'c1'.*(Init=|$init)" c1
        done
        { printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000\363\000'; head -c 1000 /dev/zero; } | berthctl copy-to --mode 0755 c1 - /root/riscv
        expect berthctl set c1 Init=/root/riscv
        start_fails "'c1'.*riscv.*[Ee]xec format" c1
        expect berthctl unset c1 Init
        expect berthctl start c1
}

# the container interface of systemd: what a payload is told about itself
test_R66_container_interface() {
        local environment uuid
        run_container c1 busybox
        uuid=$(berthctl show c1 -p UUID --value)
        environment=$(inside c1 cat /proc/1/environ | tr '\0' '\n')
        assert_match "$environment" $'(^|\n)container=berth(\n|$)'
        assert_match "$environment" "container_uuid=$uuid"
        assert_eq "$(tr -d - <<<"$uuid" | wc -c)" 33
        assert_eq "$(inside c1 cat /run/host/container-manager)" berth
        assert_match "$(inside c1 cat /run/host/container-uuid)" "$uuid"
        expect inside c1 test -S /run/host/notify
        assert_match "$environment" 'NOTIFY_SOCKET=/run/host/notify'
        assert_eq "$(inside c1 awk '$2 == "/sys" { print $4 }' /proc/mounts | cut -d, -f1)" ro '/sys is read-only'
        assert_eq "$(inside c1 cat /etc/hostname)" c1
        assert_eq "$(inside c1 hostname)" c1
        # Nothing of the host's environment.
        assert_no_match "$environment" 'INVOCATION_ID|JOURNAL_STREAM|LISTEN_FDS|LANG=|WATCHDOG|RUNTIME_DIRECTORY|SYSTEMD_EXEC_PID'
}

# the host name of its own and the machine id are given once
test_R66_personalised_once() {
        run_container c1 busybox
        inside c1 sh -c 'echo chosen >/etc/hostname'
        expect berthctl restart --force c1
        assert_eq "$(inside c1 cat /etc/hostname)" chosen
}
