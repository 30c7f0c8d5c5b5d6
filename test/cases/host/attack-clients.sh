# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What callers and guests send: words that want to be options, bytes that want to be a terminal's, identities that are none, secrets that
# nobody is to write down.
# guests: busybox
# programs: flip

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox c1 --no-profiles
}

teardown_file() {
        remove_all
}

# names of compressions, formats and stores are words of a list: no program sees them
test_S73_words_are_no_options() {
        local word before
        rm -f /tmp/evil-canary
        # The control: a program that is given such words as they are does what they say.
        a_rootfs f.tar
        tar --checkpoint=1 "--checkpoint-action=exec=touch $TEST_TMP/control" -xf f.tar -C "$(mktemp -d)"
        [ -e "$TEST_TMP/control" ] || fail "the control: tar did not execute it"
        new_container off busybox
        before=$(store_state)
        for word in 'gzip -S;touch /tmp/evil-canary' 'xz --files=/etc/shadow' '--checkpoint-action=exec=touch /tmp/evil-canary' '-Itouch /tmp/evil-canary' \
                'gzip;touch /tmp/evil-canary' '$(touch /tmp/evil-canary)' '`touch /tmp/evil-canary`' $'gzip\ntouch /tmp/evil-canary' '/bin/sh' '../gzip' 'gzip ' ' gzip' \
                GZIP '-' '--help' 'zstd --rm' $'zstd\t-19' '%s%n'; do
                expect_fail --message compression berthctl publish off "--compression=$word"
                # A type of stores, and a size, which mkfs is given.
                expect_fail busctl call -- org.berth1 /org/berth1 org.berth1.Manager AddStore 'ssas' evil "$word" 1 Size=1G
                expect_fail busctl call -- org.berth1 /org/berth1 org.berth1.Manager AddStore 'ssas' evil btrfs 1 "Size=$word"
        done
        eventually 20 store_state_is "$before"
        [ ! -e /tmp/evil-canary ] || fail 'it was executed'
}

# payloads: 200 ways to say something to a terminal, one a line
payloads() {
        perl -e '
                my @parts = ("\e[31m", "\e[2J", "\e]0;owned\a", "\e]52;c;ZXZpbA==\a", "\ePq\e\\", "\e[6n", "\e[5i", "\e(0", "\ec", "\e_x\e\\", "\e^x\e\\", "\e[?1049h", "\a", "\b\b\b", "\x7f",
                        "\r", "\x0b", "\x0c", "\x0e", "\x1a", "\xc2\x9b31m", "\xc2\x9d0;x\xc2\x9c", "\xc2\x90x", "\xe2\x80\xae", "\xe2\x80\xad", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8",
                        "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xd8\x9c", "\x9b31m", "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80");
                for my $p (@parts) { print "$p\n", "a${p}b\n", "a" x 30, "$p\n", "$p$p\n", "evil ${p}\e[0m\n" }'
}

# unsafe FILE: bytes in it that a terminal would do something for, or that change the direction of text
unsafe() {
        perl -CO -ne 'utf8::decode($_); while (/([\x00-\x08\x0b-\x1f\x7f-\x9f\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}])/g) { printf "U+%04X ", ord $1 }' "$1"
}

