# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The life of a container: create, launch, start, stop, restart, kill, freeze, delete, lists, settings. The guest is busybox.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# STUBBORN: a payload that does not stop when asked, in options of create.
STUBBORN=(--set 'Init=/bin/sh -c "trap : TERM INT HUP USR1 USR2 PWR; while :; do sleep 1; done"')

# launch is create and start: when it returns, the guest runs
test_R45_launch() {
        run_container c1 busybox
        assert_state c1 running
        assert_eq "$(inside c1 cat /proc/1/comm)" init
        assert_match "$(tr '\0' ' ' <"/proc/$(leader_of c1)/cmdline")" 'init'
        expect systemctl is-active --quiet berth@c1.service berth-c1.scope
}

# launch by the fingerprint's first digits
test_R45_launch_by_fingerprint() {
        run_container c1 "$(image_of busybox | cut -c1-12)"
        assert_eq "$(field c1 image)" "$(image_of busybox)"
}

# a launch that fails leaves the container for a look, and says so
test_R45_launch_that_fails() {
        on_exit 'forget c1'
        expect_fail --message "'c1'.*(kept|berthctl)" berthctl launch busybox c1 --set Init=/no/such/init
        assert_match "$(state_of c1)" 'stopped|failed'
        expect berthctl set c1 Init=/sbin/init
        expect berthctl start c1
}

# create only makes it
test_R46_create() {
        new_container c1 busybox
        assert_state c1 stopped
        assert_eq "$(leader_of c1)" 0
        assert_eq "$(systemctl is-active berth@c1)" inactive
        assert_eq "$(machinectl list --no-legend)" ''
}

# without a name one is made up and printed
test_R46_generated_name() {
        local name other
        name=$(berthctl create busybox)
        on_exit "forget '$name'"
        other=$(berthctl create busybox)
        on_exit "forget '$other'"
        assert_match "$name" '^[a-z][a-z0-9]*(-[a-z0-9]+)+$'
        [ "$name" != "$other" ] || fail "the same name twice"
        assert_state "$name" stopped
}

# create copies nothing: the size of the image makes no difference
test_R46_create_is_constant() {
        local i
        mkdir -p r/etc r/many
        tar -C r -xf "$(guest busybox)"
        for i in {1..3000}; do
                echo "$i" >"r/many/$i"
        done
        head -c 200M /dev/urandom >r/big
        tar -C r -cf f.tar .
        on_exit 'forget_image big'
        expect berthctl import f.tar --alias big
        new_container c1 big
        [ "$(find "$STORE/containers/c1" | wc -l)" -lt 20 ] || fail "$(find "$STORE/containers/c1" | wc -l) files were made"
        [ "$(du -sk "$STORE/containers/c1" | cut -f1)" -lt 200 ] || fail "it takes $(du -sk "$STORE/containers/c1")"
        expect berthctl start c1
        assert_eq "$(inside c1 sh -c 'ls /many | wc -l')" 3000
        [ "$(find "$STORE/containers/c1" | wc -l)" -lt 40 ] || fail "a start copies files"
        forget c1
}

# name, state, image, owner; aligned; a filter; a heading and a total; JSON
test_R47_list() {
        local text
        new_container c1 busybox
        run_container c2-with-a-long-name busybox
        text=$(berthctl list)
        assert_match "$text" '^NAME +STATE +TYPE +OS +ADDRESSES +IMAGE +LEADER +OWNER'
        assert_match "$text" 'c1 +stopped'
        assert_match "$text" "c2-with-a-long-name +running .* $(leader_of c2-with-a-long-name) +root"
        assert_match "$text" '2 containers'
        # Columns begin where their heading does.
        assert_eq "$(grep -b -o stopped <<<"$(grep '^c1 ' <<<"$text")" | cut -d: -f1)" "$(grep -b -o STATE <<<"$(head -n 1 <<<"$text")" | cut -d: -f1)"
        assert_no_match "$(berthctl list --no-legend)" 'NAME|containers'
        assert_eq "$(berthctl list --no-legend | wc -l)" 2
        assert_eq "$(berthctl list --json=short | jq -r '[.[].name] | join(" ")')" 'c1 c2-with-a-long-name'
        assert_eq "$(berthctl list --json=short 'c2*' | jq length)" 1
        assert_eq "$(berthctl list --json=short 'zz*' | jq length)" 0
        ! grep -q $'\e' <<<"$text" || fail "colours without a terminal"
        script -qec 'berthctl list --no-pager' typescript </dev/null >/dev/null
        grep -q $'\e\\[.*running' typescript || fail "no colour on a terminal: $(cat -v typescript)"
}

