# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A virtual machine that really reboots.
# limit: 1800

# a container that is enabled runs again after a reboot of the machine; its guest has been shut down cleanly
test_R64_reboot_of_the_virtual_machine() {
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
                berthctl stop web1
                berthctl delete web1'
}
