# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Virtual machines as test hosts, and as machines that really reboot or lose their power. One test, because they are slow to boot where they are emulated.
# flavour: vm
# limit: 2400

# a virtual machine boots, runs commands, copies files, keeps a journal, and leaves nothing behind
# a container that is enabled runs again after a reboot of the machine; its guest has been shut down cleanly
# afterwards it loses its power: what was acknowledged is there, what was not is gone, and all of it works
test_vm_host_R64_F21_reboot_and_power_cut() {
        host_up --vm
        check_the_host
        containers_before
        host_reboot
        containers_after_reboot
        host_reboot --power-cut
        containers_after_power_cut
        check_the_end
}

check_the_host() {
        assert_eq "$(host_run systemctl is-system-running)" running
        assert_eq "$(host_run sh -c '. /etc/os-release; echo $VERSION_CODENAME')" "$SUITE"
        assert_eq "$(host_run hostname)" "$TEST_HOST"
        assert_eq "$(host_run cat /sys/module/apparmor/parameters/enabled)" Y
        assert_match " $(host_run cat /sys/fs/cgroup/cgroup.controllers) " ' memory '

        assert_eq "$(echo in | "$TOP/test/host" run "$TEST_HOST" cat)" in
        expect_fail --status 7 host_run sh -c 'exit 7'
        assert_eq "$(host_run printf '<%s>' 'a  b' '' '$HOME' "it's")" "<a  b><><\$HOME><it's>"
        assert_eq "$(host_run --user alice sh -c 'id -un; pwd')" $'alice\n/home/alice'

        mkdir folder
        echo text >'folder/a b'
        host_push folder /root/there
        "$TOP/test/host" pull "$TEST_HOST" /root/there back
        diff -r folder back
}

containers_before() {
        "$TOP/test/guest" trixie "$TEST_TMP/trixie.tar"
        host_push "$TEST_TMP/trixie.tar" /root/trixie.tar
        host_sh '
                berthctl import --quiet /root/trixie.tar --alias trixie
                berthctl launch trixie web1
                systemctl enable berth@web1
                cat /proc/sys/kernel/random/boot_id >/root/boot-id'
}

containers_after_reboot() {
        host_sh '
                test "$(cat /proc/sys/kernel/random/boot_id)" != "$(cat /root/boot-id)"
                for i in $(seq 600); do
                        [ "$(berthctl list --json=short | jq -r ".[0].state")" != running ] || break
                        sleep 1
                done
                test "$(berthctl list --json=short | jq -r ".[0].state")" = running
                test "$(systemctl -M web1 is-system-running --wait)" = running
                grep -q "web1 *container *berth" <<<"$(machinectl list)"
                grep -q "Journal stopped" <<<"$(berthctl exec web1 -- journalctl --no-pager -u systemd-journald --output=cat)"
                # Now for the other way down: an image that is half there, a container and a setting that were acknowledged a moment ago.
                mkfifo /root/pipe
                (head -c 1000000 /root/trixie.tar; sleep 1000) >/root/pipe 2>/dev/null &
                berthctl import /root/pipe --alias half >/dev/null 2>&1 &
                for i in $(seq 100); do
                        [ -z "$(find /var/lib/berth/images -maxdepth 1 -name ".new-*")" ] || break
                        sleep 0.2
                done
                test -n "$(find /var/lib/berth/images -maxdepth 1 -name ".new-*")"
                berthctl exec web1 -- sh -c "echo before >/root/kept; sync"
                berthctl create trixie gone
                berthctl delete gone
                berthctl create trixie made --set Description=acknowledged'
}

containers_after_power_cut() {
        host_sh '
                for i in $(seq 600); do
                        [ "$(berthctl list --json=short | jq -r ".[] | select(.name == \"web1\") | .state")" != running ] || break
                        sleep 1
                done
                test "$(berthctl list --json=short | jq -r "map(.name + \" \" + .state) | join(\",\")")" = "made stopped,web1 running"
                test "$(systemctl -M web1 is-system-running --wait)" = running
                test "$(berthctl exec web1 -- cat /root/kept)" = before
                test "$(berthctl get made Description)" = acknowledged
                test "$(berthctl list-images --json=short | jq length)" = 1
                for i in $(seq 100); do
                        [ -n "$(find /var/lib/berth/images -maxdepth 1 -name ".new-*")" ] || break
                        sleep 0.2
                done
                test -z "$(find /var/lib/berth/images -maxdepth 1 -name ".new-*")"
                berthctl start made
                berthctl exec made -- true
                berthctl delete --force made
                berthctl stop web1
                berthctl delete web1
                berthctl remove-image trixie'
}

# It tells what its journal had after it has been powered off, and nothing of it is left.
check_the_end() {
        host_run ls '/root/there/a b'
        host_run sh -c 'logger a-word-in-the-journal; journalctl --sync; systemctl poweroff' || true
        wait_until 300 vm_is_stopped
        "$TOP/test/host" journal "$TEST_HOST" | grep a-word-in-the-journal

        "$TOP/test/host" down "$TEST_HOST"
        ! pgrep -af -- "$TEST_HOST" | grep -v 'pgrep\|harness' || fail "a process is left"
        [ ! -e "/run/berth-test/$TEST_HOST.ssh" ]
}

vm_is_stopped() {
        [[ $("$TOP/test/host" list) =~ "$TEST_HOST "[^$'\n']*stopped ]]
}
