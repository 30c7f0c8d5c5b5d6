# shellcheck shell=bash
# guests: busybox
# The manager berth-containerd: comes and goes, is killed, loses nothing.

readonly INTERFACE=org.berth1.Manager
readonly UNIT=berth-containerd.service

setup_file() {
        berthctl import "$(guest busybox)" --alias bb
        berthctl create bb web1
        berthctl start web1
}

teardown_file() {
        berthctl delete --force web1
        berthctl remove-image bb
}

manager_call() {
        busctl --timeout=60 call -- org.berth1 /org/berth1 "$INTERFACE" "$@"
}

manager_pid() {
        systemctl show --property MainPID --value "$UNIT"
}

# idle_after SECONDS: for this test only.
idle_after() {
        mkdir -p /run/systemd/system/$UNIT.d
        printf '[Service]\nExecStart=\nExecStart=/usr/lib/berth/berth-containerd --idle-timeout=%s\n' "$1" \
                >/run/systemd/system/$UNIT.d/idle.conf
        systemctl daemon-reload
        systemctl stop "$UNIT"
        on_exit "rm -r /run/systemd/system/$UNIT.d; systemctl daemon-reload; systemctl stop $UNIT"
}

is_gone() {
        [ "$(systemctl show --property ActiveState --value "$UNIT")" = inactive ]
}

state_of() {
        berthctl --json=short list | jq -r ".[] | select(.name == \"$1\") | .state"
}

leader_of() {
        berthctl --json=short list | jq -r ".[] | select(.name == \"$1\") | .leader"
}

# the manager is started by the first call, and leaves when there is nothing to do
test_R02_starts_on_call_leaves_when_idle() {
        idle_after 1
        is_gone
        expect manager_call ListContainers
        assert_eq "$(systemctl is-active "$UNIT")" active
        wait_until 15 is_gone || fail "it did not leave"
        assert_eq "$(systemctl show --property Result --value "$UNIT")" success
        expect manager_call ListContainers
}

# the manager lets go of a caller's file descriptors when the call has been answered
test_R51_callers_fds_are_closed() {
        local start=$SECONDS output
        expect berthctl create bb idle
        # The substitution ends when nobody has the pipe any more.
        output=$(berthctl exec idle -- true 2>&1) && fail "it ran"
        output+=$(berthctl exec web1 -- echo hello)
        assert_match "$output" 'not running.*hello'
        [ $((SECONDS - start)) -lt 10 ] || fail "it took $((SECONDS - start)) seconds"
        expect berthctl delete idle
}

# no call is lost that comes while the manager leaves
test_R02_no_call_is_lost_when_leaving() {
        local i
        idle_after 1
        for i in 0.90 0.94 0.96 0.98 0.99 1.00 1.00 1.01 1.01 1.02 1.02 1.03 1.04 1.05 1.06 1.08 1.10; do
                manager_call ListContainers >/dev/null || fail "a call after $i seconds got no answer"
                sleep "$i"
        done
}

# a killed manager leaves running containers alone and finds them again
test_R65_killed_manager_finds_containers() {
        local before
        before=$(leader_of web1)
        kill -9 "$(manager_pid)"
        assert_eq "$(leader_of web1)" "$before"
        assert_eq "$(state_of web1)" running
        systemctl stop "$UNIT"
        assert_eq "$(leader_of web1)" "$before"
        expect berthctl exec web1 -- true
}

# the manager sees what systemctl does to containers
test_R65_states_are_those_of_the_units() {
        expect systemctl stop berth@web1
        assert_eq "$(state_of web1)" stopped
        expect systemctl start berth@web1
        assert_eq "$(state_of web1)" running
        # What is still starting makes systemd 257 give up a freeze now and then.
        sleep 1
        wait_until 20 systemctl freeze berth-web1.scope
        assert_eq "$(state_of web1)" frozen
        systemctl stop "$UNIT"
        assert_eq "$(state_of web1)" frozen
        expect_fail --message 'frozen' timeout 20 berthctl exec web1 -- true
        expect systemctl thaw berth-web1.scope
        assert_eq "$(state_of web1)" running
}

