# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What containers use; one-shot containers; ephemeral ones.
# guests: busybox trixie

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
}

teardown_file() {
        remove_all
}

# usage NAME KEY: of one table, over half a second
usage() {
        berthctl top --once --delay=500ms --json=short "$1" | jq -r --arg key "$2" '.[0][$key]'
}

# the CPU time is the kernel's, and one that works hard is above one that sleeps
test_R97_top_cpu() {
        local before now counted
        run_container idle busybox
        run_container busy busybox
        inside busy sh -c 'while :; do :; done' &
        on_exit "kill $!; wait"
        works() { [ "$(usage busy cpu_percent | cut -d. -f1)" -ge 1 ]; }
        eventually 20 works
        assert_eq "$(berthctl top --once --delay=1s --json=short | jq -r '.[0].name')" busy
        # As much as others leave it; the other one sleeps.
        [ "$(usage idle cpu_percent | cut -d. -f1)" -lt "$(usage busy cpu_percent | cut -d. -f1)" ] || fail "idle: $(usage idle cpu_percent)%, busy: $(usage busy cpu_percent)%"

        # What the method says lies between two looks at the scope itself.
        before=$(sed -n 's/^usage_usec //p' "/sys/fs/cgroup$(systemctl show -p ControlGroup --value berth-busy.scope)/cpu.stat")
        counted=$(busctl --json=short call org.berth1 /org/berth1 org.berth1.Manager GetStatistics s busy | jq -r '.data[1].cpu_usec')
        now=$(sed -n 's/^usage_usec //p' "/sys/fs/cgroup$(systemctl show -p ControlGroup --value berth-busy.scope)/cpu.stat")
        [ "$before" -le "$counted" ] && [ "$counted" -le "$now" ] || fail "$before, $counted, $now"
}

# traffic as the container sees it: what it takes in is in, by the host's end of its interface
test_R97_top_network() {
        local in_before out_before in_after out_after address
        run_container n1 busybox --device eth0,type=nic,nictype=bridged
        statistic() {
                busctl --json=short call org.berth1 /org/berth1 org.berth1.Manager GetStatistics s n1 | jq -r ".data[1].$1"
        }
        # A name that the guest gives to something of its own changes nothing.
        inside n1 ip link add dummy0 type dummy || true
        inside n1 ip address add 10.99.99.2/24 dev eth0
        ip address add 10.99.99.1/24 dev berthbr0
        on_exit 'ip address del 10.99.99.1/24 dev berthbr0'
        eventually 10 ping -c1 -W1 10.99.99.2
        in_before=$(statistic net_in_bytes) out_before=$(statistic net_out_bytes)
        inside n1 sh -c 'nc -l -p 9 >/dev/null' &
        eventually 20 eval "inside n1 netstat -ltn | grep -q ':9 '"
        address=10.99.99.2
        head -c 3000000 /dev/zero | timeout 10 bash -c "cat >/dev/tcp/$address/9"
        wait
        in_after=$(statistic net_in_bytes) out_after=$(statistic net_out_bytes)
        [ $((in_after - in_before)) -ge 3000000 ] || fail "in: $in_before, $in_after"
        [ $((out_after - out_before)) -lt 1500000 ] || fail "out: $out_before, $out_after"
        [ $((out_after - out_before)) -gt 0 ] || fail "nothing out"
}

