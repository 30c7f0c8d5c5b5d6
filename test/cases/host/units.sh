# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers are units: systemctl does with them what one expects, with the manager or without it.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

unit_is() {
        [ "$(systemctl is-active "$1")" = "$2" ]
}

# start, status, restart, stop by systemctl; berthctl says the same
test_R64_systemctl() {
        local leader
        new_container c1 busybox
        expect systemctl start berth@c1
        assert_state c1 running
        leader=$(leader_of c1)
        [ "$leader" -gt 1 ] || fail "no leader"
        assert_match "$(systemctl status berth@c1 berth-c1.scope)" 'Active: active \(running\)'
        expect systemctl restart berth@c1
        assert_state c1 running
        [ "$(leader_of c1)" != "$leader" ] || fail "the leader is the old one"
        inside c1 sh -c 'echo "::shutdown:/bin/touch /root/clean" >>/etc/inittab; kill -HUP 1; sleep 0.3'
        expect systemctl stop berth@c1
        assert_state c1 stopped
        [ -e "$STORE/containers/c1/layer/upper/root/clean" ] || fail "the guest was not shut down, but killed"
        assert_eq "$(systemctl is-active berth-c1.scope)" inactive
}

# systemctl kill: the supervisor ends by SIGTERM as by a stop, the scope's processes by what is sent
test_R64_systemctl_kill() {
        run_container c1 busybox
        expect systemctl kill --signal=TERM berth@c1
        eventually 20 state_is c1 stopped
        assert_eq "$(systemctl is-failed berth@c1)" inactive
        expect berthctl start c1
        expect systemctl kill --signal=KILL berth-c1.scope
        eventually 20 state_is c1 failed
        systemctl reset-failed berth@c1
}

# the scope is stopped: the container is stopped, cleanly
test_R64_stop_of_the_scope() {
        run_container c1 busybox
        inside c1 sh -c 'echo "::shutdown:/bin/touch /root/clean" >>/etc/inittab; kill -HUP 1; sleep 0.3'
        expect systemctl stop berth-c1.scope
        eventually 20 state_is c1 stopped
        [ -e "$STORE/containers/c1/layer/upper/root/clean" ] || fail "the guest was not shut down, but killed"
        assert_eq "$(systemctl is-failed berth@c1)" inactive
}

# limits of a running container by systemd's own tool
test_R96_set_property() {
        run_container c1 busybox
        expect systemctl set-property --runtime berth-c1.scope TasksMax=99 CPUWeight=33 MemoryMax=128M
        assert_eq "$(systemctl show -p TasksMax --value berth-c1.scope)" 99
        assert_eq "$(systemctl show -p MemoryMax --value berth-c1.scope)" 134217728
        expect inside c1 true
}

# where the units are: payload in a delegated scope, supervisor beside it, both in machine-berth.slice
test_R67_cgroup_tree() {
        local leader
        run_container c1 busybox
        leader=$(leader_of c1)
        assert_match "$(sed -n 's/^0:://p' "/proc/$leader/cgroup")" '^/machine\.slice/machine-berth\.slice/berth-c1\.scope'
        assert_match "$(sed -n 's/^0:://p' "/proc/$(supervisor_of c1)/cgroup")" '^/machine\.slice/machine-berth\.slice/.*berth@c1\.service'
        assert_eq "$(systemctl show -p Delegate --value berth-c1.scope)" yes
        assert_eq "$(systemctl show -p Slice --value berth-c1.scope)" machine-berth.slice
        assert_match "$(systemd-cgls --no-pager /machine.slice)" 'berth-c1\.scope'
        assert_match "$(systemctl show -p Description --value berth@c1)" c1
        # The delegated cgroup is the guest's, the scope's own limits are not.
        assert_eq "$(inside c1 sh -c 'mkdir /sys/fs/cgroup/own && echo made && rmdir /sys/fs/cgroup/own')" made
        expect_fail inside c1 sh -c 'echo 5 >/sys/fs/cgroup/cgroup.max.depth'
        assert_no_match "$(inside c1 cat /proc/self/cgroup)" 'machine|berth-c1|berth@'
}

# the guest cannot put its processes anywhere else
test_S26_cgroup_cannot_be_left() {
        run_container c1 busybox
        expect_fail inside c1 sh -c 'echo $$ >/sys/fs/cgroup/../cgroup.procs'
        inside c1 sh -c 'mkdir -p /x && mount -t cgroup2 none /x && echo 1 >/x/cgroup.procs; umount /x; true' 2>/dev/null
        assert_match "$(sed -n 's/^0:://p' "/proc/$(leader_of c1)/cgroup")" 'berth-c1\.scope'
}

