# shellcheck shell=bash
# limit: 400
# Hostile clients of the bus interface, which need a program of their own: test/bus/bus-client.c.

# host_with_client: a host with berth, a container web1 that runs, and the client as /usr/local/bin/bus-client.
host_with_client() {
        # shellcheck source=test/lib/packages.sh
        . "$TOP/test/lib/packages.sh"
        # shellcheck source=test/lib/cache.sh
        . "$TOP/test/lib/cache.sh"
        # shellcheck source=test/lib/host-tree.sh
        . "$TOP/test/lib/host-tree.sh"
        # shellcheck source=test/lib/guest.sh
        . "$TOP/test/lib/guest.sh"
        # Not by meson, whose folder the other suite's tests may be using.
        gcc -D_GNU_SOURCE -std=gnu17 -I"$TOP/src" -o "$TEST_TMP/bus-client" "$TOP"/test/bus/bus-client.c \
                "$TOP"/src/basic/{fd,socket,strv}.c "$TOP"/src/shared/message.c -lsystemd || cannot_run "bus-client does not compile"
        host_up
        host_push "$TEST_TMP/bus-client" /usr/local/bin/bus-client
        host_push "$(guest_tar busybox)" /root/busybox.tar
        host_sh 'berthctl import /root/busybox.tar --alias bb
                 berthctl create bb web1
                 berthctl start web1'
}

# allow CODE: a polkit rule in the host.
allow() {
        host_sh 'printf "polkit.addRule(function(action, subject) {\n%s\n});\n" "$1" >/etc/polkit-1/rules.d/50-test.rules
                 chmod 0644 /etc/polkit-1/rules.d/50-test.rules
                 sleep 1' "$1"
}

# file descriptors that would be a way out of a container are refused, and those that are not work
test_S02_S81_fds_of_callers() {
        host_with_client
        expect_fail --message 'directory' host_run bus-client exec-fd web1 /
        expect_fail --message 'mere path' host_run bus-client exec-fd web1 /etc/passwd
        expect_fail --message 'directory' host_run bus-client import /etc
        # A terminal of the host's (the master of a new pty is one to isatty(3)), which what runs inside could type into.
        expect_fail --message 'terminal' host_run bus-client exec-fd web1 /dev/ptmx
        assert_eq "$(host_run bus-client exec web1 /bin/sh -c 'ls /proc/self/fd | wc -l')" 4 "fds of a command (0, 1, 2 and that of ls)"
        expect_fail --status 7 host_run bus-client exec web1 /bin/sh -c 'exit 7'
        assert_match "$(host_run bus-client console web1)" .
}

# a client cancels its own job when it hears of it, and nothing is left
test_R14_client_cancels() {
        host_with_client
        assert_eq "$(host_run bus-client import-cancel /root/busybox.tar)" org.berth1.Error.Cancelled
        assert_eq "$(host_sh 'sleep 1; ls -A /var/lib/berth/images | grep -c "^[.]" || true')" 0
        # The same of a user, who hears of his own jobs and of nobody else's.
        allow 'if (action.id == "org.berth1.import-image") return polkit.Result.YES;'
        host_sh 'chmod 0755 /root; chmod 0644 /root/busybox.tar'
        assert_eq "$(host_run --user alice bus-client import-cancel /root/busybox.tar)" org.berth1.Error.Cancelled
}

# users hear no broadcast signal of the manager
test_S93_signals_are_roots() {
        host_with_client
        host_sh 'timeout 8 setpriv --reuid=alice --regid=alice --init-groups bus-client listen >/tmp/alice &
                 timeout 8 bus-client listen >/tmp/root &
                 sleep 1
                 berthctl create bb web2; berthctl start web2; berthctl delete --force web2
                 wait || true'
        assert_eq "$(host_run cat /tmp/alice)" '' "what alice hears"
        assert_match "$(host_run cat /tmp/root)" 'ContainerNew.*PropertiesChanged.*ContainerRemoved'
}

