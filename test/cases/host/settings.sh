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
        expect_fail --message StartupMemoryMax berthctl set c1 StartupMemoryMax=50M
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
        assert_eq "$(berthctl show c1 -p Enabled --value)" yes
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
                        # Words that could be names of containers, credentials, profiles or modules.
                        AppArmorProfile:9* | KernelModules:9* | LoadCredential:9* | Description:* | Hostname:9* | *[A-Z]*:9* | *[A-Z]*:5*)
                                [[ $key =~ ^(AppArmorProfile|Description|Hostname|KernelModules|LoadCredential|After|Before|BindsTo|Conflicts|OnFailure|OnSuccess|SnapshotPattern|PartOf|PropagatesStopTo|Requires|Requisite|StopPropagatedFrom|Upholds|Wants)$ ]] && continue ;;
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

# one file for all containers is changed: they follow at the next start, and their own settings count more
test_R84_common_file() {
        on_exit 'rm -f /etc/berth/container.conf.d/50-test.conf; no_directories'
        new_container c1 busybox
        new_container c2 busybox --set TasksMax=222
        mkdir -p /etc/berth/container.conf.d
        printf '[Resource]\nTasksMax=111\n[Exec]\nEnvironment=SITE=one\n' >/etc/berth/container.conf.d/50-test.conf
        expect berthctl start c1 c2
        assert_eq "$(scope c1 TasksMax) $(scope c2 TasksMax)" '111 222'
        assert_eq "$(inside c1 sh -c 'echo "$SITE"')" one
        sed -i 's/111/112/; s/one/two/' /etc/berth/container.conf.d/50-test.conf
        expect berthctl restart c1 c2
        assert_eq "$(scope c1 TasksMax) $(scope c2 TasksMax)" '112 222'
        assert_eq "$(inside c1 sh -c 'echo "$SITE"')$(inside c2 sh -c 'echo "$SITE"')" twotwo
        assert_match "$(berthctl show c1 --effective --json=short)" '"Resource.TasksMax","value":"112","source":"/etc/berth/container.conf.d/50-test.conf:2"'
}

# Nothing of what the tests put into /etc stays.
no_profile() {
        rm -f "/etc/berth/profiles/$1.conf"
        no_directories
}

no_directories() {
        rmdir /etc/berth/profiles /etc/berth/containers /etc/berth/container.conf.d 2>/dev/null || true
}

# make, list, show, change, copy, rename, delete
test_R73_profiles() {
        on_exit 'no_profile p1; no_profile p2; no_profile p3'
        assert_match "$(berthctl profile list --json=short | jq -r '.[].name' | tr '\n' ' ')" 'default docker nesting '
        expect berthctl profile create p1 limits.memory=256MiB TasksMax=50
        assert_match "$(berthctl profile show p1)" '# /etc/berth/profiles/p1.conf.*MemoryMax=256M.*TasksMax=50'
        assert_eq "$(berthctl profile get p1 limits.memory)" 256M
        refused "already" berthctl profile create p1
        refused "no name for a profile" berthctl profile create ../x
        refused "MemoryMax: 'lots'" berthctl profile set p1 MemoryMax=lots
        refused "no profile 'nothing'" berthctl profile set nothing MemoryMax=5M
        refused "shipped" berthctl profile delete docker
        expect berthctl profile set p1 limits.processes 60
        expect berthctl profile unset p1 MemoryMax
        expect berthctl profile copy p1 p2
        run_container c1 busybox -p default -p p2
        assert_eq "$(scope c1 TasksMax)" 60
        refused "'p2' is used by 'c1'" berthctl profile delete p2
        expect berthctl profile rename p2 p3
        assert_eq "$(berthctl get c1 Profiles)" 'default p3'
        refused "no profile 'p2'" berthctl profile show p2
        expect berthctl restart c1
        assert_eq "$(scope c1 TasksMax)" 60
        assert_eq "$(berthctl profile list --json=short | jq -c '.[] | select(.name == "p3") | .used_by')" '["c1"]'
        expect berthctl profile remove c1 p3
        assert_eq "$(scope c1 TasksMax)" 16384
        expect berthctl profile delete p3 p1
        expect_fail --message "no profile 'p1'" berthctl profile assign c1 p1
        expect_fail --message "no profile 'p1'" berthctl create busybox c9 -p p1
        assert_state c9 absent
}