# without the manager: start, stop, restart, reboot, exec goes on; it is asked by nobody
test_R64_without_the_manager() {
        local leader
        new_container c1 busybox
        systemctl stop berth-containerd
        systemctl mask --runtime berth-containerd
        on_exit 'systemctl unmask --runtime berth-containerd'
        expect systemctl start berth@c1
        expect systemctl is-active --quiet berth-c1.scope
        leader=$(machinectl show c1 -p Leader --value)
        expect systemctl restart berth@c1
        [ "$(machinectl show c1 -p Leader --value)" != "$leader" ] || fail "not restarted"
        expect_fail --message 'berth-containerd' berthctl list
        expect systemctl stop berth@c1
        expect systemctl unmask --runtime berth-containerd
        assert_state c1 stopped
}

# enable and disable, by either tool, and what the other says
test_R64_enable() {
        new_container c1 busybox
        assert_eq "$(berthctl show c1 -p Enabled --value)" no
        expect berthctl enable c1
        assert_eq "$(systemctl is-enabled berth@c1)" enabled
        assert_eq "$(berthctl show c1 -p Enabled --value)" yes
        assert_match "$(systemctl list-dependencies --plain multi-user.target)" 'berth@c1\.service'
        assert_state c1 stopped
        expect berthctl disable c1
        assert_eq "$(systemctl is-enabled berth@c1)" disabled
        expect systemctl enable --quiet berth@c1
        assert_eq "$(berthctl show c1 -p Enabled --value)" yes
        expect systemctl disable --quiet berth@c1
        assert_eq "$(berthctl show c1 -p Enabled --value)" no
        expect berthctl enable --now c1
        assert_state c1 running
        # Deleted, it does not come back at the next boot.
        expect berthctl delete --force c1
        [ -z "$(find /etc/systemd/system -name 'berth@c1.service')" ] || fail "the link is still there"
}

# dependencies on units of the host, by settings
test_R64_dependencies_on_host_units() {
        cat >/run/systemd/system/needed.service <<'END_UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
END_UNIT
        on_exit 'systemctl stop needed.service broken.service 2>/dev/null; rm -f /run/systemd/system/{needed,broken}.service; systemctl daemon-reload; systemctl reset-failed'
        printf '[Service]\nType=oneshot\nExecStart=/bin/false\n' >/run/systemd/system/broken.service
        systemctl daemon-reload
        new_container c1 busybox --set Requires=needed.service --set After=needed.service
        assert_match "$(systemctl show -p Requires --value berth@c1)" 'needed\.service'
        assert_match "$(systemctl show -p After --value berth@c1)" 'needed\.service'
        expect berthctl start c1
        assert_eq "$(systemctl is-active needed.service)" active
        # What it requires goes: it goes first.
        expect systemctl stop needed.service
        eventually 20 state_is c1 stopped

        expect berthctl set c1 Requires=broken.service After=broken.service
        assert_no_match "$(systemctl show -p Requires --value berth@c1)" 'needed'
        refused "'c1'.*(needs|depend)" berthctl start c1
        assert_state c1 stopped
        expect berthctl unset c1 Requires After
        assert_no_match "$(systemctl show -p Requires --value berth@c1)" 'broken'
        expect berthctl start c1
}

# dependencies between containers: order of start and stop, stop together, conflict
test_R64_dependencies_between_containers() {
        new_container db busybox
        new_container web busybox --set Requires=berth@db.service --set After=berth@db.service
        expect berthctl start web
        assert_state db running
        assert_state web running
        [ "$(systemctl show -p ActiveEnterTimestampMonotonic --value berth@db)" -le "$(systemctl show -p ActiveEnterTimestampMonotonic --value berth@web)" ] || fail "started in the wrong order"
        expect berthctl stop db
        assert_state web stopped
        assert_state db stopped

        expect berthctl unset web Requires
        expect berthctl set web PartOf=berth@db.service
        expect berthctl start db web
        expect systemctl restart berth@db
        eventually 20 state_is web running
        expect berthctl stop db
        eventually 20 state_is web stopped

        expect berthctl unset web PartOf
        expect berthctl set web BindsTo=berth@db.service
        expect berthctl start web
        inside db poweroff || true
        eventually 20 state_is web stopped

        expect berthctl unset web BindsTo
        expect berthctl set web Conflicts=berth@db.service
        expect berthctl start db
        expect berthctl start web
        eventually 20 state_is db stopped
        assert_state web running
}

# a drop-in of the administrator's, as for any unit
test_R64_restart_policy() {
        local leader
        mkdir -p /etc/systemd/system/berth@c1.service.d
        on_exit 'rm -rf /etc/systemd/system/berth@c1.service.d; systemctl daemon-reload'
        printf '[Service]\nRestart=always\nRestartSec=100ms\n' >/etc/systemd/system/berth@c1.service.d/restart.conf
        systemctl daemon-reload
        run_container c1 busybox
        leader=$(leader_of c1)
        kill -KILL "$leader"
        eventually 20 has_rebooted c1 "$leader"
        # A stop is a stop.
        expect berthctl stop c1
        sleep 1
        assert_state c1 stopped
        # And so is one by force.
        expect berthctl start c1
        expect berthctl stop --force c1
        sleep 1
        assert_state c1 stopped
}