# on a terminal it is live: keys sort and leave; the terminal is as before
test_R97_top_keys() {
        local out
        run_container c1 busybox
        run_container c2 busybox
        out=$( (sleep 1; printf 'm'; sleep 0.4; printf 'p'; sleep 0.6; printf 'q') | script -qec 'stty rows 24 cols 100; stty -g >before; berthctl top --delay=300ms; echo left $?; stty -g >after' /dev/null | tr -d '\r')
        assert_match "$out" 'CPU%.*MEMORY.*TASKS'
        assert_match "$out" '2 containers run, by cpu'
        assert_match "$out" 'by memory'
        assert_match "$out" 'by name'
        assert_match "$out" 'left 0'
        cmp before after || fail "the terminal is not as it was"
        # Not a terminal: a table, once.
        assert_eq "$(berthctl top --delay=200ms | grep -c '^c[12] ')" 2
        assert_eq "$(berthctl top --delay=200ms -n 3 --json=short c1 | wc -l)" 3
        assert_eq "$(berthctl top --once --delay=200ms --json=short 'c*' --sort=name | jq -c 'map(.name)')" '["c1","c2"]'
        refused 'size' berthctl top --sort=size
        refused 'soon' berthctl top --delay=soon
}

# users see what is theirs
test_R97_top_of_users() {
        run_container c1 busybox
        assert_eq "$(as alice berthctl top --once --delay=100ms --json=short)" '[]'
        refused 'c1' as alice busctl call org.berth1 /org/berth1 org.berth1.Manager GetStatistics s c1
        berthctl stop --force c1
        refused 'c1' busctl call org.berth1 /org/berth1 org.berth1.Manager GetStatistics s c1
}

# a command in a container of its own: its output, its exit code, and nothing stays
test_R55_run() {
        local before rc
        before=$(berthctl list --json=short)
        assert_eq "$(berthctl run busybox -- echo hi there)" 'hi there'
        assert_eq "$(echo up | berthctl run busybox r1 -- tr a-z A-Z)" UP
        for code in 0 3 255; do
                rc=0
                berthctl run busybox sh -c "exit $code" || rc=$?
                assert_eq "$rc" "$code" 'exit code'
        done
        rc=0
        berthctl run busybox -- sh -c 'kill -9 $$' || rc=$?
        assert_eq "$rc" 137
        rc=0
        berthctl run busybox -- /no/such/program 2>/dev/null || rc=$?
        assert_eq "$rc" 127
        rc=0
        berthctl run busybox -- /etc/passwd 2>/dev/null || rc=$?
        assert_eq "$rc" 126
        assert_eq "$(berthctl list --json=short)" "$before"
        assert_eq "$(berthctl run busybox -E A=b -u 1000 --cwd /tmp -- sh -c 'echo $A $(id -u) $PWD')" 'b 1000 /tmp'
        # It has the settings it is given, and a container's name.
        assert_eq "$(berthctl run --set Hostname=some busybox r2 -- hostname)" some
        assert_eq "$(berthctl run --name=r3 busybox hostname)" r3
        # A terminal of its own.
        assert_match "$(script -qec 'berthctl run busybox -- tty' /dev/null </dev/null)" '/dev/pts/'
        assert_eq "$(berthctl list --json=short)" "$before"
        assert_match "$(journalctl -b -u berth@r3.service --no-pager)" "command in container 'r3' ended with status 0"
}

# make_ephemeral NAME USEC: as a client that dies before it starts what it has made.
make_ephemeral() {
        on_exit "forget '$1'"
        busctl call org.berth1 /org/berth1 org.berth1.Manager CreateContainer 'ssasa{sv}' "$1" busybox 0 2 ephemeral b true start_within_usec t "$2"
}

# who dies between making and starting leaves nothing for long; what waits for its first start on purpose, or is on its way, stays
test_R55_run_dies_before_the_start() {
        new_container waits busybox --ephemeral
        make_ephemeral soon 600000000
        make_ephemeral gone 1000000
        make_ephemeral ran 1500000
        expect berthctl start ran
        sleep 2
        systemctl stop berth-containerd
        berthctl list >&2
        eventually 10 state_is gone absent
        assert_state waits stopped
        assert_state soon stopped
        assert_state ran running
        expect berthctl start waits
        # it was on its way when the host went down: a boot is the end of every client
        sed -i 's/^CreatedUSec=.*/CreatedUSec=1000000/' "$STORE/containers/soon/container.conf"
        systemctl stop berth-containerd
        berthctl list >&2
        eventually 10 state_is soon absent
        # run and launch say so, create does not
        on_exit 'forget r1'
        berthctl run busybox r1 -- sh -c 'sleep 5' &
        eventually 10 state_is r1 running
        expect grep -q '^StartBeforeUSec=' "$STORE/containers/r1/container.conf"
        expect_fail grep -q '^StartBeforeUSec=' "$STORE/containers/waits/container.conf"
        wait "$!"
}

