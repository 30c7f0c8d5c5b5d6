# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers whose files are encrypted on the disk: where the key comes from, that it is gone when the container is, and that nothing but it opens them.
# A key is derived in no time here: an emulated processor takes minutes for what is usual.
# guests: busybox
# limit: 600

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly MARKER=plain-text-of-the-guest

setup_file() {
        mkdir -p /etc/berth/berth.conf.d /etc/berth/stores.d
        # Small enough to be searched from end to end.
        printf '[Store]\nType=luks\nVolumeSize=160M\n' >/etc/berth/stores.d/encrypted.conf
        printf '[Server]\nKeyDerivationSec=0\n' >/etc/berth/berth.conf.d/encrypted.conf
        import_guests busybox
        printf 'right key\n' >/run/right-key
        printf 'wrong key\n' >/run/wrong-key
        chmod 0600 /run/right-key /run/wrong-key
        expect berthctl create busybox c1 --key-file /run/right-key --no-profiles
}

teardown_file() {
        remove_all
        rm -f /etc/berth/berth.conf.d/encrypted.conf /etc/berth/stores.d/encrypted.conf /run/right-key /run/wrong-key
        rmdir --ignore-fail-on-non-empty /etc/berth/berth.conf.d /etc/berth/stores.d
}

# layer NAME: what was written to it.
layer() {
        sed -n 's/^Layers=\([0-9a-f]*\).*/\1/p' "$STORE/containers/$1/container.conf"
}

volume() {
        ls "$STORE/layers/$(layer "$1")/luks"
}

# closed NAME: nothing of the host has it open.
closed() {
        local file
        file=$(volume "$1")
        [ "$(ls /dev/mapper)" = control ] && [[ $(dmsetup table) = "No devices found" ]] && [[ $(losetup --list --noheadings --output BACK-FILE) != *"$file"* ]]
}

# answer NAME KEY [TIMES]: what an administrator at a terminal does; prints how often somebody was asked.
answer() {
        local file asked=0
        while [ "$asked" -lt "${3:-1}" ]; do
                sleep 0.2
                for file in /run/systemd/ask-password/ask.*; do
                        grep -qsx "Id=berth:$1" "$file" || continue
                        printf '%s' "$2" | /usr/lib/systemd/systemd-reply-password 1 "$(sed -n 's/^Socket=//p' "$file")"
                        asked=$((asked + 1))
                        # Until it is gone it is the same question.
                        wait_until 30 not test -e "$file"
                done
        done
        echo "$asked"
}

# start_answered NAME KEY [TIMES]
start_answered() {
        local pid rc=0
        answer "$@" >asked &
        pid=$!
        berthctl start "$1" || rc=$?
        kill "$pid" 2>/dev/null || true
        wait "$pid" || true
        return "$rc"
}

credential() {
        mkdir -p "/run/systemd/system/berth@$1.service.d"
        printf '[Service]\nLoadCredential=berth.key:%s\n' "$2" >"/run/systemd/system/berth@$1.service.d/key.conf"
        on_exit "rm -rf '/run/systemd/system/berth@$1.service.d'; systemctl daemon-reload"
        systemctl daemon-reload
}

# somebody is asked; the disk shows nothing; with the container all goes that could open it
test_R103_prompt() {
        local id
        on_exit 'berthctl stop --force c1 2>/dev/null || true'
        expect start_answered c1 'right key'
        id=$(basename "$(dirname "$(volume c1)")")
        inside c1 sh -c "echo $MARKER >/root/marker; sync"
        # The device is there, goes with its last user, and its table does not show the key.
        assert_match "$(dmsetup info "berth-$id")" 'DEFERRED REMOVE'
        assert_match "$(dmsetup table --showkeys "berth-$id")" ' :64:logon:cryptsetup:'
        # The control: it can be found where it is plain text.
        grep -qa "$MARKER" "/dev/mapper/berth-$id" || fail "the marker is nowhere at all"
        expect berthctl stop --force c1
        eventually 10 closed c1
        not grep -qra "$MARKER" "$STORE" || fail "the marker is on the disk"
        not grep -qra 'right key' "$STORE" /run/berth /etc/berth || fail "the key is on the disk"
        not grep -q -e "$MARKER" -e 'right key' <(journalctl --no-pager --output=cat) || fail "the key or the marker is in the journal"
        expect start_answered c1 'right key'
        assert_eq "$(inside c1 cat /root/marker)" "$MARKER"
        assert_match "$(berthctl status c1)" 'Encrypted: yes'
        expect berthctl stop --force c1
        eventually 10 closed c1
}