# what there is to know about one
test_R48_status_show_info() {
        local text
        run_container c1 busybox --set Description='for looking at'
        text=$(berthctl status c1)
        assert_match "$text" c1
        assert_match "$text" "$(leader_of c1)"
        assert_match "$text" running
        assert_match "$text" 'for looking at'
        assert_match "$text" "$(image_of busybox | cut -c1-12)"
        assert_match "$text" 'berth-c1\.scope|berth@c1\.service'
        text=$(berthctl show c1)
        assert_match "$text" 'State=running'
        assert_match "$text" "Leader=$(leader_of c1)"
        assert_match "$text" "UIDBase=$(uid_base c1)"
        assert_match "$text" 'Unit=berth@c1\.service'
        assert_match "$text" 'Scope=berth-c1\.scope'
        assert_eq "$(berthctl show c1 -p Image --value)" "$(image_of busybox)"
        assert_eq "$(berthctl show c1 -p Owner --value)" 0
        assert_match "$(berthctl show c1 -p OperatingSystem)" busybox
        text=$(berthctl info c1)
        assert_match "$text" running
        assert_match "$text" x86_64\|amd64
}

# the log of its start
test_R07_info_show_log() {
        on_exit 'forget c1'
        expect_fail berthctl launch busybox c1 --set Init=/no/such/init
        assert_match "$(berthctl info c1 --show-log)" "'c1' cannot start.*Init="
        assert_match "$(journalctl -u berth@c1 --output=cat)" "'c1' cannot start"
}

# start, stop and start again: what was written is there
test_R49_start_stop() {
        new_container c1 busybox
        expect berthctl start c1
        inside c1 sh -c 'echo hello >/root/f'
        expect berthctl stop c1
        assert_state c1 stopped
        assert_eq "$(systemctl is-active berth@c1.service)" inactive
        assert_eq "$(systemctl is-active berth-c1.scope)" inactive
        expect berthctl start c1
        assert_eq "$(inside c1 cat /root/f)" hello
}

# a clean stop runs what the guest wants to do at its end
test_R49_stop_is_clean() {
        run_container c1 busybox
        inside c1 sh -c 'echo "::shutdown:/bin/touch /root/clean" >>/etc/inittab; kill -HUP 1; sleep 0.3'
        expect berthctl stop c1
        [ -e "$STORE/containers/c1/layer/upper/root/clean" ] || fail "the guest was not shut down, but killed"
        # The control: a forced stop does not.
        rm "$STORE/containers/c1/layer/upper/root/clean"
        expect berthctl start c1
        expect berthctl stop --force c1
        [ ! -e "$STORE/containers/c1/layer/upper/root/clean" ] || fail "a forced stop was clean"
}

# a clean stop that takes too long is forced
test_R49_stop_timeout() {
        local took
        run_container c1 busybox "${STUBBORN[@]}"
        took=$(seconds expect berthctl stop --timeout=2 c1)
        assert_state c1 stopped
        [ "$took" -ge 2 ] && [ "$took" -lt $((12 * ${BERTH_TEST_SLOW:-1})) ] || fail "it took $took s"
        # The container's own patience.
        expect berthctl set c1 TimeoutStopSec=2
        expect berthctl start c1
        took=$(seconds expect berthctl stop c1)
        [ "$took" -ge 2 ] && [ "$took" -lt $((12 * ${BERTH_TEST_SLOW:-1})) ] || fail "it took $took s"
        assert_state c1 stopped
        assert_eq "$(systemctl show -p Result --value berth@c1)" success
}