# a change reaches the running containers that use it, and those only; what they cannot be given is taken back
test_R73_change_reaches_running_containers() {
        local out
        on_exit 'no_profile p1'
        expect berthctl profile create p1 TasksMax=70
        run_container c1 busybox -p p1
        run_container c2 busybox -p p1 --set TasksMax=80
        run_container c3 busybox
        expect berthctl profile set p1 TasksMax=71 MemoryMax=99M
        assert_eq "$(scope c1 TasksMax) $(scope c2 TasksMax) $(scope c3 TasksMax)" '71 80 16384'
        assert_eq "$(scope c1 MemoryMax) $(scope c2 MemoryMax) $(scope c3 MemoryMax)" '103809024 103809024 infinity'
        out=$(berthctl profile set p1 Environment=X=1 2>&1)
        assert_match "$out" "c1.*c2.*next start"
        expect berthctl profile unset p1 MemoryMax Environment
        assert_eq "$(scope c1 MemoryMax)" infinity
        expect berthctl profile add c3 p1
        assert_eq "$(scope c3 TasksMax)" 71
}

# later ones count more than earlier ones, the container's own more than all, a file of the administrator most; each value's source is named
test_R74_which_counts() {
        on_exit 'no_profile p1; no_profile p2; rm -rf /etc/berth/containers/c1.conf.d; no_directories'
        expect berthctl profile create p1 TasksMax=10 CPUWeight=10 IOWeight=10 Environment='A=1 B=1'
        expect berthctl profile create p2 CPUWeight=20 IOWeight=20 Environment=B=2
        new_container c1 busybox -p p1 -p p2 --set IOWeight=30
        mkdir -p /etc/berth/containers/c1.conf.d
        printf '[Resource]\nMemoryMax=77M\n' >/etc/berth/containers/c1.conf.d/10.conf
        expect berthctl start c1
        assert_eq "$(scope c1 TasksMax) $(scope c1 CPUWeight) $(scope c1 IOWeight) $(scope c1 MemoryMax)" '10 20 30 80740352'
        assert_eq "$(inside c1 sh -c 'echo "$A$B"')" 12
        source_is TasksMax '/etc/berth/profiles/p1.conf:[0-9]*'
        source_is CPUWeight '/etc/berth/profiles/p2.conf:[0-9]*'
        source_is IOWeight '/var/lib/berth/containers/c1/container.conf:[0-9]*'
        source_is MemoryMax '/etc/berth/containers/c1.conf.d/10.conf:2'
        assert_match "$(berthctl show c1 --effective)" 'SETTING.*VALUE.*SOURCE.*Exec.StubInit +no +default'
        assert_match "$(berthctl cat c1)" '# /etc/berth/profiles/p1.conf.*# /etc/berth/profiles/p2.conf.*# /var/lib/berth/containers/c1/container.conf.*# /etc/berth/containers/c1.conf.d/10.conf'
        expect berthctl profile assign c1 p2,p1
        assert_eq "$(scope c1 CPUWeight)" 10
        # A profile that somebody has taken away by hand fails the start by its name.
        expect berthctl stop --force c1
        mv /etc/berth/profiles/p1.conf /etc/berth/profiles/p1.gone
        on_exit 'rm -f /etc/berth/profiles/p1.gone; no_directories'
        start_fails "no profile 'p1'" c1
}

source_is() {
        local source
        source=$(berthctl show c1 --effective --json=short | jq -r --arg k "Resource.$1" '.[] | select(.setting == $k) | .source')
        [[ $source =~ ^$2$ ]] || fail "$1 comes from '$source', should be '$2'"
}

# the default profile is there without asking, and can be left out; one in /etc stands in for the shipped one
test_R75_default_profile() {
        on_exit 'no_profile default'
        new_container c1 busybox
        assert_eq "$(berthctl get c1 Profiles)" default
        new_container c2 busybox --no-profiles
        expect_fail berthctl get c2 Profiles
        expect berthctl profile set default TasksMax=44
        assert_match "$(berthctl profile show default)" '# /etc/berth/profiles/default.conf.*OwnersMayAssign=yes'
        expect berthctl start c1 c2
        assert_eq "$(scope c1 TasksMax) $(scope c2 TasksMax)" '44 16384'
        expect berthctl profile delete default
        assert_eq "$(scope c1 TasksMax)" 16384
        assert_match "$(berthctl profile show default)" '# /usr/lib/berth/profiles/default.conf'
}

