# shellcheck shell=bash
# What the harness must tell apart. These tests are run by test/cases/harness only.
# limit: 5

# passes
test_S01_passes() {
        expect true
        expect_fail --status 7 --message 'of course' sh -c 'echo of course; exit 7'
        assert_eq "$(id -u)" 0
        assert_eq "$(as alice id -un)" alice
}

# a command in the middle fails
test_S02_fails_in_the_middle() {
        false
        true
}

# what should fail does not
test_S03_unexpected_success() {
        expect_fail true
}

# fails by a crash, which is no proper failure
test_S04_crash_is_no_error_message() {
        expect_fail sh -c 'kill -SEGV $$'
}

# leaves a mount behind
test_S05_leaves_a_mount() {
        mkdir -p /run/left
        mount -t tmpfs tmpfs /run/left
}

# leaves a unit of berth's behind
test_S06_leaves_a_unit() {
        systemd-run --quiet --unit=berth-left.service sleep 1000
}

# is on a clean host again, and takes too long
test_S07_takes_too_long() {
        [ ! -e /run/left ] || cannot_run "the host is the old one"
        sleep 1000
}

# asks for a guest that the file does not name
test_S08_could_not_run() {
        tar -tf "$(guest busybox)" >/dev/null
}

# ends the host
test_S09_host_dies() {
        systemctl poweroff --force --force
        sleep 100
}

# passes on the next host
test_S10_passes_afterwards() {
        mkdir /run/mounted
        mount -t tmpfs tmpfs /run/mounted
        on_exit 'umount /run/mounted'
}
