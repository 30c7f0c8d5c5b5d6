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
        # Into a folder.
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

# to a path, to a folder, with the mode
test_R130_copy_from() {
        inside c1 sh -c 'head -c 5000000 /dev/urandom >/root/data; chmod 640 /root/data'
        expect berthctl copy-from c1 /root/data data
        assert_eq "$(fingerprint_of data)" "$(inside c1 sha256sum /root/data | cut -d' ' -f1)"
        # The caller's: who asked for it has it.
        assert_eq "$(stat -c %u data)" 0
        mkdir folder
        expect berthctl copy-from c1 /root/data folder
        expect cmp data folder/data
        # Without a target it is the same name here, as with machinectl.
        on_exit 'rm -f /root/data'
        [ ! -e /root/data ]
        expect berthctl copy-from c1 /root/data
        expect cmp data /root/data
        inside c1 rm /root/data
}

# from standard input and to standard output
test_R130_standard_input_and_output() {
        echo 'from standard input' | berthctl copy-to c1 - /root/x
        assert_eq "$(inside c1 cat /root/x)" 'from standard input'
        assert_eq "$(berthctl copy-from c1 /root/x -)" 'from standard input'
        head -c 20000000 /dev/urandom >data
        berthctl copy-to c1 - /root/x <data
        berthctl copy-from c1 /root/x - | cmp - data
        printf "" | berthctl copy-to c1 - /root/x
        assert_eq "$(inside c1 stat -c %s /root/x)" 0
        # What is neither a file nor a pipe: a device; a socket, as a command over the network may have.
        echo x | berthctl copy-to c1 - /root/x
        berthctl copy-to c1 - /root/x </dev/null
        assert_eq "$(inside c1 stat -c %s /root/x)" 0
        perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die; syswrite(A, "by a socket\n"); close(A);
                open(STDIN, "<&B") or die; exec(qw(berthctl copy-to c1 - /root/x));'
        assert_eq "$(inside c1 cat /root/x)" 'by a socket'
        inside c1 rm /root/x
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

# what is not there, or is something else
test_R130_copy_errors() {
        echo x >data
        refused "no-such-file" berthctl copy-to c1 no-such-file /root/x
        refused "/no/such/folder" berthctl copy-to c1 data /no/such/folder/x
        refused "/no/such/file" berthctl copy-from c1 /no/such/file x
        [ ! -e x ] || fail "an empty file was left"
        refused "no/such/folder" berthctl copy-from c1 /etc/passwd no/such/folder/x
        refused '.' berthctl copy-to c1 data /etc/passwd/x
        refused '.' berthctl copy-from c1 /etc/passwd/x x
        # Upwards from the root is the root.
        expect berthctl copy-to c1 data '../../x'
        assert_eq "$(inside c1 cat /x)" x
        inside c1 rm /x
}

# of symlinks in the way, only what is inside the container is followed
test_R131_copy_through_symlinks() {
        echo canary >data
        mkdir -p /tmp/host-folder
        on_exit 'rm -rf /tmp/host-folder'
        inside c1 ln -s /tmp/host-folder /root/abs
        inside c1 ln -s ../../../../../../tmp/host-folder /root/up
        inside c1 ln -s /etc/shadow /root/shadow
        host_stamp
        expect_fail --message . berthctl copy-to c1 data /root/abs/canary
        expect_fail --message . berthctl copy-to c1 data /root/up/canary
        expect_fail --message . berthctl copy-from c1 /root/shadow x
        inside c1 mkdir /tmp/host-folder
        expect berthctl copy-to c1 data /root/abs/canary
        assert_eq "$(inside c1 cat /tmp/host-folder/canary)" canary
        [ -z "$(ls -A /tmp/host-folder)" ] || fail "the host was written to"
        host_untouched
        inside c1 rm -r /root/abs /root/up /root/shadow /tmp/host-folder
}

# a folder that is swapped with a symlink while files are copied: nothing of the host's is read or written
test_S78_copy_race() {
        local i
        mkdir -p /tmp/host-folder && echo host >/tmp/host-folder/f
        on_exit 'rm -rf /tmp/host-folder'
        inside c1 sh -c 'mkdir -p /root/race/a; echo guest >/root/race/a/f; ln -s /tmp/host-folder /root/race/b; ln -s ../../../tmp/host-folder /root/race/c'
        berthctl exec c1 -- sh -c 'cd /root/race; while [ ! -e /root/stop ]; do mv a x; mv b a; mv a b; mv x a; mv a x; mv c a; mv a c; mv x a; done' &
        echo canary >data
        for ((i = 0; i < 60; i++)); do
                berthctl copy-to c1 data /root/race/a/canary >/dev/null 2>&1 || true
                if berthctl copy-from c1 /root/race/a/f - >out 2>/dev/null; then
                        assert_eq "$(<out)" guest 'what was read'
                fi
        done
        assert_eq "$(ls /tmp/host-folder)" f "the host's folder"
        inside c1 touch /root/stop
        wait
        inside c1 rm -rf /root/race /root/stop
}

# fifos, devices and files of /proc do not hang anybody
test_S79_copy_strange_files() {
        inside c1 mkfifo /root/fifo
        expect_fail --message fifo timeout 20 berthctl copy-from c1 /root/fifo x
        expect_fail --message . timeout 20 berthctl copy-to c1 /etc/hostname /root/fifo/x
        expect_fail --message zero timeout 20 berthctl copy-from c1 /dev/zero x
        # It is another name space's, seen from the job, or nothing.
        timeout 20 berthctl copy-from c1 /proc/1/cmdline x 2>/dev/null || true
        inside c1 truncate -s 100G /root/hole
        { timeout 60 berthctl copy-from c1 /root/hole - 2>/dev/null || true; } | head -c 1000000 | cmp -n 1000000 - /dev/zero
        eventually 20 no_debris
        inside c1 rm /root/fifo /root/hole
        expect inside c1 true
}

# a full disk of the target, an unreadable source: nothing half is left
test_R131_copy_interrupted() {
        local pid before
        before=$(inside c1 find /root)
        mkfifo pipe
        env --default-signal=INT berthctl copy-to c1 - /root/half <pipe >log 2>&1 &
        pid=$!
        exec 7>pipe
        head -c 1000000 /dev/zero >&7
        sleep 0.7
        kill -INT "$pid"
        wait "$pid" && fail "it ended with success"
        exec 7>&-
        eventually 60 no_debris
        expect_fail inside c1 test -e /root/half
        assert_eq "$(inside c1 find /root)" "$before" 'files in /root'
}

# a file is edited, in a container that runs and in one that does not: owner, mode, access list and attributes stay, symlinks are followed
test_R132_edit_file() {
        local running file
        cat >editor <<'END'
#!/bin/sh
echo "$1" >"$0.name"
sed 's/old/new/' "$1" >"$1.new" && mv "$1.new" "$1"
END
        chmod 0755 editor
        new_container e1 busybox
        file=$STORE/containers/e1/layer/upper/etc/it
        for running in no yes; do
                [ "$running" = no ] || expect berthctl start e1
                printf 'an old line\n' | berthctl copy-to e1 - /etc/it --mode 0640 --uid 1000 --gid 1001
                setfattr -n user.note -v text "$file"
                setfacl -m u:$((FOREIGN_BASE + 5)):rw "$file"
                EDITOR=$PWD/editor expect berthctl edit-file e1 etc/it </dev/null
                assert_match "$(<editor.name)" '-it$'
                [ ! -e "$(<editor.name)" ] || fail "the temporary file is left"
                assert_eq "$(berthctl copy-from e1 /etc/it -)" 'an new line'
                assert_eq "$(stat -c '%u %g' "$file")" "$((FOREIGN_BASE + 1000)) $((FOREIGN_BASE + 1001))"
                assert_eq "$(getfattr --only-values -n user.note "$file")" text
                assert_match "$(getfacl -np "$file")" "user:$((FOREIGN_BASE + 5)):rw"
                # Through symlinks, of which one leads up out of the root if that were possible.
                ln -sfn ../../../etc/link "$(dirname "$file")/chain"
                ln -sfn it "$(dirname "$file")/link"
                echo second | expect berthctl file edit e1 /etc/chain
                assert_eq "$(<"$file")" second
                assert_eq "$(readlink "$(dirname "$file")/link")" it
                [ ! -e /etc/it ] || fail "it was written on the host"
        done
        EDITOR=true expect berthctl edit-file e1 /etc/it </dev/null
        EDITOR=false expect_fail berthctl edit-file e1 /etc/it </dev/null
        EDITOR=true expect_fail --message "no '/nothing'" berthctl edit-file e1 /nothing </dev/null
        echo x | expect_fail --message "no '/nothing'" berthctl edit-file e1 /nothing
        echo x | expect_fail --message 'directory' berthctl edit-file e1 /etc
        ln -sfn loop "$(dirname "$file")/loop"
        echo x | expect_fail --message 'symlinks|symbolic' berthctl edit-file e1 /etc/loop
}

# what somebody else has written meanwhile stays, and what was edited is not lost
test_R132_edit_file_meanwhile() {
        local kept
        new_container e2 busybox
        echo one | expect berthctl copy-to e2 - /etc/it
        cat >editor <<'END'
#!/bin/sh
echo two | berthctl copy-to e2 - /etc/it
echo mine >"$1"
END
        chmod 0755 editor
        EDITOR=$PWD/editor berthctl edit-file e2 /etc/it </dev/null 2>log && fail "it was overwritten"
        assert_match "$(<log)" 'meanwhile'
        kept=$(grep -o "'/tmp/berth-[^']*'" log | tr -d "'")
        assert_eq "$(<"$kept")" mine
        rm "$kept"
        assert_eq "$(berthctl copy-from e2 /etc/it -)" two
}
