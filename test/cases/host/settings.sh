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

# LXD's keys and its ways to write values
test_R70_lxd_keys() {
        new_container c1 busybox
        expect berthctl set c1 limits.cpu 1
        assert_eq "$(berthctl get c1 limits.cpu)" 1
        expect berthctl set c1 limits.memory 512MiB
        assert_eq "$(berthctl get c1 limits.memory)" 512M
        expect berthctl set c1 limits.cpu.allowance=25ms/100ms limits.memory.swap=false limits.processes=100 limits.kernel.nofile=100:200 \
                user.purpose='a b' environment.GREETING='hello world' boot.autostart=false
        assert_match "$(berthctl cat c1)" 'CPUQuota=25%.*CPUQuotaPeriodSec=100ms.*MemorySwapMax=0.*TasksMax=100'
        assert_eq "$(berthctl get c1 user.purpose)" 'a b'
        expect berthctl start c1
        assert_match "$(scope c1 AllowedCPUs)" '^[0-9]+$'
        assert_eq "$(scope c1 CPUQuotaPerSecUSec)" 250ms
        assert_eq "$(scope c1 CPUQuotaPeriodUSec)" 100ms
        assert_eq "$(inside c1 sh -c 'echo "$GREETING $(ulimit -n) $(ulimit -Hn)"')" 'hello world 100 200'
        assert_match "$(inside c1 cat /proc/1/limits)" 'Max open files +100 +200'
        expect berthctl set c1 limits.cpu=0-0 limits.cpu.allowance=50%
        assert_eq "$(scope c1 AllowedCPUs)" 0
        assert_eq "$(scope c1 CPUWeight)" 50
        assert_eq "$(scope c1 CPUQuotaPerSecUSec)" infinity
        expect berthctl unset c1 limits.cpu limits.cpu.allowance
        assert_eq "$(scope c1 AllowedCPUs)" ''
        assert_eq "$(scope c1 CPUWeight)" '[not set]'
        assert_eq "$(scope c1 CPUQuotaPeriodUSec)" infinity
        refused "limits\.cpu: '0'" berthctl set c1 limits.cpu 0
        refused "limits\.cpu\.allowance: '120%'" berthctl set c1 limits.cpu.allowance 120%
}

# the number of CPUs: which ones is chosen, and stays
test_R89_cpu_count() {
        local name
        [ "$(nproc)" -ge 2 ] || cannot_run "one CPU is too few"
        run_container c1 busybox --set CPUCount=1
        name=$(scope c1 AllowedCPUs)
        expect berthctl restart c1
        assert_eq "$(scope c1 AllowedCPUs)" "$name"
        assert_match "$name" '^[0-9]+$'
        expect berthctl set c1 CPUCount=8000
        assert_eq "$(scope c1 AllowedCPUs)" "$(cat /sys/devices/system/cpu/online)"
        expect berthctl set c1 CPUCount=1 AllowedCPUs=1
        assert_eq "$(scope c1 AllowedCPUs)" 1
        expect berthctl unset c1 AllowedCPUs CPUCount
        assert_eq "$(scope c1 AllowedCPUs)" ''
}

# lists, words, addresses and the soft limit reach the scope, change there, and go away again
test_R96_all_kinds_of_properties() {
        run_container c1 busybox --set IOReadBandwidthMax='/dev/null 5M' --set IODeviceWeight='/dev/null 50 /dev/zero 60' --set ManagedOOMSwap=kill \
                --set IPAddressDeny=any --set IPAddressAllow='localhost 192.0.2.0/24' --set MemoryMax=100M --set MemoryEnforce=soft
        assert_eq "$(scope c1 IOReadBandwidthMax)" '/dev/null 5242880'
        assert_match "$(scope c1 IODeviceWeight)" '/dev/null 50.*/dev/zero 60'
        assert_eq "$(scope c1 ManagedOOMSwap)" kill
        assert_match "$(scope c1 IPAddressAllow)" '192\.0\.2\.0/24'
        assert_eq "$(scope c1 MemoryHigh) $(scope c1 MemoryMax)" '104857600 infinity'
        expect berthctl set c1 IOReadBandwidthMax='/dev/zero 1M' IPAddressAllow=::1 limits.memory.enforce=hard ManagedOOMMemoryPressureLimit=60%
        assert_eq "$(scope c1 IOReadBandwidthMax)" '/dev/zero 1048576'
        assert_eq "$(scope c1 IPAddressAllow)" '::1/128'
        assert_eq "$(scope c1 MemoryHigh) $(scope c1 MemoryMax)" 'infinity 104857600'
        expect berthctl unset c1 IOReadBandwidthMax IODeviceWeight IPAddressAllow IPAddressDeny ManagedOOMSwap
        assert_eq "$(scope c1 IOReadBandwidthMax)$(scope c1 IODeviceWeight)$(scope c1 IPAddressAllow)$(scope c1 IPAddressDeny)" ''
        assert_eq "$(scope c1 ManagedOOMSwap)" auto
        expect berthctl restart c1
}

# what systemd of this host does not know is refused, or fails the start, by its name; a running container keeps what it has
test_R88_unknown_to_this_systemd() {
        local version before
        version=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
        [ "$version" -lt 253 ] || return 0
        run_container c1 busybox
        before=$(cksum "$STORE/containers/c1/container.conf")
        expect_fail --message MemoryZSwapMax berthctl set c1 MemoryZSwapMax=5M
        assert_eq "$(cksum "$STORE/containers/c1/container.conf")" "$before"
        expect berthctl stop --force c1
        expect berthctl set c1 MemoryZSwapMax=5M
        start_fails MemoryZSwapMax c1
}