# a frozen container can be stopped and deleted
test_F26_frozen_container_stops() {
        expect berthctl create bb cold
        expect berthctl start cold
        expect berthctl freeze cold
        assert_eq "$(state_of cold)" frozen
        expect timeout 60 berthctl stop cold
        expect berthctl start cold
        expect berthctl freeze cold
        expect timeout 20 berthctl delete --force cold
}

# what the state does not allow is refused with a sentence
test_R49_conflicts_are_refused() {
        expect_fail --message 'runs already' berthctl start web1
        expect berthctl create bb idle
        expect_fail --message "'idle' is not running" berthctl stop idle
        expect_fail --message "'idle' is not running" berthctl exec idle -- true
        expect_fail --message "'idle' is not running" berthctl freeze idle
        expect_fail --message 'is running, and is not deleted' berthctl delete web1
        expect_fail --message "container 'web1' already" berthctl create bb web1
        expect_fail --message "no container 'nobody'" berthctl start nobody
        expect_fail --message "no image 'nothing'" berthctl create nothing c2
        expect berthctl delete idle
}

# bad names are refused before anything is done
test_R46_bad_names() {
        local name long
        long=$(printf 'a%.0s' {1..64})
        for name in '-x' 'x-' Web a.b a/b .. %n $'a\nb' "$long" 'web1 ' 'a@b'; do
                expect_fail --message 'cannot be the name' manager_call CreateContainer 'ssasa{sv}' "$name" bb 0 0
                expect_fail --message 'cannot be the name' manager_call StartContainer s "$name"
        done
}

# a container without a name gets one
test_R46_generated_name() {
        local answer name
        answer=$(manager_call CreateContainer 'ssasa{sv}' '' bb 0 0)
        name=$(cut -d'"' -f2 <<<"$answer")
        assert_match "$name" '^[a-z]+-[a-z]+(-[0-9]+)?$'
        expect berthctl delete "$name"
}

# an ephemeral container is gone when it has stopped, however it stopped, and whether or not a manager was there
test_R55_ephemeral() {
        expect manager_call CreateContainer 'ssasa{sv}' brief bb 0 1 ephemeral b true
        assert_eq "$(state_of brief)" stopped "before its first start"
        expect berthctl start brief
        expect berthctl stop brief
        wait_until 10 not_there brief || fail "it is still there"

        expect manager_call CreateContainer 'ssasa{sv}' brief bb 0 1 ephemeral b true
        expect berthctl start brief
        expect berthctl restart brief
        assert_eq "$(state_of brief)" running "after a restart"
        systemctl stop "$UNIT"
        systemctl stop berth@brief
        expect berthctl list
        wait_until 10 not_there brief || fail "it is still there"
}

not_there() {
        [ ! -e "/var/lib/berth/containers/$1" ]
}

# the manager stays while an ephemeral container runs
test_R55_ephemeral_keeps_the_manager() {
        idle_after 1
        expect manager_call CreateContainer 'ssasa{sv}' brief bb 0 1 ephemeral b true
        expect berthctl start brief
        sleep 3
        assert_eq "$(systemctl is-active "$UNIT")" active
        expect systemctl stop berth@brief
        wait_until 10 not_there brief || fail "it is still there"
        wait_until 15 is_gone || fail "the manager did not leave"
}

# the reason of a failed start is told to who asked for it
test_R05_failed_start_says_why() {
        expect berthctl create bb broken
        expect berthctl set broken 'Init=/nowhere/to/be/found'
        expect_fail --message "broken" berthctl start broken
        assert_match "$(journalctl --unit="$UNIT" --since=-30s --output=cat)" "'broken' cannot start"
        assert_eq "$(state_of broken)" failed
        expect berthctl delete broken
}

# a damaged settings file makes one container unusable, not the manager
test_F11_damaged_record() {
        local layer
        expect berthctl create bb hurt
        layer=$(readlink -f /var/lib/berth/containers/hurt/layer)
        [ -d "$layer" ] || fail "$layer is no layer"
        printf '[Container\nno\0thing' >/var/lib/berth/containers/hurt/container.conf
        systemctl stop "$UNIT"
        assert_eq "$(state_of hurt)" stopped
        assert_eq "$(state_of web1)" running
        expect_fail --message hurt berthctl start hurt
        # The manager, when it starts, looks for what nobody needs any more: what cannot be read may need anything.
        sleep 2
        [ -d "$layer" ] || fail 'the files of a container were removed because its settings are damaged'
        expect berthctl delete hurt
        # Acknowledged is that the container has gone; its files go after that.
        wait_until 20 test ! -e "$layer"
}

