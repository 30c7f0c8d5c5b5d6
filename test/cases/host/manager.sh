# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The manager: started when it is needed, gone when it is not, killed at any time without loss; what it says on the bus.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox web1
}

teardown_file() {
        remove_all
}

unit_is() {
        [ "$(systemctl is-active "$1")" = "$2" ]
}

# it is not there until somebody asks, and answers then
test_R02_started_on_first_use() {
        systemctl stop berth-containerd
        assert_eq "$(systemctl is-active berth-containerd)" inactive
        assert_match "$(berthctl list)" 'web1 +running'
        assert_eq "$(systemctl is-active berth-containerd)" active
        # Nothing starts it at boot.
        assert_match "$(systemctl is-enabled berth-containerd 2>/dev/null || true)" 'static|disabled|indirect'
}

# [long] when it has nothing to do, it goes
test_R02_goes_when_idle() {
        expect berthctl list
        eventually 150 unit_is berth-containerd inactive
        assert_eq "$(systemctl show -p Result --value berth-containerd)" success
        expect inside web1 true
}

# it does not go in the middle of something
test_R02_stays_while_it_works() {
        slow_import "$(guest busybox)" --alias again
        sleep 3
        expect systemctl is-active --quiet berth-containerd
        expect berthctl cancel "$(import_job)"
        import_ends
        eventually 60 no_debris
}

# killed: containers do not notice, and the next call finds them with the same leader
test_R65_killed() {
        local leader pid i
        leader=$(leader_of web1)
        for i in 1 2 3; do
                pid=$(manager_pid)
                kill -KILL "$pid"
                assert_match "$(berthctl list)" "web1 +running .*"
                assert_eq "$(leader_of web1)" "$leader" "leader after $i"
                [ "$(manager_pid)" != "$pid" ] || fail "it was not killed"
                expect inside web1 true
        done
        assert_eq "$(systemctl is-active berth@web1 berth-web1.scope | xargs)" 'active active'
}

# killed again and again, it is still there for who asks next
test_R65_killed_often() {
        local i
        for i in {1..12}; do
                berthctl list >/dev/null
                systemctl kill --signal=KILL berth-containerd
        done
        expect berthctl list
        assert_state web1 running
}

# what it logs is in its unit's journal
test_R05_log() {
        on_exit 'forget bad'
        expect_fail berthctl launch busybox bad --set Init=/no/such
        assert_match "$(journalctl -u berth-containerd --since=-1min --output=cat)" "'bad'.*Init="
        assert_match "$(journalctl -u berth@bad --since=-1min --output=cat)" "'bad' cannot start.*Init="
}

# stopped and started again: the same
test_R65_restarted() {
        local leader
        leader=$(leader_of web1)
        expect systemctl restart berth-containerd
        assert_eq "$(leader_of web1)" "$leader"
        assert_state web1 running
        expect systemctl stop berth-containerd
        expect inside web1 true
}

# killed while a container starts, stops or is made: it is one or the other, and works afterwards
test_R65_killed_in_the_middle() {
        local i delay
        for i in {1..12}; do
                delay=$(printf '0.%03d' $((i * 4)))
                berthctl launch busybox "k$i" >/dev/null 2>&1 &
                sleep "$delay"
                systemctl kill --signal=KILL berth-containerd 2>/dev/null || true
                wait $! || true
                on_exit "forget k$i"
        done
        systemctl reset-failed berth-containerd 2>/dev/null || true
        settled() { [ "$(berthctl list --json=short 'k*' | jq '[.[] | select(.state != "running" and .state != "stopped")] | length')" = 0 ] && no_debris; }
        eventually 20 settled
        for i in $(berthctl list --json=short 'k*' | jq -r '.[].name'); do
                [ "$(state_of "$i")" = running ] || expect berthctl start "$i"
                expect inside "$i" true
                expect berthctl stop --force "$i"
                expect berthctl delete "$i"
        done
        assert_eq "$(find "$STORE/uid-leases" -mindepth 1 | wc -l)" 1 "leases, of web1"
}

# killed under a session: the session goes on
test_R65_sessions_survive() {
        local pid rc=0
        berthctl exec web1 -- sh -c 'echo ready; sleep 2; echo done; exit 5' >out 2>&1 &
        pid=$!
        eventually 10 grep -q ready out
        systemctl kill --signal=KILL berth-containerd
        wait "$pid" || rc=$?
        assert_eq "$rc" 5
        grep -q 'done' out
}