# TimeoutStopSec=infinity of a container is that, whatever its unit has
test_R49_stop_without_end() {
        mkdir -p /etc/systemd/system/berth@c1.service.d
        on_exit 'rm -rf /etc/systemd/system/berth@c1.service.d; systemctl daemon-reload'
        printf '[Service]\nTimeoutStopSec=1\n' >/etc/systemd/system/berth@c1.service.d/quick.conf
        systemctl daemon-reload
        run_container c1 busybox --set NotifyReady=no --set TimeoutStopSec=infinity \
                --set "Init=/bin/sh -c \"trap 'sleep 4; touch /root/clean; exit' TERM; touch /root/set-up; while :; do sleep 0.1; done\""
        eventually 10 test -e "$STORE/containers/c1/layer/upper/root/set-up"
        expect berthctl stop c1
        assert_eq "$(systemctl show -p Result --value berth@c1)" success
        [ -e "$STORE/containers/c1/layer/upper/root/clean" ] || fail "it was killed"
}

# forced at once
test_R49_stop_force() {
        local took leader
        run_container c1 busybox "${STUBBORN[@]}"
        leader=$(leader_of c1)
        took=$(seconds expect berthctl stop --force c1)
        assert_state c1 stopped
        [ "$took" -le $((3 * ${BERTH_TEST_SLOW:-1})) ] || fail "it took $took s"
        [ ! -e "/proc/$leader" ] || fail "the leader is still there"
        run_container c2 busybox "${STUBBORN[@]}"
        expect berthctl terminate c2
        assert_state c2 stopped
}

# poweroff is stop
test_R49_poweroff() {
        run_container c1 busybox
        expect berthctl poweroff c1
        assert_state c1 stopped
}

# several at once; one that is wrong does not keep the others from it
test_R49_several_names() {
        new_container c1 busybox
        new_container c2 busybox
        expect berthctl start c1 c2
        assert_state c1 running
        assert_state c2 running
        expect_fail --message "'nosuch'" berthctl stop c1 nosuch c2
        assert_state c1 stopped
        assert_state c2 stopped
        expect berthctl delete c1 c2
        assert_state c2 absent
}

# restart: another leader, the same container
test_R49_restart() {
        local leader base uuid
        run_container c1 busybox
        leader=$(leader_of c1)
        base=$(uid_base c1)
        uuid=$(berthctl show c1 -p UUID --value)
        inside c1 touch /root/f /tmp/t
        expect berthctl restart c1
        assert_state c1 running
        [ "$(leader_of c1)" != "$leader" ] || fail "the leader is the old one"
        assert_eq "$(uid_base c1)" "$base"
        assert_eq "$(berthctl show c1 -p UUID --value)" "$uuid"
        expect inside c1 test -e /root/f
        expect berthctl restart --force c1
        assert_state c1 running
        # With no patience at all.
        leader=$(leader_of c1)
        expect berthctl restart --timeout=0 c1
        assert_state c1 running
        [ "$(leader_of c1)" != "$leader" ] || fail "the leader is the old one"
        expect inside c1 true
}

# restart, with no patience, of one that does not stop
test_R49_restart_at_once() {
        run_container c1 busybox "${STUBBORN[@]}" --set TimeoutStopSec=infinity
        expect berthctl restart --timeout=0 c1
        expect berthctl restart --timeout=1 c1
        assert_state c1 running
        expect berthctl stop --force c1
}

# reboot of the guest: the unit stays, the leader changes
test_R49_reboot() {
        local leader
        run_container c1 busybox
        leader=$(leader_of c1)
        expect berthctl reboot c1
        eventually 20 has_rebooted c1 "$leader"
        expect inside c1 true
}

# a signal to the leader, or to all
test_R49_kill() {
        run_container c1 busybox --set 'Init=/bin/sh -c "trap \"echo got >/root/got\" USR1; sleep 1000 & while :; do wait; done"'
        expect berthctl kill -s USR1 --kill-whom=leader c1
        eventually 5 inside c1 test -e /root/got
        expect inside c1 pidof sleep
        expect berthctl kill -s KILL c1
        eventually 10 not state_is c1 running
        systemctl reset-failed berth@c1
}

