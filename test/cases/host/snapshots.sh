# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Snapshots of containers, and the layers below them.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
        layers_are_right || fail 'layers are left'
}

# It runs from the boot on where berth was there then, and else from the first snapshot on that has an end.
keep_timer() {
        systemctl is-active --quiet berth-expire.timer || on_exit 'systemctl stop berth-expire.timer'
}

snapshots() {
        berthctl list-snapshots --json=short "$1" | jq -r '.[].name' | paste -sd ' '
}

# of one that is stopped: named or numbered, in lists, and restored
test_R60_stopped() {
        run_container c1 busybox
        inside c1 sh -c 'echo one >/f; mkdir /d; echo x >/d/x; rm /etc/passwd'
        expect berthctl stop --force c1
        expect berthctl snapshot c1 2026-01-01
        assert_eq "$(berthctl snapshot c1)" snap0
        assert_eq "$(berthctl snapshot c1)" snap1
        assert_eq "$(snapshots c1)" '2026-01-01 snap0 snap1'
        assert_eq "$(field c1 snapshots)" 3
        assert_match "$(berthctl status c1)" 'Snapshots: 2026-01-01, taken 20[0-9-]+ [0-9:]+, stateless'
        # Nothing was written in between, so all of them are of one layer.
        assert_eq "$(layers c1 | wc -w)" 2 'layers'

        expect berthctl start c1
        inside c1 sh -c 'rm /f; rm -r /d; mkdir /d; echo y >/d/y; echo two >/g; echo root::0:0::/:/bin/sh >/etc/passwd'
        expect berthctl stop --force c1
        expect berthctl restore c1 snap0
        expect berthctl start c1
        assert_eq "$(inside c1 cat /f /d/x)" "$(printf 'one\nx')"
        expect_fail inside c1 test -e /g
        expect_fail inside c1 test -e /d/y
        expect_fail inside c1 test -e /etc/passwd
        eventually 60 no_debris
}

# of one that runs: it goes on, what the snapshot has is of that moment; restoring stops it and starts it again
test_R62_running() {
        local leader
        run_container c1 busybox
        leader=$(leader_of c1)
        inside c1 sh -c 'echo one >/f'
        expect berthctl snapshot c1 s1
        assert_eq "$(leader_of c1)" "$leader"
        inside c1 sh -c 'rm /f; echo two >/g'
        expect berthctl snapshot c1 s2
        expect berthctl restore c1/s1
        assert_state c1 running
        [ "$(leader_of c1)" != "$leader" ] || fail 'it was not started again'
        assert_eq "$(inside c1 cat /f)" one
        expect_fail inside c1 test -e /g
        expect berthctl restore c1 s2
        expect_fail inside c1 test -e /f
        assert_eq "$(inside c1 cat /g)" two
        eventually 60 no_debris
}

# a restore does not wait for a system to boot, which may take as long as it likes; what runs already is used at once
test_R62_boots_still() {
        new_container c1 busybox --set NotifyReady=no
        expect berthctl snapshot c1 s1
        expect berthctl set c1 NotifyReady=yes
        expect berthctl snapshot c1 s2
        expect berthctl set c1 NotifyReady=no
        expect berthctl start c1
        expect berthctl restore c1 s2
        assert_state c1 starting
        assert_eq "$(inside c1 echo here)" here
        expect berthctl restore c1 s1
        assert_state c1 running
        eventually 60 no_debris
}

# settings come back too, who it is stays
test_R62_settings() {
        local before
        new_container c1 busybox --set MemoryMax=100M
        expect berthctl snapshot c1 s1
        before=$(berthctl show c1 -p UUID -p UIDBase -p CreatedUSec)
        expect berthctl set c1 MemoryMax=50M user.x=y
        expect berthctl restore c1 s1
        assert_eq "$(berthctl get c1 MemoryMax)" 100M
        expect_fail berthctl get c1 user.x
        assert_eq "$(berthctl show c1 -p UUID -p UIDBase -p CreatedUSec)" "$before"
        # One that had never been started gets its host name at its first start after that.
        expect berthctl start c1
        expect berthctl stop --force c1
        expect berthctl restore c1 s1
        [ ! -e "$STORE/containers/c1/personalised" ] || fail 'it is taken for one that was started'
        expect berthctl start c1
        assert_eq "$(inside c1 cat /etc/hostname)" c1
}