# what cannot be created or started leaves nothing, and is 125
test_R55_run_fails() {
        local before rc
        before=$(berthctl list --json=short)
        for options in 'nosuch -- true' 'busybox -- ' '--set MemoryMax=lots busybox -- true' '--device d,type=disk,source=/no/such,path=/mnt busybox -- true'; do
                [ "$options" != 'busybox -- ' ] || continue
                rc=0
                # shellcheck disable=SC2086 # words
                berthctl run $options 2>/dev/null || rc=$?
                assert_eq "$rc" 125 "berthctl run $options"
                assert_eq "$(berthctl list --json=short)" "$before" "after berthctl run $options"
        done
        refused 'name' berthctl run --name=a busybox b -- true
}

# signals go to the command; without its user it goes as well
test_R55_run_signals() {
        local pid rc=0
        berthctl run busybox r1 -- sh -c 'trap "echo got; exit 5" INT; echo ready; while :; do sleep 0.1; done' >out &
        pid=$!
        eventually 20 grep -q ready out
        assert_state r1 running
        kill -INT "$pid"
        wait "$pid" || rc=$?
        assert_eq "$rc" 5
        assert_match "$(cat out)" got
        assert_state r1 absent

        berthctl run busybox r1 -- sh -c 'echo ready; sleep 1000' >out &
        pid=$!
        eventually 20 grep -q ready out
        kill -KILL "$pid"
        wait "$pid" || true
        eventually 20 state_is r1 absent
}

# --keep keeps it, as any other; --detach does not wait
test_R55_run_keep_and_detach() {
        local name rc=0
        on_exit 'forget kept gone'
        berthctl run --keep busybox kept -- sh -c 'echo x >/root/x; exit 4' || rc=$?
        assert_eq "$rc" 4
        assert_state kept stopped
        expect berthctl start kept
        assert_eq "$(inside kept cat /root/x)" x

        name=$(berthctl run --detach busybox -- sh -c 'sleep 1; exit 6')
        assert_state "$name" running
        eventually 20 state_is "$name" absent
        assert_match "$(journalctl -b -u "berth@$name.service" --no-pager)" 'ended with status 6'
        rc=0
        berthctl run -d --name=gone --device d,type=disk,source=/no/such,path=/mnt busybox -- /bin/true 2>/dev/null || rc=$?
        assert_eq "$rc" 125
        assert_state gone absent
}

# processes that lose their parent are reaped
test_R55_run_reaps() {
        assert_eq "$(berthctl run busybox -- sh -c 'for i in 1 2 3; do (sleep 0.1 &); done; sleep 1; ps -o stat | grep -c "^Z"; true')" 0
}

# settings of all of the host: set, shown with their file, taken back; durable, at once
test_R87_server_settings() {
        on_exit 'rm -rf /etc/berth/berth.conf /etc/berth/berth.conf.d; berthctl get-server >/dev/null'
        assert_eq "$(berthctl get-server JobsPerUserMax)" 16
        expect berthctl set-server JobsPerUserMax=3 DefaultProfiles='default other'
        assert_eq "$(berthctl get-server JobsPerUserMax)" 3
        assert_match "$(cat /etc/berth/berth.conf)" 'JobsPerUserMax=3'
        assert_match "$(berthctl get-server)" 'JobsPerUserMax +3 +/etc/berth/berth.conf'
        systemctl stop berth-containerd
        assert_eq "$(berthctl get-server JobsPerUserMax)" 3
        # An administrator's file beside it counts more, and says so.
        mkdir -p /etc/berth/berth.conf.d
        printf '[Server]\nJobsPerUserMax=5\n' >/etc/berth/berth.conf.d/50-mine.conf
        assert_match "$(berthctl get-server)" 'JobsPerUserMax +5 +/etc/berth/berth.conf.d/50-mine.conf'
        expect berthctl unset-server JobsPerUserMax DefaultProfiles
        rm /etc/berth/berth.conf.d/50-mine.conf
        assert_eq "$(berthctl get-server JobsPerUserMax)" 16
        assert_match "$(berthctl help server)" 'ContainersPerUserMax'
}

