# shellcheck shell=bash
# The test hosts that are virtual machines. One test, because they are slow to boot where they are emulated.
# limit: 1500

# a virtual machine boots, runs commands, copies files, reboots, keeps a journal, and leaves nothing behind
test_vm_host() {
        host_up --vm --no-berth
        assert_eq "$(host_run systemctl is-system-running)" running
        assert_eq "$(host_run sh -c '. /etc/os-release; echo $VERSION_CODENAME')" "$SUITE"
        assert_eq "$(host_run hostname)" "$TEST_HOST"
        assert_eq "$(host_run cat /sys/module/apparmor/parameters/enabled)" Y
        assert_match " $(host_run cat /sys/fs/cgroup/cgroup.controllers) " ' memory '

        assert_eq "$(echo in | "$TOP/test/host" run "$TEST_HOST" cat)" in
        expect_fail --status 7 host_run sh -c 'exit 7'
        assert_eq "$(host_run printf '<%s>' 'a  b' '' '$HOME' "it's")" "<a  b><><\$HOME><it's>"
        assert_eq "$(host_run --user alice sh -c 'id -un; pwd')" $'alice\n/home/alice'

        mkdir folder
        echo text >'folder/a b'
        host_push folder /root/there
        "$TOP/test/host" pull "$TEST_HOST" /root/there back
        diff -r folder back

        local before
        before=$(host_run cat /proc/sys/kernel/random/boot_id)
        host_reboot
        [ "$(host_run cat /proc/sys/kernel/random/boot_id)" != "$before" ] || fail "it did not reboot"
        host_run ls '/root/there/a b'

        host_run sh -c 'logger a-word-in-the-journal; journalctl --sync; systemctl poweroff' || true
        wait_until 300 vm_is_stopped
        "$TOP/test/host" journal "$TEST_HOST" | grep a-word-in-the-journal

        "$TOP/test/host" down "$TEST_HOST"
        ! pgrep -af -- "$TEST_HOST" | grep -v 'pgrep\|harness' || fail "a process is left"
        [ ! -e "/run/berth-test/$TEST_HOST.ssh" ]
}

vm_is_stopped() {
        [[ $("$TOP/test/host" list) =~ "$TEST_HOST "[^$'\n']*stopped ]]
}