# what is in a snapshot stays what it was, whatever its container, a copy, or what was restored from it does
test_R61_immutable() {
        run_container c1 busybox
        inside c1 sh -c 'echo one >/f; mkdir /d; echo x >/d/x'
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s1
        sum() { (cd "$STORE/layers/$(layers c1 | cut -d ' ' -f 2)/upper" && find . -printf '%p %y %m %U:%G %s %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort); }
        sum >before
        expect berthctl start c1
        inside c1 sh -c 'echo two >/f; rm -r /d; mkdir /d; chmod 700 /d'
        expect berthctl copy c1/s1 c2
        on_exit 'forget c2'
        expect berthctl start c2
        inside c2 sh -c 'echo three >>/f; mv /d/x /d/y'
        sum >after
        cmp before after || fail "$(diff before after | head)"
}

test_R61_list_rename_delete() {
        keep_timer
        new_container c1 busybox
        expect berthctl snapshot c1 s1
        expect berthctl snapshot c1 --expires 7d s2
        expect berthctl snapshot c1/s3
        expect berthctl rename c1/s1 c1/t1
        assert_eq "$(snapshots c1)" 't1 s2 s3'
        expect berthctl rename c1/t1 t2
        assert_match "$(berthctl list-snapshots c1 --json=short | jq '.[] | select(.name == "s2").expires_usec')" '^[0-9]{16}$'
        expect berthctl expire c1/s2 never
        assert_eq "$(berthctl list-snapshots c1 --json=short | jq '.[] | select(.name == "s2").expires_usec')" 0
        refused "has no snapshot 'nosuch'" berthctl delete c1/t2 c1/nosuch
        expect berthctl delete c1/t2 c1/s3
        assert_eq "$(snapshots c1)" s2
        eventually 60 no_debris
        expect berthctl delete c1
        eventually 60 no_debris
}

# kept for as long as was said, or as the container's settings say; a timer looks
test_R61_expiry() {
        keep_timer
        new_container c1 busybox --set SnapshotExpiry=1s
        expect berthctl snapshot c1 s1
        expect berthctl snapshot c1 s2 --expires never
        expect berthctl snapshot c1 s3 --expires 1h
        expect berthctl set c1 snapshots.expiry=2h
        expect berthctl snapshot c1 s4
        assert_match "$(systemctl list-timers --all)" 'berth-expire.timer'
        sleep 1.2
        expect systemctl start berth-expire.service
        assert_eq "$(snapshots c1)" 's2 s3 s4'
        assert_eq "$(berthctl list-snapshots c1 --json=short | jq -r '[.[] | .expires_usec > 0] | map(tostring) | join(" ")')" 'false true true'
}

# schedule_of NAME: what its timer has as OnCalendar=; nothing if there is no timer.
schedule_of() {
        systemctl show --property=TimersCalendar --value "berth-snapshot@$1.timer" | sed -n 's/.*OnCalendar=\(.*\) ; next_elapse.*/\1/p'
}

timer_runs() {
        systemctl is-active --quiet "berth-snapshot@$1.timer"
}

# by a timer of its own, which is there as soon as it is set, follows what is set, and takes the snapshots
test_R60_schedule() {
        local second
        keep_timer
        on_exit 'systemctl stop berth-snapshots.target'
        run_container c1 busybox
        expect_fail test -e /run/systemd/generator/berth-snapshots.target.wants
        expect berthctl set c1 SnapshotSchedule=hourly 'SnapshotPattern=auto-%Y-%i' SnapshotExpiry=1h
        timer_runs c1 || fail 'no timer'
        assert_match "$(systemctl list-timers)" 'berth-snapshot@c1.timer +berth-snapshot@c1.service'
        assert_eq "$(schedule_of c1)" '*-*-* *:00:00'
        # In four seconds of whatever minute.
        second=$(date -d '4 seconds' +%-S)
        expect berthctl set c1 "SnapshotSchedule=*:*:$second"
        eventually 10 has_snapshots c1 "auto-$(date +%Y)-0"
        assert_eq "$(berthctl list-snapshots c1 --json=short | jq '.[0].expires_usec > now * 1000000')" true
        expect berthctl set c1 snapshots.schedule='30 4 * * 1-5'
        assert_eq "$(schedule_of c1)" 'Mon..Fri *-*-* 04:30:00'
        expect berthctl set c1 SnapshotSchedule=
        timer_runs c1 && fail 'a timer without a schedule'
        assert_eq "$(systemctl list-units --all --no-legend 'berth-snapshot@*.timer')" ''

        # What is a mistake is refused, and names itself.
        refused "SnapshotSchedule: 'often' is not a calendar event" berthctl set c1 SnapshotSchedule=often
        refused 'is more often than once a minute' berthctl set c1 'SnapshotSchedule=*:*:*'
        refused "SnapshotPattern: '../x' is not" berthctl set c1 SnapshotPattern=../x
        refused "SnapshotSchedule: '%n' is not" berthctl set c1 SnapshotSchedule=%n
}

has_snapshots() {
        [ "$(snapshots "$1")" = "$2" ]
}

# it follows the container: from a profile, at copies and renames, over a reboot of PID 1's state, and goes with it
test_R60_schedule_life() {
        keep_timer
        on_exit 'systemctl stop berth-snapshots.target'
        expect berthctl profile create daily
        on_exit 'berthctl profile delete daily; rmdir --ignore-fail-on-non-empty /etc/berth/profiles'
        expect berthctl profile set daily SnapshotSchedule=daily
        new_container c1 busybox --profile daily
        timer_runs c1 || fail 'no timer from a profile'
        expect berthctl profile set daily SnapshotSchedule=weekly
        assert_eq "$(schedule_of c1)" 'Mon *-*-* 00:00:00'
        on_exit 'forget c2'
        expect berthctl copy c1 c2
        timer_runs c2 || fail 'no timer of the copy'
        on_exit 'forget c3'
        expect berthctl rename c2 c3
        timer_runs c2 && fail 'a timer under the old name'
        timer_runs c3 || fail 'no timer under the new name'
        expect systemctl stop berth-snapshots.target
        timer_runs c3 && fail 'a timer without the target'
        expect systemctl daemon-reload
        # As at boot.
        expect systemctl start timers.target
        timer_runs c3 || fail 'no timer after a boot'
        expect berthctl delete c3
        timer_runs c3 && fail 'a timer without a container'
        timer_runs c1 || fail 'the other one is gone too'

        # Of one that does not run only where that is said; what is taken by hand has a name by the pattern, too.
        expect systemctl start berth-snapshot@c1.service
        assert_eq "$(snapshots c1)" ''
        expect berthctl set c1 SnapshotStopped=yes SnapshotPattern=%Y
        expect systemctl start berth-snapshot@c1.service
        assert_eq "$(berthctl snapshot c1)" "$(date +%Y)-1"
        assert_eq "$(snapshots c1)" "$(date +%Y) $(date +%Y)-1"
        assert_eq "$(berthctl snapshot c1)" "$(date +%Y)-2"
        expect berthctl delete c1
        assert_eq "$(systemctl list-units --all --no-legend 'berth-snapshot@*.timer')" ''
}

# deleted in the middle, what only its neighbours need is put together, with all that a layer can say: files, whiteouts, opaque directories, links
test_R61_delete_merges() {
        run_container c1 busybox
        inside c1 sh -c 'mkdir /d /e /k; for i in 1 2 3; do echo $i >/d/$i; echo $i >/e/$i; done; echo a >/h; ln /h /h2; dd if=/dev/zero of=/big bs=1M count=8; echo k >/k/k'
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s1
        expect berthctl start c1
        inside c1 sh -c 'rm /d/1; rm -r /e; mkdir /e; echo new >/e/4; rm /big /etc/group; echo b >>/h; rm -r /usr/share 2>/dev/null; mkdir -p /usr/share/q; rm -r /k; echo file >/k; chmod 750 /d'
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s2
        expect berthctl start c1
        inside c1 sh -c 'rm /k; mkdir /k; echo again >/k/l; echo 2b >/d/2; rm /e/4; echo three >/t'
        inside c1 sh -c 'find / -xdev -not -path "/proc*" -not -path "/sys*" -not -path "/dev*" -not -path "/run*" -not -path "/tmp*" -exec stat -c "%n %F %a %u:%g %s" {} + | sort; cat /d/* /h /h2 /k/* /t' >before 2>&1
        expect berthctl stop --force c1
        assert_eq "$(layers c1 | wc -w)" 3
        expect berthctl delete c1/s1 c1/s2
        assert_eq "$(layers c1 | wc -w)" 1 'layers after'
        eventually 60 no_debris
        [ "$(du -sm "$STORE/layers/$(layers c1)" | cut -f 1)" -lt 4 ] || fail 'what is hidden still takes room'
        expect berthctl start c1
        inside c1 sh -c 'find / -xdev -not -path "/proc*" -not -path "/sys*" -not -path "/dev*" -not -path "/run*" -not -path "/tmp*" -exec stat -c "%n %F %a %u:%g %s" {} + | sort; cat /d/* /h /h2 /k/* /t' >after 2>&1
        diff <(grep -vE '^/(etc/(hostname|machine-id)|var) ' before) <(grep -vE '^/(etc/(hostname|machine-id)|var) ' after) >&2 || fail 'it is not the same'
        inside c1 sh -c '[ "$(ls /e)" = "" ] && [ "$(ls /k)" = l ] && [ ! -e /etc/group ]' || fail 'what was deleted is back'
}

# what others lie on stays, and a chain does not grow without end
test_R61_shared_and_bounded() {
        local i
        run_container c1 busybox
        inside c1 sh -c 'echo 0 >/n'
        expect berthctl stop --force c1
        for ((i = 1; i <= 36; i++)); do
                echo "$i" >"$STORE/containers/c1/layer/upper/n$i"
                chown 2147352576:2147352576 "$STORE/containers/c1/layer/upper/n$i"
                expect berthctl snapshot c1 "s$i"
        done
        [ "$(layers c1 | wc -w)" -le 33 ] || fail "$(layers c1 | wc -w) layers"
        expect berthctl start c1
        assert_eq "$(inside c1 sh -c 'ls / | grep -c "^n[0-9]"')" 36
        expect berthctl copy c1/s20 c2
        on_exit 'forget c2'
        expect berthctl start c2
        assert_eq "$(inside c2 sh -c 'ls / | grep -c "^n[0-9]"')" 20
        expect berthctl delete --force c1
        eventually 20 no_debris
        assert_eq "$(inside c2 cat /n20)" 20
        expect berthctl restart --force c2
        assert_eq "$(inside c2 cat /n1)" 1
}

test_R63_stateful() {
        run_container c1 busybox
        refused 'files alone' berthctl snapshot --stateful c1 s1
        expect berthctl snapshot c1 s1
        assert_eq "$(berthctl list-snapshots c1 --json=short | jq -r '.[0].state')" stateless
}

# a copy of a snapshot is a container of its own, and stays when the other goes
test_R56_from_snapshot() {
        run_container c1 busybox
        inside c1 sh -c 'echo one >/f'
        expect berthctl snapshot c1 s1
        inside c1 sh -c 'echo two >/f'
        expect berthctl copy c1/s1 c2
        on_exit 'forget c2'
        expect berthctl delete --force c1
        expect berthctl start c2
        assert_eq "$(inside c2 cat /f)" one
        assert_eq "$(inside c2 hostname)" c2
        eventually 60 no_debris
}

# ten copies take the room of one
test_R102_copies() {
        local before after i
        run_container c1 busybox
        inside c1 sh -c 'dd if=/dev/urandom of=/big bs=1M count=40'
        expect berthctl stop --force c1
        before=$(du -sk "$STORE" | cut -f 1)
        for ((i = 0; i < 10; i++)); do
                on_exit "forget x$i"
                expect berthctl copy c1 "x$i"
        done
        after=$(du -sk "$STORE" | cut -f 1)
        [ $((after * 100)) -le $((before * 105)) ] || fail "$after KiB, not $before"
        assert_eq "$(layers c1 | wc -w)" 2 'layers of what was copied'
        expect berthctl start x9
        expect inside x9 cmp -n 1000 /big /big
        expect berthctl delete --force c1
        assert_eq "$(inside x9 stat -c %s /big)" 41943040
}

# whenever the job is killed, the container is there with all that it had, and nothing else is left
test_R60_killed() {
        local i unit
        run_container c1 busybox
        inside c1 sh -c 'echo keep >/f; mkdir /n; cd /n; for i in $(seq 3000); do : >$i; done'
        expect berthctl snapshot c1 base
        for i in 1 2 3 4 5 6 7 8; do
                [ $((i % 2)) = 0 ] || berthctl stop --force c1
                { berthctl snapshot c1 "s$i" || true; berthctl restore c1 base || true; } >killed.log 2>&1 &
                sleep "0.0$((i * 12 % 90 + 5))"
                for unit in $(systemctl list-units --plain --no-legend --state=activating 'berth-job-*' | awk '!/waits for a job/ { print $1 }'); do
                        systemctl kill --signal=KILL "$unit" 2>/dev/null || true
                done
                wait $! || true
                eventually 20 no_debris
                [ "$(state_of c1)" = running ] || expect berthctl start c1
                assert_eq "$(inside c1 sh -c 'cat /f; ls /n | wc -l')" "$(printf 'keep\n3000')"
        done
        expect berthctl restore c1 base
}

test_R60_bad_input() {
        new_container c1 busybox
        expect berthctl snapshot c1 s1
        refused "'a/b' cannot be the name" berthctl snapshot c1 a/b
        refused 'not empty' berthctl snapshot c1/
        refused 'cannot be the name' berthctl snapshot c1 ..
        refused 'cannot be the name' berthctl snapshot c1 "$(printf 'x%.0s' {1..64})"
        refused "has a snapshot 's1' already" berthctl snapshot c1 s1
        refused "no container 'nobody'" berthctl snapshot nobody s1
        refused "has no snapshot 'nosuch'" berthctl restore c1 nosuch
        refused "has no snapshot 'nosuch'" berthctl delete c1/nosuch
        refused "has no snapshot 'nosuch'" berthctl rename c1/nosuch x
        refused "has no snapshot 'nosuch'" berthctl copy c1/nosuch c2
        refused 'cannot be the name' berthctl copy c1/../c1 c2
        refused 'stays with its container' berthctl rename c1/s1 c2/s1
        refused 'is no time' berthctl snapshot --expires soon c1
        # Somebody else works on it.
        (flock 9; expect_fail --message 'Another job is working' berthctl snapshot c1 s2; expect_fail --message 'Another job is working' berthctl restore c1 s1) 9<"$STORE/containers/c1/lock"
        assert_eq "$(snapshots c1)" s1
}

# owners may, with leave; strangers may not, and nobody brings back what an administrator has taken away
test_R60_users() {
        polkit_rule snapshot 'if (subject.user == "alice" && (action.id == "org.berth1.create" || (action.id.match(/^org.berth1.(snapshot|restore|delete-snapshots)$/) &&
                action.lookup("own") == "yes"))) return polkit.Result.YES;'
        on_exit 'forget u1'
        expect as alice berthctl create busybox u1
        new_container c1 busybox
        expect berthctl snapshot c1 hers
        expect as alice berthctl snapshot u1 s1
        refused 'no container|Not allowed' as alice berthctl snapshot c1 s1
        refused 'no container|Not allowed' as alice berthctl restore c1 hers
        refused 'no container|Not allowed' as alice berthctl delete c1/hers
        assert_eq "$(as alice berthctl list-snapshots --json=short | jq -r '.[] | .container + "/" + .name')" u1/s1
        expect berthctl set u1 MemoryMin=1M
        expect as alice berthctl snapshot u1 s2
        expect berthctl unset u1 MemoryMin
        refused "administrator's to give, 'Resource.MemoryMin'" as alice berthctl restore u1 s2
        expect as alice berthctl restore u1 s1
        expect as alice berthctl delete u1/s1
        expect berthctl restore u1 s2
        assert_eq "$(berthctl get u1 MemoryMin)" 1M
}

# an image goes when somebody wants it to; what was made from it goes on, and it can come back
test_R37_image_in_use() {
        local fingerprint
        a_rootfs r37.tar 'file|r37'
        on_exit 'forget c1 c2; forget_image r37'
        expect berthctl import r37.tar --alias r37
        fingerprint=$(image_of r37)
        expect berthctl create r37 c1
        expect berthctl remove-image r37
        expect_fail has_image r37
        [ -z "$(berthctl list-images --json=short | jq -r --arg f "$fingerprint" '.[] | select(.fingerprint == $f)')" ] || fail 'it is in the list'
        expect berthctl snapshot c1 s1
        expect berthctl copy c1/s1 c2
        expect berthctl delete c1
        eventually 60 no_debris
        expect berthctl import r37.tar --alias r37
        assert_eq "$(image_of r37)" "$fingerprint"
        expect berthctl remove-image r37
        [ -d "$STORE/images/.kept-$fingerprint" ] || fail 'the files are gone'
        expect berthctl copy-from c2 /etc/os-release os-release
        expect berthctl delete c2
        eventually 60 no_debris
        [ ! -e "$STORE/images/.kept-$fingerprint" ] || fail 'the files are still there'
}
