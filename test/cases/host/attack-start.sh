# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that want the privileged part of a start or an exec to use something of theirs: itself as interpreter, nodes that are links, masks.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox c1 --no-profiles
}

teardown_file() {
        remove_all
}

programs_state() {
        sha256sum /usr/lib/berth/berth-* /usr/bin/berthctl
}

# what a guest executes leads back to the program that enters it, while its root writes to every executable of every process it sees: none changes
test_S01_own_programs() {
        local before i stop victim rc
        # The control: who has the host's ids can do it, as soon as nobody executes the file.
        cp /bin/sleep "$TEST_TMP/victim"
        "$TEST_TMP/victim" 1000 &
        victim=$!
        eventually 5 eval '[ "$(readlink /proc/'"$victim"'/exe)" = "$TEST_TMP/victim" ]'
        exec 8<"/proc/$victim/exe"
        kill "$victim"
        wait "$victim" 2>/dev/null || true
        echo overwritten >/proc/self/fd/8
        exec 8<&-
        assert_eq "$(head -c 11 "$TEST_TMP/victim")" overwritten 'the control'

        before=$(programs_state)
        inside c1 sh -c 'printf "#!/proc/self/exe\n" >/bin/evil; chmod 755 /bin/evil; cp /bin/evil /bin/evil-shell
                cat >/bin/overwrite; chmod 755 /bin/overwrite' <<'END_SCRIPT'
#!/bin/sh
# Held open by a descriptor, and written to when it is not executed any more.
while [ ! -e /root/stop ]; do
        for exe in /proc/[0-9]*/exe; do
                { echo evil >>"$exe"; } 2>/dev/null && readlink "$exe" >>/root/written
                { exec 7<"$exe" && echo evil >/proc/self/fd/7; } 2>/dev/null && echo held >>/root/written
        done
done
END_SCRIPT
        berthctl exec c1 -- /bin/overwrite >/dev/null 2>&1 &
        stop=$!
        on_exit "kill $stop 2>/dev/null; true"
        for i in {1..40}; do
                rc=0
                berthctl exec c1 -- /bin/evil x >out 2>&1 || rc=$?
                [ "$rc" != 0 ] || fail "it was executed: $(<out)"
                assert_match "$(<out)" '^berthctl: [^[:cntrl:]]*$' "exec $i"
                expect_fail --status 127 berthctl exec c1 -- /proc/self/exe
        done
        assert_eq "$(programs_state)" "$before" "berth's programs"
        inside c1 touch /root/stop
        wait "$stop" || true
        # What it could write to is its own.
        assert_no_match "$(inside c1 sh -c 'cat /root/written 2>/dev/null')" berth
        assert_eq "$(programs_state)" "$before" "berth's programs"
}

# The masks of a plan, and whether what is there can be read inside
masks_hold() {
        local path masks n=0
        masks=$(/usr/lib/berth/berth-launch --dry-run "$1" | sed -n 's/^mask //p')
        [ "$(wc -l <<<"$masks")" -gt 15 ] || fail "no masks: $masks"
        for path in $masks; do
                # What the kernel does not have needs none.
                [ -e "$path" ] || continue
                n=$((n + 1))
                if [ -d "$path" ]; then
                        assert_eq "$(inside "$1" ls -A "$path" 2>/dev/null | head -n 3)" '' "$path inside"
                else
                        assert_eq "$(inside "$1" timeout 2 head -c 16 "$path" 2>/dev/null | tr -d '\0')" '' "$path inside"
                        assert_eq "$(inside "$1" stat -c %t:%T "$path")" 1:3 "$path inside"
                fi
        done
        [ "$n" -gt 8 ] || fail "of the masked files there are only $n"
}

# masks and nodes of a container are not made of what its image has in /dev
test_S04_nodes_of_the_image() {
        local core kind node
        core=$(cat /proc/sys/kernel/core_pattern)
        # The control: without masks it is there to read.
        [ -n "$(unshare --mount head -c 16 /proc/timer_list)" ] || cannot_run 'there is nothing to be masked'
        mkdir -p root/dev
        tar -C root -xpf "$(guest busybox)"
        for kind in link fifo file; do
                for node in null zero full random urandom tty console ptmx; do
                        rm -rf "root/dev/$node"
                        case $kind in
                        link) ln -s /proc/sys/kernel/core_pattern "root/dev/$node" ;;
                        fifo) mkfifo "root/dev/$node" ;;
                        file) echo "|/bin/evil-canary" >"root/dev/$node" ;;
                        esac
                done
                tar -C root -cf f.tar .
                on_exit 'forget c2; forget_image odd'
                expect berthctl import --quiet f.tar --alias odd
                expect berthctl launch odd c2 --no-profiles
                masks_hold c2
                assert_eq "$(inside c2 stat -c %F:%t:%T /dev/null /dev/zero /dev/tty | tr '\n' ' ')" \
                        'character special file:1:3 character special file:1:5 character special file:5:0 ' "nodes, with each a $kind in the image"
                forget c2
                expect berthctl remove-image odd
                assert_eq "$(cat /proc/sys/kernel/core_pattern)" "$core" 'core_pattern of the host'
        done
}

# masks need nothing of the host's: with systemd's inaccessible nodes gone, they hold as well
test_S05_no_source_of_masks() {
        mv /run/systemd/inaccessible /run/systemd/inaccessible.away
        on_exit "mv /run/systemd/inaccessible.away /run/systemd/inaccessible"
        run_container c2 busybox --no-profiles
        masks_hold c2
}