# three wrong answers end it, and nothing has changed
test_R103_wrong_answers() {
        local before
        before=$(sha256sum "$(volume c1)")
        expect_fail --message 'The key is wrong' start_answered c1 'wrong key' 3
        assert_eq "$(cat asked)" 3
        assert_match "$(state_of c1)" '^(failed|stopped)$'
        eventually 10 closed c1
        assert_eq "$(sha256sum "$(volume c1)")" "$before" volume
        systemctl reset-failed berth@c1
}

# a stop does not wait for an answer
test_R103_stop_while_asking() {
        local start
        systemctl start --no-block berth@c1
        eventually 20 sh -c 'grep -qsx "Id=berth:c1" /run/systemd/ask-password/ask.*'
        start=$SECONDS
        expect systemctl stop berth@c1
        [ $((SECONDS - start)) -lt 30 ] || fail "it took $((SECONDS - start)) s"
        [ -z "$(ls /run/systemd/ask-password/ask.* 2>/dev/null)" ] || fail "the question is still there"
        eventually 10 closed c1
}

# a credential of its unit; a wrong one is one sentence, and nobody is asked
test_R103_credential() {
        credential c1 /run/wrong-key
        expect_fail --message 'The key is wrong' berthctl start c1
        eventually 10 closed c1
        credential c1 /run/right-key
        expect systemctl start berth@c1
        assert_state c1 running
        # A reboot from inside asks nobody either way; then the supervisor is killed.
        rm "/run/systemd/system/berth@c1.service.d/key.conf"
        systemctl daemon-reload
        local leader
        leader=$(leader_of c1)
        expect berthctl reboot c1
        eventually 30 has_rebooted c1 "$leader"
        kill -KILL "$(supervisor_of c1)"
        eventually 30 closed c1
        systemctl reset-failed berth@c1 berth-c1.scope 2>/dev/null || true
}

# KeyFile= is the administrator's, and root's alone
test_R103_key_file() {
        install -m 0644 /run/right-key /run/open-key
        on_exit 'rm -f /run/open-key; forget k1 k2; [ ! -e /run/encrypted.conf ] || mv /run/encrypted.conf /etc/berth/stores.d/'
        expect berthctl create busybox k1 --key-file /run/right-key --no-profiles --set KeyFile=/run/open-key
        # The store needs no file but for the size; and without any store jobs have fewer capabilities, which are enough.
        mv /etc/berth/stores.d/encrypted.conf /run/encrypted.conf
        expect_fail --message "'/run/open-key', is not one that only root can read" berthctl start k1
        chmod 0600 /run/open-key
        expect berthctl start k1
        # Of one that runs nobody is asked.
        echo hello >file
        expect berthctl copy-to k1 file /root/file
        expect berthctl snapshot k1 s1
        inside k1 sh -c 'echo later >/root/file; sync'
        expect berthctl clone k1/s1 k2
        expect berthctl stop --force k1
        eventually 10 closed k1
        # The file is as good for whoever needs the files of one that does not run.
        assert_eq "$(expect berthctl copy-from k1 /root/file -)" later
        eventually 10 closed k1
        # A copy has the same key and what was there then; one of a stopped container as well.
        expect berthctl start k2
        assert_eq "$(inside k2 cat /root/file)" hello
        expect berthctl stop --force k2
        expect berthctl restore k1 s1
        expect berthctl start k1
        assert_eq "$(inside k1 cat /root/file)" hello
        expect berthctl stop --force k1
        eventually 10 closed k1
        expect berthctl delete k1 k2
}