# freeze and thaw
test_R49_freeze_thaw() {
        local a b
        run_container c1 busybox --set 'Init=/bin/sh -c "i=0; while :; do i=$((i+1)); echo $i >/root/now; sleep 0.02; done"'
        eventually 5 inside c1 grep -q . /root/now
        expect berthctl freeze c1
        assert_state c1 frozen
        # systemd 252 takes a process that comes at that moment for a thaw; asked again it sees what the kernel says.
        wait_until 5 pid1_says c1 frozen || expect berthctl freeze c1
        eventually 5 pid1_says c1 frozen
        a=$(cat "$STORE/containers/c1/layer/upper/root/now")
        sleep 0.5
        b=$(cat "$STORE/containers/c1/layer/upper/root/now")
        assert_eq "$b" "$a" 'what a frozen guest has written'
        expect berthctl thaw c1
        assert_state c1 running
        sleep 0.3
        grown() { [ "$(inside c1 cat /root/now)" -gt $((a + 1)) ] 2>/dev/null; }
        eventually 5 grown
        # In the moment of its start, too, when processes come and go, and PID 1 of systemd 252 may hear of that only.
        for a in 1 2; do
                expect berthctl restart --force c1
                expect berthctl freeze c1
                assert_state c1 frozen
                expect berthctl thaw c1
                assert_state c1 running
                expect inside c1 true
        done
}

pid1_says() {
        [ "$(systemctl show -p FreezerState --value "berth-$1.scope")" = "$2" ]
}

# what is frozen can be stopped, cleanly and by force
test_R49_stop_frozen() {
        run_container c1 busybox
        expect berthctl freeze c1
        expect berthctl stop --timeout=20 c1
        assert_state c1 stopped
        expect berthctl start c1
        expect berthctl freeze c1
        expect berthctl stop --force c1
        assert_state c1 stopped
        expect berthctl start c1
        expect berthctl freeze c1
        expect berthctl delete --force c1
        assert_state c1 absent
}

# an exec into a frozen container does not hang for ever
test_R51_exec_into_frozen() {
        local rc=0
        run_container c1 busybox
        expect berthctl freeze c1
        timeout 20 berthctl exec c1 -- true >log 2>&1 </dev/null & 
        sleep 1
        expect berthctl thaw c1
        wait $! || rc=$?
        cat log >&2
        # It is refused, or goes on after the thaw.
        [ "$rc" -eq 0 ] || assert_match "$(<log)" 'frozen'
        expect inside c1 true
}

# delete takes everything
test_R50_delete() {
        local base
        run_container c1 busybox
        base=$(uid_base c1)
        [ -L "$STORE/uid-leases/$base" ] || [ -e "$STORE/uid-leases/$base" ] || fail "there is no lease of the range"
        expect berthctl stop c1
        expect berthctl delete c1
        assert_state c1 absent
        [ ! -e "$STORE/containers/c1" ] || fail "its files are still there"
        [ ! -e "$STORE/uid-leases/$base" ] && [ ! -L "$STORE/uid-leases/$base" ] || fail "the lease is still there"
        eventually 60 no_debris
        [ ! -e /run/berth/c1 ] || fail "/run/berth/c1 is still there"
        assert_eq "$(find /sys/fs/cgroup -name 'berth*c1*' | wc -l)" 0 'cgroups left'
        assert_eq "$(systemctl list-units --all --plain --no-legend 'berth*c1*' | wc -l)" 0 'units left'
        refused "no container 'c1'" berthctl delete c1
}

# delete by force, from any state
test_R50_delete_force() {
        run_container c1 busybox "${STUBBORN[@]}"
        expect berthctl delete --force c1
        assert_state c1 absent
        new_container c1 busybox
        expect berthctl delete --force c1
        assert_state c1 absent
        on_exit 'forget c1'
        expect_fail berthctl launch busybox c1 --set Init=/no/such/init
        expect berthctl delete c1
        assert_eq "$(systemctl is-failed berth@c1)" inactive 'the unit of the deleted one'
}

