# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The main job in one go, as an administrator does it on a fresh host: import, launch, look, work, break, stop, remove; and nothing is left.
# host: fresh
# guests: trixie
# limit: 240

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

# everything in the order in which it is done
test_R45_main_job() {
        local leader mounts
        # systemd-networkd, which the first container's interface starts, has one for its credentials.
        mounts=$(grep -vc ' /run/credentials/' /proc/self/mountinfo)
        on_exit 'forget web1 web2; forget_image trixie'
        expect berthctl import "$(guest trixie)" --alias trixie
        assert_match "$(berthctl list-images)" "trixie +$(fingerprint_of "$(guest trixie)" | cut -c1-12)"
        expect berthctl launch trixie web1
        assert_match "$(machinectl list)" 'web1 +container +berth +debian +13'
        assert_eq "$(systemctl -M web1 is-system-running --wait)" running
        expect systemctl status --no-pager berth@web1 berth-web1.scope
        assert_match "$(systemd-cgls --no-pager /machine.slice)" 'berth-web1\.scope'
        assert_eq "$(journalctl -M web1 -n 3 --no-pager --output=cat | wc -l)" 3
        expect machinectl shell web1 /bin/true
        echo content >file
        expect machinectl copy-to web1 "$PWD/file" /root/F
        assert_eq "$(inside web1 cat /root/F)" content
        expect_fail --status 7 berthctl exec web1 -- sh -c 'exit 7'

        expect berthctl launch trixie web2
        assert_match "$(inside web1 cat /proc/self/uid_map | xargs)" '^0 [0-9]+ 65536$'
        [ "$(uid_base web1)" != 0 ] && [ "$(uid_base web1)" != "$(uid_base web2)" ] || fail "ranges: $(uid_base web1) $(uid_base web2)"
        expect berthctl delete --force web2
        expect berthctl exec web1 -- systemd-run --quiet --scope -p MemoryMax=50M true

        leader=$(leader_of web1)
        kill -KILL "$(manager_pid)"
        assert_match "$(berthctl list)" "web1 +running .*$leader"
        expect systemctl daemon-reexec
        assert_match "$(berthctl list)" "web1 +running .*$leader"

        expect machinectl terminate web1
        eventually 20 state_is_not_running
        systemctl reset-failed berth@web1 2>/dev/null || true
        expect berthctl start web1
        leader=$(leader_of web1)
        expect machinectl reboot web1
        eventually 40 has_rebooted web1 "$leader"
        eventually 40 machinectl poweroff web1
        eventually 40 state_is web1 stopped
        expect berthctl start web1

        expect berthctl stop web1
        expect berthctl delete web1
        expect berthctl remove-image trixie
        eventually 60 no_debris
        assert_eq "$(find "$STORE" -mindepth 2 | wc -l)" 0 'files left'
        assert_eq "$(find /run/berth -mindepth 1 -not -path '/run/berth/.jobs*' -not -path '/run/berth/jobs' 2>/dev/null | wc -l)" 0 'runtime files left'
        assert_eq "$(find /sys/fs/cgroup -name '*web*' | wc -l)" 0 'cgroups left'
        assert_eq "$(grep -vc ' /run/credentials/' /proc/self/mountinfo)" "$mounts" 'mounts'
}

state_is_not_running() {
        [[ $(state_of web1) =~ ^(stopped|failed)$ ]]
}