# what is wrong somewhere changes nothing
test_R87_server_settings_refused() {
        local key
        on_exit 'rm -f /etc/berth/berth.conf'
        for key in ContainersMax=0 ContainersMax=many ContainersMax=99999 IdleExitSec=soon IdleExitSec=-1 SpareWorker=maybe DefaultProfiles=a/b \
                BridgeSubnet=10.0.0.0 BridgeSubnet=1.2.3.4/40 NoSuchKey=1; do
                refused "${key%%=*}" berthctl set-server JobsPerUserMax=4 "$key"
                [ ! -e /etc/berth/berth.conf ] || fail "'$key' left a file"
        done
        refused 'ContainersMax' berthctl set-server ContainersMax=$'5\n[Other]'
        refused 'NoSuchKey' berthctl unset-server NoSuchKey
        refused '' as alice berthctl --no-ask-password set-server ContainersMax=5
}

# each of them has its effect
test_R87_server_settings_work() {
        local spare
        on_exit 'rm -f /etc/berth/berth.conf; polkit_revoke server; forget a b; berthctl profile delete small; rmdir --ignore-fail-on-non-empty /etc/berth/profiles; berthctl get-server >/dev/null'
        expect berthctl profile create small UMask=0077
        expect berthctl set-server DefaultProfiles='default small' ContainersPerUserMax=1
        new_container a busybox
        assert_eq "$(berthctl get a Profiles)" 'default small'
        polkit_rule server 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'forget c d'
        expect as alice berthctl create busybox c
        refused 'most a user can have' as alice berthctl create busybox d
        expect berthctl set-server ContainersMax=2
        refused 'most there can be' berthctl create busybox b
        expect berthctl unset-server ContainersMax DefaultProfiles ContainersPerUserMax
        new_container b busybox
        assert_eq "$(berthctl get b Profiles)" default

        # The manager leaves when it is told to.
        spare=$(manager_pid)
        expect berthctl set-server IdleExitSec=2s
        wait_until 20 sh -c "! kill -0 $spare 2>/dev/null" || fail "the manager is still there"
        expect berthctl set-server IdleExitSec=infinity
        spare=$(manager_pid)
        sleep 4
        assert_eq "$(manager_pid)" "$spare"
}

# the network that berthbr0 is made with
test_R87_bridge_subnet() {
        forget_bridge() {
                ip link del berthbr0 2>/dev/null || true
                rm -f /etc/berth/berth.conf
        }
        on_exit forget_bridge
        forget_bridge
        expect berthctl set-server BridgeSubnet=10.77.5.0/24
        run_container c1 busybox --device eth0,type=nic,nictype=bridged
        bridge_has() {
                grep -q '10\.77\.5\.1/24' <<<"$(ip address show berthbr0)"
        }
        eventually 20 bridge_has
}