# what is really in force: limits also when systemctl has changed them, ids, capabilities, filter, mounts
test_R74_applied() {
        local out
        new_container c1 busybox --set MemoryMax=100M --set NoNewPrivileges=yes --set CapabilityBoundingSet='CAP_KILL CAP_SETUID'
        refused 'not running' berthctl show c1 --applied
        expect berthctl start c1
        expect systemctl set-property berth-c1.scope MemoryMax=90M
        out=$(berthctl show c1 --applied --json=short)
        assert_eq "$(applied MemoryMax in_force)/$(applied MemoryMax setting)" 90M/100M
        assert_eq "$(applied uid-map in_force)" "0 $(uid_base c1) 65536"
        assert_eq "$(applied no-new-privileges in_force)" 1
        assert_eq "$(applied seccomp-mode in_force)" 2
        assert_eq "$(applied capabilities in_force)" 00000000000000a0
        assert_match "$(applied seccomp-program in_force)" 'default\.bpf$'
        assert_match "$(applied cgroup in_force)" '/berth-c1\.scope'
        assert_match "$(jq -r '.[] | select(.what == "mount") | .in_force' <<<"$out")" '/ overlay .*/proc proc '
        assert_match "$(berthctl show c1 --applied)" 'WHAT.*IN FORCE.*SETTING.*MemoryMax +90M +100M'
}

applied() {
        jq -r --arg k "$1" --arg f "$2" '.[] | select(.what == $k) | .[$f] // ""' <<<"$out"
}

# editor COMMAND: the EDITOR of the next calls; runs it with $1 = the file, and counts its calls in calls
editor() {
        printf '#!/bin/sh\nfile=$1\necho >>%s/calls\nn=$(wc -l <%s/calls)\n%s\n' "$TEST_TMP" "$TEST_TMP" "$1" >"$TEST_TMP/editor"
        chmod 755 "$TEST_TMP/editor"
        : >"$TEST_TMP/calls"
        export EDITOR=$TEST_TMP/editor
        unset SYSTEMD_EDITOR VISUAL
}

# edited as a text: comments stay, help is shown and not kept, a running container follows
test_R71_edit() {
        local before
        run_container c1 busybox --set MemoryMax=100M
        editor 'cp "$file" '"$TEST_TMP"'/seen; sed -i "s/^MemoryMax=.*/# mine\nMemoryMax=50M\nTasksMax=40/" "$file"'
        expect berthctl edit c1
        assert_match "$(cat "$TEST_TMP/seen")" 'MemoryMax=100M.*What follows is help.*# .*CPUWeight='
        assert_match "$(cat "$STORE/containers/c1/container.conf")" '# mine'$'\n''MemoryMax=50M'$'\n''TasksMax=40'
        assert_no_match "$(cat "$STORE/containers/c1/container.conf")" 'help'
        assert_eq "$(scope c1 MemoryMax) $(scope c1 TasksMax)" '52428800 40'
        # Unchanged: nothing is done.
        before=$(cksum "$STORE/containers/c1/container.conf"; stat -c %i "$STORE/containers/c1/container.conf")
        editor :
        assert_match "$(berthctl edit c1 2>&1)" 'Nothing was changed'
        assert_eq "$(cksum "$STORE/containers/c1/container.conf"; stat -c %i "$STORE/containers/c1/container.conf")" "$before"
        editor 'sed -i s/50M/60M/ "$file"; exit 3'
        expect_fail --message 'editor.*failed' berthctl edit c1
        assert_eq "$(cksum "$STORE/containers/c1/container.conf"; stat -c %i "$STORE/containers/c1/container.conf")" "$before"
}