# the files of one that does not run, and its snapshots: with the key that is told, or none of them; afterwards all is closed
test_R103_stopped() {
        local image before
        on_exit 'forget p1 p2; berthctl remove-image stopped snapped 2>/dev/null || true'
        expect berthctl create busybox p1 --key-file /run/right-key --no-profiles
        before=$(sha256sum "$(volume p1)")
        echo hello >file
        expect_fail --message 'no terminal to ask on' setsid -w berthctl copy-to p1 file /root/file </dev/null
        expect_fail --message 'no terminal to ask on' setsid -w berthctl publish p1 </dev/null
        expect_fail --message 'The key is wrong' berthctl copy-to p1 file /root/file --key-file /run/wrong-key
        expect_fail --message 'The key is wrong' berthctl copy-from p1 /root --key-file /run/wrong-key
        expect_fail --message 'The key is wrong' berthctl publish p1 --key-file /run/wrong-key
        eventually 10 closed p1
        assert_eq "$(sha256sum "$(volume p1)")" "$before" volume
        expect berthctl copy-to p1 file /root/file --key-file - </run/right-key
        mkdir tree
        echo deep >tree/deep
        expect berthctl copy-to p1 tree /root/tree --key-file /run/right-key
        eventually 10 closed p1
        expect berthctl snapshot p1 s1
        echo later >file
        expect berthctl copy-to p1 file /root/file --key-file /run/right-key
        expect berthctl copy-from p1 /root/tree back --key-file - </run/right-key
        assert_eq "$(cat back/deep)" deep
        expect berthctl publish p1 --alias stopped --key-file /run/right-key
        expect_fail --message 'no terminal to ask on' setsid -w berthctl publish p1/s1 </dev/null
        expect berthctl publish p1/s1 --alias snapped --key-file /run/right-key
        eventually 10 closed p1
        for image in stopped:later snapped:hello; do
                expect berthctl create "${image%:*}" p2 --no-profiles
                assert_eq "$(expect berthctl copy-from p2 /root/file -)" "${image#*:}"
                expect berthctl delete p2
        done
        # One that runs has no use for a key.
        expect berthctl start p1 --key-file /run/right-key
        assert_eq "$(expect berthctl copy-from p1 /root/file -)" later
        expect berthctl stop --force p1
        eventually 10 closed p1
        expect_fail --message 'The key is wrong' berthctl start p1 --key-file /run/wrong-key
        not grep -q -e 'right key' <(journalctl --no-pager --output=cat) || fail "the key is in the journal"
        expect berthctl delete p1
        expect berthctl remove-image stopped snapped
}

# a larger limit of the root file system is in force with the next start, a smaller one takes nothing away
test_R103_grows() {
        local small large
        on_exit 'forget g1'
        # Its start gets the key as well.
        expect berthctl launch busybox g1 --key-file /run/right-key --no-profiles
        small=$(inside g1 df -k / | awk 'END { print $2 }')
        inside g1 sh -c 'echo kept >/root/kept'
        not inside g1 sh -c 'dd if=/dev/zero of=/root/big bs=1M count=200 2>/dev/null' || fail "it was not full"
        inside g1 rm /root/big
        expect berthctl device add g1 root disk path=/ size=300M
        expect berthctl restart g1 --force --key-file /run/right-key
        inside g1 sh -c 'dd if=/dev/zero of=/root/big bs=1M count=200 2>/dev/null' || fail "it has not grown"
        assert_eq "$(inside g1 cat /root/kept)" kept
        expect berthctl device remove g1 root
        expect berthctl restart g1 --force --key-file /run/right-key
        large=$(inside g1 df -k / | awk 'END { print $2 }')
        [ "$large" -gt $((small + 100000)) ] || fail "it has $large KiB, and had $small"
        assert_eq "$(inside g1 stat -c %s /root/big)" $((200 * 1024 * 1024))
        expect berthctl delete --force g1
        eventually 10 closed c1
}

# a volume that somebody else still looks at, as udev does: the next who opens it waits for that
test_R103_looked_at() {
        on_exit 'forget c4'
        expect berthctl create busybox c4 --key-file /run/right-key --no-profiles --set KeyFile=/run/right-key
        expect berthctl start c4
        exec 9<"$(losetup --noheadings --output NAME --associated "$(volume c4)")"
        sleep 5 <&9 &
        exec 9<&-
        expect berthctl stop --force c4
        eventually 10 test ! -e "/dev/mapper/berth-$(layer c4)"
        assert_eq "$(losetup --noheadings --associated "$(volume c4)" | wc -l)" 1
        expect berthctl start c4
        wait $!
        expect berthctl delete --force c4
}

# another key: the old one opens it no more
test_R103_change_key() {
        on_exit 'forget c3'
        expect berthctl create busybox c3 --key-file /run/right-key --no-profiles --set KeyFile=/run/wrong-key
        expect_fail --message 'old key of container .c3. is another' berthctl change-key c3 --key-file /run/wrong-key --key-file /run/right-key
        expect_fail --message 'The key is wrong' berthctl start c3
        expect berthctl change-key c3 --key-file /run/right-key --key-file - </run/wrong-key
        expect berthctl start c3
        expect berthctl stop --force c3
        expect berthctl set c3 KeyFile=/run/right-key
        expect_fail --message 'The key is wrong' berthctl start c3
        expect berthctl delete c3
        eventually 10 closed c1
}