# its interface is documented: arguments have names
test_R09_introspection() {
        local xml object
        for object in /org/berth1 /org/berth1/container/web1 "$(busctl tree --list org.berth1 | grep -m 1 '/org/berth1/image/')"; do
                xml=$(busctl call org.berth1 "$object" org.freedesktop.DBus.Introspectable Introspect --json=short | jq -r '.data[0]')
                assert_match "$xml" '<interface name="org\.berth1\.'
                # Only of berth's own interfaces.
                xml=$(awk '/<interface name="org\.berth1/ { own = 1 } own { print } /<\/interface>/ { own = 0 }' <<<"$xml")
                assert_eq "$(grep '<arg ' <<<"$xml" | grep -vc 'name="[a-z_]' || true)" 0 "arguments without a name in $object"
                assert_match "$xml" '<property name='
        done
        assert_match "$(busctl introspect org.berth1 /org/berth1 org.berth1.Manager)" 'CreateContainer +method +ssasa\{sv\}'
}

# properties of a container on the bus, and the signal when one changes
test_R12_properties_and_signals() {
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container State)" 's "running"'
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container Leader)" "u $(leader_of web1)"
        assert_match "$(busctl get-property org.berth1 /org/berth1 org.berth1.Manager Version)" '^s "[0-9]'
        monitor_bus signals
        run_container s1 busybox
        expect berthctl stop --force s1
        expect berthctl delete s1
        # The first and the last thing that is heard of an object are its interfaces.
        removed() { grep -q '"member":"ContainerRemoved"' signals && heard signals 'select(.member == "InterfacesRemoved") | .payload.data[0]' | grep -q '/s1$'; }
        eventually 10 removed
        grep -q '"member":"ContainerNew"' signals
        assert_match "$(heard signals 'select(.member == "PropertiesChanged" and (.path | endswith("/s1"))) | .payload.data[1].State.data // empty' | xargs)" 'running.*stopped'
        assert_eq "$(heard signals 'select(.member == "InterfacesAdded") | .payload.data[0]' | grep -c '/s1$')" 1
        assert_eq "$(heard signals 'select(.member == "InterfacesRemoved") | .payload.data[0]' | grep -c '/s1$')" 1
}

# what is changed behind its back is seen: units by systemctl
test_R12_sees_changes_of_others() {
        new_container s1 busybox
        assert_state s1 stopped
        systemctl start berth@s1
        assert_state s1 running
        systemctl stop berth@s1
        assert_state s1 stopped
}

# errors have names of their own
test_R09_errors_have_names() {
        expect_fail --message 'org\.berth1\.Error\.NoSuchContainer|no container' busctl --json=short call org.berth1 /org/berth1 org.berth1.Manager StartContainer s nosuch
        monitor_bus signals
        expect_fail berthctl start nosuch
        expect_fail berthctl start web1
        expect_fail berthctl create nosuch s1
        expect_fail berthctl create busybox web1
        for name in NoSuchContainer AlreadyRunning NoSuchImage ContainerExists; do
                wait_until 10 grep -q "org.berth1.Error.$name" signals || fail "there was no error $name"
        done
}

# what berthctl does is calls of documented methods, and nothing else
test_R09_everything_is_a_call() {
        local methods called
        methods=$(busctl introspect org.berth1 /org/berth1 org.berth1.Manager | awk '$2 == "method" { sub(/^\./, "", $1); print $1 }')
        monitor_bus calls
        new_container s1 busybox
        berthctl start s1 >/dev/null
        berthctl exec s1 -- true
        berthctl set s1 Description=x
        berthctl stop --force s1
        berthctl delete s1
        eventually 10 grep -q '"DeleteContainer"' calls
        for called in $(heard calls 'select(.type == "method_call" and .interface == "org.berth1.Manager") | .member' | sort -u); do
                grep -q -x "$called" <<<"$methods" || fail "$called is not documented"
        done
        assert_match "$(heard calls 'select(.type == "method_call") | .member' | sort -u | xargs)" 'CreateContainer.*DeleteContainer.*ExecContainer.*StartContainer'
}