# what the supervisor gives the processes themselves
test_R89_limits_of_processes() {
        run_container c1 busybox --set LimitCORE=0 --set LimitNOFILE=64:128 --set UMask=0027 --set OOMScoreAdjust=300 --set Nice=5 \
                --set CPUSchedulingPolicy=batch --set IOSchedulingClass=idle
        local leader
        leader=$(leader_of c1)
        assert_match "$(cat "/proc/$leader/limits")" 'Max open files +64 +128'
        assert_eq "$(cat "/proc/$leader/oom_score_adj")" 300
        assert_eq "$(awk '{ print $19 }' "/proc/$leader/stat")" 5
        assert_match "$(chrt -p "$leader")" SCHED_BATCH
        assert_match "$(ionice -p "$leader")" idle
        assert_eq "$(inside c1 sh -c 'umask; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; cut -d" " -f19 /proc/self/stat' | tr '\n' ' ')" '0027 64 128 300 5 '
        # The supervisor stays as it was.
        assert_eq "$(cat "/proc/$(supervisor_of c1)/oom_score_adj")" 0
}

# [Service], and lines for the units as they are
test_R88_unit_settings() {
        new_container c1 busybox --set Restart=on-failure --set RestartSec=3 --set StartLimitBurst=9 --set TimeoutStartSec=77
        assert_eq "$(systemctl show -p Restart -p RestartUSec -p StartLimitBurst -p TimeoutStartUSec --value berth@c1 | sort | tr '\n' ' ')" \
                '1min 17s 3s 9 on-failure '
        expect berthctl set c1 raw.unit=Service.LogLevelMax=notice raw.unit=Scope.MemoryHigh=123M raw.unit='Unit.Documentation=man:true(1)'
        assert_eq "$(systemctl show -p LogLevelMax --value berth@c1)" 5
        assert_match "$(systemctl show -p Documentation --value berth@c1)" 'man:true\(1\)'
        expect berthctl start c1
        assert_eq "$(scope c1 MemoryHigh)" 128974848
        expect berthctl unset c1 raw.unit Restart
        assert_eq "$(systemctl show -p LogLevelMax --value berth@c1)" -1
        assert_eq "$(systemctl show -p Restart --value berth@c1)" no
        refused "RawUnit: 'Install.WantedBy=x'" berthctl set c1 raw.unit=Install.WantedBy=x
        # Killed by somebody: the unit's own restart brings it back.
        expect berthctl set c1 Restart=always RestartSec=100ms
        local leader
        leader=$(leader_of c1)
        kill -KILL "$(supervisor_of c1)"
        eventually 20 has_rebooted c1 "$leader"
}

# started at boot, in an order
test_R64_autostart() {
        new_container c1 busybox --set boot.autostart=true --set boot.autostart.priority=5 --set boot.autostart.delay=1
        new_container c2 busybox --set boot.autostart=true
        assert_match "$(systemctl show -p Wants --value multi-user.target)" 'berth@c1\.service'
        assert_match "$(systemctl show -p After --value berth@c2.service)" 'berth-boot-5\.target'
        assert_match "$(systemctl show -p Before --value berth-delay-c1.service)" 'berth-boot-5\.target'
        # As at boot: one transaction.
        expect systemctl start multi-user.target
        [ "$(systemctl show -p ActiveEnterTimestampMonotonic --value berth@c2)" -ge \
                $(($(systemctl show -p ActiveEnterTimestampMonotonic --value berth@c1) + 1000000)) ] || fail "c2 did not wait for c1 and its delay"
        expect berthctl set c1 boot.autostart=false
        assert_no_match "$(systemctl show -p Wants --value multi-user.target)" 'berth@c1\.service'
}

# every key of the table, with values that are wrong for it: refused by its name, and nothing is changed
test_R70_bad_values_of_every_setting() {
        local key value before rc out n=0 keys
        new_container c1 busybox
        before=$(cksum "$STORE/containers/c1/container.conf")
        mapfile -t keys < <(berthctl help settings | sed -n 's/^  \([A-Za-z]*\)=.*/\1/p')
        [ "${#keys[@]}" -gt 90 ] || fail "only ${#keys[@]} keys"
        for key in "${keys[@]}"; do
                for value in $'7\nInit=/bin/sh' -7 99999999999999999999999 '5 parsecs'; do
                        case $key:$value in
                        *$'\n'*) ;;
                        # Words that could be names of containers.
                        Description:* | Hostname:9* | *[A-Z]*:9* | *[A-Z]*:5*)
                                [[ $key =~ ^(Description|Hostname|After|Before|BindsTo|Conflicts|OnFailure|OnSuccess|PartOf|Requires|Requisite|Wants)$ ]] && continue ;;
                        Nice:-7 | OOMScoreAdjust:-7) continue ;;
                        esac
                        rc=0
                        out=$(busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas c1 1 "$key=$value" 0 2>&1) || rc=$?
                        [ "$rc" -ne 0 ] || fail "$key took '$value'"
                        [[ $out = *"$key"* ]] || fail "$key, '$value': $out"
                        n=$((n + 1))
                done
        done
        say "$n refusals"
        refused "MemoryMx.*MemoryMax" berthctl set c1 MemoryMx=5
        assert_eq "$(cksum "$STORE/containers/c1/container.conf")" "$before"
}
