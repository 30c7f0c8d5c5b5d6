# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Whole Debian systems as guests, of both releases, on a host of either.
# guests: bookworm trixie

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests bookworm trixie
        expect berthctl launch trixie t1
        expect berthctl launch bookworm b1
}

teardown_file() {
        remove_all
}

# up to the end, and no unit has failed
boots_cleanly() {
        assert_match "$(berthctl exec "$1" -- systemctl is-system-running --wait)" running
        assert_eq "$(berthctl exec "$1" -- systemctl list-units --state=failed --no-legend --plain)" '' 'failed units'
        assert_eq "$(systemctl -M "$1" is-system-running)" running
}

# a Debian 13
test_R66_trixie_boots_cleanly() {
        boots_cleanly t1
        assert_match "$(field t1 os)" '[Dd]ebian.*13'
}

# a Debian 12
test_R66_bookworm_boots_cleanly() {
        boots_cleanly b1
        assert_match "$(field b1 os)" '[Dd]ebian.*12'
}

# launch returned when the guest said READY, not before
test_R45_launch_waits_for_ready() {
        run_container t2 trixie
        assert_match "$(inside t2 systemctl is-system-running)" 'running|starting'
        assert_eq "$(inside t2 systemctl is-active default.target)" active
}

# machine-id: its own, the same as its UUID, the same after a restart
test_R66_machine_id() {
        local a b
        a=$(inside t1 cat /etc/machine-id)
        b=$(inside b1 cat /etc/machine-id)
        assert_match "$a" '^[0-9a-f]{32}$'
        [ "$a" != "$b" ] || fail "two containers share a machine id"
        [ "$a" != "$(cat /etc/machine-id)" ] || fail "it is the host's"
        assert_eq "$a" "$(berthctl show t1 -p UUID --value | tr -d -)"
        assert_eq "$(inside t1 cat /etc/hostname)" t1
        assert_eq "$(inside t1 systemd-detect-virt --container)" "$(inside b1 systemd-detect-virt --container)"
        assert_match "$(inside t1 systemd-detect-virt --container || true)" 'container-other|berth'
}

# every start is a boot of its own, and journalctl -b tells them apart
test_R66_boot_id() {
        local first second
        run_container t2 trixie
        first=$(inside t2 cat /proc/sys/kernel/random/boot_id)
        assert_match "$first" '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
        [ "$first" != "$(cat /proc/sys/kernel/random/boot_id)" ] || fail "it is the host's"
        [ "$first" != "$(inside t1 cat /proc/sys/kernel/random/boot_id)" ] || fail "two containers share it"
        assert_eq "$(inside t2 cat /proc/sys/kernel/random/boot_id)" "$first" 'asked again'
        expect_fail inside t2 sh -c 'echo 1 >/proc/sys/kernel/random/boot_id'
        assert_eq "$(inside t2 ls /run/host | xargs)" 'container-manager container-uuid notify'
        expect berthctl restart t2
        second=$(inside t2 cat /proc/sys/kernel/random/boot_id)
        [ "$second" != "$first" ] || fail "a second boot has the id of the first"
        assert_eq "$(inside t2 journalctl --no-pager --list-boots --quiet | grep -c .)" 2 boots
        assert_match "$(inside t2 journalctl --no-pager -b -1 --output=cat)" 'Journal stopped'
        assert_no_match "$(inside t2 journalctl --no-pager -b 0 --output=cat)" 'Journal stopped'
        assert_eq "$(journalctl -M t2 --no-pager --list-boots --quiet | grep -c .)" 2 'boots, seen from the host'
}

# a stop by berthctl is a clean shutdown: the guest's journal shows it
test_R49_clean_stop_in_guest_journal() {
        run_container t2 trixie
        expect berthctl stop t2
        assert_state t2 stopped
        expect berthctl start t2
        assert_match "$(inside t2 journalctl --no-pager --output=cat)" 'Journal stopped'
        assert_match "$(inside t2 journalctl --no-pager --output=cat)" '(Reached target|Starting) .*([Pp]ower.?[Oo]ff|[Ss]hutdown|[Uu]mount)'
        # The control: a forced stop leaves no such thing.
        expect berthctl stop --force t2
        expect berthctl start t2
        assert_eq "$(inside t2 journalctl --no-pager --output=cat | grep -c 'Journal stopped')" 1 'clean ends in the journal'
}

# the same for Debian 12, by systemctl
test_R49_clean_stop_of_bookworm() {
        run_container b2 bookworm
        expect systemctl stop berth@b2
        expect berthctl start b2
        assert_match "$(inside b2 journalctl --no-pager --output=cat)" 'Journal stopped'
}

# reboot and poweroff by the guest itself
test_R49_reboot_from_inside() {
        local leader
        run_container t2 trixie
        leader=$(leader_of t2)
        inside t2 systemctl reboot || true
        eventually 40 has_rebooted t2 "$leader"
        boots_cleanly t2
        assert_match "$(inside t2 journalctl --no-pager --output=cat)" 'Journal stopped'
        inside t2 systemctl poweroff || true
        eventually 40 state_is t2 stopped
        assert_eq "$(systemctl is-failed berth@t2)" inactive
}

# reboot by berthctl is clean, too
test_R49_reboot_by_berthctl() {
        local leader
        run_container t2 trixie
        leader=$(leader_of t2)
        expect berthctl reboot t2
        eventually 40 has_rebooted t2 "$leader"
        assert_match "$(inside t2 journalctl --no-pager --output=cat)" 'Journal stopped'
}