# nothing that a guest, an image or a caller has written gets to the terminal of who looks: 200 payloads in an answer, an error, a list and a log
test_S82_payloads() {
        local payload n=0
        payloads >all
        assert_eq "$(wc -l <all)" 200
        # The control: as they are, they would.
        [ -n "$(unsafe all)" ] || fail 'nothing unsafe is in the payloads'
        while IFS= read -r payload; do
                n=$((n + 1))
                berthctl show "c1$payload" >>out 2>&1 && fail "there is a container 'c1$payload'"
                [ $((n % 5)) = 3 ] || continue
                berthctl set c1 "$payload=x" >>out 2>&1 && fail "there is a setting '$payload'"
                berthctl set c1 "Description=$payload" >>out 2>&1 || true
                berthctl show c1 >>out 2>&1
        done <all
        assert_eq "$(unsafe out)" '' 'what was printed'
        # From inside: the name of the operating system, the first process' output, a program's name.
        berthctl exec c1 -- sh -c 'cat >/root/p; { printf "PRETTY_NAME=\""; tr -d "\n" </root/p; echo "\""; printf "ID=\""; head -c 300 /root/p | tr -d "\n"; echo "\""; } >/etc/os-release; cat /root/p >/dev/console' <all
        script -qefc 'export SYSTEMD_PAGER=; berthctl list; berthctl list --json=pretty; berthctl show c1; berthctl info c1; berthctl info --show-log c1' typescript </dev/null >/dev/null
        # What berthctl itself and journalctl say to a terminal: colours (38:5:245 of what is only for debugging), and the line ends of one. script(1) has written the first and the last line.
        sed -e '1d;$d' -e 's/\x1b\[[0-9;:]*m//g' -e 's/\r$//' typescript >shown
        [ -s shown ] || fail 'nothing was shown'
        [ -z "$(unsafe shown)" ] || fail "shown on a terminal: $(unsafe shown)in $(cat -v shown)"
        inside c1 rm /etc/os-release
}

memory_of() {
        awk '/^Private_Dirty/ { n += $2 } END { print n }' "/proc/$1/smaps_rollup"
}

# output that never ends, to somebody who does not read it, is kept by nobody; others are served meanwhile
test_S84_endless_output() {
        local i
        for i in 1 2 3; do
                # shellcheck disable=SC2216 # it does not read; that is the point
                berthctl exec c1 -- cat /dev/zero 2>/dev/null | sleep 1000 &
                on_exit 'pkill -P $$ -x sleep; true'
        done
        # shellcheck disable=SC2216
        berthctl exec -t c1 -- cat /dev/urandom 2>/dev/null </dev/null | sleep 1000 &
        endless() { [ "$(pgrep -fc '^cat /dev/(zero|urandom)$')" -ge 4 ]; }
        eventually 10 endless
        for i in {1..10}; do
                assert_eq "$(inside c1 echo "$i")" "$i"
        done
        [ "$(memory_of "$(supervisor_of c1)")" -lt 2048 ] || fail "the supervisor has $(memory_of "$(supervisor_of c1)") KiB"
        # 256 MiB to somebody who does read.
        assert_eq "$(inside c1 head -c 268435456 /dev/zero | wc -c)" 268435456
        [ "$(memory_of "$(supervisor_of c1)")" -lt 2048 ] || fail "the supervisor has $(memory_of "$(supervisor_of c1)") KiB"
        inside c1 killall cat
        pkill -P $$ -x sleep || true
        wait || true
}

# polkit is asked about the caller's name on the bus, which is his alone, and never about a process id, which may be somebody else's by then
test_S87_subject_of_polkit() {
        local verb
        rm -f seen
        busctl --json=short monitor org.freedesktop.PolicyKit1 >seen 2>/dev/null &
        on_exit "kill $! 2>/dev/null; true"
        eventually 10 eval 'as alice pkcheck --action-id org.freedesktop.login1.reboot --process $$ >/dev/null 2>&1; grep -q CheckAuthorization seen'
        # The control: it is seen when a process is the subject.
        grep -q '"unix-process"' seen || fail 'the monitor does not show subjects'
        : >seen
        for verb in start stop 'delete --force' restart kill; do
                # shellcheck disable=SC2086 # words
                expect_fail as alice berthctl --no-ask-password $verb c1
        done
        expect_fail as alice berthctl --no-ask-password import /dev/null
        eventually 10 eval '[ "$(grep -c CheckAuthorization seen)" -ge 1 ]'
        assert_eq "$(grep CheckAuthorization seen | grep -cv '"system-bus-name"' || true)" 0 'questions with another subject'
}

