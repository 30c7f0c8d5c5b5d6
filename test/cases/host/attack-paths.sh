# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Paths that somebody else has prepared: links where berth will write, names that lead a client out of where it copies to, errors that tell
# whether a file of the host's is there.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# trace FILE COMMAND...: what processes of this host create or rename meanwhile, with the programs' names and the files behind descriptors
trace() {
        local file=$1 strace
        shift
        strace -f -Y -y -o "$file" -p 1 -e trace=open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat,link,linkat,rename,renameat,renameat2 2>strace.log &
        strace=$!
        on_exit "kill $strace 2>/dev/null; true"
        eventually 20 grep -q attached strace.log
        "$@"
        kill "$strace"
        wait "$strace" || true
}

# through_links <TRACE: what berth's programs created by a path that somebody could have put a link into: not by openat2() with a border, nor by one
# name below a directory that is held and without following that name. Of the host, /run and /var are root's.
through_links() {
        awk '$1 !~ /<\(?berth/ || / = -1 / || / resumed>/ { next }
                / openat2\(/ { if (/O_CREAT/ && !/RESOLVE_(IN_ROOT|BENEATH|NO_SYMLINKS)/) print; next }
                / (open|creat|mkdir|mknod|symlink|link|rename)\(/ && !/\((AT_FDCWD[^,]*, )?"\/(run|var\/lib\/berth)\// { if (!/ open\(/ || /O_CREAT/) print; next }
                / openat\(/ { if (/O_CREAT/ && (!/O_EXCL|O_NOFOLLOW/ || !/ openat\(([0-9]+<[^>]*>, "[^\/"]+"|AT_FDCWD[^,]*, "\/(run|var\/lib\/berth)\/)/)) print; next }
                / (mkdirat|mknodat)\(/ { if (!/\([0-9]+<[^>]*>, "[^\/"]+"/) print; next }
                / symlinkat\(/ { if (!/, [0-9]+<[^>]*>, "[^\/"]+"/) print; next }
                / (renameat2?|linkat)\(/ { if (!/\([0-9]+<[^>]*>, "[^\/"]*", [0-9]+<[^>]*>, "[^\/"]+"/) print }'
}

life() {
        expect berthctl launch busybox p1 --no-profiles
        expect berthctl exec p1 -- true
        expect berthctl copy-to p1 /etc/hostname /root/copied
        expect berthctl copy-from p1 /root/copied "$TEST_TMP/copied"
        expect berthctl snapshot p1 s1
        expect berthctl clone p1 p2
        expect berthctl start p2
        expect berthctl set p2 Description=x
        expect berthctl restore p1 s1
        expect berthctl stop --force p1
        expect berthctl publish p1 --alias published
        expect berthctl rename p1 p3
        expect berthctl delete --force p2 p3
        expect berthctl remove-image published
}

# nothing is created through a link that was there before: every path of a whole life, by strace; and where berth writes below a root, links of the
# image lead nowhere
test_S14_links_where_berth_writes() {
        local names name i=0
        on_exit 'forget p1 p2 p3 planted; forget_image published; forget_image planted; rm -rf /var/tmp/victims'
        trace log life
        [ "$(grep -c '<berth-launch>.*O_CREAT' log)" -ge 10 ] && [ "$(grep -c '<berth-worker.*O_CREAT' log)" -ge 5 ] || cannot_run "the trace does not show berth's programs: $(head -n 3 log)"
        # The controls: ways that would be seen.
        assert_eq "$(through_links <<'END_TRACE' | wc -l
7<berth-launch> openat(AT_FDCWD</>, "/tmp/x", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</tmp/x>
7<berth-launch> openat(4</run/berth>, "etc/hostname", O_WRONLY|O_CREAT|O_NOFOLLOW, 0666) = 3</x>
7<berth-launch> openat2(4</run/berth>, "/etc/x", {flags=O_WRONLY|O_CREAT, mode=0644, resolve=0}, 24) = 3</x>
7<berth-worker> mkdirat(AT_FDCWD</>, "/tmp/x", 0700) = 0
7<berth-worker> renameat(AT_FDCWD</>, "a", AT_FDCWD</>, "/var/tmp/b" <unfinished ...>
END_TRACE
)" 5 'controls'
        assert_eq "$(through_links <log)" '' 'created through paths'

        # The names that were created below the root of a container, each a link to a file of the host's.
        names=$(sed -n 's/^[^ ]*<berth-[^ ]* *openat2(.*, "\([^"]*\)", {flags=[^}]*O_CREAT.*RESOLVE_IN_ROOT.*/\1/p' log | sed 's/^\/*//' | sort -u)
        assert_match "$names" 'etc/hostname' 'names that are written below the root'
        mkdir -p tree /var/tmp/victims
        tar -xf "$(guest busybox)" -C tree
        for name in $names etc/machine-id etc/resolv.conf etc/hosts etc/localtime; do
                i=$((i + 1))
                mkdir -p "tree/$(dirname "$name")"
                rm -rf "tree/$name"
                ln -s "/var/tmp/victims/$i" "tree/$name"
                echo victim >"/var/tmp/victims/$i"
        done
        # The control: by its path, the host's file is what is written.
        echo written >tree/etc/hostname
        grep -q written /var/tmp/victims/* || fail 'the control: the link was not followed'
        for name in /var/tmp/victims/*; do
                echo victim >"$name"
        done
        tar -C tree --owner=0 --group=0 --numeric-owner -cf planted.tar .
        expect berthctl import planted.tar --alias planted
        # It may start, or say what is wrong.
        berthctl launch planted planted --no-profiles || true
        berthctl exec planted -- true || true
        berthctl restart --force planted || true
        for name in /var/tmp/victims/*; do
                assert_eq "$(<"$name")" victim "$name"
        done
        assert_eq "$(find /var/tmp/victims -type f | wc -l)" "$i" 'files of the host'
}

# whoever may change his own containers learns nothing of the host's files, interfaces and namespaces by what he names: errors are the same for what
# is there and what is not
test_S41_what_is_there_is_not_told() {
        local there missing verb one other key
        mkdir -p /root/closed
        chmod 0700 /root /root/closed
        echo secret >/root/closed/there
        ip link add nic-there type bridge
        on_exit 'ip link delete nic-there; rm -rf /root/closed; forget a1'
        polkit_rule s41 'if (/^org\.berth1\.own\./.test(action.id) && subject.user == "alice") return polkit.Result.YES;'
        own_works() { as alice berthctl --no-ask-password create busybox a1 >/dev/null 2>&1; }
        eventually 20 own_works
        # The control: to root they differ.
        one=$(berthctl copy-to a1 /root/closed/there /etc/x 2>&1 || true)
        other=$(berthctl copy-to a1 /root/closed/missing /etc/x 2>&1 || true)
        [ "$one" != "$other" ] || fail "the control: the same for root: $one"
        # WHAT IS THERE TAB WHAT IS NOT TAB VERB, with @ for the name
        while IFS=$'\t' read -r there missing verb; do
                # shellcheck disable=SC2086 # words
                one=$(as alice berthctl --no-ask-password ${verb//@/$there} 2>&1) && fail "allowed: berthctl ${verb//@/$there}"
                # shellcheck disable=SC2086
                other=$(as alice berthctl --no-ask-password ${verb//@/$missing} 2>&1) && fail "allowed: berthctl ${verb//@/$missing}"
                say "  $verb: $one"
                [ -n "$one" ] || fail "nothing is said: $verb"
                assert_eq "${one//$there/@}" "${other//$missing/@}" "the answer to '$verb'"
        done <<'END_TABLE'
/root/closed/there	/root/closed/missing	copy-to a1 @ /etc/x
/root/closed/there	/root/closed/missing	import @
/root/closed/there	/root/closed/missing	import-fs @
/root/closed/there	/root/closed/missing	set a1 LoadCredential=x:@
/root/closed/there	/root/closed/missing	set a1 HookPreStart=@
/root/closed/there	/root/closed/missing	device add a1 d1 disk source=@ path=/mnt
/root/closed/there	/root/closed/missing	device add a1 d1 unix-char source=@
nic-there	nic-missing	device add a1 n1 nic nictype=physical parent=@
nic-there	nic-missing	device add a1 n1 nic nictype=macvlan parent=@
berth-c1	berth-c9	set a1 Slice=@
END_TABLE
        # And whatever else takes a path.
        for key in $(berthctl help settings | sed -n 's/^ *\([A-Z][A-Za-z]*\)=.*path.*/\1/p' | sort -u); do
                one=$(as alice berthctl --no-ask-password set a1 "$key=/root/closed/there" 2>&1) || true
                other=$(as alice berthctl --no-ask-password set a1 "$key=/root/closed/missing" 2>&1) || true
                assert_eq "${one//there/@}" "${other//missing/@}" "what is said of $key="
        done
}

# what a guest calls its files never leads out of where they are copied to: not by a link that an earlier copy has made, nor by one that stands where a
# file comes, nor by characters
test_S80_names_lead_nowhere() {
        mkdir victims out
        echo victim >victims/file
        run_container c1 busybox --no-profiles
        inside c1 sh -c "mkdir -p /t; ln -s $TEST_TMP/victims /t/dir; ln -s $TEST_TMP/victims/file /t/file; ln -s ../../../../../..$TEST_TMP/victims/file /t/up; touch -- /t/-rf '/t/a
b' /t/..x"
        expect berthctl copy-from c1 /t out
        # The control: what an earlier copy has made are links to what they say.
        assert_eq "$(readlink out/t/dir) $(<out/t/file)" "$TEST_TMP/victims victim"
        assert_eq "$(find out/t -mindepth 1 -printf . | wc -c)" 6 'names of the copy'
        inside c1 sh -c 'rm -r /t/*; mkdir /t/dir; for f in /t/dir/file /t/dir/more /t/file /t/up; do echo evil >$f; done'
        expect berthctl copy-from --force c1 /t out
        assert_eq "$(cat out/t/dir/file out/t/dir/more out/t/file out/t/up | xargs)" 'evil evil evil evil' 'what stands where links were'
        expect berthctl copy-from --force c1 /t/file out/t
        # One that leads to a device of the host's.
        mknod victims/device c 1 3
        ln -s "$TEST_TMP/victims/device" out/t/device
        inside c1 sh -c 'echo evil >/t/device'
        expect_fail --message 'there already' berthctl copy-from c1 /t/device out/t
        expect berthctl copy-from --force c1 /t/device out/t
        assert_eq "$(<out/t/device)" evil 'what stands where the link was'
        assert_eq "$(berthctl copy-from c1 /t/device /dev/stdout)" evil 'a link of the system'
        ln -s "$TEST_TMP/victims/device" /dev/shm/berth-link
        on_exit 'rm -f /dev/shm/berth-link'
        expect berthctl copy-from --force c1 /t/device /dev/shm/../shm/berth-link
        assert_eq "$(</dev/shm/berth-link)" evil 'a link in /dev that anybody may make'
        rm victims/device
        assert_eq "$(ls victims) $(<victims/file)" 'file victim' "what is outside of the destination"
        # The other way round: links of the guest's where files are copied to stay inside.
        inside c1 sh -c "rm -r /t; mkdir /t; ln -s $TEST_TMP/victims /t/dir; ln -s $TEST_TMP/victims/file /t/file"
        mkdir -p in/t/dir
        echo ours >in/t/dir/file
        echo ours >in/t/file
        berthctl copy-to c1 in/t / || true
        berthctl copy-to c1 in/t/file /t/file || true
        berthctl copy-to c1 in/t/file /t/dir/more || true
        assert_eq "$(ls victims) $(<victims/file)" 'file victim' "what is outside of the container"
}