# its bus and its services are dead: exec works
test_R52_exec_without_the_guests_bus() {
        run_container t2 trixie
        inside t2 sh -c 'systemctl stop dbus.socket dbus.service systemd-logind console-getty 2>/dev/null; rm -f /run/dbus/system_bus_socket; true'
        expect_fail inside t2 busctl list
        assert_eq "$(inside t2 id -u)" 0
        # Even when its PID 1 hangs.
        kill -STOP "$(leader_of t2)"
        assert_eq "$(inside t2 id -u)" 0
        kill -CONT "$(leader_of t2)"
}

# the guest manages its own cgroups
test_R118_guest_has_its_cgroups() {
        expect inside t1 systemd-run --quiet --scope -p MemoryMax=50M true
        expect inside b1 systemd-run --quiet --scope -p MemoryMax=50M true
        expect inside t1 systemd-run --quiet --wait -p TasksMax=10 true
        expect inside t1 systemctl set-property --runtime dbus.service CPUWeight=50
        expect inside t1 busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartTransientUnit 'ssa(sv)a(sa(sv))' \
                mine.service fail 2 MemoryMax t 50000000 ExecStart 'a(sasb)' 1 /bin/true 1 /bin/true false 0
}

# users of the guest: a session of its own with a user manager
test_R67_user_session() {
        expect inside t1 loginctl enable-linger user
        eventually 20 inside t1 systemctl is-active --quiet user@1000.service
        expect inside t1 loginctl disable-linger user
        assert_match "$(berthctl exec -u user t1 -- id)" 'uid=1000\(user\)'
        assert_match "$(berthctl exec -u user t1 -- sh -c 'echo $HOME $SHELL')" '/home/user /bin/bash'
}

# login prompts: on the console, and by login
test_R53_login() {
        { sleep 1; printf '\r'; sleep 1.5; printf '\035\035\035'; sleep 0.5; } | script -qefc 'berthctl console t1' typescript >/dev/null || true
        grep -q 't1 login:\|login:' typescript || fail "no prompt on the console: $(cat -v typescript)"
        { sleep 2; printf '\035\035\035'; sleep 0.5; } | script -qefc 'berthctl login t1' typescript >/dev/null || true
        grep -q 'login:' typescript || fail "no prompt of login: $(cat -v typescript)"
}

# a shell is the user's own, as a login shell
test_R53_login_shell() {
        { sleep 1; printf 'shopt -q login_shell && echo "it is a login shell of $SHELL"\r'; sleep 0.5; printf 'exit\r'; sleep 0.5; } |
                script -qefc 'berthctl shell user@t1' typescript >/dev/null || true
        grep -q 'it is a login shell of /bin/bash' typescript || fail "$(cat -v typescript)"
}

# packages in a stopped container
test_R54_run_in_debian() {
        new_container t2 trixie
        assert_match "$(berthctl run-in t2 -- dpkg -l systemd)" 'ii +systemd'
        assert_match "$(berthctl run-in t2 -- sh -c 'ls /proc/1/exe; cat /proc/1/comm')" .
        expect berthctl run-in t2 -- sh -c 'echo changed >/etc/motd && useradd -m someone'
        eventually 15 state_is t2 stopped
        expect berthctl start t2
        assert_eq "$(inside t2 cat /etc/motd)" changed
        assert_match "$(inside t2 id someone)" uid=1001
        boots_cleanly t2
}

# set-uid programs and file capabilities work inside
test_R26_setuid_and_capabilities_inside() {
        assert_match "$(inside t1 getcap /usr/bin/ping)" cap_net_raw
        assert_eq "$(inside t1 stat -c %a:%u /usr/bin/su)" 4755:0
        expect berthctl exec -u user t1 -- ping -c 1 -W 2 127.0.0.1
        # su as user without a password is refused by PAM, and not by the kernel.
        assert_match "$(berthctl exec -u user t1 -- sh -c 'su -c id </dev/null 2>&1' || true)" '[Aa]uthentication|Password|su:'
        # ACL of the image, with the guest's own ids.
        expect berthctl exec -u user t1 -- touch /srv/shared/by-user
        assert_eq "$(inside t1 stat -c %u /srv/shared/by-user)" 1000
        inside t1 rm /srv/shared/by-user
}

# credentials arrive in the guest's services
test_R66_credentials() {
        run_container t2 trixie --set 'SetCredential=test.secret:wisdom'
        assert_eq "$(inside t2 systemd-creds --system cat test.secret)" wisdom
}

# the guest sandboxes its own services
test_R66_sandboxed_services_inside() {
        expect inside t1 systemd-run --quiet --wait -p PrivateTmp=yes -p ProtectSystem=strict -p ProtectHome=yes -p NoNewPrivileges=yes \
                -p RestrictSUIDSGID=yes -p PrivateDevices=yes -p ProtectKernelTunables=yes -p ProtectControlGroups=yes true
        expect inside b1 systemd-run --quiet --wait -p PrivateTmp=yes -p ProtectSystem=strict -p DynamicUser=yes true
        expect inside t1 systemd-run --quiet --wait -p PrivateNetwork=yes -p PrivateUsers=yes -p SystemCallFilter=@system-service true
}