# nobody but the service manager can say what state a container is in
test_S91_forged_signals() {
        host_with_client
        host_run --user alice bus-client spoof || true
        host_run bus-client spoof
        assert_eq "$(host_sh "berthctl --json=short list | jq -r '.[0].state'")" running
}

# vanishing CALLERS CALLS: of alice, so many at once.
vanishing() {
        host_with_client
        host_sh 'berthctl stop web1'
        # The control: what those say who may, before they vanish, is heard. Not of each: whose caller has gone by the time that it is looked for is nobody's.
        eventually_in_host 60 'bus-client vanish StartContainer web1 21; berthctl list --json=short | grep -q "\"state\":\"running\""'
        # One of them may still be under way.
        host_sh 'sleep 1; berthctl stop web1
                 for i in $(seq "$1"); do
                         setpriv --reuid=alice --regid=alice --init-groups bus-client vanish StartContainer web1 "$2" &
                         callers+=($!)
                 done
                 wait "${callers[@]}"' "$1" "$2"
        assert_eq "$(host_sh "sleep 1; berthctl --json=short list | jq -r '.[0].state'")" stopped
        assert_eq "$(host_sh 'systemctl show --property NRestarts --value berth-containerd')" 0
}

# eventually_in_host SECONDS SCRIPT
eventually_in_host() {
        wait_until "$1" host_sh "$2" || fail "not within $1 s: $2"
}

# who disconnects while polkit thinks is never taken for somebody else
test_S88_caller_vanishes() {
        vanishing 4 100
}

# [long] the same, a hundred thousand times
test_S88_caller_vanishes_long() {
        vanishing 10 10000
}

# what is another's and what does not exist take the same time, with polkit and without
test_S93_times() {
        local method others absent
        host_with_client
        # The control: its owner is answered otherwise.
        expect_fail --message "'web1' has not failed" host_run bus-client times GetContainer nosuch web1 1
        for method in GetContainer GetStatistics GetApplied FreezeContainer StartContainer EnableContainer; do
                host_run --user alice bus-client times "$method" nosuch web1 10 >/dev/null
                read -r absent others <<<"$(host_run --user alice bus-client times "$method" nosuch web1 400)"
                say "  # $method: $absent and $others us"
                awk -v a="$absent" -v b="$others" 'BEGIN { exit !(a > 0 && b > 0 && a < 1.3 * b && b < 1.3 * a) }' || fail "$method tells by its time what is there: $absent and $others us"
        done
}

# a flood of calls of one user keeps root waiting not for long, and does not fill the memory
test_S95_flood() {
        local memory
        host_with_client
        # It goes on until the last list is there: who had to wait for its end would wait for ever. Most of the lists come soon; one may
        # meet a moment in which this machine has much else to do.
        host_sh 'for i in 1 2 3 4; do
                         timeout 120 setpriv --reuid=alice --regid=alice --init-groups sh -c "while :; do bus-client flood 20000 || exit 1; done" &
                 done
                 sleep 1
                 soon=0
                 for i in 1 2 3 4 5; do
                         begun=$SECONDS
                         timeout 30 berthctl list >/dev/null
                         [ $((SECONDS - begun)) -ge 3 ] || soon=$((soon + 1))
                 done
                 [ "$soon" -ge 3 ]
                 [ "$(jobs -rp | wc -l)" -eq 4 ]
                 kill $(jobs -rp)
                 wait || true'
        memory=$(host_sh "awk '/^Private/ { n += \$2 } END { print n }' /proc/\$(systemctl show --property MainPID --value berth-containerd)/smaps_rollup")
        say "  # private memory of the manager after the flood: $memory kB"
        [ "$memory" -le 16384 ] || fail "private memory of the manager: $memory kB"
        assert_eq "$(host_sh 'systemctl show --property NRestarts --value berth-containerd')" 0
        assert_eq "$(host_sh "berthctl --json=short list | jq -r '.[0].state'")" running
}