# the supervisor is killed: nothing of the container is left behind
test_R65_supervisor_killed() {
        local leader mounts
        run_container c1 busybox
        leader=$(leader_of c1)
        mounts=$(wc -l </proc/self/mountinfo)
        berthctl exec c1 -- sleep 1000 >/dev/null 2>&1 &
        sleep 0.3
        kill -KILL "$(supervisor_of c1)"
        eventually 20 state_is c1 failed
        gone() { [ ! -e "/proc/$leader" ]; }
        eventually 10 gone
        eventually 10 unit_is berth-c1.scope inactive
        eventually 10 not machinectl show c1
        [ ! -e /run/berth/c1 ] || fail "/run/berth/c1 is still there"
        # PID 1 prunes cgroups when it has time for that, and services of the host that start just now have mounts for a moment.
        left() { find /sys/fs/cgroup -name 'berth*c1*' 2>/dev/null; }
        no_cgroups() { [ -z "$(left)" ]; }
        no_mounts() { [ "$(wc -l </proc/self/mountinfo)" -le "$mounts" ]; }
        eventually 10 no_cgroups || fail "cgroups left: $(left | xargs)"
        eventually 10 no_mounts || fail "mounts left: $(tail -n 3 /proc/self/mountinfo)"
        wait || true
        expect berthctl start c1
        assert_state c1 running
        expect inside c1 true
}

# killed while it starts, at any moment
test_R65_supervisor_killed_during_start() {
        local i delay
        new_container c1 busybox
        for i in {1..12}; do
                systemctl start --no-block berth@c1
                delay=$(printf '0.%03d' $((i * 5)))
                sleep "$delay"
                systemctl kill --signal=KILL --kill-whom=main berth@c1 2>/dev/null || systemctl kill --signal=KILL --kill-who=main berth@c1 2>/dev/null || true
                settled() { [[ "$(systemctl is-active berth@c1) $(systemctl is-active berth-c1.scope)" =~ ^(failed|inactive)" "(failed|inactive)$ ]]; }
                eventually 20 settled
                systemctl reset-failed berth@c1 2>/dev/null || true
                eventually 10 eval '[ -z "$(find /sys/fs/cgroup -name berth-c1.scope)" ]'
                [ ! -e /run/berth/c1 ] || fail "/run/berth/c1 is still there"
                expect_fail machinectl show c1
        done
        expect berthctl start c1
        expect inside c1 true
}

# systemd is reloaded and executes itself again: containers do not notice
test_R65_daemon_reexec() {
        local leader
        run_container c1 busybox
        leader=$(leader_of c1)
        expect systemctl daemon-reload
        expect systemctl daemon-reexec
        assert_state c1 running
        assert_eq "$(leader_of c1)" "$leader"
        expect inside c1 true
        assert_eq "$(systemctl show -p Delegate --value berth-c1.scope)" yes
        expect berthctl stop c1
        expect berthctl start c1
}

# what the supervisor holds: no mounts in the host's namespace, little memory, no more privileges than it needs
test_R65_supervisor_is_small() {
        local pid before after
        before=$(wc -l </proc/self/mountinfo)
        run_container c1 busybox
        after=$(wc -l </proc/self/mountinfo)
        assert_eq "$after" "$before" "mounts in the host's namespace"
        pid=$(supervisor_of c1)
        [ "$(awk '/^Private_Dirty/ { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup")" -lt 1024 ] || fail "private memory: $(grep Private "/proc/$pid/smaps_rollup" | xargs)"
        assert_eq "$(stat -c %a:%U /run/berth/c1 /run/berth/c1/control | xargs)" '700:root 600:root'
}

# many starts and stops leave nothing: file descriptors, mounts, cgroups, leases, processes
test_F23_start_stop_many_times() {
        local i before began=$EPOCHSECONDS
        run_container c1 busybox
        expect berthctl stop --force c1
        state() {
                # The worker that waits for a job comes and goes by itself.
                spare_workers | xargs -r systemctl stop
                wc -l </proc/self/mountinfo
                find /sys/fs/cgroup -type d | wc -l
                find "$STORE/uid-leases" /run/berth /run/systemd/nspawn-uid | wc -l
                find "/proc/$(manager_pid)/fd" | wc -l
                ip -o link | wc -l
        }
        # What the first stop leaves for a moment is not what there is.
        settled() {
                before=$(state)
                sleep 0.5
                [ "$(state)" = "$before" ]
        }
        eventually 20 settled
        for i in {1..40}; do
                berthctl start c1
                berthctl stop --force c1
        done
        # The supervisor and PID 1 have not missed each other.
        ! journalctl -u berth@c1 --since "@$began" | grep "nobody stops its unit" || fail "a stop was lost"
        same() { [ "$(state)" = "$before" ]; }
        wait_until 20 same || fail "mounts, cgroups, files, descriptors, interfaces: $(state | xargs), and before $(xargs <<<"$before")"
}
