# shellcheck shell=bash
# The test hosts themselves, as containers.

# a fresh host comes up whole, as the release that was asked for
test_host_boots() {
        host_up --no-berth
        assert_eq "$(host_run systemctl is-system-running)" running
        assert_eq "$(host_run sh -c '. /etc/os-release; echo $VERSION_CODENAME')" "$SUITE"
        assert_eq "$(host_run id -un)" root
        assert_eq "$(host_run hostname)" "$TEST_HOST"
}

# input, output, errors and the exit status of a command pass through; words stay as they are
test_host_run_passes_through() {
        host_up --no-berth
        assert_eq "$(echo in | "$TOP/test/host" run "$TEST_HOST" cat)" in
        assert_eq "$(host_run sh -c 'echo err >&2' 2>&1 >/dev/null)" err
        expect_fail --status 7 host_run sh -c 'exit 7'
        assert_eq "$(host_run printf '<%s>' 'a  b' '' '$HOME' "it's")" "<a  b><><\$HOME><it's>"
        head -c 3000000 /dev/urandom >bytes
        "$TOP/test/host" run "$TEST_HOST" -- cat <bytes >copy
        cmp bytes copy
}

# a command of an unprivileged user runs as that user
test_host_run_as_user() {
        host_up --no-berth
        assert_eq "$(host_run --user alice sh -c 'id -un; echo $HOME; pwd')" $'alice\n/home/alice\n/home/alice'
        expect_fail --message 'authentication required' host_run --user alice systemctl restart dbus
}

# files and folders go in and come out as they were
test_host_push_pull() {
        host_up --no-berth
        mkdir -p folder/sub
        echo text >'folder/sub/a b'
        chmod 0751 folder/sub
        truncate -s 50M folder/hole
        host_push folder /root/there/
        host_push folder /root/other
        "$TOP/test/host" pull "$TEST_HOST" /root/there/folder back
        diff -r folder back
        assert_eq "$(stat -c %a back/sub)" 751
        [ "$(du -k back/hole | cut -f1)" -lt 1000 ] || fail "the hole was filled"
        assert_eq "$(host_run stat -c %U /root/other/sub)" root
        expect_fail --message 'no file' host_push nowhere /root/x
        expect_fail "$TOP/test/host" pull "$TEST_HOST" /nowhere here
}

# a host reboots and keeps what is on its disk
test_host_reboots() {
        host_up --no-berth
        local before
        before=$(host_run cat /proc/sys/kernel/random/boot_id)
        host_run touch /root/stays /var/lib/stays /run/goes
        host_reboot
        [ "$(host_run cat /proc/sys/kernel/random/boot_id)" != "$before" ] || fail "it did not reboot"
        host_run ls /root/stays /var/lib/stays
        expect_fail host_run ls /run/goes
}

# machine_state: what this host might leave on the machine, where others may run.
machine_state() {
        local short=${TEST_HOST//[^0-9]/}
        grep -F "$TEST_HOST" /proc/self/mountinfo
        losetup --list --noheadings --output BACK-FILE | grep -F "$TEST_HOST"
        ip -o link | grep -F "v$short"
        find /run/systemd/nspawn /sys/fs/cgroup -name "*$TEST_HOST*" 2>/dev/null
        pgrep -af -- "$TEST_HOST" | grep -v 'pgrep\|harness'
        ls -d "${BERTH_TEST_CACHE:-/var/cache/berth-test}/hosts/$TEST_HOST" 2>/dev/null
        true
}

# down takes all away: mounts, loop devices, interfaces, cgroups, processes, files
test_host_leaves_nothing() {
        local init
        assert_eq "$(machine_state)" "" "before"
        host_up --no-berth
        init=$(<"${BERTH_TEST_CACHE:-/var/cache/berth-test}/hosts/$TEST_HOST/init")
        host_sh '
                truncate -s 20M /var/disk-$1 /root/disk-$1
                mkfs.ext4 -q /var/disk-$1
                mount -o loop /var/disk-$1 /mnt
                losetup --find /root/disk-$1
                ip link add "br${1//[^0-9]/}" type bridge
                ip link add "v${1//[^0-9]/}a" type veth peer name "v${1//[^0-9]/}b"
                ip netns add inner
                systemd-run --unit=sleeper sleep 10000' "$TEST_HOST"
        [ -n "$(machine_state)" ] || cannot_run "the state of the machine is not seen"
        process_lives "$init"
        "$TOP/test/host" down "$TEST_HOST"
        ! process_lives "$init" || fail "its systemd still runs"
        assert_eq "$(machine_state)" "" "afterwards"
}

host_is_stopped() {
        [[ $("$TOP/test/host" list) =~ "$TEST_HOST "[^$'\n']*stopped ]]
}

# its journal can be read when it is dead
test_host_journal_of_a_dead_host() {
        host_up --no-berth
        host_run logger a-word-in-the-journal
        host_run journalctl --sync
        host_run systemctl poweroff --force --force || true
        wait_until 10 host_is_stopped
        "$TOP/test/host" journal "$TEST_HOST" | grep a-word-in-the-journal
        expect_fail --message 'not running' host_run true
}

# wrong names and doubles are refused
test_host_names() {
        host_up --no-berth
        expect_fail --message 'already' "$TOP/test/host" up "$TEST_HOST" --no-berth
        expect_fail --message 'no name' "$TOP/test/host" up ../x --no-berth
        expect_fail --message 'no host' "$TOP/test/host" run no-such-host true
        expect_fail --message 'unknown suite' "$TOP/test/host" up y --suite sarge
}

# what was not used for long goes from the cache, and nothing else
test_host_cache_clean() {
        export BERTH_TEST_CACHE=$PWD/cache
        mkdir -p cache/base/{old,used,new} cache/hosts/one
        touch -d '20 days ago' cache/base/{old,used}.lock
        touch cache/base/new.lock
        echo container >cache/hosts/one/kind
        echo "$PWD/cache/base/used" >cache/hosts/one/tree
        "$TOP/test/host" clean 30
        [ -e cache/base/old ] || fail "removed too early"
        "$TOP/test/host" clean
        assert_eq "$(ls cache/base)" $'new\nnew.lock\nused\nused.lock'
}
