# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Files to and from containers, running or stopped.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox c1
        expect berthctl create busybox off
}

teardown_file() {
        remove_all
}

# a file, with its mode, as root's
test_R131_copy_to() {
        head -c 5000000 /dev/urandom >data
        chmod 0751 data
        expect berthctl copy-to c1 data /root/data
        assert_eq "$(inside c1 sha256sum /root/data | cut -d' ' -f1)" "$(fingerprint_of data)"
        assert_eq "$(inside c1 stat -c %a:%u:%g /root/data)" 751:0:0
        expect berthctl copy-to --mode 0604 --uid 1000 --gid 2000 c1 data /root/data2
        assert_eq "$(inside c1 stat -c %a:%u:%g /root/data2)" 604:1000:2000
        # Into a folder, and without a target: the same name.
        expect berthctl copy-to c1 data /tmp
        assert_eq "$(inside c1 stat -c %s /tmp/data)" 5000000
        inside c1 rm -f /root/data /root/data2 /tmp/data
}

# into one that is stopped
test_R131_copy_to_stopped() {
        echo hello >data
        expect berthctl copy-to off data /root/data
        assert_state off stopped
        expect berthctl start off
        assert_eq "$(inside off cat /root/data)" hello
        assert_eq "$(inside off stat -c %u:%g /root/data)" 0:0
        expect berthctl stop --force off
        expect berthctl copy-from off /root/data back
        assert_eq "$(<back)" hello
}

# what is there is not lost by accident
test_R131_copy_to_existing() {
        echo new >data
        inside c1 sh -c 'echo old >/root/there'
        if ! berthctl copy-to c1 data /root/there 2>error; then
                assert_match "$(<error)" '/root/there'
                assert_eq "$(inside c1 cat /root/there)" old
                expect berthctl copy-to --force c1 data /root/there
        fi
        assert_eq "$(inside c1 cat /root/there)" new
        inside c1 rm /root/there
}

# a folder with all that is in it
test_R131_copy_directory() {
        mkdir -p d/sub/deep d/empty
        echo one >d/one && chmod 0600 d/one
        echo two >d/sub/two
        ln -s one d/link
        ln d/one d/sub/hard
        printf x >d/$'odd\nname'
        expect berthctl copy-to -r c1 d /root/d
        assert_eq "$(inside c1 cat /root/d/sub/two)" two
        assert_eq "$(inside c1 readlink /root/d/link)" one
        assert_eq "$(inside c1 stat -c %a /root/d/one)" 600
        assert_eq "$(inside c1 stat -c %u:%g /root/d/sub/two)" 0:0
        expect inside c1 test -d /root/d/empty
        expect berthctl copy-from -r c1 /root/d back
        expect diff -r d back
        assert_eq "$(readlink back/link)" one
        inside c1 rm -r /root/d
}