# introspection shows all arguments with their names
test_R09_introspection_has_named_arguments() {
        local object xml
        for object in /org/berth1 /org/berth1/container/web1; do
                xml=$(busctl introspect --xml-interface org.berth1 "$object")
                assert_match "$xml" '<method name="(ExecContainer|Exec)">'
                if grep -E '<arg ' <<<"$(sed '/org.freedesktop/,/<\/interface>/d' <<<"$xml")" | grep -v ' name="'; then
                        fail "arguments of $object without a name"
                fi
        done
}

# the manager has no capabilities, a filter, no network, and little memory
test_R02_manager_is_confined_and_small() {
        local pid status memory
        manager_call ListContainers >/dev/null
        pid=$(manager_pid)
        status=$(</proc/"$pid"/status)
        assert_match "$status" $'CapEff:\t0000000000000000'
        assert_match "$status" $'CapBnd:\t0000000000000000'
        assert_match "$status" $'NoNewPrivs:\t1'
        assert_match "$status" $'Seccomp:\t2'
        memory=$(awk '/^Private/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
        [ "$memory" -le 3072 ] || fail "private memory of the manager: $memory kB"
        expect systemd-analyze security --no-pager --threshold=20 "$UNIT" >/dev/null
}

# objects appear and go, properties are those of the container
test_R09_objects_and_properties() {
        local tree
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container Name State Unit Scope)" \
                $'s "web1"\ns "running"\ns "berth@web1.service"\ns "berth-web1.scope"'
        tree=$(busctl tree --list org.berth1)
        assert_match "$tree" /org/berth1/container/web1
        assert_match "$tree" /org/berth1/image/
        expect_fail busctl get-property org.berth1 /org/berth1/container/nobody org.berth1.Container Name
        expect berthctl enable web1
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container Enabled)" 'b true'
        assert_eq "$(systemctl is-enabled berth@web1)" enabled
        expect berthctl disable web1
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container Enabled)" 'b false'
}

# a deleted container is not started at the next boot
test_R64_delete_disables() {
        expect berthctl create bb gone
        expect berthctl enable gone
        expect berthctl delete gone
        expect_fail ls /etc/systemd/system/multi-user.target.wants/berth@gone.service
}

# options that do not exist or have the wrong type are refused
test_R09_bad_options() {
        expect_fail --message "Unknown option 'forse'" manager_call StopContainer 'sa{sv}' web1 1 forse b true
        expect_fail --message 'wrong type' manager_call StopContainer 'sa{sv}' web1 1 force s yes
        expect_fail --message 'no signal' manager_call KillContainer ssi web1 all 99
        expect_fail --message "'leader' or to 'all'" manager_call KillContainer ssi web1 everybody 15
        expect_fail manager_call StartContainer ss web1 web1
        assert_eq "$(state_of web1)" running
}

# listing 500 containers is quick, and memory stays small
test_R47_five_hundred_containers() {
        local image i start end pid memory
        image=$(berthctl --json=short list-images | jq -r '.[0].fingerprint')
        on_exit 'rm -rf /var/lib/berth/containers/many-*; systemctl stop berth-containerd'
        for ((i = 0; i < 500; i++)); do
                mkdir -m 0700 "/var/lib/berth/containers/many-$i"
                printf '[Container]\nImage=%s\nOwner=%s\nCreatedUSec=1700000000000000\n' "$image" $((i % 3)) \
                        >"/var/lib/berth/containers/many-$i/container.conf"
        done
        start=$(date +%s%N)
        berthctl --json=short list >list.json
        end=$(date +%s%N)
        say "  # 500 containers listed in $(((end - start) / 1000000)) ms"
        assert_eq "$(jq length list.json)" 501
        pid=$(manager_pid)
        memory=$(awk '/^Private/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
        [ "$memory" -le 3072 ] || fail "private memory of the manager: $memory kB"
}