# a container of the same name is another one
test_R50_name_again() {
        local uuid
        run_container c1 busybox
        uuid=$(berthctl show c1 -p UUID --value)
        inside c1 touch /root/old
        expect berthctl delete --force c1
        run_container c1 busybox
        expect_fail inside c1 test -e /root/old
        [ "$(berthctl show c1 -p UUID --value)" != "$uuid" ] || fail "it has the old identity"
}

# many files go in the background, and the name is free at once
test_R50_delete_many_files() {
        run_container c1 busybox
        inside c1 sh -c 'mkdir /many; cd /many; for i in 1 2 3 4 5; do mkdir $i; for j in $(seq 400); do : >$i/$j; done; done; chmod 000 1; mkdir -p a/b/c/d/e/f'
        expect berthctl delete --force c1
        run_container c1 busybox
        expect_fail inside c1 test -e /many
        eventually 30 no_debris
}

# what the guest made cannot be in the way of its deletion: locked folders, odd names, immutable depth
test_R50_delete_hostile_tree() {
        run_container c1 busybox
        inside c1 sh -c 'mkdir -m 000 /x; cd /root; i=0; while [ $i -lt 200 ]; do mkdir dddddddddddddddddddddddddddddddddddddddddddd && cd dddddddddddddddddddddddddddddddddddddddddddd || break; i=$((i+1)); done
                cd /root; ln -s / host; ln -s /var/lib/berth/images i; touch -- "-rf" "a
b"; mkfifo p'
        host_stamp
        expect berthctl delete --force c1
        eventually 20 no_debris
        host_untouched
        expect has_image busybox
}

# an ephemeral one is gone when it stops, however it stops
test_R55_ephemeral() {
        run_container c1 busybox --ephemeral
        assert_eq "$(berthctl show c1 -p Ephemeral --value)" yes
        expect berthctl stop c1
        eventually 10 state_is c1 absent
        eventually 60 no_debris
        run_container c1 busybox -e
        inside c1 poweroff || true
        eventually 10 state_is c1 absent
        run_container c1 busybox -e
        systemctl stop berth@c1
        eventually 10 state_is c1 absent
        run_container c1 busybox -e
        expect berthctl stop --force c1
        eventually 10 state_is c1 absent
}

# it stays over a reboot and a restart, and waits for its first start
test_R55_ephemeral_stays() {
        local leader
        new_container c1 busybox --ephemeral
        sleep 0.5
        assert_state c1 stopped
        expect berthctl start c1
        leader=$(leader_of c1)
        inside c1 touch /root/f
        inside c1 reboot || true
        eventually 20 has_rebooted c1 "$leader"
        expect inside c1 test -e /root/f
        expect berthctl restart c1
        expect inside c1 test -e /root/f
        # It does not stop because the manager does.
        systemctl stop berth-containerd
        assert_state c1 running
}

# one whose end no manager saw is gone after the next one started
test_R55_ephemeral_without_manager() {
        run_container c1 busybox --ephemeral
        systemctl kill --signal=KILL berth-containerd
        systemctl stop berth@c1
        eventually 10 state_is c1 absent
}

# every container has ids of its own
test_R105_uid_ranges() {
        local a b c
        run_container c1 busybox
        run_container c2 busybox
        new_container c3 busybox
        a=$(uid_base c1)
        b=$(uid_base c2)
        c=$(berthctl show c3 -p UIDBase --value)
        assert_eq "$(inside c1 sh -c 'set -- $(cat /proc/self/uid_map); echo $*')" "0 $a 65536" 'uid map'
        assert_eq "$(inside c1 sh -c 'set -- $(cat /proc/self/gid_map); echo $*')" "0 $a 65536" 'gid map'
        [ "$a" != "$b" ] && [ "$a" != "$c" ] && [ "$b" != "$c" ] || fail "ranges are shared: $a $b $c"
        for base in "$a" "$b" "$c"; do
                assert_eq $((base % 65536)) 0 "alignment of $base"
                # What systemd reserves for containers.
                [ "$base" -ge 524288 ] && [ "$base" -le 1879048192 ] || fail "$base is not in the container range"
        done
        # The processes have them.
        assert_eq "$(stat -c %u "/proc/$(leader_of c1)")" "$a"
        assert_eq "$(find "$STORE/uid-leases" -mindepth 1 -maxdepth 1 | wc -l)" 3 leases
        assert_eq "$(berthctl show c1 -p UIDBase --value)" "$a"
}

