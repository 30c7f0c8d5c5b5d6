# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A virtual machine that really reboots, and one that loses its power.
# limit: 1800

# a container that is enabled runs again after a reboot of the machine; its guest has been shut down cleanly
# afterwards it loses its power: what was acknowledged is there, what was not is gone, and all of it works
test_R64_F21_reboot_and_power_cut_of_the_virtual_machine() {
        host_up --vm
        "$TOP/test/guest" trixie "$TEST_TMP/trixie.tar"
        host_push "$TEST_TMP/trixie.tar" /root/trixie.tar
        host_sh '
                berthctl import --quiet /root/trixie.tar --alias trixie
                berthctl launch trixie web1
                systemctl enable berth@web1
                cat /proc/sys/kernel/random/boot_id >/root/boot-id'
        host_reboot
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
        host_reboot --power-cut
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