# one user can have only so many jobs at once
test_S53_job_limit_of_a_user() {
        host_with_client
        allow 'if (action.id == "org.berth1.import-image") return polkit.Result.YES;'
        host_sh 'mkfifo -m 0644 /tmp/never
                 sleep 60 >/tmp/never &
                 for i in $(seq 20); do
                         timeout 30 setpriv --reuid=alice --regid=alice --init-groups bus-client import /tmp/never 2>>/tmp/errors &
                 done
                 sleep 4
                 berthctl --json=short list-jobs | jq length >/tmp/jobs
                 berthctl create bb web2
                 berthctl delete web2
                 kill %1
                 wait || true'
        assert_eq "$(host_run cat /tmp/jobs)" 16
        assert_eq "$(host_run grep -c LimitReached /tmp/errors)" 4
}

# what_is_there: all that calls could have made or changed
what_is_there() {
        host_sh 'berthctl --json=short list | jq -r ".[].name"
                 berthctl --json=short list-images | jq -r ".[].fingerprint"
                 find /etc/berth /var/lib/berth/layers /var/lib/berth/uid-leases -maxdepth 2 -not -type d | sort
                 ls /var/lib/berth/layers
                 cat /etc/berth/berth.conf /var/lib/berth/containers/*/container.conf 2>/dev/null || true'
}

# Jobs of calls that failed may still be cleaning up.
nothing_is_done() {
        [ "$(host_sh 'berthctl --json=short list-jobs | jq length; ls -A /var/lib/berth/trash | wc -l')" = $'0\n0' ]
}

# every method is called with arguments that make no sense, by callers of seven kinds: each call is answered, the manager stays, and so does all else
test_F_every_method_with_bad_values() {
        local pid before user rounds=15
        gcc -D_GNU_SOURCE -std=gnu17 -o "$TEST_TMP/bus-generate" "$TOP"/test/bus/bus-generate.c -lsystemd || cannot_run "bus-generate does not compile"
        host_with_client
        host_push "$TEST_TMP/bus-generate" /usr/local/bin/bus-generate
        host_sh 'useradd --create-home bob 2>/dev/null || true
                 berthctl set-server IdleExitSec=1h
                 systemctl restart berth-containerd'
        # Bob may do with web1 what can be undone.
        allow 'if (subject.user == "bob" && /^org.berth1.(inspect|start|freeze|thaw)$/.test(action.id)) return polkit.Result.YES;'
        before=$(what_is_there)
        pid=$(host_sh 'systemctl show --property MainPID --value berth-containerd')

        expect host_run bus-generate 1 "$rounds" answers
        for user in alice nobody; do
                say "  # $user: $(host_sh "setpriv --reuid=$user --regid=\$(id -g $user) --init-groups bus-generate 2 $rounds answers web1 web2 bb")" ||
                        fail "$user: a call without an answer"
        done
        expect host_sh "setpriv --reuid=bob --regid=bob --init-groups bus-generate 3 $rounds answers web1"
        # In a session, as far as there is a login manager that makes one.
        expect host_sh "systemd-run --quiet --pipe --wait --uid=alice --property=PAMName=login bus-generate 4 $rounds answers web1 bb"
        expect host_sh "setpriv --reuid=alice --regid=alice --init-groups bus-generate 5 $rounds vanish web1 web2 bb"
        # The bus does not take it in; an answer would be none of ours.
        expect_fail host_sh 'setpriv --reuid=4000000000 --regid=4000000000 --clear-groups bus-generate 6 1 answers web1'

        wait_until 60 nothing_is_done || fail "jobs or trash are left"
        assert_eq "$(host_sh 'systemctl show --property MainPID --value berth-containerd')" "$pid" "the manager's process"
        assert_eq "$(what_is_there)" "$before" "what is there"
}