# a range that somebody else has is not given out: subuid, passwd
test_R105_uid_range_avoids_others() {
        local base
        new_container c1 busybox
        base=$(berthctl show c1 -p UIDBase --value)
        forget c1
        cp /etc/subuid subuid
        cp /etc/passwd passwd
        on_exit 'cp subuid /etc/subuid; cp passwd /etc/passwd'
        # All of the first half of the container range, and with it what was given out or not.
        printf 'alice:524288:939524096\n' >>/etc/subuid
        new_container c2 busybox
        [ "$(berthctl show c2 -p UIDBase --value)" -ge 940048384 ] || fail "the range of another was given out: $(berthctl show c2 -p UIDBase --value)"
        base=$(berthctl show c2 -p UIDBase --value)
        forget c2
        cp subuid /etc/subuid
}

# systemd-nspawn's range locks are respected
test_R105_uid_range_locked() {
        local base
        new_container c1 busybox
        base=$(berthctl show c1 -p UIDBase --value)
        mkdir -p /run/systemd/nspawn-uid
        flock --exclusive --no-fork "/run/systemd/nspawn-uid/$base" sleep 1000 &
        on_exit "kill $!"
        eventually 5 not flock --nonblock "/run/systemd/nspawn-uid/$base" true
        expect_fail --message "$base" berthctl start c1
        systemctl reset-failed berth@c1
        kill $!
        eventually 5 flock --nonblock "/run/systemd/nspawn-uid/$base" true
        expect berthctl start c1
        # The other way round: it is locked by the supervisor now.
        expect_fail flock --nonblock "/run/systemd/nspawn-uid/$base" true
        expect berthctl stop --force c1
        expect flock --nonblock "/run/systemd/nspawn-uid/$base" true
}

# the lock of a container keeps two supervisors apart, and goes with its holder
test_R49_lock() {
        run_container c1 busybox
        expect_fail flock --nonblock "$STORE/containers/c1/lock" true
        expect_fail --message "'c1'.*use" /usr/lib/berth/berth-launch c1
        assert_state c1 running
        expect berthctl stop --force c1
        expect flock --nonblock "$STORE/containers/c1/lock" true
}

# starts, stops and deletes at the same time: one wins, the rest is told
test_R49_conflicting_calls() {
        local i
        new_container c1 busybox
        for i in 1 2 3 4 5 6; do
                timeout 60 berthctl start c1 >"start.$i" 2>&1 || echo "status $?" >>"start.$i" &
                timeout 60 berthctl stop --force c1 >"stop.$i" 2>&1 || echo "status $?" >>"stop.$i" &
        done
        wait
        cat start.* stop.* >&2
        ! grep -q 'status 124' start.* stop.* || fail "a call was never answered"
        eventually 10 state_is_settled c1
        berthctl stop --force c1 2>/dev/null || true
        assert_match "$(state_of c1)" "^(stopped|failed)$"
        expect berthctl start c1
        expect inside c1 true
        for i in 1 2 3; do
                berthctl delete --force c1 >"delete.$i" 2>&1 &
        done
        wait
        assert_state c1 absent
        eventually 60 no_debris
}

# a stop at any moment of a start: the payload may not listen yet to what asks it to stop, and the supervisor not yet to anybody
test_R49_stop_meets_start() {
        local i how
        new_container c1 busybox
        for how in --force --timeout=infinity; do
                for i in 1 2 3 4 5 6 7 8; do
                        berthctl start c1 >start 2>&1 &
                        sleep "0.0$((i - 1))5"
                        timeout 20 berthctl stop "$how" c1 >stop 2>&1 || [ $? != 124 ] || fail "stop $how took more than 20 s: $(<stop)"
                        wait
                        timeout 20 berthctl stop "$how" c1 >stop 2>&1 || [ $? != 124 ] || fail "the second stop $how took more than 20 s: $(<stop)"
                        eventually 10 state_is_settled c1
                        assert_match "$(state_of c1)" "^(stopped|failed)$"
                done
        done
}