# user ids that are negative to who takes them for a signed number get no more than anybody else
test_S90_large_user_ids() {
        local uid pid answer
        pid=$(manager_pid)
        for uid in 2147483648 4000000000 4294967294; do
                # The control: such a process can be made here.
                assert_eq "$(setpriv --reuid="$uid" --regid="$uid" --clear-groups id -u)" "$uid"
                for answer in "stop c1" "delete --force c1" "start c1" "exec c1 -- true" "set c1 Description=evil"; do
                        # shellcheck disable=SC2086 # words
                        expect_fail setpriv --reuid="$uid" --regid="$uid" --clear-groups berthctl --no-ask-password $answer
                done
                assert_no_match "$(setpriv --reuid="$uid" --regid="$uid" --clear-groups berthctl list 2>&1)" 'c1 '
        done
        assert_state c1 running
        assert_no_match "$(berthctl show c1)" evil
        assert_eq "$(manager_pid)" "$pid" 'the manager'
}

# a process inside that calls itself the supervisor of another container is nobody
test_S102_names_of_processes() {
        local leader
        run_container c2 busybox --no-profiles
        leader=$(leader_of c2)
        inside c1 mkdir -p /usr/lib/berth /root/c2/t /root/c2/x
        expect berthctl copy-to c1 "$(program flip)" /usr/lib/berth/berth-launch
        berthctl exec --cwd /root c1 -- /usr/lib/berth/berth-launch c2 t x >/dev/null 2>&1 &
        on_exit "kill $! 2>/dev/null; true"
        # The control: who goes by names takes it for the other one's.
        eventually 10 eval '[ "$(pgrep -fc "^/usr/lib/berth/berth-launch c2")" = 2 ]'
        systemctl kill --signal=KILL berth-containerd
        assert_eq "$(leader_of c2)" "$leader" "leader of c2"
        assert_match "$(cat "/proc/$(supervisor_of c2)/cgroup")" 'berth@c2\.service'
        expect berthctl stop --force c2
        assert_state c2 stopped
        assert_state c1 running
        inside c1 killall berth-launch
        wait || true
        inside c1 rm -r /usr/lib/berth /root/c2
}

# secrets that go through commands, settings and guests are in no log, whatever the level
test_S105_no_secrets_in_logs() {
        local secret=canary-S105-$RANDOM$RANDOM
        mkdir -p /run/systemd/system/berth-containerd.service.d /run/systemd/system/berth@c3.service.d
        on_exit 'rm -rf /run/systemd/system/{berth-containerd,berth@c3}.service.d; systemctl daemon-reload; systemctl stop berth-containerd'
        printf '[Service]\nEnvironment=BERTH_LOG_LEVEL=debug SYSTEMD_LOG_LEVEL=debug\n' |
                tee /run/systemd/system/berth-containerd.service.d/debug.conf >/run/systemd/system/berth@c3.service.d/debug.conf
        systemctl daemon-reload
        systemctl stop berth-containerd
        new_container c3 busybox --no-profiles --set "SetCredential=token:$secret-1"
        expect berthctl set c3 "environment.TOKEN=$secret-2"
        expect berthctl start c3
        assert_eq "$(berthctl exec --setenv "TOKEN=$secret-3" c3 -- sh -c 'echo $TOKEN')" "$secret-3"
        echo "$secret-4" | expect berthctl copy-to c3 - /root/secret
        echo "$secret-5" | expect berthctl exec c3 -- sh -c 'cat >/root/more'
        expect_fail --status 127 berthctl exec --setenv "TOKEN=$secret-6" c3 -- /no/such/program
        expect_fail berthctl set c3 "NoSuch=x" "environment.TOKEN=$secret-7"
        expect berthctl stop --force c3
        journalctl --sync
        # The control: the debug level is on, and what is logged on purpose is found.
        [ "$(journalctl -b -p debug -u berth-containerd -o cat | wc -l)" -gt 0 ] || fail 'there is no log of the manager'
        logger "control $secret-0"
        journalctl --sync
        assert_match "$(journalctl -b -o cat --grep "$secret-0")" control
        assert_eq "$(journalctl -b --all -o export | grep -a "$secret-[1-9]" | head -n 3)" '' 'in the journal'
        assert_eq "$(grep -rl "$secret-[1-9]" /run/berth /var/log --exclude-dir=journal 2>/dev/null | head -n 3)" '' 'in files for all'
        assert_no_match "$(berthctl list-jobs --json=short; berthctl list --json=short)" "$secret"
}