# a mistake: the editor opens again with the reason above the line; left as it is, nothing has happened
test_R71_edit_mistake() {
        local before
        new_container c1 busybox --set MemoryMax=100M
        editor 'if [ $n = 1 ]; then sed -i "s/^MemoryMax=.*/MemoryMax=lots/" "$file"; else cp "$file" '"$TEST_TMP"'/again; sed -i s/lots/30M/ "$file"; fi'
        expect berthctl edit c1
        assert_match "$(cat "$TEST_TMP/again")" "### Mistake: .*MemoryMax: 'lots'[^"$'\n'"]*"$'\n'"MemoryMax=lots"
        assert_eq "$(berthctl get c1 MemoryMax)" 30M
        assert_no_match "$(berthctl cat c1)" Mistake
        before=$(cksum "$STORE/containers/c1/container.conf")
        editor 'sed -i "s/^MemoryMax=.*/MemoryMax=lots/" "$file"'
        expect_fail --message "'lots'.*Nothing was changed" berthctl edit c1
        assert_eq "$(wc -l <"$TEST_TMP/calls")" 2
        # Berth's own keys are not to be changed.
        editor 'sed -i "s/^Owner=.*/Owner=1/" "$file"'
        expect_fail --message "Owner.*kept by berth" berthctl edit c1
        # Somebody else was quicker.
        editor 'sed -i s/30M/31M/ "$file"; [ $n != 1 ] || berthctl set c1 Description=quick'
        expect_fail --message 'somebody else' berthctl edit c1
        assert_eq "$(berthctl get c1 MemoryMax)" 30M
        on_exit 'no_profile p1'
        expect berthctl profile create p1 TasksMax=5
        editor 'sed -i "s/TasksMax=5/TasksMax=6/" "$file"'
        expect berthctl profile edit p1
        assert_eq "$(berthctl profile get p1 TasksMax)" 6
        assert_eq "$(find /tmp -maxdepth 1 -name 'berth-*.conf')" ''
}

# every key is in the help
test_R72_help_lists_all() {
        local help
        help=$(berthctl help settings)
        assert_match "$help" 'MemoryMax=.*LXD: limits\.memory'
        assert_match "$help" 'limits\.cpu\.allowance'
        assert_eq "$(berthctl help config)" "$help"
}

# an owner without rights of an administrator: his own keys, by edit too; profiles that have no others, or are marked
test_R73_owner_and_profiles() {
        on_exit 'no_profile mine; no_profile theirs; no_profile marked'
        polkit_rule owner 'if (action.id.indexOf("org.berth1.") == 0 && action.id != "org.berth1.configure-profile" && subject.user == "alice") return polkit.Result.YES;'
        expect berthctl profile create mine TasksMax=33
        expect berthctl profile create theirs MemoryMin=5M
        expect berthctl profile create marked MemoryMin=5M
        printf '\n[Profile]\nOwnersMayAssign=yes\n' >>/etc/berth/profiles/marked.conf
        on_exit 'forget a1'
        expect as alice berthctl create busybox a1 -p default -p mine
        assert_eq "$(berthctl get a1 Profiles)" 'default mine'
        refused "administrator's to assign.*MemoryMin" as alice berthctl profile assign a1 theirs
        refused "administrator's to assign" as alice berthctl set a1 Container.Profiles=mine,theirs
        expect as alice berthctl profile assign a1 mine marked
        refused "Not allowed|authenticat" as alice berthctl profile set mine TasksMax=5
        refused "Not allowed|authenticat" as alice berthctl profile create other
        assert_match "$(as alice berthctl profile list --json=short | jq -r '.[] | select(.name == "theirs") | .owners_may_assign')" no
        # ReplaceSettings knows the same limits.
        local text
        text=$(berthctl cat a1 --no-pager | sed -n '/containers\/a1\/container.conf/,$p' | tail -n +2)
        expect_fail --message "Access denied" as alice busctl call org.berth1 /org/berth1 org.berth1.Manager ReplaceSettings sss a1 "$text"$'\n[Resource]\nMemoryMin=1G\n' "$text"$'\n'
        expect_fail --message "Access denied" as alice busctl call org.berth1 /org/berth1 org.berth1.Manager ReplaceSettings sss a1 "${text/mine marked/theirs}"$'\n' "$text"$'\n'
        expect as alice busctl call org.berth1 /org/berth1 org.berth1.Manager ReplaceSettings sss a1 "$text"$'\n[Resource]\nTasksMax=7\n' "$text"$'\n'
        assert_eq "$(berthctl get a1 TasksMax)" 7
}

