# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Settings: of running containers, from profiles and files for all, shown with where they come from, edited as a text.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# scope NAME PROPERTY: as PID 1 has it.
scope() {
        systemctl show --property="$2" --value "berth-$1.scope"
}

# a running container follows at once, by our name or LXD's; what is taken back is as if it had never been set
test_R96_set_on_a_running_container() {
        run_container c1 busybox
        expect berthctl set c1 MemoryMax=512M TasksMax=300
        assert_eq "$(scope c1 MemoryMax)" 536870912
        assert_eq "$(scope c1 TasksMax)" 300
        expect berthctl set c1 limits.memory 256MiB
        assert_eq "$(scope c1 MemoryMax)" 268435456
        expect berthctl set c1 CPUQuota=150% CPUWeight=250 IOWeight=7 MemorySwapMax=0 AllowedCPUs=0
        assert_eq "$(scope c1 CPUQuotaPerSecUSec)" 1.500000s
        assert_eq "$(scope c1 CPUWeight)" 250
        assert_eq "$(scope c1 AllowedCPUs)" 0
        expect berthctl unset c1 MemoryMax TasksMax CPUQuota CPUWeight AllowedCPUs
        assert_eq "$(scope c1 MemoryMax)" infinity
        assert_eq "$(scope c1 TasksMax)" 16384
        assert_eq "$(scope c1 CPUQuotaPerSecUSec)" infinity
        assert_eq "$(scope c1 CPUWeight)" '[not set]'
        assert_eq "$(scope c1 AllowedCPUs)" ''
        assert_eq "$(scope c1 IOWeight)" 7
        expect berthctl restart c1
        assert_eq "$(scope c1 MemoryMax)" infinity
        assert_eq "$(scope c1 IOWeight)" 7
}

# what cannot be changed in a running container is said, and is there after a restart
test_R96_next_start_is_said() {
        local out
        run_container c1 busybox
        out=$(berthctl set c1 Environment=A=1 MemoryMax=64M 2>&1)
        assert_match "$out" "'c1'.*Environment.*next start"
        assert_no_match "$out" MemoryMax
        assert_eq "$(scope c1 MemoryMax)" 67108864
        assert_eq "$(inside c1 sh -c 'echo "$A"')" ''
        expect berthctl restart c1
        assert_eq "$(inside c1 sh -c 'echo "$A"')" 1
        # Back to what it runs with: nothing is left to be said.
        assert_eq "$(berthctl set c1 Environment=A=1 2>&1)" ''
        expect berthctl stop --force c1
        assert_eq "$(berthctl set c1 Environment=A=2 2>&1)" ''
        assert_match "$(busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas c1 1 Description=x 0)" '^as 0'
}

# systemctl set-property holds until the container stops, or until berth is told about the same setting; afterwards the settings hold
test_R96_set_property_and_set_agree() {
        run_container c1 busybox --set MemoryMax=512M
        expect systemctl set-property berth-c1.scope MemoryMax=300M CPUWeight=33
        assert_eq "$(scope c1 MemoryMax)" 314572800
        # Another setting is not what the administrator has changed by hand.
        expect berthctl set c1 TasksMax=99
        assert_eq "$(scope c1 MemoryMax)" 314572800
        assert_eq "$(scope c1 CPUWeight)" 33
        # The same setting, to what the file says already: it is meant.
        expect berthctl set c1 MemoryMax=512M
        assert_eq "$(scope c1 MemoryMax)" 536870912
        expect systemctl set-property berth-c1.scope MemoryMax=300M
        expect systemctl set-property --runtime berth-c1.scope TasksMax=77
        systemctl daemon-reload
        assert_eq "$(scope c1 MemoryMax)" 314572800
        expect berthctl restart c1
        assert_eq "$(scope c1 MemoryMax)" 536870912
        assert_eq "$(scope c1 TasksMax)" 99
        assert_eq "$(scope c1 CPUWeight)" '[not set]'
        assert_eq "$(find /etc/systemd/system.control /run/systemd/system.control /run/systemd/transient -path '*berth-c1.scope.d*' -name '*.conf' 2>/dev/null)" ''
        # And the other way round: what berth was told while the override was there is what comes back.
        expect systemctl set-property berth-c1.scope MemoryMax=300M
        expect berthctl set c1 MemoryMax=200M
        assert_eq "$(scope c1 MemoryMax)" 209715200
        expect systemctl restart berth@c1
        assert_eq "$(scope c1 MemoryMax)" 209715200
}

# the manager dies while it is asked: the job goes on, the container follows
test_R96_manager_dies_meanwhile() {
        run_container c1 busybox
        busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas c1 1 MemoryMax=77M 0 >/dev/null 2>&1 &
        on_exit "wait $! 2>/dev/null || true"
        eventually 10 settings_are_written c1
        systemctl kill --signal=KILL berth-containerd
        eventually 10 scope_is c1 MemoryMax 80740352
        assert_eq "$(berthctl get c1 MemoryMax)" 77M
}

settings_are_written() {
        grep -q MemoryMax "$STORE/containers/$1/container.conf"
}

scope_is() {
        [ "$(scope "$1" "$2")" = "$3" ]
}