# nonsense on the bus: an error, and the manager lives on
test_S95_nonsense_calls() {
        local pid
        berthctl list >/dev/null
        pid=$(manager_pid)
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager NoSuchMethod
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager StartContainer u 5
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager StartContainer
        expect_fail busctl call org.berth1 /org/berth1/container/nosuch org.berth1.Container Start
        expect_fail busctl call org.berth1 /org/berth1/container/_2e_2e org.berth1.Container Start
        expect_fail busctl call org.berth1 /org/berth1/x org.berth1.Manager ListContainers
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager CreateContainer 'ssasa{sv}' s1 busybox 0 1 nosuchoption b true
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager CreateContainer 'ssasa{sv}' s1 busybox 0 1 ephemeral s yes
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager KillContainer ssi web1 everybody 9
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager KillContainer ssi web1 all 0
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager KillContainer ssi web1 all -- -5
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager CancelJob u 4294967295
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager ImportImage 'aha{sv}' 0 0
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager ExecContainer 'sasasa{sv}ah' web1 0 0 0 0
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager StartContainer s "$(head -c 100000 /dev/zero | tr '\0' a)"
        expect_fail busctl set-property org.berth1 /org/berth1/container/web1 org.berth1.Container State s stopped
        assert_eq "$(manager_pid)" "$pid"
        assert_state web1 running
}

# what is in the store and is none of its own does not disturb it
test_F11_strange_files_in_the_store() {
        local file
        mkdir -p "$STORE/containers/UPPER" "$STORE/containers/half" "$STORE/images/notafingerprint" "$STORE/images/$(printf 'a%.0s' {1..64})" "$STORE/trash/77" "$STORE/containers/.new-99"
        : >"$STORE/containers/file"
        ln -s /etc "$STORE/containers/link"
        ln -s ../images/nowhere "$STORE/aliases/dangling"
        on_exit 'rm -rf "$STORE"/containers/{UPPER,half,file,link,.new-99} "$STORE"/images/{notafingerprint,aaaa*} "$STORE/trash/77" "$STORE/aliases/dangling"'
        systemctl kill --signal=KILL berth-containerd
        assert_match "$(berthctl list)" 'web1 +running'
        expect has_image busybox
        assert_no_match "$(berthctl list)" 'UPPER|link|new-99'
        run_container s1 busybox
        forget s1
        # What jobs have left is collected; the rest is none of its business.
        collected() { [ ! -e "$STORE/containers/.new-99" ] && [ ! -e "$STORE/trash/77" ]; }
        eventually 20 collected
        [ -e "$STORE/containers/UPPER" ] || fail "it removed what it did not make"
}

# its own sandbox: no new privileges, a read-only system
test_R65_manager_is_confined() {
        local pid
        berthctl list >/dev/null
        pid=$(manager_pid)
        assert_match "$(<"/proc/$pid/status")" $'NoNewPrivs:\t1'
        assert_match "$(<"/proc/$pid/status")" $'Seccomp:\t2'
        expect_fail nsenter -t "$pid" -m touch /usr/canary
        [ "$(awk '/^Private_(Dirty|Clean)/ { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup")" -lt 3072 ] ||
                fail "private memory: $(grep Private "/proc/$pid/smaps_rollup" | xargs)"
        assert_eq "$(awk '/^CapEff:/ { print $2 }' "/proc/$pid/status" | grep -c '000001ffffffffff')" 0 'all capabilities'
}

# killed with ten jobs at work: what was asked for is done, who waits gets an end or one sentence, and nothing is left
test_F01_killed_with_ten_jobs() {
        local i pids=()
        on_exit 'forget_image ten{1..10}'
        for i in {1..10}; do
                a_rootfs "$i.tar" "file|etc/number|$i"
        done
        for i in {1..10}; do
                { head -c 1000 "$i.tar"; wait_until 200 test -e go; tail -c +1001 "$i.tar"; } | berthctl import - --alias "ten$i" >"out$i" 2>&1 &
                pids+=($!)
        done
        # Not only asked for: of what PID 1 has not heard when the manager dies, nothing becomes.
        eventually 60 ten_units
        kill -KILL "$(manager_pid)"
        # The next one knows them.
        eventually 60 ten_jobs
        touch go
        for i in {1..10}; do
                wait "${pids[i - 1]}" || assert_match "$(<"out$i")" '^berthctl: [^[:cntrl:]]*$' "what import $i says"
        done
        eventually 30 no_debris
        for i in {1..10}; do
                assert_eq "$(cat "$STORE/images/$(image_of "ten$i")/rootfs/etc/number")" "$i"
        done
}

ten_units() {
        [ "$(systemctl list-units --plain --no-legend --full 'berth-job-*' | grep -c 'berth: import ten')" = 10 ]
}

ten_jobs() {
        [ "$(berthctl list-jobs --json=short | jq '[.[] | select(.kind == "import")] | length')" = 10 ]
}