# a slice of the administrator's is where the payload is; one that is no slice is refused
test_R88_slice() {
        run_container c1 busybox --set Slice=machine-lab.slice
        assert_eq "$(systemctl show -p Slice --value berth-c1.scope)" machine-lab.slice
        assert_match "$(cat "/proc/$(leader_of c1)/cgroup")" '/machine\.slice/machine-lab\.slice/berth-c1\.scope'
        expect inside c1 true
        expect berthctl stop --force c1
        expect berthctl start c1
        refused "Slice: 'lab.target'" berthctl set c1 Slice=lab.target
        assert_match "$(berthctl unset c1 Slice 2>&1)" 'next start'
        expect berthctl restart --force c1
        assert_eq "$(systemctl show -p Slice --value berth-c1.scope)" machine-berth.slice
}

# dependencies of PID 1's that are not about the start alone
test_R64_upholds_and_propagated_stops() {
        new_container c1 busybox
        new_container c2 busybox --set StopPropagatedFrom=c1
        new_container c3 busybox --set Upholds=c1
        assert_match "$(systemctl show -p StopPropagatedFrom --value berth@c2)" 'berth@c1\.service'
        expect berthctl start c2 c3
        eventually 20 state_is c1 running
        expect berthctl stop --force c1
        eventually 20 state_is c2 stopped
        eventually 20 state_is c1 running
        expect berthctl unset c3 Upholds
}

# credentials of the host's files and of its store; what cannot be read fails the start by its name; their text is in no output
test_R70_load_credential() {
        mkdir -p /etc/credstore
        on_exit 'rm -f /etc/credstore/berth-test /root/secret-file'
        printf 'from the store' >/etc/credstore/berth-test
        printf 'secret-canary\n' >/root/secret-file
        new_container c1 busybox --set SetCredential=a:inline --set SetCredential=b:inline --set LoadCredential=a:/root/secret-file --set LoadCredential=berth-test
        expect berthctl start c1
        assert_eq "$(inside c1 sh -c 'cd /run/host/credentials && for i in *; do echo "$i=$(cat $i) $(stat -c %a:%u $i)"; done')" 'a=secret-canary 400:0
b=inline 400:0
berth-test=from the store 400:0'
        not grep -q canary <<<"$(berthctl info c1; berthctl cat c1; berthctl show --effective c1; journalctl -u berth@c1 -o cat)" || fail 'it is shown'
        printf 'other' >/root/secret-file
        expect berthctl restart --force c1
        assert_eq "$(inside c1 cat /run/host/credentials/a)" other
        expect berthctl stop --force c1
        printf 'a\0b' >/root/secret-file
        start_fails "the credential 'a' has a NUL byte" c1
        rm /root/secret-file
        start_fails "the credential 'a' cannot be read from '/root/secret-file': No such file" c1
        polkit_rule creds 'if (subject.user == "alice") return polkit.Result.YES;'
        expect_fail --message 'administrator' as alice berthctl set c1 LoadCredential=x:/etc/shadow
}

# what is protected is not deleted, running or not, until it is unset; LXD's name for it works
test_R70_protect_delete() {
        run_container c1 busybox
        expect berthctl set c1 security.protection.delete=true
        assert_eq "$(berthctl get c1 ProtectDelete)" yes
        refused "protected from deletion by ProtectDelete=.*berthctl unset c1 ProtectDelete" berthctl delete --force c1
        assert_state c1 running
        expect berthctl stop --force c1
        refused 'protected' berthctl delete c1
        expect berthctl unset c1 ProtectDelete
        expect berthctl delete c1
}

# LXD's newer names for what goes to cloud-init
test_R32_newer_names() {
        new_container c1 busybox --set 'cloud-init.user-data=#cloud-config'
        assert_eq "$(berthctl get c1 user.user-data)" '#cloud-config'
        assert_eq "$(berthctl get c1 cloud-init.user-data)" '#cloud-config'
        expect berthctl unset c1 cloud-init.user-data
        assert_eq "$(berthctl get c1 user.user-data)" ''
}