# what is tried is there on this host; what is not is named, with what to do
test_R04_check() {
        local json rc=0
        expect berthctl check
        json=$(berthctl check --json=short)
        for name in systemd manager user-namespaces namespaces overlayfs idmapped-mounts cgroup2 seccomp-notify links; do
                assert_eq "$(jq -r --arg n "$name" '.[] | select(.check == $n) | .result' <<<"$json")" ok "$name"
        done
        # Where nobody may make user namespaces.
        systemd-run --quiet --wait --pipe --collect -p RestrictNamespaces=~user berthctl check --json=short >out || rc=$?
        assert_eq "$rc" 1
        for name in user-namespaces namespaces overlayfs; do
                assert_eq "$(jq -r --arg n "$name" '.[] | select(.check == $n) | .result' out)" missing "$name"
        done
        # A file system that has no idmapped mounts is no place for the store; a host without the names of containers.
        sed -i.before 's/ mymachines//' /etc/nsswitch.conf
        on_exit 'mv /etc/nsswitch.conf.before /etc/nsswitch.conf'
        assert_match "$(berthctl check)" 'nss-mymachines: .*'
        assert_eq "$(berthctl check --json=short | jq -r '.[] | select(.check == "nss-mymachines") | .result')" missing
        # Nothing stays of what was tried.
        assert_eq "$(ip -o link show type veth | wc -l)" 0
        # A user learns what he can.
        assert_eq "$(as alice berthctl check --json=short | jq -r '.[] | select(.check == "idmapped-mounts") | .result')" unknown
}

# a preseed as LXD has it brings about what it says, twice as once
test_R03_preseed() {
        on_exit 'rm -rf /etc/berth/berth.conf; forget c1; berthctl profile delete small >/dev/null 2>&1; rm -f /etc/berth/profiles/default.conf; rmdir --ignore-fail-on-non-empty /etc/berth/profiles; berthctl get-server >/dev/null'
        cat >seed.yaml <<EOF
config:
  ContainersPerUserMax: 7
  DefaultProfiles: default small
networks:
- name: berthbr0
  type: bridge
  config:
    ipv4.address: 10.44.3.1/24
    ipv4.nat: "true"
    ipv6.address: auto
storage_pools:
- name: default
  driver: dir
profiles:
- name: default
  description: of all
  devices:
    root: {path: /, pool: default, type: disk}
    eth0: {type: nic, network: berthbr0, name: eth0}
- name: small
  config:
    limits.processes: "77"
    user.colour: red
    Environment: ["A=1", "'B=two words'"]
EOF
        expect berthctl init --preseed <seed.yaml
        assert_eq "$(berthctl get-server ContainersPerUserMax)" 7
        assert_eq "$(berthctl get-server BridgeSubnet)" 10.44.3.1/24
        assert_eq "$(berthctl profile get small TasksMax)" 77
        assert_eq "$(berthctl profile get small user.colour)" red
        assert_match "$(berthctl profile list)" 'default +of all'
        berthctl create busybox c1
        assert_match "$(berthctl cat c1 --effective)" 'TasksMax=77'
        assert_eq "$(berthctl device get c1 eth0 parent)" berthbr0
        # The second time there is nothing to do.
        find /etc/berth -type f -printf '%p %i %T@\n' | sort >before
        expect berthctl init --preseed <seed.yaml
        find /etc/berth -type f -printf '%p %i %T@\n' | sort >after
        assert_eq "$(grep profiles after)" "$(grep profiles before)"
        # What is there is a preseed, too, and brings about the same.
        berthctl init --dump >dumped.yaml
        assert_match "$(cat dumped.yaml)" 'ContainersPerUserMax: "7"'
        expect berthctl delete c1
        expect berthctl unset-server ContainersPerUserMax DefaultProfiles BridgeSubnet
        expect berthctl profile delete small
        expect berthctl init --preseed <dumped.yaml
        assert_eq "$(berthctl profile get small user.colour)" red
        assert_eq "$(berthctl get-server ContainersPerUserMax)" 7
        assert_eq "$(berthctl init --dump | sort)" "$(sort dumped.yaml)"
}