state_is_settled() {
        [[ $(state_of "$1") =~ ^(running|stopped|failed)$ ]]
}

# ten at once
test_R45_launch_many_at_once() {
        local i bases
        for i in {0..9}; do
                on_exit "forget m$i"
                berthctl launch busybox "m$i" >"log.$i" 2>&1 &
        done
        wait
        cat log.* >&2
        assert_eq "$(berthctl list --json=short 'm*' | jq '[.[] | select(.state == "running")] | length')" 10 running
        bases=$(for i in {0..9}; do uid_base "m$i"; done | sort -u | wc -l)
        assert_eq "$bases" 10 'ranges'
        berthctl delete --force m0 m1 m2 m3 m4 m5 m6 m7 m8 m9
}

# ---- settings

# set, get, unset, cat
test_R70_set_get_unset() {
        new_container c1 busybox
        expect berthctl set c1 Description='two words' MemoryMax=100M
        assert_eq "$(berthctl get c1 Description)" 'two words'
        assert_eq "$(berthctl get c1 MemoryMax)" 100M
        assert_match "$(berthctl cat c1)" 'Description=two words'
        assert_match "$(berthctl show c1)" 'Description=two words'
        expect berthctl unset c1 MemoryMax
        assert_eq "$(berthctl get c1 MemoryMax 2>/dev/null)" ''
        assert_no_match "$(berthctl cat c1)" MemoryMax
        # LXD's spelling.
        expect berthctl set c1 limits.memory=64M
        assert_eq "$(berthctl get c1 MemoryMax)" 64M
        assert_eq "$(berthctl get c1 limits.memory)" 64M
}

# given at create, and in force at the start
test_R70_set_at_create() {
        run_container c1 busybox --set Hostname=other-name --set 'Environment=FOO=bar "WITH=a space"' --set TasksMax=77
        assert_eq "$(inside c1 hostname)" other-name
        assert_match "$(tr '\0' '\n' <"/proc/$(leader_of c1)/environ")" 'FOO=bar'
        assert_match "$(tr '\0' '\n' <"/proc/$(leader_of c1)/environ")" 'WITH=a space'
        assert_eq "$(systemctl show -p TasksMax --value berth-c1.scope)" 77
}

# a drop-in of one container, one for all, the container's own file: the last word, and where it comes from
test_R84_drop_ins() {
        on_exit 'rm -rf /etc/berth/container.conf.d /etc/berth/containers'
        mkdir -p /etc/berth/container.conf.d /etc/berth/containers/c1.conf.d
        printf '[Resource]\nTasksMax=100\nCPUWeight=50\n' >/etc/berth/container.conf.d/10-all.conf
        new_container c1 busybox
        new_container c2 busybox
        printf '[Resource]\nTasksMax=200\n' >/etc/berth/containers/c1.conf.d/10-one.conf
        expect berthctl start c1 c2
        assert_eq "$(systemctl show -p TasksMax --value berth-c1.scope)" 200
        assert_eq "$(systemctl show -p TasksMax --value berth-c2.scope)" 100
        assert_eq "$(systemctl show -p CPUWeight --value berth-c1.scope)" 50
        assert_match "$(berthctl cat c1 --effective)" 'TasksMax=200.*10-one\.conf'
        assert_match "$(berthctl cat c1 --effective)" 'CPUWeight=50.*10-all\.conf'
        forget c1 c2
}

# a limit that is set is one from the next start on, and stays
test_R96_limit_survives_restart() {
        run_container c1 busybox
        expect berthctl set c1 TasksMax=55
        expect berthctl restart --force c1
        assert_eq "$(systemctl show -p TasksMax --value berth-c1.scope)" 55
}