# wrong somewhere: nothing is changed, and the place is named
test_R03_preseed_all_or_nothing() {
        local before text
        no_preseed() {
                before=$(berthctl init --dump)
                printf '%b' "config: {ContainersMax: 9}\nprofiles:\n- name: fine\n  config: {limits.processes: 5}\n$2" >bad.yaml
                refused "$1" sh -c 'berthctl init --preseed <bad.yaml'
                assert_eq "$(berthctl init --dump)" "$before" "after $1"
                [ ! -e /etc/berth/berth.conf ] && [ ! -e /etc/berth/profiles/fine.conf ] || fail "'$1' left something"
        }
        no_preseed 'line 5.*no/name' '- name: no/name\n'
        no_preseed 'limits.nothing' '- name: b\n  config: {limits.nothing: 1}\n'
        no_preseed 'TasksMax' '- name: b\n  config: {TasksMax: lots}\n'
        no_preseed 'lxdbr7' '- name: b\n  devices: {eth0: {type: nic, network: lxdbr7}}\n'
        no_preseed 'ceph' 'storage_pools: [{name: tank, driver: ceph}]\n'
        no_preseed 'no storage pool .tank' '- name: default\n  devices: {root: {type: disk, path: /, pool: tank}}\n'
        no_preseed 'cluster' 'cluster: {enabled: true}\n'
        no_preseed 'ipv4.firewall' 'networks: [{name: berthbr0, type: bridge, config: {ipv4.firewall: true}}]\n'
        no_preseed 'line 5' '\t- x\n'
        no_preseed 'nonsense' 'nonsense: 1\n'
        # What fails when it is done is undone: a profile that is not there cannot be anybody's default, but a limit is the last step.
        polkit_rule init 'if (subject.user == "alice" && action.id == "org.berth1.configure-profile") return polkit.Result.YES;'
        printf 'config: {ContainersMax: 9}\nprofiles:\n- name: fine\n  config: {limits.processes: 5}\n' >bad.yaml
        chmod 644 bad.yaml
        text=$(as alice berthctl --no-ask-password init --preseed <bad.yaml 2>&1 || true)
        assert_match "$text" 'Nothing was changed'
        [ ! -e /etc/berth/berth.conf ] && [ ! -e /etc/berth/profiles/fine.conf ] || fail "something was left"
        rmdir --ignore-fail-on-non-empty /etc/berth/profiles
}

# questions with defaults; an answer that makes no sense is asked for again
test_R03_init_asks() {
        on_exit 'rm -f /etc/berth/berth.conf; berthctl get-server >/dev/null'
        assert_match "$(printf '\n\n\n\n' | berthctl init)" 'as it was'
        [ ! -e /etc/berth/berth.conf ] || fail "it was changed"
        expect_fail sh -c 'printf "10.5.6.0/24\n" | berthctl init'
        [ ! -e /etc/berth/berth.conf ] || fail "it was changed"
        assert_match "$(printf 'nonsense\n10.5.6.0/24\nmany\n12\n\n\nyes\n' | berthctl init)" 'nonsense'
        assert_eq "$(berthctl get-server BridgeSubnet)" 10.5.6.0/24
        assert_eq "$(berthctl get-server ContainersPerUserMax)" 12
        expect berthctl init --auto
        # LXD's other meaning of it.
        on_exit 'forget i1'
        expect berthctl init busybox i1
        assert_state i1 stopped
}

# one container waits for another that says when it is ready, and does not where that is not asked for
test_R64_one_waits_for_another_to_be_ready() {
        new_container db trixie
        new_container web busybox --set Requires=berth@db.service --set After=berth@db.service
        expect berthctl start web
        # A systemd says so when its boot is done.
        assert_match "$(systemctl -M db is-system-running)" '^(running|degraded)$'
        [ "$(systemctl show -p InactiveExitTimestampMonotonic --value berth@web)" -ge "$(systemctl show -p ActiveEnterTimestampMonotonic --value berth@db)" ] || fail "web did not wait"

        expect berthctl stop --force db
        eventually 30 state_is web stopped
        expect berthctl set db NotifyReady=no
        expect berthctl start web
        assert_no_match "$(timeout 5 systemctl -M db is-system-running 2>/dev/null || true)" '^running$'
}
